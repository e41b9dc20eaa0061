//! `hoist apply`

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use super::flagset::FlagSet;
use super::plan::{check_buckets, show};
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, count, print};
use crate::cli::{Apply as Args, Global, PlanFormat};
use crate::config::Environment;
use crate::plan::guard::{Consent, Refusal, refusals};
use crate::plan::{About, Plan, SavedPlan, SavedPlanError, Snapshot, Target};
use crate::report;
use crate::store::{self, Info, Moved, Outcome, Store};

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
            Wish::FlagSet(FlagSet::load(&workspace)?.target(environment, global.quiet, colors)?)
        }
    };
    let apply = Apply {
        args,
        environment,
        colors,
        consent: Consent {
            adopt: args.adopt,
            deletes: args.allow_deletes,
        },
        commit: git_commit(&workspace.root),
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
    FlagSet(Target),
    Saved(Box<SavedPlan>),
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
            let refusals = refusals(&plan, self.consent);
            if !refusals.is_empty() {
                self.report(&plan, store.info(), &Ended::Refused(&refusals))?;
                return Err(Failure::guarded(refusals));
            }
            if plan.is_empty() || self.args.dry_run {
                self.report(&plan, store.info(), &Ended::NotWritten)?;
                return Ok(Ending::Done);
            }
            let commit = plan.clone().into_commit(
                Uuid::new_v4().to_string(),
                Uuid::new_v4().to_string(),
                self.about(&plan, now),
            );
            match store.commit(&commit) {
                Ok(Outcome::Committed { generation }) => {
                    let replicas = store.replicas();
                    self.report_applied(&plan, store.info(), generation, replicas)?;
                    return Ok(Ending::Done);
                }
                Ok(Outcome::Moved(what)) => moved = what,
                Err(error) => {
                    if let Some(generation) = error.committed() {
                        self.report_applied(&plan, store.info(), generation, None)?;
                    }
                    return Err(error.into());
                }
            }
            if matches!(wish, Wish::Saved(_)) {
                break;
            }
        }
        Err(overtaken(&moved))
    }

    fn plan(&self, wish: &Wish, info: &Info, snapshot: Snapshot) -> Result<Plan, Failure> {
        match wish {
            Wish::FlagSet(target) => Ok(Plan::new(
                target,
                info.kind,
                &self.environment.prefix,
                snapshot,
            )),
            Wish::Saved(saved) if !saved.may_be_for(&info.url) => {
                Err(SavedPlanError::OtherStore.into())
            }
            Wish::Saved(saved) => {
                Ok(saved.resume(info.kind, &self.environment.prefix, snapshot)?)
            }
        }
    }

    fn about(&self, plan: &Plan, at: f64) -> About {
        About {
            digest: plan.digest.clone(),
            commit: self.commit.clone(),
            actor: actor(),
            version: env!("CARGO_PKG_VERSION").into(),
            buckets: crate::plan::BUCKETS.into(),
            source: "apply".into(),
            reason: None,
            at,
        }
    }

    fn report_applied(
        &self,
        plan: &Plan,
        store: &Info,
        generation: u64,
        replicas: Option<usize>,
    ) -> Result<(), Failure> {
        let ended = Ended::Applied {
            generation,
            replicas,
        };
        self.report(plan, store, &ended).map_err(|failure| {
            failure.hint(format!(
                "the commit went through, as generation {generation}: only its report is missing"
            ))
        })
    }

    /// Says what was planned and what became of it.
    fn report(&self, plan: &Plan, store: &Info, ended: &Ended<'_>) -> Result<(), Failure> {
        if self.args.format == PlanFormat::Json {
            return print(|out| report::write_json(out, &ended.json(plan)));
        }
        show(plan, store, PlanFormat::Human, self.colors)?;
        print(|out| match ended {
            Ended::Applied {
                generation,
                replicas: None,
            } => writeln!(out, "Applied as generation {generation}."),
            Ended::Applied {
                generation,
                replicas: Some(replicas),
            } => {
                let on = count(*replicas, "replica");
                writeln!(out, "Applied as generation {generation}, on {on}.")
            }
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
enum Ended<'a> {
    /// As this generation, and on so many replicas where they were waited for.
    Applied {
        generation: u64,
        replicas: Option<usize>,
    },
    NotWritten,
    Refused(&'a [Refusal]),
}

impl Ended<'_> {
    fn json(&self, plan: &Plan) -> Value {
        let refused: &[Refusal] = if let Self::Refused(refusals) = self {
            refusals
        } else {
            &[]
        };
        let (generation, replicas) = match self {
            Self::Applied {
                generation,
                replicas,
            } => (*generation, *replicas),
            Self::NotWritten | Self::Refused(_) => (plan.store.generation, None),
        };
        let mut json = json!({
            "version": 1,
            "applied": matches!(self, Self::Applied { .. }),
            "generation": generation,
            "refused": refused.iter().map(|refusal| &refusal.message).collect::<Vec<_>>(),
        });
        if let Some(replicas) = replicas {
            json["replicas"] = replicas.into();
        }
        json["plan"] = report::plan_json::value(plan);
        json
    }
}

fn overtaken(moved: &[Moved]) -> Failure {
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

/// The commit that is checked out, `-dirty` where files differ from it; none outside git.
fn git_commit(root: &Path) -> Option<String> {
    let output = Command::new("git")
        .args([
            "describe",
            "--always",
            "--abbrev=40",
            "--dirty",
            "--exclude=*",
        ])
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// Who runs this: as CI systems say, else the user of this machine.
fn actor() -> Option<String> {
    [
        "HOIST_ACTOR",
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
        "USER",
        "USERNAME",
    ]
    .iter()
    .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
