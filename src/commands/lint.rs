//! `hoist lint`

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, width};
use crate::cli::{Global, Lint, LintFormat};
use crate::report;
use crate::rules::{self, Rule};

pub(super) fn run(global: &Global, args: &Lint, colors: Colors) -> Result<Ending, Failure> {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    let workspace = Workspace::open(global)?;
    let flag_set = FlagSet::lint(&workspace, &args.paths)?;
    let found = flag_set.report();
    print(|out| match args.format {
        LintFormat::Human if global.quiet => {
            report::human::findings(&found, colors.stdout, width(), out)
        }
        LintFormat::Human => report::human::lint(&found, colors.stdout, width(), out),
        LintFormat::Json => report::json::lint(&found, out),
    })?;
    let bad = found.errors() > 0 || (args.deny_warnings && found.warnings() > 0);
    Ok(if bad { Ending::No } else { Ending::Done })
}

fn explain(id: &str) -> Result<Ending, Failure> {
    let rule = Rule::find(id).ok_or_else(|| {
        let known = || {
            rules::RULES
                .iter()
                .map(|rule| rule.id)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let hint = match Rule::suggest(id) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the rules are: {}", known()),
        };
        Failure::impossible(format!("there is no rule `{id}`")).hint(hint)
    })?;
    print(|out| write!(out, "{}", rules::explain(rule)))?;
    Ok(Ending::Done)
}
