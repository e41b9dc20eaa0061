//! A plan on paper: what was reviewed is what is applied, or nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::compare::{Live, change_gone, change_wanted};
use super::{
    Action, Change, Expect, Plan, RecordWrite, Snapshot, Source, SpecWrite, Stopped, StoreRef,
    Wanted,
};
use crate::record::{Record, Spec, digest_of};

/// A plan as it is written to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    pub version: u32,
    /// Version of hoist that wrote it.
    pub hoist: String,
    pub environment: String,
    pub store: StoreRef,
    /// The store's URL without its password, where it has no lineage yet to know it by.
    pub url: Option<String>,
    pub digest: String,
    pub wanted: usize,
    pub managed: usize,
    #[serde(default)]
    pub unchanged: usize,
    #[serde(default)]
    pub unmanaged: usize,
    #[serde(default)]
    pub kept: Vec<String>,
    #[serde(default)]
    pub stopped: Vec<Stopped>,
    pub changes: Vec<SavedChange>,
    /// Over what it does, to what, on which store.
    pub fingerprint: String,
}

/// One change: what it is, what it must find, what it writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedChange {
    pub flag: String,
    pub action: Action,
    /// Digest of the record that the plan read; none where there was none.
    pub found: Option<String>,
    /// What git wants of the flag; none for a flag that goes.
    pub spec: Option<Map<String, Value>>,
    pub source: Option<Source>,
}

/// Why a saved plan is not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    #[error("it is not a plan that hoist wrote: {0}")]
    Unreadable(String),
    #[error("it was written by a later hoist ({0}); this one reads version 1")]
    Version(u32),
    #[error("it was changed after it was written: its fingerprint does not match")]
    Tampered,
    #[error("it was made for another store")]
    OtherStore,
    #[error("it was made for prefix `{0}`")]
    OtherPrefix(String),
    #[error("the store has moved from generation {planned} to {found} since")]
    Generation { planned: u64, found: u64 },
    #[error("these records have changed since: {}", .0.join(", "))]
    Moved(Vec<String>),
}

impl SavedPlan {
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut saved = Self {
            version: 1,
            hoist: env!("CARGO_PKG_VERSION").into(),
            environment: plan.environment.clone(),
            store: plan.store.clone(),
            url: None,
            digest: plan.digest.clone(),
            wanted: plan.wanted,
            managed: plan.managed,
            unchanged: plan.unchanged,
            unmanaged: plan.unmanaged,
            kept: plan.kept.clone(),
            stopped: plan.stopped.clone(),
            changes: plan.changes.iter().map(SavedChange::new).collect(),
            fingerprint: String::new(),
        };
        saved.fingerprint = saved.own_fingerprint();
        saved
    }

    /// Notes where the store is, in case that nothing else tells it from another.
    #[must_use]
    pub fn for_store_at(mut self, url: &str) -> Self {
        if self.store.lineage.is_none() {
            self.url = Some(url.to_owned());
            self.fingerprint = self.own_fingerprint();
        }
        self
    }

    /// Whether the plan may be for the store at `url`.
    #[must_use]
    pub fn may_be_for(&self, url: &str) -> bool {
        self.url.as_ref().is_none_or(|planned| planned == url)
    }

    /// Reads a saved plan, and checks that it is as it was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, SavedPlanError> {
        let unreadable = |error: serde_json::Error| SavedPlanError::Unreadable(error.to_string());
        let json: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        match json.get("version").and_then(Value::as_u64) {
            Some(1) | None => {}
            Some(later) => {
                return Err(SavedPlanError::Version(
                    u32::try_from(later).unwrap_or(u32::MAX),
                ));
            }
        }
        let saved: Self = serde_json::from_value(json).map_err(unreadable)?;
        if saved.own_fingerprint() != saved.fingerprint {
            return Err(SavedPlanError::Tampered);
        }
        Ok(saved)
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        // Writing plain data to memory has no way to fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    fn own_fingerprint(&self) -> String {
        // What the plan leaves alone is no part of what it does.
        let bare = Self {
            unchanged: 0,
            unmanaged: 0,
            kept: Vec::new(),
            stopped: Vec::new(),
            fingerprint: String::new(),
            ..self.clone()
        };
        digest_of(&serde_json::to_vec(&bare).unwrap_or_default())
    }

    /// The plan again, with the status and the clock of now; refused where anything that it
    /// touches is not as it was when the plan was made.
    pub fn resume(
        &self,
        kind: &str,
        prefix: &str,
        mut snapshot: Snapshot,
    ) -> Result<Plan, SavedPlanError> {
        if self.store.kind != kind {
            return Err(SavedPlanError::OtherStore);
        }
        if self.store.prefix != prefix {
            return Err(SavedPlanError::OtherPrefix(self.store.prefix.clone()));
        }
        // A store that was empty has got its lineage since, with its first generation.
        if self.store.lineage.is_some() && self.store.lineage != snapshot.lineage {
            return Err(SavedPlanError::OtherStore);
        }
        if self.store.generation != snapshot.generation {
            return Err(SavedPlanError::Generation {
                planned: self.store.generation,
                found: snapshot.generation,
            });
        }
        let mut changes = Vec::with_capacity(self.changes.len());
        let mut moved = Vec::new();
        for saved in &self.changes {
            let live = Live::take(&mut snapshot, &saved.flag);
            match saved
                .again(live)
                .filter(|change| SavedChange::new(change) == *saved)
            {
                Some(change) => changes.push(change),
                None => moved.push(saved.flag.clone()),
            }
        }
        if !moved.is_empty() {
            return Err(SavedPlanError::Moved(moved));
        }
        Ok(Plan {
            environment: self.environment.clone(),
            store: self.store.clone(),
            digest: self.digest.clone(),
            changes,
            unchanged: self.unchanged,
            unmanaged: self.unmanaged,
            managed: self.managed,
            kept: self.kept.clone(),
            stopped: self.stopped.clone(),
            wanted: self.wanted,
            rolled_back: snapshot.rolled_back,
        })
    }
}

impl SavedChange {
    fn new(change: &Change) -> Self {
        let found = match &change.write.expect {
            Expect::Value(bytes) => Some(digest_of(bytes)),
            Expect::Absent | Expect::Any => None,
        };
        Self {
            flag: change.flag().to_owned(),
            action: change.action,
            found,
            spec: wanted_spec(change).map(|spec| spec.as_json().clone()),
            source: change.source.clone(),
        }
    }

    fn again(&self, live: Live) -> Option<Change> {
        match &self.spec {
            Some(spec) => {
                let wanted = Wanted::new(
                    self.flag.as_str(),
                    Spec::from_json(spec),
                    self.source.clone(),
                );
                change_wanted(&wanted, live)
            }
            None => Some(change_gone(self.flag.clone(), live)),
        }
    }
}

/// What git wants of the flag, out of the record that is to be written: the two differ in
/// `enabled` while the flag is rolled back.
fn wanted_spec(change: &Change) -> Option<Spec> {
    let SpecWrite::Set(digest) = &change.write.spec else {
        return None;
    };
    let bytes = match (&change.write.record, &change.write.expect) {
        (RecordWrite::Set(bytes), _) | (RecordWrite::Keep, Expect::Value(bytes)) => bytes,
        _ => return None,
    };
    let spec = Record::parse(bytes).ok()?.spec;
    if spec.digest() == *digest {
        Some(spec)
    } else {
        Some(spec.with_enabled(true))
    }
}
