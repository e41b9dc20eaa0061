//! What a commit amounts to, the same in every store.

use std::borrow::Cow;

use serde::Serializer;

use crate::plan::{Commit, Expect, RecordWrite, Removed, RolledBack, SpecWrite, StopWrite, Write};
use crate::record::Stop;

use super::{HistoryEntry, Moved};

/// What was found at a record's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Nothing,
    Bytes(&'a [u8]),
    /// Something that is no record, such as a list.
    OtherType,
}

/// Whether a key still holds what a commit expects of it.
pub(super) fn holds(expect: &Expect, found: Found<'_>) -> bool {
    match expect {
        Expect::Any => true,
        Expect::Absent => found == Found::Nothing,
        Expect::Value(bytes) => found == Found::Bytes(bytes),
    }
}

/// What of the store itself is no longer as the commit expects it.
pub(super) fn store_moved(commit: &Commit, lineage: Option<&str>, generation: u64) -> Vec<Moved> {
    let mut moved = Vec::new();
    if commit.lineage.as_deref() != lineage {
        moved.push(Moved::Lineage);
    }
    if commit.generation != generation {
        moved.push(Moved::Generation {
            expected: commit.generation,
            found: generation,
        });
    }
    moved
}

/// The flags whose records are no longer as the commit expects them.
pub(super) fn records_moved<'f>(
    commit: &Commit,
    mut found: impl FnMut(&str) -> Found<'f>,
) -> Vec<Moved> {
    commit
        .writes
        .iter()
        .filter(|write| !holds(&write.expect, found(&write.flag)))
        .map(|write| Moved::Record {
            flag: write.flag.clone(),
        })
        .collect()
}

/// The lineage of the store once the commit is in.
pub(super) fn lineage(commit: &Commit) -> &str {
    commit.lineage.as_deref().unwrap_or(&commit.new_lineage)
}

/// The generation of the store once the commit is in.
pub(super) fn generation(commit: &Commit) -> u64 {
    commit.generation.saturating_add(1)
}

/// What the list of removed flags says of one that the commit removes.
pub(super) fn removed(commit: &Commit) -> Removed {
    Removed {
        generation: generation(commit),
        at: commit.about.at,
    }
}

/// The flags that the commit manages from now on, with the digest of each one's spec.
pub(super) fn specs_set(commit: &Commit) -> impl Iterator<Item = (&str, &str)> {
    commit.writes.iter().filter_map(|write| match &write.spec {
        SpecWrite::Set(digest) => Some((write.flag.as_str(), digest.as_str())),
        SpecWrite::Keep | SpecWrite::Remove => None,
    })
}

/// The flags that the commit no longer manages.
pub(super) fn specs_removed(commit: &Commit) -> impl Iterator<Item = &str> {
    commit
        .writes
        .iter()
        .filter(|write| write.spec == SpecWrite::Remove)
        .map(|write| write.flag.as_str())
}

/// The emergency stops that the commit notes.
pub(super) fn stops_set(commit: &Commit) -> impl Iterator<Item = (&str, &Stop)> {
    commit.writes.iter().filter_map(|write| match &write.stop {
        StopWrite::Set(stop) => Some((write.flag.as_str(), stop)),
        StopWrite::Keep | StopWrite::Clear => None,
    })
}

/// The flags whose stops are over with the commit.
pub(super) fn stops_cleared(commit: &Commit) -> impl Iterator<Item = &str> {
    commit
        .writes
        .iter()
        .filter(|write| write.stop == StopWrite::Clear)
        .map(|write| write.flag.as_str())
}

/// An emergency stop as the bookkeeping has it. One that cannot be read is a stop all the same.
pub(super) fn stop(json: &[u8]) -> Stop {
    serde_json::from_slice(json).unwrap_or_default()
}

/// What the bookkeeping says of a store whose specs are earlier ones, as JSON.
pub(super) fn rolled_back(commit: &Commit) -> Option<String> {
    serde_json::to_string(commit.about.rolled_back.as_ref()?).ok()
}

/// [`rolled_back`] as it was read again; none where somebody else has written there.
pub(super) fn parse_rolled_back(text: &str) -> Option<RolledBack> {
    serde_json::from_str(text).ok()
}

/// One record before and after, as text.
pub(super) type Change<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

/// Every record that the commit touches, before and after. What a commit does not look at
/// ([`Expect::Any`]) counts as absent; bytes that are not UTF-8 are shown as well as they can be.
pub(super) fn records(commit: &Commit) -> impl Iterator<Item = (&str, Change<'_>)> {
    let writes = commit.writes.iter();
    writes.map(|write| (write.flag.as_str(), change_of(write)))
}

/// [`records`] as JSON: flag to a pair of texts or nulls.
pub(super) fn records_json(commit: &Commit) -> Vec<u8> {
    let bytes = |write: &Write| {
        let before = match &write.expect {
            Expect::Value(bytes) => bytes.len(),
            Expect::Absent | Expect::Any => 0,
        };
        let after = match &write.record {
            RecordWrite::Set(bytes) => bytes.len(),
            RecordWrite::Keep | RecordWrite::Delete => 0,
        };
        write.flag.len() + before + after + 16
    };
    // Quotes within records take a byte more each: a quarter on top spares most commits a copy.
    let room = commit.writes.iter().map(bytes).sum::<usize>() * 5 / 4;
    let mut json = Vec::with_capacity(room);
    // Writing to memory has no way to fail.
    let _ = serde_json::Serializer::new(&mut json).collect_map(records(commit));
    json
}

/// Records are UTF-8 but for what others wrote: to find that out alone is quicker than to mend on the way.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn change_of(write: &Write) -> Change<'_> {
    let before = match &write.expect {
        Expect::Value(bytes) => Some(text(bytes)),
        Expect::Absent | Expect::Any => None,
    };
    let after = match &write.record {
        RecordWrite::Keep => before.clone(),
        RecordWrite::Set(bytes) => Some(text(bytes)),
        RecordWrite::Delete => None,
    };
    (before, after)
}

/// The history's entry of a commit.
pub(super) fn history_entry(commit: &Commit) -> HistoryEntry {
    let about = &commit.about;
    let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    HistoryEntry {
        id: commit.id.clone(),
        generation: generation(commit),
        at: about.at,
        actor: about.actor.clone(),
        commit: about.commit.clone(),
        source: about.source.clone(),
        reason: about.reason.clone(),
        version: about.version.clone(),
        digest: about.digest.clone(),
        notes: about.notes.clone(),
        records: records(commit)
            .map(|(flag, (before, after))| (flag.to_owned(), (owned(before), owned(after))))
            .collect(),
    }
}
