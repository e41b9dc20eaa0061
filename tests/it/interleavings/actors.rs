//! Who writes to a store: syncs, operators with hoist's protocol, and clients without.

use std::hash::{DefaultHasher, Hash, Hasher};

use hoist::operate::{self, Draft, Rollout};
use hoist::plan::guard::{Consent, Policy, refusals};
use hoist::plan::{
    About, BUCKETS, Commit, Expect, Plan, RecordWrite, Snapshot, SpecWrite, StopWrite, Stored,
    Target, Write,
};
use hoist::record::{Record, Stop};
use hoist::store::{Error, Outcome, Store};
use serde_json::{Value, json};

use super::mutant::Mutant;
use super::replay::Desk;

/// How often a command that was overtaken reads and plans again, as `hoist apply` does.
const ATTEMPTS: u8 = 3;

#[derive(Clone, Debug)]
pub enum Actor {
    /// `hoist apply` of these flags.
    Sync(Target),
    /// `hoist watch` once files have changed to these flags, which the store has: it looks ahead.
    Watch(Target),
    /// Stops a flag through hoist's protocol.
    Kill(&'static str),
    /// Moves a rollout on by one stage, through hoist's protocol.
    Advance(&'static str),
    /// A client of the record format: GET, edit, SET.
    Client(&'static str, Edit),
}

#[derive(Clone, Copy, Debug)]
pub enum Edit {
    Stop,
    Advance,
    /// Of what git decides.
    Percentage,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ended {
    /// The commit that was tried, and what is said of it.
    pub claim: Option<(String, Claim)>,
    /// Whether it is tried again.
    pub again: bool,
}

/// What a store said of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    Written(u64),
    /// Not written: somebody else came first.
    Overtaken,
    /// Not written, for another reason.
    NotWritten,
    Unknown,
}

impl Ended {
    fn without_commit() -> Self {
        Self {
            claim: None,
            again: false,
        }
    }
}

impl Actor {
    /// One attempt, the first of which has the number 1. `name` tells the actor from others.
    pub fn attempt(&self, desk: &Desk, name: &str, number: u8) -> Ended {
        match self {
            Self::Client(flag, edit) => {
                // Whatever comes of it, the client is not hoist's.
                let _ = write_back(desk, flag, *edit);
                Ended::without_commit()
            }
            _ => self
                .commit(desk, name, number)
                .unwrap_or_else(Ended::without_commit),
        }
    }

    /// A sync that is overtaken reads and plans again; an operator's command looks again in any case.
    fn tries_again(&self, ended: &Ended) -> bool {
        match ended.claim {
            Some((_, Claim::Overtaken)) => true,
            Some((_, Claim::NotWritten | Claim::Unknown)) => self.is_operators(),
            Some((_, Claim::Written(_))) | None => false,
        }
    }

    /// What a sync sends for before it knows what is there.
    fn expects(&self) -> Vec<&str> {
        match self {
            Self::Sync(target) => target.names(),
            Self::Watch(_) | Self::Kill(_) | Self::Advance(_) | Self::Client(..) => Vec::new(),
        }
    }

    fn is_operators(&self) -> bool {
        matches!(self, Self::Kill(_) | Self::Advance(_))
    }

    /// `None` where there is nothing to commit.
    fn commit(&self, desk: &Desk, name: &str, number: u8) -> Option<Ended> {
        let mut store = desk.store();
        let flags: Option<Vec<&str>> = match self {
            Self::Kill(flag) | Self::Advance(flag) => Some(vec![*flag]),
            Self::Watch(target) => {
                let flags = target.flags.iter();
                Some(flags.map(|wanted| wanted.flag.as_str()).collect())
            }
            Self::Sync(_) | Self::Client(..) => None,
        };
        let ahead = match (self, &flags) {
            (Self::Watch(_), Some(flags)) if number == 1 => {
                // Its heartbeat: there is a connection.
                store.read_flags(&[]).ok()?;
                store.prepare(flags)
            }
            _ => None,
        };
        let snapshot = match (ahead, &flags) {
            (Some(snapshot), _) => snapshot,
            (None, Some(flags)) => store.read_flags(flags).ok()?,
            (None, None) => store.read_expecting(&self.expects()).ok()?,
        };
        desk.has_read(&snapshot, flags.as_deref());
        let mut commit = match self {
            Self::Sync(target) | Self::Watch(target) => plan(target, snapshot)?,
            Self::Kill(flag) => status(&snapshot, flag, "kill", stop)?,
            Self::Advance(flag) => status(&snapshot, flag, "rollout advance", advance)?,
            Self::Client(..) => return None,
        };
        commit.id = format!("{name}-{number}-{:08x}", digest(&commit));
        commit.new_lineage = format!("lineage-{}", commit.id);
        if commit.about.source == "apply" {
            sabotage(&mut commit, desk.mutant());
        }
        desk.commits(&commit);
        let mut ended = try_commit(desk, &mut *store, &commit);
        ended.again = number < ATTEMPTS && self.tries_again(&ended);
        Some(ended)
    }
}

fn try_commit(desk: &Desk, store: &mut dyn Store, commit: &Commit) -> Ended {
    let mut result = store.commit(commit);
    if desk.mutant() == Some(Mutant::SendsAgain)
        && matches!(result, Err(Error::OutcomeUnknown { .. }))
        && let Ok(now) = store.read()
        && now.generation > commit.generation
    {
        let mut commit = commit.clone();
        commit.generation = now.generation;
        commit.lineage = now.lineage;
        for write in &mut commit.writes {
            write.expect = Expect::Any;
        }
        result = store.commit(&commit);
    }
    let guesses = desk.mutant() == Some(Mutant::GuessesNothingWritten);
    let claim = match result {
        Ok(Outcome::Committed { generation }) => Claim::Written(generation),
        Ok(Outcome::Moved(_)) => Claim::Overtaken,
        Err(Error::OutcomeUnknown { .. }) if !guesses => Claim::Unknown,
        Err(_) => Claim::NotWritten,
    };
    Ended {
        claim: Some((commit.id.clone(), claim)),
        again: false,
    }
}

fn plan(target: &Target, snapshot: Snapshot) -> Option<Commit> {
    let now = snapshot.now;
    let plan = Plan::new(target, "redis", "ff", snapshot);
    let consent = Consent {
        adopt: true,
        deletes: usize::MAX,
        ..Consent::default()
    };
    assert_eq!(refusals(&plan, consent, &Policy::default(), now), []);
    let about = About {
        digest: plan.digest.clone(),
        ..about("apply", now)
    };
    (!plan.is_empty()).then(|| plan.into_commit(String::new(), String::new(), about))
}

fn about(source: &str, at: f64) -> About {
    About {
        digest: "none".to_owned(),
        commit: None,
        actor: Some("ana".to_owned()),
        version: "1".to_owned(),
        buckets: BUCKETS.to_owned(),
        source: source.to_owned(),
        at,
        ..About::default()
    }
}

/// A commit of one flag's status. `None` where there is nothing to change.
fn status(
    snapshot: &Snapshot,
    flag: &str,
    source: &str,
    change: impl FnOnce(&Draft, f64) -> Option<(Draft, StopWrite)>,
) -> Option<Commit> {
    let Some(Stored::Value(bytes)) = snapshot.records.get(flag) else {
        return None;
    };
    let draft = Draft::read(bytes).expect("a record");
    let (after, stop) = change(&draft, snapshot.now)?;
    Some(Commit {
        id: String::new(),
        lineage: snapshot.lineage.clone(),
        new_lineage: String::new(),
        generation: snapshot.generation,
        writes: vec![Write {
            flag: flag.to_owned(),
            expect: Expect::Value(bytes.clone()),
            record: RecordWrite::Set(after.to_bytes().into()),
            spec: SpecWrite::Keep,
            stop,
        }],
        about: About {
            digest: snapshot.digest.clone().unwrap_or_default(),
            ..about(source, snapshot.now)
        },
    })
}

fn stop(draft: &Draft, now: f64) -> Option<(Draft, StopWrite)> {
    let stop = Stop {
        since: Some(now),
        ..Stop::default()
    };
    let stopped = operate::kill(draft, &stop, now);
    (!draft.record().is_rolled_back()).then_some((stopped, StopWrite::Set(stop)))
}

fn advance(draft: &Draft, now: f64) -> Option<(Draft, StopWrite)> {
    let stage = operate::next_stage(&Rollout::of(draft.record())?, None, false).ok()?;
    let advanced = operate::advance(draft, stage, now).ok()?;
    Some((advanced, StopWrite::Keep))
}

fn write_back(desk: &Desk, flag: &str, edit: Edit) -> redis::RedisResult<()> {
    let mut link = desk.link();
    let key = format!("ff:{flag}");
    let redis::Value::BulkString(bytes) = desk.ask(&mut *link, &[b"GET", key.as_bytes()])? else {
        return Ok(());
    };
    let mut record: Value = serde_json::from_slice(&bytes).expect("a record");
    match edit {
        Edit::Stop => {
            record["enabled"] = json!(false);
            record["rolled_back_at"] = json!(1_700_000_000);
        }
        Edit::Advance => {
            let stage = record["current_stage"].as_u64().unwrap_or_default() as usize + 1;
            record["current_stage"] = json!(stage);
            record["percentage"] = record["rollout_stages"][stage]["percentage"].clone();
        }
        Edit::Percentage => record["percentage"] = json!(77),
    }
    let text = record.to_string();
    desk.ask(&mut *link, &[b"SET", key.as_bytes(), text.as_bytes()])?;
    Ok(())
}

/// What a sync would do that does not carry status forward.
fn sabotage(commit: &mut Commit, mutant: Option<Mutant>) {
    for write in &mut commit.writes {
        let RecordWrite::Set(bytes) = &mut write.record else {
            continue;
        };
        let mut record = Record::parse(bytes).expect("a record");
        match mutant {
            Some(Mutant::LosesStop) if record.is_rolled_back() => {
                record.status.clear("rolled_back_at");
                record.spec = record.spec.with_enabled(true);
            }
            Some(Mutant::LosesStage) if record.status.current_stage() > Some(0) => {
                record.status.set("current_stage", 0);
            }
            _ => continue,
        }
        *bytes = record.to_bytes();
    }
}

fn digest(commit: &Commit) -> u32 {
    let mut hasher = DefaultHasher::new();
    format!("{commit:?}").hash(&mut hasher);
    hasher.finish() as u32
}
