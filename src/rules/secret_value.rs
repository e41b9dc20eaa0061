use crate::diagnostic::Span;
use crate::model::{Flag, Names};
use crate::secret::{self, Secret};

use super::text::Text;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "secret-value",
    level: Level::Warning,
    fixed: false,
    summary: "A flag file holds what looks like a key, a token or a password",
    docs: "\
Flag files are in git, where everyone with the repository reads them for ever, and their values are in a
store that applications read without a password of their own. Revoke what has stood in a file: taking it out
later does not take it out of the history. Keep it in a secret store, and give the flag the name under which it
is found there.

Known tokens are told by how they begin (of AWS, GitHub, GitLab, Slack, Stripe, Google, npm and others), a
private key by its header, a webhook of Slack or Discord by its address, a password by the URL it stands in or by
the name that it is set to, such as `api_key: …`. Besides these, 40 letters and digits and more are taken for a key
if they have no pattern: links, digests and ids of users are left alone. The whole file is looked at, comments
included.

What looks like a secret is shown as `****` wherever hoist shows a part of the file.",
    bad: "\
flags:
  map_provider:
    description: Which provider draws the maps
    owner: maps-team
    expires: 2027-01-31
    enabled: true
    variants:
      control: { weight: 50, value: { provider: own } }
      other: { weight: 50, value: { provider: other, api_key: 5fa81c2e7d90b346 } }
",
    good: "\
flags:
  map_provider:
    description: Which provider draws the maps
    owner: maps-team
    expires: 2027-01-31
    enabled: true
    variants:
      control: { weight: 50, value: { provider: own } }
      other: { weight: 50, value: { provider: other, api_key_from: OTHER_MAPS_KEY } }
",
    check: Check::Text(check),
};

fn check(text: &Text<'_>, _: &Context, findings: &mut Findings<'_>) {
    let mut users = None;
    for found in secret::find(text.text) {
        // Ids of some providers look like keys.
        let is_user = found.by_looks && {
            let users: &mut Vec<Span> = users.get_or_insert_with(|| all_users(text.flags));
            is_within(users, &found)
        };
        if !is_user {
            report(text, &found, findings);
        }
    }
}

/// Where users are named, in order: gathered once, since there may be as many as there are finds.
fn all_users(flags: &[Flag]) -> Vec<Span> {
    let mut users = Vec::new();
    let spans = |names: &Names| -> Vec<Span> { names.iter().map(|name| name.span).collect() };
    for flag in flags {
        for settings in all_settings(flag) {
            if let Some(allowed) = &settings.allowed_users {
                users.extend(spans(&allowed.value));
            }
            for forced in settings.forced.iter().flat_map(|forced| &forced.value) {
                users.extend(spans(&forced.users));
            }
        }
        let tests = flag.tests.iter().flat_map(|tests| &tests.value);
        users.extend(tests.filter_map(|test| Some(test.user.as_ref()?.span)));
    }
    users.sort_unstable();
    users
}

fn is_within(users: &[Span], found: &Secret) -> bool {
    let place = span(found);
    let behind = users.partition_point(|user| user.start <= place.start);
    let nearest = behind.checked_sub(1).and_then(|at| users.get(at));
    nearest.is_some_and(|user| user.contains(place))
}

fn span(found: &Secret) -> Span {
    Span::new(found.place.start, found.place.end)
}

fn report(text: &Text<'_>, found: &Secret, findings: &mut Findings<'_>) {
    let whole = text.text.get(found.place.start..found.end());
    let message = format!(
        "this looks like {}, {} characters long",
        found.kind,
        whole.map_or(0, |secret| secret.chars().count())
    );
    findings.report_in(text, span(found), message).help = Some(
        "revoke it, since git keeps it; keep the new one in a secret store, and only its name here"
            .to_owned(),
    );
}
