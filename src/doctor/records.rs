//! What hoist knows of its flags, against what stands there.

use super::words::{count, list, quoted};
use super::{Case, Damage, Facts, Finding, Level};
use crate::eval::Evaluator;
use crate::operate;
use crate::plan::{BUCKETS, Snapshot, Stored};
use crate::record::Record;

/// Length of a digest in hexadecimal.
const DIGEST: usize = 32;
/// Keys that are mended one by one.
const MENDED: usize = 20;

pub(super) fn examine(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = bookkeeping(case);
    if let Ok(snapshot) = case.snapshot {
        findings.push(history(case, snapshot));
        findings.push(buckets(snapshot));
        findings.extend(records(case, snapshot));
        findings.push(foreign(case, snapshot));
    }
    findings
}

fn bookkeeping(case: &Case<'_>) -> Vec<Finding> {
    let new = |level, found: String| Finding::new("bookkeeping", level, found);
    let mut findings: Vec<Finding> = [case.snapshot.err(), case.newest.err()]
        .into_iter()
        .flatten()
        .filter(|damage| !damage.forbidden)
        .map(|damage| unreadable(&damage))
        .collect();
    if let Facts::Server(facts) = case.facts
        && !facts.left_behind.is_empty()
    {
        let keys = &facts.left_behind;
        let found = format!(
            "{} of a transaction {} left behind: {}",
            count(keys.len(), "key"),
            if keys.len() == 1 { "was" } else { "were" },
            list(keys)
        );
        let names: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
        findings.push(
            new(Level::Warning, found)
                .advise("a server that keeps transactions whole shows them to nobody; nothing needs them")
                .redis(format!("UNLINK {}", names.join(" "))),
        );
    }
    if !findings.is_empty() {
        return findings;
    }
    vec![match case.snapshot {
        Ok(snapshot) if snapshot.generation == 0 => {
            new(Level::Note, "hoist has never written here".to_owned())
        }
        Ok(snapshot) => {
            let managed = count(snapshot.specs.len(), "flag");
            let stopped = match snapshot.stops.len() {
                0 => String::new(),
                stops => format!(", {stops} of them stopped"),
            };
            let generation = snapshot.generation;
            new(
                Level::Ok,
                format!("generation {generation}, {managed} managed{stopped}"),
            )
        }
        Err(damage) => new(Level::Unknown, damage.message.to_owned()),
    }]
}

fn unreadable(damage: &Damage<'_>) -> Finding {
    let finding = Finding::new("bookkeeping", Level::Error, damage.message);
    match damage.hint {
        Some(hint) => finding.advise(hint),
        None => finding,
    }
}

fn history(case: &Case<'_>, snapshot: &Snapshot) -> Finding {
    let new = |level, found: String| Finding::new("history", level, found);
    let at = snapshot.generation;
    let found = match case.newest {
        Ok(newest) if newest.unwrap_or(0) == at => {
            return new(Level::Ok, "it goes up to the present".to_owned());
        }
        Ok(Some(newest)) => format!("it ends with generation {newest}, and the store is at {at}"),
        Ok(None) => format!("it is empty, and the store is at generation {at}"),
        Err(damage) => return new(Level::Unknown, damage.message.to_owned()),
    };
    new(Level::Warning, found).advise(
        "somebody has deleted entries: they cannot be rolled back to, and the next commit writes on",
    )
}

fn buckets(snapshot: &Snapshot) -> Finding {
    let new = |level, found: String| Finding::new("buckets", level, found);
    match &snapshot.buckets {
        Some(theirs) if theirs != BUCKETS => new(
            Level::Error,
            format!("users were put into buckets by `{theirs}`, and this hoist knows `{BUCKETS}`"),
        )
        .advise(
            "nothing is applied here, since it would move all users: use the hoist that wrote it",
        ),
        _ => new(Level::Ok, format!("users fall into buckets by {BUCKETS}")),
    }
}

/// The managed flags whose records are not as they were applied, by what is wrong.
#[derive(Default)]
struct Wrong<'s> {
    missing: Vec<&'s str>,
    other_type: Vec<&'s str>,
    /// No record, or one that makes no sense, and the first reason.
    senseless: Vec<&'s str>,
    reason: Option<String>,
    changed: Vec<&'s str>,
    odd_digest: Vec<&'s str>,
}

impl<'s> Wrong<'s> {
    fn find(snapshot: &'s Snapshot) -> Self {
        let mut wrong = Self::default();
        let mut managed: Vec<(&String, &String)> = snapshot.specs.iter().collect();
        managed.sort_unstable();
        for (flag, digest) in managed {
            wrong.look_at(snapshot, flag, digest);
        }
        wrong
    }

    fn findings(&self, case: &Case<'_>) -> Vec<Finding> {
        let apply = format!("hoist apply{}", case.named);
        let missing = ["has lost its record", "have lost their records"];
        let missing = about(Level::Error, &self.missing, missing).map(|finding| {
            finding
                .advise("applications get their default for it")
                .shell(&apply)
        });
        let other_type = [
            "is no value that a client can read",
            "are no values that a client can read",
        ];
        let other_type = about(Level::Error, &self.other_type, other_type).map(|mut finding| {
            for flag in self.other_type.iter().take(MENDED) {
                let key = quoted(&format!("{}:{flag}", case.prefix));
                finding = finding.redis(format!("UNLINK {key}"));
            }
            finding.shell(&apply)
        });
        let senseless = [
            "has a record that makes no sense",
            "have records that make no sense",
        ];
        let senseless = about(Level::Error, &self.senseless, senseless).map(|finding| {
            let reason = self.reason.as_deref().unwrap_or_default();
            finding
                .advise(format!("the first: {reason}"))
                .shell(format!("{apply} --adopt"))
        });
        let odd_digest = [
            "has a digest in the bookkeeping that hoist does not make",
            "have digests in the bookkeeping that hoist does not make",
        ];
        let odd_digest =
            about(Level::Error, &self.odd_digest, odd_digest).map(|finding| finding.shell(&apply));
        let changed = ["is not as it was applied", "are not as they were applied"];
        let changed = about(Level::Warning, &self.changed, changed).map(|finding| {
            finding
                .advise(format!("`hoist plan{}` shows what was changed", case.named))
                .shell(&apply)
        });
        let all = [missing, other_type, senseless, odd_digest, changed];
        all.into_iter().flatten().collect()
    }

    fn look_at(&mut self, snapshot: &'s Snapshot, flag: &'s str, digest: &str) {
        let is_digest = digest.len() == DIGEST && digest.bytes().all(|b| b.is_ascii_hexdigit());
        let record = match snapshot.records.get(flag) {
            None => return self.missing.push(flag),
            Some(Stored::OtherType(_)) => return self.other_type.push(flag),
            Some(Stored::Value(bytes)) => sensible(flag, bytes),
        };
        match record {
            Err(reason) => {
                self.senseless.push(flag);
                self.reason.get_or_insert(reason);
            }
            Ok(_) if !is_digest => self.odd_digest.push(flag),
            Ok(record) => {
                let stop = snapshot.stops.get(flag);
                if !operate::reminded(record, stop, snapshot.now).has_spec(digest) {
                    self.changed.push(flag);
                }
            }
        }
    }
}

/// One finding about some flags, in words for one and for several of them; none about no flags.
fn about(level: Level, flags: &[&str], [is, are]: [&str; 2]) -> Option<Finding> {
    let what = if flags.len() == 1 { is } else { are };
    let found = format!("{} {what}: {}", count(flags.len(), "flag"), list(flags));
    (!flags.is_empty()).then(|| Finding::new("records", level, found))
}

/// The record in `bytes`, if an application can make sense of it.
fn sensible(flag: &str, bytes: &[u8]) -> Result<Record, String> {
    let record = Record::parse(bytes).map_err(|error| error.to_string())?;
    match Evaluator::new(flag, &record) {
        Ok(_) => Ok(record),
        Err(error) => Err(error.to_string()),
    }
}

fn records(case: &Case<'_>, snapshot: &Snapshot) -> Vec<Finding> {
    let findings = Wrong::find(snapshot).findings(case);
    if findings.is_empty() {
        let found = format!("{} as applied", count(snapshot.specs.len(), "record"));
        return vec![Finding::new("records", Level::Ok, found)];
    }
    findings
}

fn foreign(case: &Case<'_>, snapshot: &Snapshot) -> Finding {
    let unmanaged = snapshot.in_order().into_iter();
    let unmanaged = unmanaged.filter(|(flag, _)| !snapshot.specs.contains_key(*flag));
    let (mut all, mut senseless) = (Vec::new(), Vec::new());
    for (flag, stored) in unmanaged {
        all.push(flag);
        let is_sensible = matches!(stored, Stored::Value(bytes) if sensible(flag, bytes).is_ok());
        if !is_sensible {
            senseless.push(flag);
        }
    }
    let new = |level, found: String| Finding::new("foreign", level, found);
    let below = format!("below `{}:`", case.prefix);
    if all.is_empty() {
        return new(Level::Ok, format!("nothing but hoist's flags {below}"));
    }
    let found = format!(
        "{} {below} that hoist does not manage: {}",
        count(all.len(), "key"),
        list(&all)
    );
    if senseless.is_empty() {
        return new(Level::Note, found).advise(
            "hoist never touches them, unless flag files have them and `--adopt` is given",
        );
    }
    let unread = match senseless.len() {
        1 if all.len() == 1 => "and it is no record".to_owned(),
        number => format!("{number} of them no records: {}", list(&senseless)),
    };
    new(Level::Warning, format!("{found}; {unread}"))
        .advise("a client that reads all keys stumbles over them: find out who writes them")
}
