//! Back to the specs of an earlier generation: what the history has to say, as a plan.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Change, Expect, Plan, RecordWrite, Snapshot, SpecWrite, Target, Wanted, carry};
use crate::operate;
use crate::record::{Record, Spec, Stop};

/// An operator's word that a store is behind git on purpose.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RolledBack {
    /// The generation whose specs were put back.
    pub to: u64,
    /// Digest of the flag set that was in force until then.
    pub digest: String,
    pub actor: Option<String>,
    pub reason: Option<String>,
    /// Seconds since the epoch.
    pub at: f64,
}

impl RolledBack {
    /// "the store was rolled back to generation 12 on 2026-11-22 03:12 UTC by ana (checkout errors)".
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!("the store was rolled back to generation {}", self.to);
        if let Ok(at) = Timestamp::from_second(self.at as i64) {
            text += &at.strftime(" on %F %H:%M UTC").to_string();
        }
        if let Some(actor) = &self.actor {
            text += &format!(" by {actor}");
        }
        if let Some(reason) = &self.reason {
            text += &format!(" ({reason})");
        }
        text
    }
}

/// One commit of the past, as far as a rollback looks at it: the generation that it made, and each
/// flag with its record before and after.
#[derive(Clone, Copy, Debug)]
pub struct PastCommit<'a> {
    pub generation: u64,
    pub records: &'a BTreeMap<String, (Option<String>, Option<String>)>,
}

/// Why there is no way back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollbackError {
    #[error("the store is at generation {now}: there is nothing after {to} to take back")]
    NotPast { to: u64, now: u64 },
    #[error(
        "the history no longer has generation {missing}, which the way back to {to} leads over"
    )]
    Gap { to: u64, missing: u64 },
    #[error("the record of `{flag}` at generation {to} cannot be read: {why}")]
    Unreadable { flag: String, to: u64, why: String },
}

/// The flags that commits after generation `to` touched, each with its record as of `to`; `None`
/// where there was none. `commits` are all that there are, newest first.
fn records_at<'a>(
    commits: &[PastCommit<'a>],
    to: u64,
    now: u64,
) -> Result<BTreeMap<&'a str, Option<Record>>, RollbackError> {
    if to >= now {
        return Err(RollbackError::NotPast { to, now });
    }
    let mut texts: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut expected = now;
    for commit in commits {
        if commit.generation <= to || commit.generation != expected {
            break;
        }
        expected -= 1;
        for (flag, (before, _)) in commit.records {
            // The oldest of them has the last word.
            texts.insert(flag, before.as_deref());
        }
    }
    if expected != to {
        return Err(RollbackError::Gap {
            to,
            missing: expected,
        });
    }
    let read = |(flag, text): (&'a str, Option<&'a str>)| {
        let record = text.map(|text| Record::parse(text.as_bytes())).transpose();
        let record = record.map_err(|error| RollbackError::Unreadable {
            flag: flag.to_owned(),
            to,
            why: error.to_string(),
        })?;
        Ok((flag, record))
    };
    texts.into_iter().map(read).collect()
}

impl Plan {
    /// What puts the specs of generation `to` back. Flags that no commit has touched since are left
    /// alone; stages reached and emergency stops are kept, and a flag that comes back does so with
    /// the status that it had. `digest` is that of the flag set that was in force then.
    ///
    /// # Errors
    /// Where `commits`, the history, newest first, do not lead back there.
    pub fn rollback(
        commits: &[PastCommit<'_>],
        (to, digest): (u64, &str),
        (environment, kind, prefix): (&str, &str, &str),
        mut snapshot: Snapshot,
    ) -> Result<Self, RollbackError> {
        let past = records_at(commits, to, snapshot.generation)?;
        let managed = snapshot.specs.len();
        let touched = |flag: &str| past.contains_key(flag);
        // What is left alone is neither compared nor counted as somebody else's.
        snapshot
            .records
            .retain(|flag, _| touched(flag) || !snapshot.specs.contains_key(flag));
        snapshot.specs.retain(|flag, _| touched(flag));
        let wanted = |(flag, record): (&&str, &Option<Record>)| {
            Some(Wanted::new(*flag, git_spec(record.as_ref()?), None))
        };
        let target = Target {
            environment: environment.to_owned(),
            prune: true,
            flags: past.iter().filter_map(wanted).collect(),
        };
        let left_alone = managed - snapshot.specs.len();
        let (now, stops) = (snapshot.now, snapshot.stops.clone());
        let mut plan = Self::new(&target, kind, prefix, snapshot);
        for change in &mut plan.changes {
            if let Some(Some(record)) = past.get(change.flag()) {
                keep_status(change, record, stops.get(change.flag()), now);
            }
        }
        plan.digest = digest.to_owned();
        plan.managed = managed;
        plan.unchanged += left_alone;
        plan.wanted = left_alone + target.flags.len();
        Ok(plan)
    }
}

/// A flag that comes back has the status that it had, and no flag that is stopped goes on: git has
/// nothing to say here.
fn keep_status(change: &mut Change, past: &Record, noted: Option<&Stop>, now: f64) {
    let SpecWrite::Set(digest) = &change.write.spec else {
        return;
    };
    if change.blocked.is_some() {
        return;
    }
    let after = match (&change.write.expect, &change.write.record) {
        (Expect::Absent, RecordWrite::Set(_)) => {
            let spec = git_spec(past);
            let mut past = past.clone();
            if let Some(stop) = noted {
                // It was stopped after that, and then deleted.
                past.spec = past.spec.with_enabled(false);
                operate::mark(&mut past.status, stop, now);
            }
            let (after, notes) = carry::carry(&spec, &past, Some(digest), now);
            change.notes = notes;
            let note = "it comes back with the status that it had";
            change.notes.push(note.into());
            after
        }
        (Expect::Value(before), RecordWrite::Set(after)) => {
            let (Ok(before), Ok(mut after)) = (Record::parse(before), Record::parse(after)) else {
                return;
            };
            let Some(stop) = operate::reminded(before, noted, now).stop() else {
                return;
            };
            if after.stop().is_some() {
                return;
            }
            operate::mark(&mut after.status, &stop, now);
            let ended = carry::ended_note(&stop);
            change.notes.retain(|note| *note != ended);
            change.notes.push(carry::stop_note(&stop));
            after
        }
        _ => return,
    };
    change.write.record = RecordWrite::Set(after.to_bytes());
    change.write.stop = carry::stop_write(&after, noted);
}

/// The spec as git had it: a stopped flag is off by an operator's word.
fn git_spec(record: &Record) -> Spec {
    if record.is_rolled_back() {
        record.spec.with_enabled(true)
    } else {
        record.spec.clone()
    }
}
