use crate::model::{self, Flag};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "key-style",
    level: Level::Warning,
    fixed: false,
    summary: "A flag's key is not in the style that hoist.toml asks for",
    docs: "\
Where all keys are formed alike, people guess them right and can tell from one whose it is. What they look
like is said by `key_style` under `[lint]` in hoist.toml, a regular expression that whole keys must match;
without it this rule checks nothing. `key_style = '[a-z][a-z0-9]*(_[a-z0-9]+)*'` asks for words with
underscores between them.

A key cannot just be renamed once applications ask for it: to them the new one is another flag. Mend it while
the flag is new; later, ignore the finding or let the flag go when its time has come.",
    bad: "\
flags:
  new-search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
    percentage: 10
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
    percentage: 10
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let Some(style) = &context.limits.key_style else {
        return;
    };
    let key = &flag.key;
    // A key that cannot be one at all has been told of.
    if model::is_key(&key.value) && !style.fits(&key.value) {
        let message = format!(
            "key {} does not match {}, the `key_style` of hoist.toml",
            quote(&key.value),
            quote(style.pattern())
        );
        findings.report(flag, key.span, message).help =
            Some("rename it before applications ask for it".to_owned());
    }
}
