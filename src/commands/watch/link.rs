//! The store that is kept in step, and what is known of it.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use super::set::Set;
use crate::commands::Failure;
use crate::commands::apply::overtaken;
use crate::commands::commit::{Landed, Sent, about, fresh_id, send};
use crate::commands::plan::check_buckets;
use crate::config::Environment;
use crate::plan::guard::{Consent, Refusal, refusals};
use crate::plan::{Commit, Plan, Snapshot, SpecWrite, Whole};
use crate::store::{Error, HistoryEntry, Store, WatchClaim};

/// How often a plan that was overtaken is made again.
const ATTEMPTS: usize = 3;
/// So many commits of others are told of at once.
const TOLD: u64 = 20;
/// How long a claim lasts that is not renewed.
const LASTING: Duration = Duration::from_secs(10);

/// A store, and what of it need not be read again.
pub(super) struct Link {
    pub store: Box<dyn Store>,
    known: Option<Known>,
    ahead: Option<Ahead>,
    /// The generation when it was last looked at.
    pub last: Option<u64>,
    /// Flags that may differ from the target.
    pending: BTreeSet<String>,
    /// Whether deletions were left out of the last plan.
    is_withheld: bool,
    /// Id of the last commit that was sent: whether it went through may have been unknown.
    sent: Option<String>,
    claim: WatchClaim,
    rival: Option<WatchClaim>,
    /// How long it took to read everything.
    pub cost: Duration,
    /// Flags that are stopped, as of the last time everything was read.
    pub stopped: usize,
}

/// The store as of one generation.
struct Known {
    lineage: Option<String>,
    generation: u64,
    managed: HashSet<String>,
    unmanaged: usize,
}

/// What the store held of some flags, read before it was sure that they have changed.
struct Ahead {
    flags: BTreeSet<String>,
    snapshot: Snapshot,
    at: Instant,
}

impl Ahead {
    /// As if it were read now: but for the clock, somebody else's commit is the only thing that may have
    /// made a difference, and one to these flags keeps a commit that was planned from it from going
    /// through.
    fn snapshot(mut self) -> Snapshot {
        self.snapshot.now += self.at.elapsed().as_secs_f64();
        self.snapshot
    }
}

/// What came of bringing the store into step.
pub(super) struct Pushed {
    pub plan: Plan,
    pub end: End,
    /// What others have committed since, oldest first.
    pub foreign: Vec<HistoryEntry>,
    /// The generation, where somebody else has made it and the history does not tell who.
    pub unexplained: Option<u64>,
}

pub(super) enum End {
    Nothing,
    Written(Landed),
    Refused(Vec<Refusal>),
}

/// What has become of another watcher.
pub(super) enum Rivalry {
    New(WatchClaim),
    Over,
    AsBefore,
}

impl Link {
    pub(super) fn new(store: Box<dyn Store>, claim: WatchClaim) -> Self {
        Self {
            store,
            known: None,
            ahead: None,
            last: None,
            pending: BTreeSet::new(),
            is_withheld: false,
            sent: None,
            claim,
            rival: None,
            cost: Duration::ZERO,
            stopped: 0,
        }
    }

    /// These flags of the target have changed.
    pub(super) fn expect(&mut self, flags: BTreeSet<String>) {
        self.pending.extend(flags);
    }

    /// These flags of the target are about to change, as far as can be told: what a commit of them has to
    /// know of the store is read, if that can be done at once.
    pub(super) fn prepare(&mut self, flags: &BTreeSet<String>) {
        self.ahead = None;
        if self.known.is_none() || flags.is_empty() {
            return;
        }
        let flags = flags | &self.pending;
        let names: Vec<&str> = flags.iter().map(String::as_str).collect();
        let snapshot = self.store.prepare(&names);
        self.ahead = snapshot.map(|snapshot| Ahead {
            flags,
            snapshot,
            at: Instant::now(),
        });
    }

    /// Has everything read and compared next time.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// Whether a look at the store alone shows that something is to be done.
    pub(super) fn has_moved(&mut self) -> Result<bool, Error> {
        let head = self.store.read_flags(&[])?;
        Ok(self.known.as_ref().is_none_or(|known| {
            (known.generation, &known.lineage) != (head.generation, &head.lineage)
        }))
    }

    /// Says that this watcher is at work, and what has become of another one.
    pub(super) fn claim(&mut self) -> Result<Rivalry, Error> {
        let found = self.store.claim_watch(&self.claim, LASTING)?;
        let before = std::mem::replace(&mut self.rival, found.clone());
        Ok(match (before, found) {
            (Some(before), Some(found)) if before.id == found.id => Rivalry::AsBefore,
            (_, Some(found)) => Rivalry::New(found),
            (Some(_), None) => Rivalry::Over,
            (None, None) => Rivalry::AsBefore,
        })
    }

    pub(super) fn release(&mut self) {
        // It ends by itself where the store is away.
        let _ = self.store.release_watch(&self.claim);
    }

    /// Makes the store agree with the target of `set`; flags that are gone are deleted only with
    /// `prune`.
    pub(super) fn push(
        &mut self,
        set: &Set,
        environment: &Environment,
        prune: bool,
    ) -> Result<Pushed, Failure> {
        let pushed = self.try_push(set, environment, prune);
        if pushed.is_err() {
            self.known = None;
        }
        pushed
    }

    fn try_push(
        &mut self,
        set: &Set,
        environment: &Environment,
        prune: bool,
    ) -> Result<Pushed, Failure> {
        if prune && self.is_withheld {
            self.known = None;
        }
        self.is_withheld = environment.prune && !prune;
        let consent = Consent {
            deletes: if environment.watch_prune {
                usize::MAX
            } else {
                0
            },
            ..Consent::default()
        };
        let mut foreign = Vec::new();
        let mut unexplained = None;
        let mut moved = Vec::new();
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            let ahead = self.ahead.take();
            let ahead = ahead.filter(|ahead| ahead.flags == self.pending);
            let was_ahead = ahead.is_some();
            let (mut plan, now) = match self.compare_part(set, environment, prune, ahead)? {
                Some(compared) => compared,
                None => {
                    let compared = self.compare_whole(set, environment, prune)?;
                    (foreign, unexplained) = self.foreign(foreign)?;
                    compared
                }
            };
            let refusals = refusals(&plan, consent, &environment.policy, now);
            if was_ahead && (plan.is_empty() || !refusals.is_empty()) {
                // No commit will tell whether that is still so.
                continue;
            }
            let end = if !refusals.is_empty() {
                End::Refused(refusals)
            } else if plan.is_empty() {
                End::Nothing
            } else {
                let about = about(&plan, "watch", None, now);
                let commit = plan.lend_commit(fresh_id(), fresh_id(), about);
                self.sent = Some(commit.id.clone());
                match send(self.store.as_mut(), &commit)? {
                    Sent::Landed(landed) => {
                        self.learn(&commit, landed.generation);
                        plan.take_back(commit);
                        End::Written(landed)
                    }
                    Sent::Moved(what) => {
                        moved = what;
                        attempt += 1;
                        self.known = None;
                        continue;
                    }
                }
            };
            if !matches!(end, End::Refused(_)) {
                self.pending.clear();
            }
            return Ok(Pushed {
                plan,
                end,
                foreign,
                unexplained,
            });
        }
        Err(overtaken(&moved).passing())
    }

    /// A plan of the flags that have changed, where nobody else has committed since, and the store's clock.
    fn compare_part(
        &mut self,
        set: &Set,
        environment: &Environment,
        prune: bool,
        ahead: Option<Ahead>,
    ) -> Result<Option<(Plan, f64)>, Failure> {
        let Some(known) = &self.known else {
            return Ok(None);
        };
        let flags: Vec<&str> = self.pending.iter().map(String::as_str).collect();
        let snapshot = match ahead {
            Some(ahead) => ahead.snapshot(),
            None => self.store.read_flags(&flags)?,
        };
        if (known.generation, &known.lineage) != (snapshot.generation, &snapshot.lineage) {
            self.known = None;
            return Ok(None);
        }
        let whole = Whole {
            digest: set.digest(),
            wanted: set.target.flags.len(),
            managed: known.managed.len(),
            unmanaged: known.unmanaged,
        };
        let target = set.part(&self.pending, prune);
        let (kind, now) = (self.store.info().kind, snapshot.now);
        let plan = Plan::of_part(&target, &whole, kind, &environment.prefix, snapshot);
        Ok(Some((plan, now)))
    }

    fn compare_whole(
        &mut self,
        set: &Set,
        environment: &Environment,
        prune: bool,
    ) -> Result<(Plan, f64), Failure> {
        let began = Instant::now();
        let snapshot = self.store.read_expecting(&set.target.names())?;
        check_buckets(snapshot.buckets.as_deref(), self.store.info())?;
        let mut known = Known {
            lineage: snapshot.lineage.clone(),
            generation: snapshot.generation,
            managed: snapshot.specs.keys().cloned().collect(),
            unmanaged: 0,
        };
        let now = snapshot.now;
        let kind = self.store.info().kind;
        let plan = if prune == set.target.prune {
            Plan::new(&set.target, kind, &environment.prefix, snapshot)
        } else {
            let mut target = set.target.clone();
            target.prune = prune;
            Plan::new(&target, kind, &environment.prefix, snapshot)
        };
        known.unmanaged = plan.unmanaged;
        self.stopped = plan.stopped.len();
        self.known = Some(known);
        self.cost = began.elapsed();
        Ok((plan, now))
    }

    /// What others have committed between the generation last seen and that of now, oldest first, beside
    /// what was known of that already.
    fn foreign(
        &mut self,
        mut known: Vec<HistoryEntry>,
    ) -> Result<(Vec<HistoryEntry>, Option<u64>), Failure> {
        let Some(now) = self.known.as_ref().map(|known| known.generation) else {
            return Ok((known, None));
        };
        let Some(last) = self.last.replace(now).filter(|last| *last != now) else {
            return Ok((known, None));
        };
        let limit = now.saturating_sub(last).clamp(1, TOLD);
        let entries = self.store.history(usize::try_from(limit).unwrap_or(1))?;
        let since = |entry: &HistoryEntry| last < entry.generation && entry.generation <= now;
        let mut entries: Vec<_> = entries.into_iter().filter(since).collect();
        let is_ours = |entry: &HistoryEntry| Some(&entry.id) == self.sent.as_ref();
        let unexplained = entries.is_empty().then_some(now);
        entries.retain(|entry| !is_ours(entry));
        known.extend(entries.into_iter().rev());
        Ok((known, unexplained))
    }

    /// What a commit has made of the store.
    fn learn(&mut self, commit: &Commit, generation: u64) {
        self.last = Some(generation);
        let Some(known) = &mut self.known else {
            return;
        };
        known.generation = generation;
        if known.lineage.is_none() {
            known.lineage = Some(commit.new_lineage.clone());
        }
        for write in &commit.writes {
            match write.spec {
                SpecWrite::Keep => {}
                SpecWrite::Set(_) => {
                    known.managed.insert(write.flag.clone());
                }
                SpecWrite::Remove => {
                    known.managed.remove(&write.flag);
                }
            }
        }
    }
}
