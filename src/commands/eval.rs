//! `hoist eval`

use std::path::Path;

use super::flagset::FlagSet;
use super::plan::check_buckets;
use super::progress::Progress;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, count, print, users, width};
use crate::cli::{Eval as Args, EvalFormat, Global};
use crate::config::Environment;
use crate::diagnostic::did_you_mean;
use crate::eval::{Evaluator, Explained, Malformed, Reason, Tally};
use crate::plan::{Source, Stored};
use crate::record::{NotARecord, Record, Spec};
use crate::report::{self, Asked, Counted, Evaluation};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environment = workspace.environment()?;
    let flags = if args.live {
        Flags::live(&workspace, environment)?
    } else {
        Flags::of_files(&workspace, environment, args.flag.as_deref(), colors)?
    };
    match &args.flag {
        None => every(&flags, args, global.quiet, colors),
        Some(flag) => {
            let flag = flags.find(flag)?;
            match (&args.users, args.simulate) {
                (None, None) => one(&flags, flag, args, global.quiet, colors),
                (file, number) => {
                    let from = From::new(file.as_deref(), number.unwrap_or(0));
                    many(&flags, flag, args, from, global.quiet, colors)
                }
            }
        }
    }
}

/// Every flag there is, from the files or from a store.
struct Flags {
    /// By key.
    flags: Vec<Found>,
    /// "development, by the flag files".
    origin: String,
    /// What to do where a flag is not among them.
    hint: String,
}

struct Found {
    key: String,
    /// Or what keeps it from being evaluated.
    record: Result<Record, Malformed>,
    source: Option<Source>,
}

impl Flags {
    fn of_files(
        workspace: &Workspace<'_>,
        environment: &Environment,
        only: Option<&str>,
        colors: Colors,
    ) -> Result<Self, Failure> {
        let flag_set = FlagSet::load(workspace)?;
        let mut flags = Vec::new();
        for flag in flag_set.flags() {
            let key = &*flag.key.value;
            let broken = !flag.complete || flag_set.has_errors(flag);
            if broken && only == Some(key) {
                flag_set.show_errors(flag, colors)?;
                let failure = Failure::findings(format!("`{key}` has errors in its file"));
                return Err(
                    failure.hint("mend the findings above; with `--live` the store answers")
                );
            }
            flags.push(Found {
                key: key.to_owned(),
                record: match broken {
                    true => Err(Malformed::Unsound),
                    false => Ok(Record::of_spec(&Spec::of(flag, &environment.name))),
                },
                source: Some(Source {
                    file: flag_set.found.files.name(flag.file).into(),
                    line: flag.line,
                }),
            });
        }
        flags.sort_by(|one, other| one.key.cmp(&other.key));
        let errors = flag_set.report().errors();
        Ok(Self {
            flags,
            origin: format!("{} by the flag files", environment.name),
            hint: match errors {
                0 => "`hoist eval --all` shows every flag".into(),
                errors => format!(
                    "{} in the flag files may hide it: `hoist lint` shows them",
                    count(errors, "error")
                ),
            },
        })
    }

    fn live(workspace: &Workspace<'_>, environment: &Environment) -> Result<Self, Failure> {
        let mut store = workspace.open_store(environment)?;
        let snapshot = store.read()?;
        check_buckets(snapshot.buckets.as_deref(), store.info())?;
        let flags = snapshot.in_order().into_iter();
        let flags = flags.map(|(key, stored)| Found {
            key: key.to_owned(),
            record: match stored {
                Stored::Value(bytes) => Record::parse(bytes).map_err(Malformed::from),
                Stored::OtherType(kind) => Err(NotARecord::OtherType(kind.clone()).into()),
            },
            source: None,
        });
        let info = store.info();
        Ok(Self {
            flags: flags.collect(),
            origin: format!("{} by {}", environment.name, info.url),
            hint: format!(
                "no record of it stands below `{}:`, so that code gets its own default",
                info.prefix
            ),
        })
    }

    fn find(&self, key: &str) -> Result<&Found, Failure> {
        let found = self.flags.iter().find(|found| found.key == key);
        found.ok_or_else(|| {
            let known = self.flags.iter().map(|found| found.key.as_str());
            let hint = match did_you_mean(key, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => self.hint.clone(),
            };
            Failure::impossible(format!("there is no flag `{key}` in {}", self.origin)).hint(hint)
        })
    }
}

/// What a flag gives to the user that was asked for.
fn evaluation<'f>(found: &'f Found, args: &Args) -> Evaluation<'f> {
    let groups: Vec<&str> = args.groups.iter().map(String::as_str).collect();
    let user = args.user.as_deref();
    Evaluation {
        flag: &found.key,
        answer: match &found.record {
            Ok(record) => Explained::new(&found.key, record, args.percentage, user, &groups),
            Err(error) => Explained::error(error),
        },
        record: found.record.as_ref().ok(),
        source: found.source.as_ref(),
    }
}

fn one(
    flags: &Flags,
    found: &Found,
    args: &Args,
    quiet: bool,
    colors: Colors,
) -> Result<Ending, Failure> {
    let evaluation = evaluation(found, args);
    print(|out| match args.format {
        EvalFormat::Json => report::write_json(out, &report::eval_json::one(&evaluation)),
        EvalFormat::Human if quiet => report::eval_human::value(&evaluation, out),
        EvalFormat::Human => {
            report::eval_human::one(&evaluation, &flags.origin, colors.stdout, out)
        }
    })?;
    Ok(if evaluation.answer.reason == Reason::Error {
        Ending::Impossible
    } else {
        Ending::Done
    })
}

fn every(flags: &Flags, args: &Args, quiet: bool, colors: Colors) -> Result<Ending, Failure> {
    let evaluations: Vec<_> = flags
        .flags
        .iter()
        .map(|found| evaluation(found, args))
        .collect();
    let asked = Asked {
        user: args.user.as_deref(),
        groups: &args.groups,
        origin: &flags.origin,
    };
    print(|out| match args.format {
        EvalFormat::Json => report::write_json(out, &report::eval_json::every(&evaluations)),
        EvalFormat::Human => {
            report::eval_human::every(&evaluations, &asked, quiet, colors.stdout, out)
        }
    })?;
    Ok(Ending::Done)
}

/// Where many users come from.
enum From<'a> {
    File(&'a Path),
    /// So many made-up ones.
    Nowhere(u32),
}

impl<'a> From<'a> {
    fn new(file: Option<&'a Path>, number: u32) -> Self {
        file.map_or(Self::Nowhere(number), Self::File)
    }

    fn count(&self, tally: &mut Tally<'_>, quiet: bool) -> Result<(), Failure> {
        match self {
            Self::File(file) => {
                users::each(file, quiet, |user, groups| tally.add(user, groups))?;
            }
            Self::Nowhere(number) => {
                let progress = Progress::start("evaluating", u64::from(*number), quiet);
                for number in 1..=*number {
                    tally.add(&format!("user-{number}"), &[]);
                    progress.step();
                }
            }
        }
        Ok(())
    }

    /// What `number` users are, to go on with behind it.
    fn shown(&self, number: u64) -> String {
        let users = if number == 1 { "user" } else { "users" };
        match self {
            Self::File(file) => format!("{users} of {}", users::shown(file)),
            Self::Nowhere(_) => format!("made-up {users}"),
        }
    }
}

fn many(
    flags: &Flags,
    found: &Found,
    args: &Args,
    from: From<'_>,
    quiet: bool,
    colors: Colors,
) -> Result<Ending, Failure> {
    let cannot = |error: &Malformed| {
        let flag = &found.key;
        Failure::impossible(format!("`{flag}` cannot be evaluated: {error}"))
    };
    let record = found.record.as_ref().map_err(cannot)?;
    let mut evaluator = Evaluator::new(&found.key, record).map_err(|error| cannot(&error))?;
    if let Some(share) = args.percentage {
        evaluator = evaluator.at(share);
    }
    let mut tally = Tally::new(&evaluator);
    from.count(&mut tally, quiet)?;
    let counted = Counted {
        flag: &found.key,
        record,
        tally: &tally,
        origin: &flags.origin,
        users: &from.shown(tally.users),
    };
    print(|out| match args.format {
        EvalFormat::Json => report::write_json(out, &report::eval_json::many(&counted)),
        EvalFormat::Human => report::eval_human::many(&counted, width(), colors.stdout, out),
    })?;
    Ok(Ending::Done)
}
