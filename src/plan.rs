//! Compare, guard, fingerprint: the changes that would make a store agree with the flag set. Pure.

use std::collections::{BTreeMap, HashMap};

/// Everything of a store that a plan compares, as of one generation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Made up at the first commit; tells one store from another.
    pub lineage: Option<String>,
    /// 0 before the first commit.
    pub generation: u64,
    /// The store's clock, in seconds since the epoch.
    pub now: f64,
    /// Name of the bucket formula that the store was written with.
    pub buckets: Option<String>,
    /// Digest of the flag set last applied.
    pub digest: Option<String>,
    /// Every key below the prefix, without it.
    pub records: BTreeMap<String, Stored>,
    /// Managed flags and the digest of each one's spec as applied.
    pub specs: HashMap<String, String>,
    /// Flags that hoist deleted.
    pub removed: HashMap<String, Removed>,
}

/// What stands at a flag's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    Value(Vec<u8>),
    /// Redis knows other types than strings: a list, a hash …
    OtherType(String),
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Removed {
    pub generation: u64,
    /// Seconds since the epoch.
    pub at: f64,
}

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
    /// Digest of the flag set.
    pub digest: String,
    /// Git commit of the flag set.
    pub commit: Option<String>,
    pub actor: Option<String>,
    /// Version of hoist.
    pub version: String,
    /// Name of the bucket formula.
    pub buckets: String,
    /// What made the commit: `apply`, `kill` …
    pub source: String,
    pub reason: Option<String>,
    /// Seconds since the epoch, by the store's clock.
    pub at: f64,
}

/// What one commit does to one flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub flag: String,
    pub expect: Expect,
    pub record: RecordWrite,
    pub spec: SpecWrite,
}

/// What must still stand at a key for a commit to go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    Absent,
    /// These exact bytes.
    Value(Vec<u8>),
    /// Whatever it is: the key is neither read nor written.
    Any,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RecordWrite {
    /// Only the bookkeeping changes (adopt, forget); `expect` is checked all the same.
    Keep,
    Set(Vec<u8>),
    Delete,
}

/// The flag's entry among the managed specs.
#[derive(Clone, Debug, PartialEq)]
pub enum SpecWrite {
    Keep,
    /// Managed from now on, with this digest. Also takes the flag off the list of removed ones.
    Set(String),
    /// No longer managed, and noted as removed.
    Remove,
}
