//! `hoist plan`

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use super::flagset::FlagSet;
use super::several::{self, Came, Kind, Look};
use super::test;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, users};
use crate::cli::{Global, Plan as Args, PlanFormat};
use crate::config::Environment;
use crate::plan::guard::{Consent, Policy, Refusal, refusals};
use crate::plan::{Plan, SavedPlan};
use crate::report::markdown::Links;
use crate::report::plan_markdown;
use crate::report::text::visible;
use crate::report::{self, Affected};
use crate::rules::Settings;
use crate::store::{Info, Store};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    if let Some(environments) = workspace.several()? {
        return in_several(&workspace, &environments, args, colors);
    }
    let environment = workspace.environment()?;
    let mut store = workspace.open_store(environment)?;
    let mut flag_set = FlagSet::load(&workspace)?.for_good();
    flag_set.refuse_errors(global.quiet, colors, "planned")?;
    let failed = test::check(&mut flag_set, global.quiet, colors)?;
    if let (Some(failed), Some(_)) = (&failed, &args.out) {
        // Whoever applies a saved plan may not have the flag files, so it is tested here.
        let failure = Failure::findings(format!("{failed}; no plan was saved"));
        return Err(failure.hint(test::HINT));
    }
    let settings = workspace.lint_settings();
    let mut planned = Planned::new(&flag_set, environment, store.as_mut(), &settings)?;
    if let Some(file) = &args.out {
        fs::write(
            file,
            SavedPlan::new(&planned.plan)
                .for_store_at(&planned.store.url)
                .to_json(),
        )
        .map_err(|error| {
            Failure::impossible(format!("cannot write the plan to `{}`", file.display()))
                .because(error)
                .hint("`--out` takes a file in a directory that exists")
        })?;
    }
    planned.count(args.users.as_deref(), global.quiet)?;
    print(|out| match args.format {
        PlanFormat::Human => planned.human(out, failed.as_deref(), environment, colors),
        PlanFormat::Json => report::write_json(out, &planned.json()),
        PlanFormat::Markdown => {
            let links = workspace.links(args.links.as_deref());
            let text =
                planned.markdown(failed.as_deref(), environment, &links, plan_markdown::LIMIT);
            out.write_all(text.as_bytes())
        }
    })?;
    if let Some(file) = args.out.as_ref().filter(|_| !global.quiet) {
        let file = file.display();
        let _ = writeln!(
            io::stderr(),
            "Saved to {file}: `hoist apply {file}` carries out exactly this, or nothing."
        );
    }
    Ok(planned.ending(args.exit_code))
}

/// How plans of several environments are counted.
const KINDS: [Kind; 2] = [
    ("changed", "with changes"),
    ("unchanged", "without changes"),
];

/// A plan of each environment. The flag files are read, linted and tested once.
fn in_several(
    workspace: &Workspace<'_>,
    environments: &[&Environment],
    args: &Args,
    colors: Colors,
) -> Result<Ending, Failure> {
    let quiet = workspace.global.quiet;
    if args.out.is_some() {
        return Err(
            Failure::impossible("`--out` saves the plan of one environment")
                .hint("name one with `--env`, and save a plan of each"),
        );
    }
    if args.users.as_deref() == Some(Path::new("-")) {
        return Err(Failure::impossible(
            "standard input can be read once, not for each environment",
        )
        .hint("pass a file to `--users`, or name one environment with `--env`"));
    }
    let mut flag_set = FlagSet::load(workspace)?.for_good();
    flag_set.refuse_errors(quiet, colors, "planned")?;
    let failed = test::check(&mut flag_set, quiet, colors)?;
    let settings = workspace.lint_settings();
    let look = Look {
        json: args.format == PlanFormat::Json,
        markdown: args.format == PlanFormat::Markdown,
        colors,
        kinds: &KINDS,
    };
    let links = workspace.links(args.links.as_deref());
    // What is said of all of them together has to fit as well.
    let limit = plan_markdown::LIMIT / (environments.len() + 1);
    several::run(environments, look, |environment| {
        let mut store = workspace.open_store(environment)?;
        let mut planned = Planned::new(&flag_set, environment, store.as_mut(), &settings)?;
        planned.count(args.users.as_deref(), true)?;
        let text = if look.markdown {
            let text = planned.markdown(failed.as_deref(), environment, &links, limit);
            text.into_bytes()
        } else {
            let mut text = Vec::new();
            planned
                .human(&mut text, failed.as_deref(), environment, colors)
                .map_err(Failure::output)?;
            text
        };
        let is_empty = planned.plan.is_empty();
        Ok(Came {
            text,
            json: planned.json(),
            kind: if is_empty { KINDS[1].0 } else { KINDS[0].0 },
            said: report::plan_human::counts(&planned.plan),
            ended: Ok(planned.ending(args.exit_code)),
        })
    })
}

/// A plan, and what is shown beside it.
pub(super) struct Planned {
    pub plan: Plan,
    store: Info,
    affected: Option<Affected>,
    /// The store's clock, in seconds since the epoch.
    now: f64,
}

impl Planned {
    /// What an apply of `flag_set`, which has no errors, would do.
    pub(super) fn new(
        flag_set: &FlagSet,
        environment: &Environment,
        store: &mut dyn Store,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let target = flag_set.target(environment);
        let snapshot = store.read_expecting(&target.names())?;
        let now = snapshot.now;
        check_buckets(snapshot.buckets.as_deref(), store.info())?;
        let mut plan = Plan::new(&target, store.info().kind, &environment.prefix, snapshot);
        flag_set.find_risks(&mut plan, settings);
        Ok(Self {
            plan,
            store: store.info().clone(),
            affected: None,
            now,
        })
    }

    /// Counts the users in `file` to whom something happens.
    fn count(&mut self, file: Option<&Path>, quiet: bool) -> Result<(), Failure> {
        let affected = file.map(|file| users::affected(file, quiet, &self.plan));
        self.affected = affected.transpose()?;
        Ok(())
    }

    /// The plan, and what an apply of it would stop at or be refused for.
    pub(super) fn human(
        &self,
        out: &mut dyn Write,
        failed_tests: Option<&str>,
        environment: &Environment,
        colors: Colors,
    ) -> io::Result<()> {
        let affected = self.affected.as_ref();
        report::plan_human::plan(out, &self.plan, &self.store, affected, colors.stdout)?;
        foretell(out, &self.plan, failed_tests, &environment.policy, self.now)
    }

    /// The same for a comment of at most `limit` bytes.
    fn markdown(
        &self,
        failed_tests: Option<&str>,
        environment: &Environment,
        links: &Links,
        limit: usize,
    ) -> String {
        let stop = failed_tests.map(|failed| Refusal {
            message: failed.to_owned(),
            hint: test::HINT.to_owned(),
        });
        let mut stops: Vec<Refusal> = stop.into_iter().collect();
        stops.extend(refusals(
            &self.plan,
            Consent::default(),
            &environment.policy,
            self.now,
        ));
        plan_markdown::document(&plan_markdown::Document {
            plan: &self.plan,
            store: &self.store,
            affected: self.affected.as_ref(),
            refusals: &stops,
            links,
            limit,
        })
    }

    pub(super) fn json(&self) -> Value {
        report::plan_json::value(&self.plan, self.affected.as_ref())
    }

    fn ending(&self, exit_code: bool) -> Ending {
        if exit_code && !self.plan.is_empty() {
            Ending::No
        } else {
            Ending::Done
        }
    }
}

/// What an apply of the plan would stop at or be refused for, while there is time to think about it.
fn foretell(
    out: &mut dyn Write,
    plan: &Plan,
    failed_tests: Option<&str>,
    policy: &Policy,
    now: f64,
) -> io::Result<()> {
    if let Some(failed) = failed_tests {
        writeln!(out, "An apply stops: {failed}\n   help: {}", test::HINT)?;
    }
    for refusal in refusals(plan, Consent::default(), policy, now) {
        writeln!(
            out,
            "An apply is refused: {}\n   help: {}",
            visible(&refusal.message),
            visible(&refusal.hint)
        )?;
    }
    Ok(())
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
