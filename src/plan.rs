//! Compare, guard, fingerprint: the changes that would make a store agree with the flag set. Pure.
//!
//! Three things meet per flag: what the flag set wants, the digest of what hoist last applied, and
//! the live record. [`Plan::new`] compares them, [`guard`] says what needs a word of consent,
//! [`Plan::into_commit`] gives what a store writes, and [`SavedPlan`] carries a plan from a review
//! to an apply.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::record::{Spec, Stop, digest_of};

mod carry;
mod commit;
mod compare;
pub mod diff;
mod fields;
pub mod guard;
mod people;
mod risks;
mod rollback;
mod saved;

pub use commit::{About, Commit, Expect, RecordWrite, SpecWrite, StopWrite, Write};
pub use fields::FieldChange;
pub use risks::Written;
pub use rollback::{PastCommit, RollbackError, RolledBack};
pub use saved::{SavedPlan, SavedPlanError};

/// Name of the bucket formula of this version, as written into every store.
pub const BUCKETS: &str = "murmur3-x86-32/100000";

/// A flag as the flag set wants it in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub flag: String,
    pub source: Option<Source>,
    spec: Spec,
    digest: String,
}

impl Wanted {
    #[must_use]
    pub fn new(flag: impl Into<String>, spec: Spec, source: Option<Source>) -> Self {
        Self {
            flag: flag.into(),
            source,
            digest: spec.digest(),
            // Most flags do not change, and then nobody asks for the fields.
            spec: spec.compact(),
        }
    }

    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Digest of the spec.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Where a flag is defined.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// Relative to the directory hoist runs in, with `/`.
    pub file: Arc<str>,
    /// Line of the key, from 1.
    pub line: u32,
}

/// What one environment should hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub environment: String,
    /// Whether flags that are gone from the flag set are deleted, or kept and reported.
    pub prune: bool,
    /// Keys are unique. In order of keys a plan is made faster.
    pub flags: Vec<Wanted>,
}

impl Target {
    /// The keys of its flags, as [`crate::store::Store::read_expecting`] takes them.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.flags.iter().map(|wanted| &*wanted.flag).collect()
    }

    /// Digest of the flag set as this environment wants it.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest_with(&BTreeMap::new())
    }

    /// The same, were the digests of some flags others.
    #[must_use]
    pub fn digest_with(&self, others: &BTreeMap<String, String>) -> String {
        let mut flags: Vec<&Wanted> = self.flags.iter().collect();
        flags.sort_unstable_by(|a, b| a.flag.cmp(&b.flag));
        let mut text = String::with_capacity(64 * flags.len());
        for wanted in flags {
            text += &wanted.flag;
            text.push('=');
            text += others.get(&wanted.flag).unwrap_or(&wanted.digest);
            text.push('\n');
        }
        digest_of(text.as_bytes())
    }
}

/// What is known of the rest where a part is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// [`Target::digest`] of the whole flag set.
    pub digest: String,
    /// Flags in the whole flag set.
    pub wanted: usize,
    /// Flags that hoist manages in the store.
    pub managed: usize,
    /// Keys below the prefix that are neither wanted nor managed.
    pub unmanaged: usize,
}

/// Which store a plan was made against.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoreRef {
    pub kind: String,
    pub lineage: Option<String>,
    pub prefix: String,
    pub generation: u64,
}

/// The changes that would make a store agree with the flag set.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub environment: String,
    pub store: StoreRef,
    /// Digest of the flag set that was compared.
    pub digest: String,
    /// By flag.
    pub changes: Vec<Change>,
    pub unchanged: usize,
    /// Keys below the prefix that are neither wanted nor managed.
    pub unmanaged: usize,
    /// Flags that hoist manages in this store now.
    pub managed: usize,
    /// Flags that are gone from the flag set and stay all the same (`prune = false`).
    pub kept: Vec<String>,
    /// Flags of the flag set that are rolled back, and stay so.
    pub stopped: Vec<Stopped>,
    /// Flags in the flag set.
    pub wanted: usize,
    /// Where an operator has put earlier specs back, and no apply has come since.
    pub rolled_back: Option<RolledBack>,
}

/// A flag that an operator stopped.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Stopped {
    pub flag: String,
    /// Seconds since the epoch.
    pub since: Option<f64>,
    pub actor: Option<String>,
    pub reason: Option<String>,
}

impl Stopped {
    fn new(flag: &str, stop: Stop) -> Self {
        Self {
            flag: flag.to_owned(),
            since: stop.since,
            actor: stop.actor,
            reason: stop.reason,
        }
    }
}

/// What a change is, by the table in README.md.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Adopt,
    Conflict,
    Update,
    Drift,
    Delete,
    Forget,
}

impl Action {
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Adopt,
        Self::Conflict,
        Self::Update,
        Self::Drift,
        Self::Delete,
        Self::Forget,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Conflict => "conflict",
            Self::Update => "update",
            Self::Drift => "drift",
            Self::Delete => "delete",
            Self::Forget => "forget",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to one flag. The records before and after stand in `write`, as bytes; they are
/// parsed where they are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub action: Action,
    pub notes: Vec<String>,
    pub source: Option<Source>,
    /// Why no consent can let this change through.
    pub blocked: Option<String>,
    /// How hoist deleted a flag of this key before, where this one is new.
    pub removed: Option<Removed>,
    /// What rules about change find, the worst first; nothing until [`Plan::find_risks`] has looked.
    pub risks: Vec<Diagnostic>,
    pub write: Write,
}

impl Change {
    #[must_use]
    pub fn flag(&self) -> &str {
        &self.write.flag
    }

    /// The live record, where it can be read as one.
    #[must_use]
    pub fn before(&self) -> Option<Map<String, Value>> {
        match &self.write.expect {
            Expect::Value(bytes) => serde_json::from_slice(bytes).ok(),
            Expect::Absent | Expect::Any => None,
        }
    }

    /// The record as the change leaves it.
    #[must_use]
    pub fn after(&self) -> Option<Map<String, Value>> {
        match &self.write.record {
            RecordWrite::Set(bytes) => serde_json::from_slice(bytes).ok(),
            RecordWrite::Keep => self.before(),
            RecordWrite::Delete => None,
        }
    }

    /// What differs between the two, in the order of the record format.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldChange> {
        fields::changes(&self.write)
    }
}

impl Plan {
    /// Compares what `target` wants with what `snapshot` holds.
    #[must_use]
    pub fn new(target: &Target, kind: &str, prefix: &str, snapshot: Snapshot) -> Self {
        compare::plan(target, kind, prefix, snapshot)
    }

    /// Compares a part of a flag set: `target` has the flags of it that are to be compared, and `snapshot`
    /// what the store holds of these and of flags that are gone. The plan is like one of `whole`, in
    /// which nothing else differs.
    #[must_use]
    pub fn of_part(
        target: &Target,
        whole: &Whole,
        kind: &str,
        prefix: &str,
        snapshot: Snapshot,
    ) -> Self {
        let mut plan = compare::plan(target, kind, prefix, snapshot);
        let compared = target.flags.len() - plan.unchanged;
        plan.digest.clone_from(&whole.digest);
        plan.unchanged = whole.wanted.saturating_sub(compared);
        plan.unmanaged = whole.unmanaged;
        plan.managed = whole.managed;
        plan.wanted = whole.wanted;
        plan
    }

    /// Whether applying it would write nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.changes
            .iter()
            .filter(|change| change.action == action)
            .count()
    }

    /// Tells one plan from another: what it does, to what, on which store. Timestamps that are
    /// only known when it is applied are left out.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        saved::SavedPlan::new(self).fingerprint
    }

    /// What a store has to write, lent until [`Plan::take_back`]: a copy of all records is not made for that.
    #[must_use]
    pub fn lend_commit(&mut self, id: String, new_lineage: String, about: About) -> Commit {
        let changes = self.changes.iter_mut();
        let writes = changes.map(|change| std::mem::take(&mut change.write));
        Commit {
            id,
            lineage: self.store.lineage.clone(),
            new_lineage,
            generation: self.store.generation,
            writes: writes.collect(),
            about,
        }
    }

    /// Takes back what was lent.
    pub fn take_back(&mut self, lent: Commit) {
        for (change, write) in self.changes.iter_mut().zip(lent.writes) {
            change.write = write;
        }
    }

    /// What a store has to write.
    #[must_use]
    pub fn into_commit(mut self, id: String, new_lineage: String, about: About) -> Commit {
        self.lend_commit(id, new_lineage, about)
    }
}

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
    /// Git commit of the flag set last applied.
    pub commit: Option<String>,
    /// Where an operator has put earlier specs back, and no apply has come since.
    pub rolled_back: Option<RolledBack>,
    /// Every key below the prefix, without it.
    pub records: ByFlag<Stored>,
    /// Managed flags and the digest of each one's spec as applied.
    pub specs: ByFlag<String>,
    /// Flags that hoist deleted.
    pub removed: ByFlag<Removed>,
    /// Emergency stops that hoist made or has met. Where there is a record it has the last word: one
    /// that is on is no longer stopped.
    pub stops: ByFlag<Stop>,
}

impl Snapshot {
    /// The records in the order of their flags.
    #[must_use]
    pub fn in_order(&self) -> Vec<(&str, &Stored)> {
        let records = self.records.iter();
        let mut records: Vec<_> = records.map(|(flag, stored)| (&**flag, stored)).collect();
        records.sort_unstable_by_key(|(flag, _)| *flag);
        records
    }
}

/// Something of each flag, in no order: of a hundred thousand flags most are only looked up.
pub type ByFlag<T> = HashMap<String, T, RandomState>;

/// What stands at a flag's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    Value(Bytes),
    /// Redis knows other types than strings: a list, a hash …
    OtherType(String),
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Removed {
    pub generation: u64,
    /// Seconds since the epoch.
    pub at: f64,
}

#[cfg(test)]
mod tests;
