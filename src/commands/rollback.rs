//! `hoist rollback`

use super::apply::{Ended, overtaken};
use super::commit::{Sent, actor, fresh_id, send};
use super::plan::check_buckets;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Global, OperatorFormat, Rollback as Args};
use crate::config::Environment;
use crate::plan::guard::{Consent, Policy, refusals};
use crate::plan::{About, BUCKETS, PastCommit, Plan, RolledBack, Snapshot};
use crate::report;
use crate::store::{HistoryEntry, Store};

/// How often a plan that was overtaken is made again.
const ATTEMPTS: usize = 3;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environment = workspace.environment()?;
    let mut store = workspace.open_store(environment)?;
    let rollback = Rollback {
        args,
        environment,
        colors,
    };
    rollback.run(store.as_mut())
}

struct Rollback<'a> {
    args: &'a Args,
    environment: &'a Environment,
    colors: Colors,
}

impl Rollback<'_> {
    fn run(&self, store: &mut dyn Store) -> Result<Ending, Failure> {
        let mut moved = Vec::new();
        for _ in 0..ATTEMPTS {
            let snapshot = store.read()?;
            check_buckets(snapshot.buckets.as_deref(), store.info())?;
            let mut history = store.history(usize::MAX)?;
            // What came since has moved the generation: the commit finds that out.
            history.retain(|entry| entry.generation <= snapshot.generation);
            let to = self.generation(&history, snapshot.rolled_back.as_ref())?;
            let about = self.about(&history, to, &snapshot);
            let mut plan = self.plan(&history, to, &about, store, snapshot)?;
            // What guards planned changes must not stand in the way of taking one back, and whoever names a
            // generation may name that of what was taken back.
            let consent = Consent {
                deletes: self.args.allow_deletes,
                undo_rollback: true,
                ..Consent::default()
            };
            let refusals = refusals(&plan, consent, &Policy::default(), about.at);
            if !refusals.is_empty() {
                return self.report(&plan, store, Ended::Refused(refusals));
            }
            if plan.is_empty() || self.args.dry_run {
                return self.report(&plan, store, Ended::NotWritten);
            }
            let commit = plan.lend_commit(fresh_id(), fresh_id(), about);
            let sent = send(store, &commit);
            plan.take_back(commit);
            match sent? {
                Sent::Landed(landed) => {
                    return self.report(&plan, store, Ended::Applied(landed));
                }
                Sent::Moved(what) => moved = what,
            }
        }
        Err(overtaken(&moved))
    }

    fn plan(
        &self,
        history: &[HistoryEntry],
        to: u64,
        about: &About,
        store: &dyn Store,
        snapshot: Snapshot,
    ) -> Result<Plan, Failure> {
        let commits: Vec<PastCommit<'_>> = history
            .iter()
            .map(|entry| PastCommit {
                generation: entry.generation,
                records: &entry.records,
            })
            .collect();
        let place = (
            self.environment.name.as_str(),
            store.info().kind,
            self.environment.prefix.as_str(),
        );
        Plan::rollback(&commits, (to, &about.digest), place, snapshot).map_err(|error| {
            Failure::impossible(error.to_string())
                .hint("`hoist history` shows the generations that there are")
        })
    }

    /// The generation to go back to. From what an earlier rollback put back, one goes back further.
    fn generation(
        &self,
        history: &[HistoryEntry],
        back: Option<&RolledBack>,
    ) -> Result<u64, Failure> {
        if let Some(generation) = self.args.generation {
            return Ok(generation);
        }
        let newest = back.map_or(u64::MAX, |back| back.to);
        let decided = |entry: &&HistoryEntry| {
            entry.generation <= newest && matches!(&*entry.source, "apply" | "watch" | "rollback")
        };
        let last = history.iter().find(decided);
        last.map(|entry| entry.generation - 1).ok_or_else(|| {
            Failure::impossible("there is no apply in the history that could be taken back")
                .hint("`hoist history` shows what happened in this store")
        })
    }

    fn about(&self, history: &[HistoryEntry], to: u64, snapshot: &Snapshot) -> About {
        let then = history.iter().find(|entry| entry.generation == to);
        let digest = then.map_or_else(String::new, |entry| entry.digest.clone());
        let reason = self.args.reason.clone();
        // A rollback of a rollback takes back what was in force first.
        let before = snapshot.rolled_back.as_ref();
        let taken_back = before.map_or(snapshot.digest.as_ref(), |before| Some(&before.digest));
        let rolled_back = taken_back.filter(|taken_back| **taken_back != digest);
        About {
            commit: then.and_then(|entry| entry.commit.clone()),
            actor: actor(),
            version: env!("CARGO_PKG_VERSION").into(),
            buckets: BUCKETS.into(),
            source: "rollback".into(),
            rolled_back: rolled_back.map(|taken_back| RolledBack {
                to,
                digest: taken_back.clone(),
                actor: actor(),
                reason: reason.clone(),
                at: snapshot.now,
            }),
            reason: Some(match &reason {
                Some(reason) => format!("back to generation {to}: {reason}"),
                None => format!("back to generation {to}"),
            }),
            at: snapshot.now,
            digest,
            ..About::default()
        }
    }

    /// Says what was planned and what became of it, and how the command ends.
    fn report(&self, plan: &Plan, store: &dyn Store, ended: Ended) -> Result<Ending, Failure> {
        if self.args.format == OperatorFormat::Json {
            print(|out| report::write_json(out, &ended.json(plan)))?;
            return ended.ending();
        }
        print(|out| {
            report::plan_human::plan(out, plan, store.info(), None, self.colors.stdout)?;
            match &ended {
                Ended::Applied(landed) => writeln!(
                    out,
                    "Rolled back, as generation {}. Mend or revert the change in git: until the flag files change, an \
                     apply of them is refused.",
                    landed.in_words()
                ),
                Ended::NotWritten if plan.is_empty() => {
                    writeln!(out, "Nothing to take back: the specs are those of then.")
                }
                Ended::NotWritten => writeln!(out, "Dry run: nothing was written."),
                Ended::Refused(_) => Ok(()),
            }
        })?;
        ended.ending()
    }
}
