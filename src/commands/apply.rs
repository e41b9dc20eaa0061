//! `hoist apply`

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::commit::{Landed, Sent, about, fresh_id, send};
use super::flagset::FlagSet;
use super::plan::{check_buckets, show};
use super::test;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Apply as Args, Global, PlanFormat};
use crate::config::Environment;
use crate::git;
use crate::plan::guard::{Consent, Refusal, refusals};
use crate::plan::{Plan, SavedPlan, SavedPlanError, Snapshot, Target};
use crate::report;
use crate::rules::Settings;
use crate::store::{self, Info, Moved, Store};

/// How often a plan that was overtaken is made again.
const ATTEMPTS: usize = 3;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let saved = args.plan.as_deref().map(read_saved).transpose()?;
    let environment = match (&saved, &global.env) {
        (Some(saved), None) => workspace.config.environment(Some(&saved.environment))?,
        _ => workspace.environment()?,
    };
    if let Some(saved) = saved
        .as_ref()
        .filter(|saved| saved.environment != environment.name)
    {
        return Err(Failure::refused(format!(
            "the saved plan is for environment `{}`, not `{}`",
            saved.environment, environment.name
        ))
        .hint("leave `--env` out, or make a plan for that environment"));
    }
    let mut store = workspace.open_store(environment)?;
    let wish = match saved {
        Some(saved) => Wish::Saved(Box::new(saved)),
        None => {
            let mut flag_set = FlagSet::load(&workspace)?;
            let target = flag_set.target(environment, global.quiet, colors)?;
            if let Some(failed) = test::check(&mut flag_set, global.quiet, colors)? {
                let failure = Failure::findings(format!("{failed}; nothing was applied"));
                return Err(failure.hint(test::HINT));
            }
            Wish::FlagSet(Box::new(Wanted {
                target,
                flag_set,
                settings: workspace.lint_settings(),
            }))
        }
    };
    let apply = Apply {
        args,
        environment,
        colors,
        consent: Consent {
            adopt: args.adopt,
            deletes: args.allow_deletes,
            protected: args.allow_protected,
            moved: args.allow_moved,
            frozen: args.ignore_freeze,
            undo_rollback: args.undo_rollback,
        },
        commit: git::describe(&workspace.root),
    };
    apply.run(&wish, store.as_mut())
}

fn read_saved(file: &Path) -> Result<SavedPlan, Failure> {
    if store::looks_like_url(&file.to_string_lossy()) {
        // Not shown: it may hold a password.
        return Err(
            Failure::impossible("what is to be applied is a saved plan, not a URL")
                .hint("to apply the flag files to that store, write `hoist apply --store URL`"),
        );
    }
    let bytes = fs::read(file)
        .map_err(|error| {
        Failure::impossible(format!("cannot read the saved plan `{}`", file.display()))
            .because(error)
            .hint("`hoist plan --out FILE` writes one; without a file, `hoist apply` plans and applies at once")
    })?;
    Ok(SavedPlan::parse(&bytes)?)
}

/// What is to be carried out.
enum Wish {
    FlagSet(Box<Wanted>),
    /// Its risks were shown when it was made.
    Saved(Box<SavedPlan>),
}

/// The flag set, as the environment wants it and as the files have it.
struct Wanted {
    target: Target,
    flag_set: FlagSet,
    settings: Settings,
}

struct Apply<'a> {
    args: &'a Args,
    environment: &'a Environment,
    colors: Colors,
    consent: Consent,
    /// Git commit of the flag files.
    commit: Option<String>,
}

impl Apply<'_> {
    fn run(&self, wish: &Wish, store: &mut dyn Store) -> Result<Ending, Failure> {
        let mut moved = Vec::new();
        for _ in 0..ATTEMPTS {
            let snapshot = store.read()?;
            check_buckets(snapshot.buckets.as_deref(), store.info())?;
            let now = snapshot.now;
            let plan = self.plan(wish, store.info(), snapshot)?;
            let refusals = refusals(&plan, self.consent, &self.environment.policy, now);
            if !refusals.is_empty() {
                self.report(&plan, store.info(), &Ended::Refused(&refusals))?;
                return Err(Failure::guarded(refusals));
            }
            if plan.is_empty() || self.args.dry_run {
                self.report(&plan, store.info(), &Ended::NotWritten)?;
                return Ok(Ending::Done);
            }
            let about = about(&plan, "apply", self.commit.clone(), now);
            let commit = plan.clone().into_commit(fresh_id(), fresh_id(), about);
            match send(store, &commit)? {
                Sent::Landed(landed) => {
                    self.report(&plan, store.info(), &Ended::Applied(&landed))
                        .map_err(|failure| {
                            failure.hint(format!(
                                "the commit went through, as generation {}: only its report is missing",
                                landed.generation
                            ))
                        })?;
                    return landed.ending();
                }
                Sent::Moved(what) => moved = what,
            }
            if matches!(wish, Wish::Saved(_)) {
                break;
            }
        }
        Err(overtaken(&moved))
    }

    fn plan(&self, wish: &Wish, info: &Info, snapshot: Snapshot) -> Result<Plan, Failure> {
        match wish {
            Wish::FlagSet(wanted) => {
                let prefix = &self.environment.prefix;
                let mut plan = Plan::new(&wanted.target, info.kind, prefix, snapshot);
                wanted.flag_set.find_risks(&mut plan, &wanted.settings);
                Ok(plan)
            }
            Wish::Saved(saved) if !saved.may_be_for(&info.url) => {
                Err(SavedPlanError::OtherStore.into())
            }
            Wish::Saved(saved) => {
                Ok(saved.resume(info.kind, &self.environment.prefix, snapshot)?)
            }
        }
    }

    /// Says what was planned and what became of it.
    fn report(&self, plan: &Plan, store: &Info, ended: &Ended<'_>) -> Result<(), Failure> {
        if self.args.format == PlanFormat::Json {
            return print(|out| report::write_json(out, &ended.json(plan)));
        }
        show(plan, store, None, PlanFormat::Human, self.colors)?;
        print(|out| match ended {
            Ended::Applied(landed) => writeln!(
                out,
                "Applied as generation {}{}.",
                landed.generation,
                landed
                    .replicas_in_words()
                    .map_or(String::new(), |on| format!(", {on}"))
            ),
            Ended::NotWritten if plan.is_empty() => {
                writeln!(
                    out,
                    "Nothing to apply: the store agrees with the flag files."
                )
            }
            Ended::NotWritten => writeln!(out, "Dry run: nothing was written."),
            Ended::Refused(_) => Ok(()),
        })
    }
}

/// What became of a plan.
pub(super) enum Ended<'a> {
    Applied(&'a Landed),
    NotWritten,
    Refused(&'a [Refusal]),
}

impl Ended<'_> {
    pub(super) fn json(&self, plan: &Plan) -> Value {
        let refused: &[Refusal] = if let Self::Refused(refusals) = self {
            refusals
        } else {
            &[]
        };
        let landed = match self {
            Self::Applied(landed) => Some(landed),
            Self::NotWritten | Self::Refused(_) => None,
        };
        let mut json = json!({
            "version": 1,
            "applied": landed.is_some(),
            "generation": landed.map_or(plan.store.generation, |landed| landed.generation),
            "refused": refused.iter().map(|refusal| &refusal.message).collect::<Vec<_>>(),
        });
        if let Some(replicas) = landed.and_then(|landed| landed.replicas) {
            json["replicas"] = replicas.into();
        }
        json["plan"] = report::plan_json::value(plan, None);
        json
    }
}

/// What has moved under a plan, in words.
pub(super) fn overtaken(moved: &[Moved]) -> Failure {
    let what: Vec<_> = moved
        .iter()
        .take(5)
        .map(|moved| match moved {
            Moved::Lineage => "the store was replaced by another".to_owned(),
            Moved::Generation { expected, found } => {
                format!("its generation went from {expected} to {found}")
            }
            Moved::Record { flag } => format!("the record of `{flag}` changed"),
        })
        .collect();
    Failure::refused(format!(
        "the store moved while the plan was made, and nothing was written: {}",
        what.join(", ")
    ))
    .hint("something else writes to this store at the same time: see who, then run it again")
}
