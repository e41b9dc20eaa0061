//! Reading flags, deciding about them, and committing, until that goes through.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Site;
use crate::commands::commit::{Landed, Sent, actor, fresh_id, send};
use crate::commands::plan::check_buckets;
use crate::commands::{Ending, Failure};
use crate::diagnostic::did_you_mean;
use crate::operate::{Draft, Unfit};
use crate::plan::guard::{Policy, frozen};
use crate::plan::{
    About, BUCKETS, Commit, Expect, RecordWrite, Snapshot, SpecWrite, StopWrite, StoreRef, Stored,
    Write,
};
use crate::record::Stop;
use crate::report::operated::{Line, Operated, Outcome};
use crate::report::words;
use crate::store::Error;

/// The pause before a commit that was overtaken is tried again; it doubles with each.
const PAUSE: Duration = Duration::from_millis(1);
/// Short, so that a stop gets its turn among others who commit without a pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// One flag as it stands in the store.
pub(in crate::commands) struct Subject<'s> {
    pub flag: &'s str,
    /// Digest of the spec that hoist last applied; none for a flag that it does not manage.
    pub applied: Option<&'s str>,
    /// The stop in the bookkeeping.
    pub noted: Option<&'s Stop>,
    /// None where there is no record.
    pub draft: Option<Draft>,
    bytes: Option<&'s [u8]>,
    /// [`Site::named`], for hints.
    named: String,
    /// The store's clock, in seconds since the epoch.
    pub now: f64,
}

/// What is to be done to a flag.
pub(in crate::commands) struct Step {
    pub line: Line,
    pub write: Option<Write>,
}

/// Why something is done, for the history.
pub(in crate::commands) struct Why<'w> {
    /// `kill`, `restore` …
    pub source: &'static str,
    pub reason: Option<&'w str>,
    /// Flag to what is to be said about it.
    pub notes: BTreeMap<String, String>,
}

/// What became of it.
pub(in crate::commands) struct Done {
    pub lines: Vec<Line>,
    /// None where nothing had to be written.
    pub landed: Option<Landed>,
    pub store: StoreRef,
}

impl Done {
    /// How the command ends, once it has reported.
    pub(in crate::commands) fn ending(self) -> Result<Ending, Failure> {
        self.landed.unwrap_or_default().ending()
    }
}

impl Site {
    /// Reads the flags, decides about each, and commits, until that goes through or the patience is
    /// over. Nothing is written unless all of it is.
    pub(in crate::commands) fn carry_out(
        &mut self,
        flags: &[String],
        why: &Why<'_>,
        mut decide: impl FnMut(&Subject<'_>) -> Result<Step, Failure>,
    ) -> Result<Done, Failure> {
        let deadline = Instant::now() + self.patience;
        let names: Vec<&str> = flags.iter().map(String::as_str).collect();
        let mut pause = PAUSE;
        let mut unknown_outcome = None;
        loop {
            let mut lost = None;
            match self.try_once(&names, why, &mut decide) {
                Ok(Some(done)) => return Ok(done),
                Err(Trouble::Other(failure)) => return Err(failure),
                // Whether it went through shows when the flags are read again.
                Err(Trouble::Store(error @ Error::OutcomeUnknown { .. })) => {
                    unknown_outcome = Some(error);
                }
                Err(Trouble::Store(error @ Error::Disconnected { .. })) => lost = Some(error),
                Err(Trouble::Store(Error::Unsteady { .. })) | Ok(None) => {}
                Err(Trouble::Store(error)) => return Err(unknown_outcome.unwrap_or(error).into()),
            }
            if Instant::now() >= deadline {
                return Err(match unknown_outcome.or(lost) {
                    Some(error) => error.into(),
                    None => self.overtaken(),
                });
            }
            std::thread::sleep(jittered(pause));
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }

    /// None where somebody else came first.
    fn try_once(
        &mut self,
        flags: &[&str],
        why: &Why<'_>,
        decide: &mut impl FnMut(&Subject<'_>) -> Result<Step, Failure>,
    ) -> Result<Option<Done>, Trouble> {
        let snapshot = self.store.read_flags(flags)?;
        // What turns a flag off is the same in every formula.
        if !matches!(why.source, "kill" | "pause") {
            check_buckets(snapshot.buckets.as_deref(), self.store.info())
                .map_err(Trouble::Other)?;
        }
        let mut steps = Vec::with_capacity(flags.len());
        for flag in flags {
            let subject = self.subject(&snapshot, flag)?;
            steps.push(decide(&subject).map_err(Trouble::Other)?);
        }
        let lines = steps.iter().map(|step| step.line.clone()).collect();
        let writes: Vec<Write> = steps.into_iter().filter_map(|step| step.write).collect();
        let mut done = Done {
            lines,
            landed: None,
            store: self.store_ref(&snapshot),
        };
        if writes.is_empty() {
            return Ok(Some(done));
        }
        let commit = commit(snapshot, writes, why);
        let lineage = commit.lineage.as_ref().unwrap_or(&commit.new_lineage);
        done.store.lineage = Some(lineage.clone());
        match send(self.store.as_mut(), &commit)? {
            Sent::Landed(landed) => {
                done.store.generation = landed.generation;
                done.landed = Some(landed);
                Ok(Some(done))
            }
            Sent::Moved(_) => Ok(None),
        }
    }

    /// The store as it was read.
    pub(in crate::commands) fn store_ref(&self, snapshot: &Snapshot) -> StoreRef {
        let info = self.store.info();
        StoreRef {
            kind: info.kind.to_owned(),
            lineage: snapshot.lineage.clone(),
            prefix: info.prefix.clone(),
            generation: snapshot.generation,
        }
    }

    /// Refuses a flag that there is not, or whose value nobody can read.
    pub(in crate::commands) fn check_names(
        &mut self,
        snapshot: &Snapshot,
        names: &[&str],
    ) -> Result<(), Failure> {
        for name in names {
            self.subject(snapshot, name)
                .map_err(|trouble| match trouble {
                    Trouble::Store(error) => error.into(),
                    Trouble::Other(failure) => failure,
                })?;
        }
        Ok(())
    }

    fn subject<'s>(
        &mut self,
        snapshot: &'s Snapshot,
        flag: &'s str,
    ) -> Result<Subject<'s>, Trouble> {
        let (applied, noted) = (snapshot.specs.get(flag), snapshot.stops.get(flag));
        let bytes = match snapshot.records.get(flag) {
            Some(Stored::Value(bytes)) => Some(&**bytes),
            Some(Stored::OtherType(kind)) => {
                return Err(self.unreadable(flag, &format!("a {kind}")).into());
            }
            None if applied.is_none() && noted.is_none() => {
                let removed = snapshot.removed.get(flag).map(|removed| removed.generation);
                return Err(self.unknown(flag, removed)?.into());
            }
            None => None,
        };
        let draft = bytes
            .map(Draft::read)
            .transpose()
            .map_err(|error| self.unreadable(flag, &format!("no record ({error})")))?;
        Ok(Subject {
            flag,
            applied: applied.map(String::as_str),
            noted,
            draft,
            bytes,
            named: self.named.clone(),
            now: snapshot.now,
        })
    }

    fn unknown(&mut self, flag: &str, removed: Option<u64>) -> Result<Failure, Error> {
        let prefix = self.store.info().prefix.clone();
        let failure = Failure::impossible(match removed {
            Some(generation) => {
                format!("there is no flag `{flag}`: it was deleted at generation {generation}")
            }
            None => format!("there is no flag `{flag}`"),
        });
        let all = self.store.read()?;
        let known: BTreeSet<&String> = all.records.keys().chain(all.specs.keys()).collect();
        let bare = flag.strip_prefix(&format!("{prefix}:")).unwrap_or(flag);
        let names = || known.iter().map(|known| known.as_str());
        let meant = names()
            .find(|known| *known == bare)
            .or_else(|| did_you_mean(flag, names()));
        let nothing = "nothing was written";
        let place = format!("below prefix `{prefix}` of {}", self.store.info().url);
        Ok(failure.hint(match meant {
            Some(meant) => format!("{nothing}; did you mean `{meant}`?"),
            None => format!(
                "{nothing}; {} flags stand {place}: is that the environment you mean?",
                all.records.len()
            ),
        }))
    }

    /// What a client makes of such a value nobody knows, so that neither can hoist say that it is off.
    fn unreadable(&self, flag: &str, what: &str) -> Failure {
        let info = self.store.info();
        let key = format!("{}:{flag}", info.prefix);
        Failure::refused(format!(
            "the key of `{flag}` holds {what}, and hoist does not overwrite what it cannot read"
        ))
        .hint(format!(
            "nothing was written; look at `{key}`, and delete it if nobody needs it: clients then take their \
             default, and `hoist kill {flag}{}` keeps the flag off when a sync puts it back",
            self.named
        ))
    }

    fn overtaken(&self) -> Failure {
        Failure::impossible(format!(
            "{} kept changing for {} s, and nothing was written",
            self.store.info().url,
            self.patience.as_secs_f64()
        ))
        .hint("something else writes without a pause; run it again, with more time if need be: `--timeout SECONDS`")
        .passing()
    }

    /// What was done, to be reported.
    pub(in crate::commands) fn operated<'d>(
        &'d self,
        done: &'d Done,
        mut advice: Vec<String>,
    ) -> Operated<'d> {
        if let Some(on) = done.landed.as_ref().and_then(Landed::replicas_in_words) {
            advice.insert(0, format!("Committed, {on}."));
        }
        Operated {
            environment: self.environment.as_deref(),
            info: self.store.info(),
            store: done.store.clone(),
            committed: done.landed.is_some(),
            replicas: done.landed.as_ref().and_then(|landed| landed.replicas),
            flags: &done.lines,
            advice,
        }
    }
}

/// What goes wrong in one try.
enum Trouble {
    Store(Error),
    Other(Failure),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl Subject<'_> {
    /// Why something cannot be done to a flag, and what to do instead.
    pub(in crate::commands) fn unfit(&self, error: &Unfit) -> Failure {
        let (flag, named) = (self.flag, &self.named);
        let message = format!("`{flag}` {error}");
        let (failure, hint) = match error {
            Unfit::Stopped(stop) => (
                Failure::refused(message + &words::of_stop(stop)),
                format!("`hoist restore {flag}{named}` ends that"),
            ),
            Unfit::Paused(pause) => (
                Failure::refused(message + &words::of_pause(pause)),
                format!("`hoist rollout resume {flag}{named}` lets it go on"),
            ),
            Unfit::Off => (
                Failure::refused(message),
                "git decides: set `enabled: true` in its file, and apply".to_owned(),
            ),
            Unfit::LastStage(_) => (
                Failure::refused(message),
                "there is no stage behind it; `--to STAGE --back` goes to an earlier one"
                    .to_owned(),
            ),
            Unfit::Backward { .. } => (
                Failure::refused(message),
                "pass `--back` if the users in between are to lose it".to_owned(),
            ),
            Unfit::NotStopped => (
                Failure::refused(message),
                "`hoist rollout advance --to STAGE` moves a rollout that runs".to_owned(),
            ),
            Unfit::NoSuchStage { .. } | Unfit::NoRollout | Unfit::NotPaused => (
                Failure::impossible(message),
                format!("`hoist rollout status {flag}{named}` shows what it is"),
            ),
            Unfit::NoPercentage(_) => (
                Failure::impossible(message),
                "another client wrote it; `hoist apply` puts right what hoist manages".to_owned(),
            ),
        };
        failure.hint(format!("nothing was written; {hint}"))
    }

    /// A write that changes the record to `after`, or leaves it where that is none.
    pub(in crate::commands) fn write(&self, after: Option<&Draft>, stop: StopWrite) -> Write {
        Write {
            flag: self.flag.to_owned(),
            expect: match self.bytes {
                Some(bytes) => Expect::Value(bytes.to_vec().into()),
                None => Expect::Absent,
            },
            record: match after {
                Some(after) => RecordWrite::Set(after.to_bytes().into()),
                None => RecordWrite::Keep,
            },
            spec: SpecWrite::Keep,
            stop,
        }
    }
}

/// A commit on top of `snapshot`. The flag set in force stays what it is.
fn commit(snapshot: Snapshot, writes: Vec<Write>, why: &Why<'_>) -> Commit {
    let mut notes = why.notes.clone();
    notes.retain(|flag, _| writes.iter().any(|write| write.flag == *flag));
    Commit {
        id: fresh_id(),
        lineage: snapshot.lineage,
        new_lineage: fresh_id(),
        generation: snapshot.generation,
        about: About {
            digest: snapshot.digest.unwrap_or_default(),
            commit: snapshot.commit,
            rolled_back: snapshot.rolled_back,
            actor: actor(),
            version: env!("CARGO_PKG_VERSION").into(),
            buckets: snapshot.buckets.unwrap_or_else(|| BUCKETS.to_owned()),
            source: why.source.to_owned(),
            reason: why.reason.map(str::to_owned),
            notes,
            at: snapshot.now,
        },
        writes,
    }
}

/// Half of `pause` to one and a half, so that two who met do not meet again.
fn jittered(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_u128() % 1000;
    pause / 2 + pause * u32::try_from(random).unwrap_or(0) / 1000
}

/// Refuses a change while the environment is frozen.
pub(in crate::commands) fn refuse_frozen(policy: &Policy, now: f64) -> Result<(), Failure> {
    match frozen(policy, now) {
        Some(refusal) => Err(Failure::guarded(vec![refusal])),
        None => Ok(()),
    }
}

/// What is said of one flag, with its record as it is and as it becomes.
pub(in crate::commands) fn line(
    subject: &Subject<'_>,
    outcome: Outcome,
    said: String,
    after: Option<&Draft>,
) -> Line {
    let fields = |draft: &Draft| draft.fields().clone();
    Line {
        flag: subject.flag.to_owned(),
        outcome,
        said,
        before: subject.draft.as_ref().map(fields),
        after: after.map(fields),
        gate: None,
    }
}

/// Each name once, in the order in which they were given.
pub(in crate::commands) fn once_each(flags: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(flags.len());
    for flag in flags {
        if !names.contains(flag) {
            names.push(flag.clone());
        }
    }
    names
}
