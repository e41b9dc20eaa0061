use std::ops::Range;

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
private key by its header, a password by the URL it stands in or by the name that it is set to, such as
`api_key: …`. Besides these, 40 letters and digits and more are taken for a key if they have no pattern: links,
digests and ids of users are left alone. The whole file is looked at, comments included.

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
    for found in secret::find(text.text) {
        let flag = text.flag_around(found.place.start);
        let is_user = || flag.is_some_and(|flag| names_user(flag, &found.place));
        if !found.by_looks || !is_user() {
            report(text, &found, findings);
        }
    }
}

/// Whether what stands there is a user: ids of some providers look like keys.
fn names_user(flag: &Flag, place: &Range<usize>) -> bool {
    let holds = |names: &Names| {
        let mut spans = names.iter().map(|name| name.span.range());
        spans.any(|name| name.start <= place.start && place.end <= name.end)
    };
    let in_settings = all_settings(flag).any(|settings| {
        let mut forced = settings.forced.iter().flat_map(|forced| &forced.value);
        settings
            .allowed_users
            .as_ref()
            .is_some_and(|users| holds(&users.value))
            || forced.any(|forced| holds(&forced.users))
    });
    let tests = flag.tests.iter().flat_map(|tests| &tests.value);
    let mut tested = tests.filter_map(|test| test.user.as_ref());
    in_settings || tested.any(|user| user.span.range().contains(&place.start))
}

fn report(text: &Text<'_>, found: &Secret, findings: &mut Findings<'_>) {
    let Secret { kind, place, .. } = found;
    let span = Span::new(place.start, place.end);
    let message = format!(
        "this looks like {kind}, {} characters long",
        length(text, found)
    );
    findings.report_in(text, span, message).help = Some(
        "revoke it, since git keeps it; keep the new one in a secret store, and only its name here"
            .to_owned(),
    );
}

fn length(text: &Text<'_>, found: &Secret) -> usize {
    let whole = found.place.start.min(found.hidden.start)..found.place.end.max(found.hidden.end);
    text.text
        .get(whole)
        .map_or(0, |secret| secret.chars().count())
}
