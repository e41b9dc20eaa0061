//! The commands that a commit consists of.

use std::borrow::Cow;

use crate::plan::{Commit, RecordWrite, Write};
use crate::store::effects;
use crate::store::names::Names;

/// One argument of a command.
pub(super) type Arg<'a> = Cow<'a, [u8]>;

/// Flags of one command, so that no single one holds the server up for long to parse.
pub(super) const PIECE: usize = 3000;

/// Everything that `commit` writes. None of these commands can fail half way once the types of the
/// bookkeeping keys are right. `any_removed` where the list of removed flags is not empty.
pub(super) fn all<'a>(
    commit: &'a Commit,
    names: &'a Names,
    any_removed: bool,
    history_keep: usize,
) -> Vec<Vec<Arg<'a>>> {
    let mut commands = Vec::new();
    in_pieces(&mut commands, &["MSET"], sets(commit, names));
    let deleted = deletes(commit, names).map(|key| [owned(key)]);
    in_pieces(&mut commands, &["UNLINK"], deleted.collect());
    commands.extend(meta(commit, names));
    specs(&mut commands, commit, names, any_removed, false);
    stops(&mut commands, commit, names);
    commands.push(history(commit, names, Some(history_keep)));
    commands.push(vec![
        text("PUBLISH"),
        text(&names.changes),
        Cow::Owned(announcement(commit)),
    ]);
    commands
}

/// The records that `commit` sets, each key with its value.
pub(super) fn sets<'a>(commit: &'a Commit, names: &Names) -> Vec<[Arg<'a>; 2]> {
    let set = |write: &'a Write| match &write.record {
        RecordWrite::Set(bytes) => {
            let key = owned(names.record(&write.flag));
            Some([key, Cow::Borrowed(&**bytes)])
        }
        RecordWrite::Keep | RecordWrite::Delete => None,
    };
    commit.writes.iter().filter_map(set).collect()
}

/// The keys of the records that `commit` deletes.
pub(super) fn deletes<'a>(
    commit: &'a Commit,
    names: &'a Names,
) -> impl Iterator<Item = String> + use<'a> {
    let deleted = commit.writes.iter();
    deleted
        .filter(|write| write.record == RecordWrite::Delete)
        .map(|write| names.record(&write.flag))
}

/// What `commit` does to the hashes that a large one writes in place. `any_removed` as for [`all`].
pub(super) fn in_place<'a>(
    commit: &'a Commit,
    names: &'a Names,
    any_removed: bool,
) -> Vec<Vec<Arg<'a>>> {
    let mut commands = meta(commit, names);
    specs(&mut commands, commit, names, any_removed, true);
    stops(&mut commands, commit, names);
    commands
}

/// One of each kind of command that a large commit may need, in its scripts too, to see whether the
/// server would take them.
pub(super) fn samples(names: &Names) -> Vec<Vec<Arg<'_>>> {
    let record = || owned(names.record("sample"));
    vec![
        vec![text("HSET"), text(&names.meta), text("f"), text("v")],
        vec![text("HDEL"), text(&names.meta), text("f")],
        vec![text("MSET"), record(), text("v")],
        vec![text("MSETNX"), record(), text("v")],
        vec![text("MGET"), record()],
        vec![text("EXISTS"), record()],
        vec![text("UNLINK"), record()],
        vec![text("COPY"), text(&names.meta), text(&names.before[0])],
        vec![text("RENAME"), text(&names.before[0]), text(&names.meta)],
        vec![text("PEXPIRE"), text(&names.before[0]), text("1")],
        vec![text("PERSIST"), text(&names.before[0])],
        words(&["XADD", &names.history, "*", "f", "v"]),
        words(&["XREVRANGE", &names.history, "+", "-"]),
        words(&["XTRIM", &names.history, "MAXLEN", "~", "1"]),
        words(&["XDEL", &names.history, "0-1"]),
        words(&["EVAL", "return 1", "0"]),
        vec![text("PUBLISH"), text(&names.changes), text("")],
    ]
}

fn words<'a>(words: &[&'a str]) -> Vec<Arg<'a>> {
    words.iter().map(|word| text(word)).collect()
}

fn meta<'a>(commit: &'a Commit, names: &'a Names) -> Vec<Vec<Arg<'a>>> {
    let about = &commit.about;
    let mut set = vec![text("HSET"), text(&names.meta)];
    let mut clear = vec![text("HDEL"), text(&names.meta)];
    for (field, value) in [
        ("lineage", effects::lineage(commit)),
        ("prefix", &names.prefix),
        ("digest", &about.digest),
        ("version", &about.version),
        ("buckets", &about.buckets),
    ] {
        set.extend([text(field), text(value)]);
    }
    set.extend([
        text("generation"),
        owned(effects::generation(commit).to_string()),
    ]);
    set.extend([text("applied_at"), owned(about.at.to_string())]);
    for (field, value) in [("commit", &about.commit), ("actor", &about.actor)] {
        match value {
            Some(value) => set.extend([text(field), text(value)]),
            None => clear.push(text(field)),
        }
    }
    // Empty where there is none: that spares every commit a command more.
    let rolled_back = effects::rolled_back(commit).unwrap_or_default();
    set.extend([text("rolled_back"), owned(rolled_back)]);
    let mut commands = vec![set];
    if clear.len() > 2 {
        commands.push(clear);
    }
    commands
}

/// `are_aside` where the list of managed flags is written elsewhere.
fn specs<'a>(
    commands: &mut Vec<Vec<Arg<'a>>>,
    commit: &'a Commit,
    names: &'a Names,
    any_removed: bool,
    are_aside: bool,
) {
    let set: Vec<_> = effects::specs_set(commit).collect();
    let removed: Vec<_> = effects::specs_removed(commit).collect();
    // A record of two numbers: it always serialises.
    let note = serde_json::to_string(&effects::removed(commit)).unwrap_or_default();
    let named = |flags: &[&'a str]| flags.iter().map(|flag| [text(flag)]).collect();
    let set_flags: Vec<&str> = set.iter().map(|(flag, _)| *flag).collect();
    let digests = set.iter().map(|(flag, digest)| [text(flag), text(digest)]);
    let notes = removed.iter().map(|flag| [text(flag), owned(note.clone())]);
    if !are_aside {
        in_pieces(commands, &["HSET", &names.specs], digests.collect());
    }
    if any_removed {
        in_pieces(commands, &["HDEL", &names.removed], named(&set_flags));
    }
    in_pieces(commands, &["HSET", &names.removed], notes.collect());
    if !are_aside {
        in_pieces(commands, &["HDEL", &names.specs], named(&removed));
    }
}

fn stops<'a>(commands: &mut Vec<Vec<Arg<'a>>>, commit: &'a Commit, names: &'a Names) {
    // Plain data: it always serialises.
    let json = |stop| serde_json::to_string(stop).unwrap_or_default();
    let set = effects::stops_set(commit).map(|(flag, stop)| [text(flag), owned(json(stop))]);
    in_pieces(commands, &["HSET", &names.stops], set.collect());
    let cleared = effects::stops_cleared(commit).map(|flag| [text(flag)]);
    in_pieces(commands, &["HDEL", &names.stops], cleared.collect());
}

/// The history's entry of `commit`. With `keep` the oldest entries beyond so many go.
pub(super) fn history<'a>(
    commit: &'a Commit,
    names: &'a Names,
    keep: Option<usize>,
) -> Vec<Arg<'a>> {
    let about = &commit.about;
    let records = effects::records_json(commit);
    let mut entry = vec![text("XADD"), text(&names.history)];
    if let Some(keep) = keep {
        entry.extend([text("MAXLEN"), text("~"), owned(keep.to_string())]);
    }
    entry.extend([text("*"), text("id"), text(&commit.id)]);
    entry.extend([
        text("generation"),
        owned(effects::generation(commit).to_string()),
    ]);
    entry.extend([text("at"), owned(about.at.to_string())]);
    for (field, value) in [
        ("actor", about.actor.as_deref()),
        ("commit", about.commit.as_deref()),
        ("source", Some(about.source.as_str())),
        ("reason", about.reason.as_deref()),
        ("version", Some(about.version.as_str())),
        ("digest", Some(about.digest.as_str())),
    ] {
        if let Some(value) = value {
            entry.extend([text(field), text(value)]);
        }
    }
    if !about.notes.is_empty() {
        let notes = serde_json::to_string(&about.notes).unwrap_or_default();
        entry.extend([text("notes"), owned(notes)]);
    }
    entry.extend([text("records"), Cow::Owned(records)]);
    entry
}

/// What listeners hear: the new generation and the flags whose records changed.
pub(super) fn announcement(commit: &Commit) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Changes<'a> {
        generation: u64,
        keys: Vec<&'a str>,
    }
    let changed = commit
        .writes
        .iter()
        .filter(|write| write.record != RecordWrite::Keep);
    let changes = Changes {
        generation: effects::generation(commit),
        keys: changed.map(|write| write.flag.as_str()).collect(),
    };
    serde_json::to_vec(&changes).unwrap_or_default()
}

/// As many commands that begin with `head` as it takes for all of `items`; none for no items.
fn in_pieces<'a, const N: usize>(
    commands: &mut Vec<Vec<Arg<'a>>>,
    head: &[&'a str],
    items: Vec<[Arg<'a>; N]>,
) {
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        let piece = items.by_ref().take(PIECE).flatten();
        commands.push(head.iter().map(|word| text(word)).chain(piece).collect());
    }
}

fn text(text: &str) -> Arg<'_> {
    Cow::Borrowed(text.as_bytes())
}

fn owned<'a>(text: String) -> Arg<'a> {
    Cow::Owned(text.into_bytes())
}
