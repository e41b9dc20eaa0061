use crate::model::Expiry;

use super::change::Transition;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "postponed-expiry",
    level: Level::Warning,
    fixed: false,
    summary: "A flag's day of expiry is put off, and not for the first time",
    docs: "\
Once is planning. A date that is put off again and again says that nobody means to remove the flag, or
that it is not meant to go: then `expires: never` says so, and somebody owns it for good.

`hoist diff` counts in the git history of the flags directory, up to both revisions. Dates that were
moved forward do not count, and neither does a change to `never`.",
    bad: "\
# earlier
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-01
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
",
    good: "\
# earlier
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
# before
flags:
  new_search:
    description: Route search traffic to the new search service
    owner: search-team
    expires: 2026-12-31
# after
flags:
  new_search:
    description: Route search traffic to the new search service
    owner: search-team
    expires: 2027-01-31
",
    check: Check::Change(check),
};

/// Dates in a message; of more the last ones count.
const SHOWN: usize = 5;

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let (Some(old), Some(new)) = (change.old, change.new) else {
        return;
    };
    let date = |flag: &crate::model::Flag| match flag.expires.as_ref()?.value {
        Expiry::On(date) => Some(date),
        Expiry::Never => None,
    };
    let (Some(from), Some(to)) = (date(old), date(new)) else {
        return;
    };
    if to <= from {
        return;
    }
    let mut moves = change.past.postponed.clone();
    // Not committed yet, or further apart than one commit.
    let last = moves.iter().map(|(_, to)| *to).max();
    if last.is_none_or(|last| last < to) {
        moves.push((last.unwrap_or(from).max(from), to));
    }
    let count = moves.len();
    if count < 2 {
        return;
    }
    let mut dates: Vec<_> = moves.iter().flat_map(|(from, to)| [*from, *to]).collect();
    dates.sort_unstable();
    dates.dedup();
    let first = dates.len().saturating_sub(SHOWN);
    let shown: Vec<String> = dates.iter().skip(first).map(ToString::to_string).collect();
    let more = if first > 0 { "…, " } else { "" };
    let message = format!(
        "expires is put off for the {} time: {more}{}",
        ordinal(count),
        shown.join(", ")
    );
    let span = new.expires.as_ref().map(|field| field.span);
    let found = findings.report_change(change, span, message);
    found.help =
        Some("remove the flag, or say with `expires: never` that it is there to stay".to_owned());
}

/// 2nd, 3rd, 4th …
fn ordinal(number: usize) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn ordinals_read_well() {
        for (number, text) in [
            (2, "2nd"),
            (3, "3rd"),
            (4, "4th"),
            (11, "11th"),
            (13, "13th"),
            (21, "21st"),
            (112, "112th"),
        ] {
            assert_eq!(ordinal(number), text);
        }
    }
}
