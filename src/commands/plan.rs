//! `hoist plan`

use std::fs;
use std::io::{self, Write};

use super::flagset::FlagSet;
use super::test;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, users};
use crate::cli::{Global, Plan as Args, PlanFormat};
use crate::plan::guard::{Consent, Policy, refusals};
use crate::plan::{Plan, SavedPlan};
use crate::report::text::visible;
use crate::report::{self, Affected};
use crate::store::Info;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environment = workspace.environment()?;
    let mut store = workspace.open_store(environment)?;
    let mut flag_set = FlagSet::load(&workspace)?;
    let target = flag_set.target(environment, global.quiet, colors)?;
    let failed = test::check(&mut flag_set, global.quiet, colors)?;
    if let (Some(failed), Some(_)) = (&failed, &args.out) {
        // Whoever applies a saved plan may not have the flag files, so it is tested here.
        let failure = Failure::findings(format!("{failed}; no plan was saved"));
        return Err(failure.hint(test::HINT));
    }
    let snapshot = store.read()?;
    let now = snapshot.now;
    check_buckets(snapshot.buckets.as_deref(), store.info())?;
    let mut plan = Plan::new(&target, store.info().kind, &environment.prefix, snapshot);
    flag_set.find_risks(&mut plan, &workspace.lint_settings());
    if let Some(file) = &args.out {
        fs::write(
            file,
            SavedPlan::new(&plan)
                .for_store_at(&store.info().url)
                .to_json(),
        )
        .map_err(|error| {
            Failure::impossible(format!("cannot write the plan to `{}`", file.display()))
                .because(error)
                .hint("`--out` takes a file in a directory that exists")
        })?;
    }
    let affected = args.users.as_deref();
    let affected = affected
        .map(|file| users::affected(file, global.quiet, &plan))
        .transpose()?;
    show(&plan, store.info(), affected.as_ref(), args.format, colors)?;
    if args.format == PlanFormat::Human {
        foretell(&plan, failed.as_deref(), &environment.policy, now)?;
    }
    if let Some(file) = args.out.as_ref().filter(|_| !global.quiet) {
        let file = file.display();
        let _ = writeln!(
            io::stderr(),
            "Saved to {file}: `hoist apply {file}` carries out exactly this, or nothing."
        );
    }
    Ok(if args.exit_code && !plan.is_empty() {
        Ending::No
    } else {
        Ending::Done
    })
}

/// What an apply of the plan would stop at or be refused for, while there is time to think about it.
fn foretell(
    plan: &Plan,
    failed_tests: Option<&str>,
    policy: &Policy,
    now: f64,
) -> Result<(), Failure> {
    let refusals = refusals(plan, Consent::default(), policy, now);
    print(|out| {
        if let Some(failed) = failed_tests {
            writeln!(out, "An apply stops: {failed}\n   help: {}", test::HINT)?;
        }
        for refusal in &refusals {
            writeln!(
                out,
                "An apply is refused: {}\n   help: {}",
                visible(&refusal.message),
                visible(&refusal.hint)
            )?;
        }
        Ok(())
    })
}

pub(super) fn show(
    plan: &Plan,
    store: &Info,
    affected: Option<&Affected>,
    format: PlanFormat,
    colors: Colors,
) -> Result<(), Failure> {
    print(|out| match format {
        PlanFormat::Human => report::plan_human::plan(out, plan, store, affected, colors.stdout),
        PlanFormat::Json => report::write_json(out, &report::plan_json::value(plan, affected)),
    })
}

/// A store whose users were put into buckets by another formula would see them all move.
pub(super) fn check_buckets(found: Option<&str>, store: &Info) -> Result<(), Failure> {
    match found {
        Some(found) if found != crate::plan::BUCKETS => Err(Failure::refused(format!(
            "{} was written with the bucket formula `{found}`, and this hoist uses `{}`",
            store.url,
            crate::plan::BUCKETS
        ))
        .hint("use the version of hoist that wrote it: another formula would move every user of every share")),
        _ => Ok(()),
    }
}
