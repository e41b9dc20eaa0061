//! What must hold, whatever the order: stated over what a server holds, apart from the code that
//! writes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hoist::plan::{Commit, Expect, RecordWrite, SpecWrite, StopWrite, Stored};
use hoist::record::{Kind, Record};
use serde_json::{Value, json};

use super::actors::{Claim, Ended};
use super::keyspace::{Bytes, Data, Entry, Keyspace};
use super::replay::Read;
use super::world::{ASIDE, BELOW, HISTORY, META, REMOVED, SPECS, STOPS};

/// Every commit that somebody has begun, by its id.
pub type Commits = HashMap<String, Arc<Commit>>;

/// What is remembered of the past, as far as the future depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Past {
    /// Commits that were reported as not written.
    pub denied: BTreeSet<String>,
    /// What each record has been since the present generation began.
    pub values: BTreeMap<Bytes, BTreeSet<Option<Bytes>>>,
}

pub type Verdict = Result<(), String>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

fn meta(keyspace: &Keyspace, field: &str) -> Option<String> {
    let value = keyspace.hash(META)?.get(field.as_bytes())?;
    Some(text(value))
}

pub fn generation(keyspace: &Keyspace) -> u64 {
    meta(keyspace, "generation").map_or(0, |text| text.parse().expect("a number"))
}

fn records(keyspace: &Keyspace) -> impl Iterator<Item = (&Bytes, &Bytes)> {
    let keys = keyspace.keys.iter();
    keys.filter_map(|(key, data)| match data {
        Data::Text(bytes) if key.starts_with(BELOW) => Some((key, bytes)),
        _ => None,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn field(entry: &Entry, name: &str) -> String {
    let value = entry
        .field(name)
        .unwrap_or_else(|| panic!("an entry without {name}"));
    text(value)
}

impl Past {
    pub fn new(keyspace: &Keyspace) -> Self {
        let mut past = Self::default();
        past.see(keyspace);
        past
    }

    fn see(&mut self, keyspace: &Keyspace) {
        for (key, bytes) in records(keyspace) {
            let seen = self.values.entry(key.clone()).or_default();
            seen.insert(Some(bytes.clone()));
        }
        for (key, seen) in &mut self.values {
            if keyspace.text(key).is_none() {
                seen.insert(None);
            }
        }
    }

    /// Takes note of a step of the server's.
    pub fn step(&mut self, before: &Keyspace, after: &Keyspace) -> Verdict {
        if generation(before) == generation(after) {
            // A record that is new was absent before.
            for (key, _) in records(after).filter(|(key, _)| before.text(key).is_none()) {
                self.values.entry(key.clone()).or_default().insert(None);
            }
        } else {
            self.values.clear();
        }
        self.see(after);
        for entry in after.stream(HISTORY) {
            let id = field(entry, "id");
            check(!self.denied.contains(&id), || {
                format!("commit {id} was written after it was reported as not written")
            })?;
        }
        Ok(())
    }

    /// What a read has found must be the store as it was at one generation.
    pub fn read(&self, read: &Read, keyspace: &Keyspace) -> Verdict {
        let snapshot = &read.snapshot;
        let torn = |what: &str| format!("a read mixes generations: its {what}");
        let is_now = snapshot.generation == generation(keyspace)
            && snapshot.lineage == meta(keyspace, "lineage");
        check(is_now, || torn("generation is another"))?;
        let is_meant = |flag: &str| {
            let named = read.flags.as_ref();
            named.is_none_or(|flags| flags.iter().any(|named| named == flag))
        };
        let listed = |key: &[u8]| {
            let fields = keyspace.hash(key).cloned().unwrap_or_default();
            let texts = fields
                .into_iter()
                .map(|(flag, value)| (text(&flag), text(&value)));
            texts
                .filter(|(flag, _)| is_meant(flag))
                .collect::<BTreeMap<_, _>>()
        };
        let specs: BTreeMap<_, _> = snapshot.specs.clone().into_iter().collect();
        check(specs == listed(SPECS), || {
            torn("list of managed flags is another")
        })?;
        let stops: BTreeSet<_> = snapshot.stops.keys().cloned().collect();
        let same = stops == listed(STOPS).into_keys().collect();
        check(same, || torn("list of stops is another"))?;
        for (key, values) in &self.values {
            let flag = text(&key[BELOW.len()..]);
            let found = match snapshot.records.get(&flag) {
                Some(Stored::Value(bytes)) => Some(Bytes::from(&**bytes)),
                _ => None,
            };
            check(!is_meant(&flag) || values.contains(&found), || {
                torn(&format!("record of {flag} is of another"))
            })?;
        }
        Ok(())
    }

    /// What a store says of a commit must be true.
    pub fn end(&mut self, ended: &Ended, keyspace: &Keyspace) -> Verdict {
        let Some((id, claim)) = &ended.claim else {
            return Ok(());
        };
        let mut entries = keyspace.stream(HISTORY).iter();
        let found = entries.find(|entry| field(entry, "id") == *id);
        match claim {
            Claim::Written(generation) => {
                let written =
                    found.is_some_and(|entry| field(entry, "generation") == generation.to_string());
                check(written, || {
                    format!("commit {id} is said to be generation {generation}, and is not")
                })
            }
            Claim::Overtaken | Claim::NotWritten => {
                self.denied.insert(id.clone());
                check(found.is_none(), || {
                    format!("commit {id} is reported as not written, and is")
                })
            }
            Claim::Unknown => Ok(()),
        }
    }
}

/// One step of the server's: a commit as a whole, a client's own write, or a fence.
pub fn step(name: &[u8], before: &Keyspace, after: &Keyspace, commits: &Commits) -> Verdict {
    let (past, now) = (before.stream(HISTORY), after.stream(HISTORY));
    let known = now.len() >= past.len() && same_entries(past, &now[..past.len()]);
    check(known, || {
        "entries of the history are lost or changed".to_owned()
    })?;
    match &now[past.len()..] {
        [] => without_commit(name, before, after),
        [entry] => commit(entry, before, after, commits),
        _ => Err("one step has made several entries in the history".to_owned()),
    }
}

/// Identifiers are the server's business.
fn same_entries(a: &[Entry], b: &[Entry]) -> bool {
    a.iter()
        .map(|entry| &entry.fields)
        .eq(b.iter().map(|entry| &entry.fields))
}

fn without_commit(name: &[u8], before: &Keyspace, after: &Keyspace) -> Verdict {
    let (mut before, mut after) = (before.clone(), after.clone());
    match name {
        b"SET" => {
            before.keys.retain(|key, _| !key.starts_with(BELOW));
            after.keys.retain(|key, _| !key.starts_with(BELOW));
        }
        _ => {
            for keyspace in [&mut before, &mut after] {
                take_fence(keyspace);
            }
        }
    }
    check(held(&before) == held(&after), || {
        format!(
            "a commit that did not go through has left traces: {}",
            difference(&before, &after)
        )
    })
}

fn take_fence(keyspace: &mut Keyspace) {
    if let Some(Data::Hash(fields)) = keyspace.keys.get_mut(META) {
        fields.remove(b"fence".as_slice());
        if fields.is_empty() {
            keyspace.keys.remove(META);
        }
    }
}

/// Everything but the identifiers of the history and what is laid aside, which nobody reads; and no difference
/// between none and an empty one.
fn held(keyspace: &Keyspace) -> BTreeMap<&Bytes, Data> {
    let keys = keyspace.keys.iter();
    let keys = keys.filter(|(key, _)| !key.starts_with(ASIDE));
    keys.filter_map(|(key, data)| match data {
        Data::Stream(entries) if entries.is_empty() => None,
        Data::Stream(entries) => {
            let unnumbered = entries.iter().map(|entry| Entry {
                number: 0,
                fields: entry.fields.clone(),
            });
            Some((key, Data::Stream(unnumbered.collect())))
        }
        other => Some((key, other.clone())),
    })
    .collect()
}

fn difference(expected: &Keyspace, found: &Keyspace) -> String {
    let (expected, found) = (held(expected), held(found));
    let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let differ = keys
        .into_iter()
        .filter(|key| expected.get(*key) != found.get(*key));
    let shown = differ.map(|key| {
        format!(
            "{} should be {:?} and is {:?}",
            String::from_utf8_lossy(key),
            shown(expected.get(key)),
            shown(found.get(key))
        )
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn shown(data: Option<&Data>) -> Option<String> {
    Some(match data? {
        Data::Text(bytes) => text(bytes),
        Data::Hash(fields) => {
            let fields = fields.iter();
            format!(
                "{:?}",
                fields
                    .map(|(name, value)| (text(name), text(value)))
                    .collect::<Vec<_>>()
            )
        }
        Data::Stream(entries) => {
            let entries = entries.iter();
            format!(
                "{:?}",
                entries
                    .map(|entry| entry
                        .fields
                        .iter()
                        .map(|word| text(word))
                        .collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            )
        }
    })
}

/// A commit went through: all of it, on what it was made for, and nothing else.
fn commit(entry: &Entry, before: &Keyspace, after: &Keyspace, commits: &Commits) -> Verdict {
    let id = field(entry, "id");
    let commit = commits
        .get(&id)
        .ok_or_else(|| format!("nobody has begun commit {id}"))?;
    let mut earlier = before.stream(HISTORY).iter();
    check(earlier.all(|entry| field(entry, "id") != id), || {
        format!("commit {id} is written twice")
    })?;
    check(commit.generation == generation(before), || {
        format!(
            "commit {id} was made for generation {} and is written on {}",
            commit.generation,
            generation(before)
        )
    })?;
    check(commit.lineage == meta(before, "lineage"), || {
        format!("commit {id} is written on another lineage")
    })?;
    for write in &commit.writes {
        let key = [BELOW, write.flag.as_bytes()].concat();
        let found = before.text(&key).map(|bytes| &**bytes);
        let as_expected = match &write.expect {
            Expect::Any => true,
            Expect::Absent => found.is_none(),
            Expect::Value(bytes) => found == Some(bytes),
        };
        check(as_expected, || {
            format!(
                "commit {id} overwrites what it has not seen at {}",
                write.flag
            )
        })?;
    }
    let expected = written(commit, before, entry);
    check(held(&expected) == held(after), || {
        format!("commit {id} is torn: {}", difference(&expected, after))
    })?;
    check(*entry == expected_entry(commit, entry), || {
        format!("the history tells commit {id} otherwise")
    })?;
    if commit.about.source == "apply" {
        status_is_kept(commit)?;
    }
    Ok(())
}

/// What a store holds after `commit`.
fn written(commit: &Commit, before: &Keyspace, entry: &Entry) -> Keyspace {
    let mut after = before.clone();
    let bytes = |text: &str| Bytes::from(text.as_bytes());
    let new = commit.generation + 1;
    let note = json!({"generation": new, "at": commit.about.at}).to_string();
    let mut fields = |key: &[u8], change: &dyn Fn(&mut BTreeMap<Bytes, Bytes>)| {
        let mut fields = after.hash(key).cloned().unwrap_or_default();
        change(&mut fields);
        after.keys.remove(key);
        if !fields.is_empty() {
            after.keys.insert(key.into(), Data::Hash(fields));
        }
    };
    let about = &commit.about;
    fields(META, &|fields| {
        let lineage = commit.lineage.as_ref().unwrap_or(&commit.new_lineage);
        for (name, value) in [
            ("lineage", Some(lineage.clone())),
            ("generation", Some(new.to_string())),
            ("prefix", Some("ff".to_owned())),
            ("digest", Some(about.digest.clone())),
            ("commit", about.commit.clone()),
            ("actor", about.actor.clone()),
            ("applied_at", Some(about.at.to_string())),
            ("version", Some(about.version.clone())),
            ("buckets", Some(about.buckets.clone())),
            ("rolled_back", Some(String::new())),
        ] {
            match value {
                Some(value) => fields.insert(bytes(name), bytes(&value)),
                None => fields.remove(name.as_bytes()),
            };
        }
    });
    for write in &commit.writes {
        let flag = bytes(&write.flag);
        fields(SPECS, &|fields| match &write.spec {
            SpecWrite::Keep => {}
            SpecWrite::Set(digest) => drop(fields.insert(flag.clone(), bytes(digest))),
            SpecWrite::Remove => drop(fields.remove(&flag)),
        });
        fields(STOPS, &|fields| match &write.stop {
            StopWrite::Keep => {}
            StopWrite::Set(stop) => {
                let stop = serde_json::to_string(stop).expect("plain data");
                fields.insert(flag.clone(), bytes(&stop));
            }
            StopWrite::Clear => drop(fields.remove(&flag)),
        });
        fields(REMOVED, &|fields| match &write.spec {
            SpecWrite::Keep => {}
            SpecWrite::Set(_) => drop(fields.remove(&flag)),
            SpecWrite::Remove => drop(fields.insert(flag.clone(), bytes(&note))),
        });
    }
    for write in &commit.writes {
        let key = Bytes::from([BELOW, write.flag.as_bytes()].concat());
        match &write.record {
            RecordWrite::Keep => {}
            RecordWrite::Set(record) => {
                after.keys.insert(key, Data::Text((&**record).into()));
            }
            RecordWrite::Delete => drop(after.keys.remove(&key)),
        }
    }
    let mut entries = before.stream(HISTORY).to_vec();
    entries.push(entry.clone());
    after.keys.insert(HISTORY.into(), Data::Stream(entries));
    after
}

/// The entry of a commit in the history, numbered as `found` is.
fn expected_entry(commit: &Commit, found: &Entry) -> Entry {
    let mut records = serde_json::Map::new();
    for write in &commit.writes {
        let before = match &write.expect {
            Expect::Value(bytes) => Some(text(bytes)),
            Expect::Absent | Expect::Any => None,
        };
        let after = match &write.record {
            RecordWrite::Keep => before.clone(),
            RecordWrite::Set(bytes) => Some(text(bytes)),
            RecordWrite::Delete => None,
        };
        records.insert(write.flag.clone(), json!([before, after]));
    }
    let about = &commit.about;
    let fields = [
        ("id", Some(commit.id.clone())),
        ("generation", Some((commit.generation + 1).to_string())),
        ("at", Some(about.at.to_string())),
        ("actor", about.actor.clone()),
        ("commit", about.commit.clone()),
        ("source", Some(about.source.clone())),
        ("reason", about.reason.clone()),
        ("version", Some(about.version.clone())),
        ("digest", Some(about.digest.clone())),
        ("records", Some(Value::Object(records).to_string())),
    ];
    let pairs = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let words = pairs.flat_map(|(name, value)| [name.to_owned(), value]);
    Entry {
        number: found.number,
        fields: words.map(|word| Bytes::from(word.into_bytes())).collect(),
    }
}

/// A sync may change what git decides, and nothing else.
fn status_is_kept(commit: &Commit) -> Verdict {
    for write in &commit.writes {
        let (Expect::Value(before), RecordWrite::Set(after)) = (&write.expect, &write.record)
        else {
            continue;
        };
        let [before, after] =
            [&**before, &**after].map(|bytes| Record::parse(bytes).expect("a record"));
        let flag = &write.flag;
        check(!before.is_rolled_back() || after.is_rolled_back(), || {
            format!("a sync undoes the stop of {flag}")
        })?;
        let is_rollout = |record: &Record| record.spec.kind() == Kind::Rollout;
        if is_rollout(&before) && is_rollout(&after) {
            let stage = |record: &Record| {
                let fields = ["current_stage", "stage_started", "rollout_started"];
                (
                    record.percentage,
                    fields.map(|field| record.status.0.get(field).cloned()),
                )
            };
            check(stage(&before) == stage(&after), || {
                format!("a sync loses the stage of {flag}")
            })?;
        }
    }
    Ok(())
}

/// What always holds between steps: the history accounts for every generation, in order, and what is laid
/// aside expires by itself, and nothing else.
pub fn state(keyspace: &Keyspace) -> Verdict {
    let entries = keyspace.stream(HISTORY).iter();
    let generations: Vec<String> = entries.map(|entry| field(entry, "generation")).collect();
    let gapless = (1..=generation(keyspace)).map(|generation| generation.to_string());
    check(gapless.eq(generations.iter().cloned()), || {
        format!(
            "the store is at generation {} and its history says {generations:?}",
            generation(keyspace)
        )
    })?;
    let ours = [META, SPECS, REMOVED, STOPS, HISTORY];
    let stray = keyspace.keys.keys().find(|key| {
        let is_known = key.starts_with(BELOW) || ours.contains(&&***key);
        is_known == keyspace.expiring.contains(*key) || !is_known && !key.starts_with(ASIDE)
    });
    check(stray.is_none(), || {
        format!(
            "{:?} is left over, or is to expire",
            stray.map(|key| String::from_utf8_lossy(key))
        )
    })
}
