use super::change::Transition;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "reused-key",
    level: Level::Error,
    fixed: false,
    summary: "A new flag has the key of one that was removed earlier",
    docs: "\
Some program that nobody has deployed for a year still asks for the old flag, and gets the new one.
In 2012 a reused flag woke dead code on one of eight servers of a trading company, and cost it 460
million dollars within the hour. Keys cost nothing: take one that was never used.

`hoist diff` looks through the git history of the flags directory and says in which commit the key
went; a shallow clone has only part of it, and the diff says so. `hoist plan` knows which flags were
deleted from a store. Where the flag really is the old one, brought back, a comment with the reason
beside its key silences the rule.",
    bad: "\
# earlier
flags:
  power_peg:
    description: Moves stock prices in the test system
    owner: trading
    expires: 2026-12-31
    enabled: true
    percentage: 10
# before
flags: {}
# after
flags:
  power_peg:
    description: Retail orders go through the liquidity program
    owner: trading
    expires: 2026-12-31
    enabled: true
    percentage: 10
",
    good: "\
# earlier
flags:
  power_peg:
    description: Moves stock prices in the test system
    owner: trading
    expires: 2026-12-31
    enabled: true
    percentage: 10
# before
flags: {}
# after
flags:
  retail_liquidity_program:
    description: Retail orders go through the liquidity program
    owner: trading
    expires: 2026-12-31
    enabled: true
    percentage: 10
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some(removal) = &change.past.removed else {
        return;
    };
    if change.before.is_some() || change.after.is_none() {
        return;
    }
    let message = format!("a flag of this key was removed {}", removal.in_words());
    let found = findings.report_change(change, None, message);
    found.help = Some(
        "code that still asks for that one gets this one: take a key that was never used"
            .to_owned(),
    );
}
