//! `hoist lint`

use std::io::Write;

use super::flagset::FlagSet;
use super::session::Session;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Global, Lint, LintFormat};
use crate::diagnostic::Severity;
use crate::report;
use crate::rules::{self, Rule};

pub(super) fn run(global: &Global, args: &Lint, colors: Colors) -> Result<Ending, Failure> {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    let session = Session::open(global)?;
    let flag_set = FlagSet::load(&session, &args.paths)?;
    let summary = report::Summary {
        files: flag_set.read,
        flags: flag_set.flags().count(),
        errors: flag_set.count(Severity::Error),
        warnings: flag_set.count(Severity::Warning),
    };
    print(|out| match args.format {
        LintFormat::Human => {
            report::human::diagnostics(out, &flag_set.diagnostics, &flag_set.files, colors.stdout)?;
            if global.quiet { Ok(()) } else { report::human::summary(out, &summary, colors.stdout) }
        }
        LintFormat::Json => report::json::diagnostics(out, &flag_set.diagnostics, &flag_set.files, &summary),
    })?;
    let bad = summary.errors > 0 || (args.deny_warnings && summary.warnings > 0);
    Ok(if bad { Ending::No } else { Ending::Done })
}

fn explain(id: &str) -> Result<Ending, Failure> {
    let rule = Rule::find(id).ok_or_else(|| {
        let known = || rules::RULES.iter().map(|rule| rule.id).collect::<Vec<_>>().join(", ");
        let hint = match Rule::suggest(id) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the rules are: {}", known()),
        };
        Failure::impossible(format!("there is no rule `{id}`")).hint(hint)
    })?;
    print(|out| write!(out, "{}", rules::explain(rule)))?;
    Ok(Ending::Done)
}
