//! What a store has to write, and what it must find.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::RolledBack;
use crate::record::Stop;

/// What to write, and what must still hold for it to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Unique; stands in the history, so that a commit whose answer was lost is recognised.
    pub id: String,
    /// The lineage that the plan read; where the store had none, `new_lineage` becomes it.
    pub lineage: Option<String>,
    pub new_lineage: String,
    /// The generation that the plan read. The commit makes it one more.
    pub generation: u64,
    pub writes: Vec<Write>,
    pub about: About,
}

/// Who commits what, for the bookkeeping and the history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Digest of the flag set in force.
    pub digest: String,
    /// Git commit of the flag set in force.
    pub commit: Option<String>,
    /// Says that the specs are earlier ones, put back on purpose.
    pub rolled_back: Option<RolledBack>,
    pub actor: Option<String>,
    /// Version of hoist.
    pub version: String,
    /// Name of the bucket formula.
    pub buckets: String,
    /// What made the commit: `apply`, `kill` …
    pub source: String,
    pub reason: Option<String>,
    /// Flag to what is to be said about it in the history: what a gate printed.
    pub notes: BTreeMap<String, String>,
    /// Seconds since the epoch, by the store's clock.
    pub at: f64,
}

/// What one commit does to one flag; by default nothing, to none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    pub flag: String,
    pub expect: Expect,
    pub record: RecordWrite,
    pub spec: SpecWrite,
    pub stop: StopWrite,
}

/// What must still stand at a key for a commit to go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    Absent,
    /// These exact bytes.
    Value(Bytes),
    /// Whatever it is: the key is neither read nor written.
    #[default]
    Any,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum RecordWrite {
    /// Only the bookkeeping changes (adopt, forget); `expect` is checked all the same.
    #[default]
    Keep,
    Set(Bytes),
    Delete,
}

/// The flag's entry among the managed specs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SpecWrite {
    #[default]
    Keep,
    /// Managed from now on, with this digest. Also takes the flag off the list of removed ones.
    Set(String),
    /// No longer managed, and noted as removed.
    Remove,
}

/// The flag's entry among the emergency stops of the bookkeeping.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum StopWrite {
    #[default]
    Keep,
    Set(Stop),
    /// The stop is over.
    Clear,
}
