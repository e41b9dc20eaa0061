//! `hoist apply`

use std::fs;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::Path;

use serde_json::{Value, json};

use super::commit::{Landed, Sent, about, fresh_id, send};
use super::flagset::FlagSet;
use super::plan::check_buckets;
use super::several::{self, Came, Kind, Look};
use super::test;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Apply as Args, Global, OperatorFormat};
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
    if let Some(environments) = workspace.several()? {
        return in_several(&workspace, &environments, args, colors);
    }
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
    let flag_set;
    let wish = match saved {
        Some(saved) => Wish::Saved(Box::new(saved)),
        None => {
            flag_set = load(&workspace, colors)?;
            Wish::FlagSet(Wanted::new(&flag_set, environment, &workspace))
        }
    };
    let apply = Apply {
        args,
        environment,
        commit: git::describe(&workspace.root),
    };
    let came = apply.carry_out(&wish, store.as_mut())?;
    print(|out| match args.format {
        OperatorFormat::Human => came.human(out, colors),
        OperatorFormat::Json => report::write_json(out, &came.ended.json(&came.plan)),
    })
    .map_err(|failure| came.ended.unreported(failure))?;
    came.ended.ending()
}

/// How applies in several environments are counted.
const KINDS: [Kind; 4] = [
    ("applied", "applied"),
    ("unchanged", "without changes"),
    ("planned", "with changes, not written"),
    ("refused", "refused"),
];

/// An apply to each environment. The flag files are read, linted and tested once.
fn in_several(
    workspace: &Workspace<'_>,
    environments: &[&Environment],
    args: &Args,
    colors: Colors,
) -> Result<Ending, Failure> {
    if args.plan.is_some() {
        return Err(Failure::impossible(
            "a saved plan is for the one environment that it was made for",
        )
        .hint("leave `--env` and `--all-envs` out"));
    }
    let flag_set = load(workspace, colors)?;
    let commit = git::describe(&workspace.root);
    let look = Look {
        json: args.format == OperatorFormat::Json,
        markdown: false,
        colors,
        kinds: &KINDS,
    };
    several::run(environments, look, |environment| {
        let mut store = workspace.open_store(environment)?;
        let wish = Wish::FlagSet(Wanted::new(&flag_set, environment, workspace));
        let apply = Apply {
            args,
            environment,
            commit: commit.clone(),
        };
        let came = apply.carry_out(&wish, store.as_mut())?;
        let mut text = Vec::new();
        came.human(&mut text, colors).map_err(Failure::output)?;
        let (kind, said) = came.in_words();
        Ok(Came {
            text,
            json: came.ended.json(&came.plan),
            kind: kind.0,
            said,
            ended: came.ended.ending(),
        })
    })
}

/// The flag set, if it may be applied.
fn load(workspace: &Workspace<'_>, colors: Colors) -> Result<ManuallyDrop<FlagSet>, Failure> {
    let quiet = workspace.global.quiet;
    let mut flag_set = FlagSet::load(workspace)?.for_good();
    flag_set.refuse_errors(quiet, colors, "planned")?;
    if let Some(failed) = test::check(&mut flag_set, quiet, colors)? {
        let failure = Failure::findings(format!("{failed}; nothing was applied"));
        return Err(failure.hint(test::HINT));
    }
    Ok(flag_set)
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
enum Wish<'a> {
    FlagSet(Wanted<'a>),
    /// Its risks were shown when it was made.
    Saved(Box<SavedPlan>),
}

/// The flag set, as the environment wants it and as the files have it.
struct Wanted<'a> {
    target: Target,
    flag_set: &'a FlagSet,
    settings: Settings,
}

impl<'a> Wanted<'a> {
    fn new(flag_set: &'a FlagSet, environment: &Environment, workspace: &Workspace<'_>) -> Self {
        Self {
            target: flag_set.target(environment),
            flag_set,
            settings: workspace.lint_settings(),
        }
    }
}

struct Apply<'a> {
    args: &'a Args,
    environment: &'a Environment,
    /// Git commit of the flag files.
    commit: Option<String>,
}

/// A plan, and what became of it.
struct Outcome {
    plan: Plan,
    store: Info,
    ended: Ended,
}

impl Apply<'_> {
    fn carry_out(&self, wish: &Wish<'_>, store: &mut dyn Store) -> Result<Outcome, Failure> {
        let came = |plan: Plan, store: &dyn Store, ended: Ended| Outcome {
            plan,
            store: store.info().clone(),
            ended,
        };
        let mut moved = Vec::new();
        let expected = match wish {
            Wish::FlagSet(wanted) => wanted.target.names(),
            Wish::Saved(_) => Vec::new(),
        };
        for _ in 0..ATTEMPTS {
            let snapshot = store.read_expecting(&expected)?;
            check_buckets(snapshot.buckets.as_deref(), store.info())?;
            let now = snapshot.now;
            let mut plan = self.plan(wish, store.info(), snapshot)?;
            let refusals = refusals(&plan, self.consent(), &self.environment.policy, now);
            if !refusals.is_empty() {
                return Ok(came(plan, store, Ended::Refused(refusals)));
            }
            if plan.is_empty() || self.args.dry_run {
                return Ok(came(plan, store, Ended::NotWritten));
            }
            let about = about(&plan, "apply", self.commit.clone(), now);
            let commit = plan.lend_commit(fresh_id(), fresh_id(), about);
            let sent = send(store, &commit)?;
            plan.take_back(commit);
            match sent {
                Sent::Landed(landed) => return Ok(came(plan, store, Ended::Applied(landed))),
                Sent::Moved(what) => moved = what,
            }
            if matches!(wish, Wish::Saved(_)) {
                break;
            }
        }
        Err(overtaken(&moved))
    }

    fn consent(&self) -> Consent {
        Consent {
            adopt: self.args.adopt,
            deletes: self.args.allow_deletes,
            protected: self.args.allow_protected,
            moved: self.args.allow_moved,
            frozen: self.args.ignore_freeze,
            undo_rollback: self.args.undo_rollback,
        }
    }

    fn plan(&self, wish: &Wish<'_>, info: &Info, snapshot: Snapshot) -> Result<Plan, Failure> {
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
}

impl Outcome {
    /// What was planned and what became of it.
    fn human(&self, out: &mut dyn Write, colors: Colors) -> io::Result<()> {
        report::plan_human::plan(out, &self.plan, &self.store, None, colors.stdout)?;
        match &self.ended {
            Ended::Applied(landed) => {
                writeln!(out, "Applied as generation {}.", landed.in_words())
            }
            Ended::NotWritten if self.plan.is_empty() => {
                writeln!(
                    out,
                    "Nothing to apply: the store agrees with the flag files."
                )
            }
            Ended::NotWritten => writeln!(out, "Dry run: nothing was written."),
            Ended::Refused(_) => Ok(()),
        }
    }

    /// For the summary.
    fn in_words(&self) -> (Kind, String) {
        let counts = report::plan_human::counts(&self.plan);
        let [applied, unchanged, planned, refused] = KINDS;
        match &self.ended {
            Ended::Applied(landed) => (
                applied,
                format!("applied as generation {}: {counts}", landed.in_words()),
            ),
            Ended::NotWritten if self.plan.is_empty() => (unchanged, counts),
            Ended::NotWritten => (planned, format!("not written: {counts}")),
            Ended::Refused(_) => (refused, format!("refused: {counts}")),
        }
    }
}

/// What became of a plan.
pub(super) enum Ended {
    Applied(Landed),
    NotWritten,
    Refused(Vec<Refusal>),
}

impl Ended {
    /// How the command ends, once it has reported.
    pub(super) fn ending(self) -> Result<Ending, Failure> {
        match self {
            Self::Applied(landed) => landed.ending(),
            Self::NotWritten => Ok(Ending::Done),
            Self::Refused(refusals) => Err(Failure::guarded(refusals)),
        }
    }

    /// Says what is so although it could not be printed.
    fn unreported(&self, failure: Failure) -> Failure {
        match self {
            Self::Applied(landed) => failure.hint(format!(
                "the commit went through, as generation {}: only its report is missing",
                landed.generation
            )),
            Self::NotWritten | Self::Refused(_) => failure,
        }
    }

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
