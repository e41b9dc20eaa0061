//! Changes that a rule about change speaks of: the flag as it is, and as it becomes.

use hoist::diagnostic::{Diagnostic, FileId, LineIndex};
use hoist::model::{Expiry, Flag};
use hoist::plan::diff::{State, compare};
use hoist::rules::change::{Commit, Past, Removal, check_change};
use hoist::rules::{Settings, check_file};
use jiff::ToSpan as _;

use super::site::{Edit, FlagSites, Place};
use super::{Mutant, Origin};

/// Every change of `flag` that a rule has something to say about.
pub fn all(origin: &Origin<'_>, flag: &FlagSites) -> Vec<Mutant> {
    let mut made = Vec::new();
    let whole = flag.whole();
    let base = &flag.flag.base;
    let text = origin.text;
    let mut add = |rule: &'static [&'static str], path: &str, edit: Edit, place: Place| {
        let site = flag.get(path).unwrap_or(whole);
        let way = format!("{} {}", rule[0], edit.text.trim());
        made.push(origin.mutant("change", way, site, edit, rule, place));
    };
    // A flag that was not there, and one that was there once.
    let born = "born: { description: d, owner: o, expires: never, enabled: true }";
    add(&["born-on"], "", whole.preceded(text, born), Place::New(0));
    let back = "back: { description: d, owner: o, expires: never, enabled: false }";
    add(
        &["reused-key"],
        "",
        whole.preceded(text, back),
        Place::New(0),
    );

    if let Some(Expiry::On(day)) = flag.flag.expires.as_ref().map(|expires| expires.value) {
        let site = flag.get("expires").unwrap();
        let later = (day + 1.day()).to_string();
        add(
            &["postponed-expiry"],
            "expires",
            site.replaced(text, &later),
            Place::New(0),
        );
    }
    let is_on = base.enabled.as_ref().is_some_and(|enabled| enabled.value);
    if !is_on {
        return made;
    }
    // Of a flag that everyone has, a salt moves nobody.
    let is_part = base.variants.is_some() || base.rollout.is_some() || base.percentage.is_some();
    match flag.get("salt") {
        Some(site) => add(
            &["changed-salt"],
            "salt",
            site.replaced(text, "other"),
            Place::New(0),
        ),
        None if is_part => {
            let first = flag.fields().next().unwrap();
            let edit = first.preceded(text, "salt: other");
            add(&["changed-salt"], &first.path, edit, Place::New(0));
        }
        None => {}
    }
    // What every environment replaces holds nowhere.
    let holds = flag.flag.overrides().count() < 3;
    if let (Some(share), Some(site), true) = (&base.percentage, flag.get("percentage"), holds) {
        let share = share.value.as_f64();
        let half = (share / 2.0 * 1000.0).floor() / 1000.0;
        if base.variants.is_some() {
            add(
                &["edited-experiment"],
                "percentage",
                site.replaced(text, &half.to_string()),
                Place::New(0),
            );
        } else {
            add(
                &["lowered-percentage"],
                "percentage",
                site.replaced(text, &half.to_string()),
                Place::New(0),
            );
            if share < 50.0 {
                add(
                    &["jumped-rollout"],
                    "percentage",
                    site.replaced(text, "100"),
                    Place::New(0),
                );
            }
        }
    }
    if let Some(rollout) = &base.rollout {
        let path = "rollout/0/percentage";
        if let Some(site) = flag.get(path) {
            let first = rollout.value[0].percentage.value.as_f64();
            let changed = format!("{}", first + 0.5);
            add(
                &["edited-live-stage"],
                path,
                site.replaced(text, &changed),
                Place::New(0),
            );
        }
    }
    if let (Some(variants), Some(site)) = (&base.variants, flag.get("variants")) {
        let control = variants
            .value
            .iter()
            .find(|variant| &*variant.name.value == "control");
        if base.control.is_some() || control.is_some() {
            let reversed: Vec<String> = variants
                .value
                .iter()
                .rev()
                .map(|variant| {
                    let value = variant
                        .value
                        .as_ref()
                        .map(|value| format!(", value: {}", value.value));
                    let value = value.unwrap_or_default();
                    format!(
                        "{}: {{ weight: {}{value} }}",
                        variant.name.value, variant.weight.value
                    )
                })
                .collect();
            let reversed = format!("{{ {} }}", reversed.join(", "));
            add(
                &["reshuffled-variants"],
                "variants",
                site.replaced(text, &reversed),
                Place::New(0),
            );
        }
    }
    let kind = "{ description: d, owner: o, expires: never, enabled: true, variants: { control: 50, b: 50 } }";
    if base.variants.is_none() {
        add(
            &["changed-kind"],
            "",
            whole.replaced(text, kind),
            Place::New(0),
        );
    }
    if let Some(edit) = whole.removed()
        && is_part
    {
        add(&["removed-live"], "", edit, Place::Old(whole.start()));
    }
    made
}

/// What the rules about change find in a mutant, and on which line: of the text before for a flag
/// that is gone.
pub fn findings(mutant: &Mutant, text: &str, settings: &Settings) -> Vec<(Diagnostic, u32)> {
    let broken = mutant.text(text);
    let before = check_file(FileId(0), text.as_bytes(), settings);
    let after = check_file(FileId(0), broken.as_bytes(), settings);
    fn state(flags: &[Flag]) -> State<'_> {
        State {
            flags: flags.iter().collect(),
            ..State::default()
        }
    }
    let (old, new) = (state(&before.flags), state(&after.flags));
    let environments = &settings.context.environments;
    let mut found = Vec::new();
    for change in compare(&old, &new, environments).changes {
        let mut past = Past::default();
        if change.key == "back" {
            past.removed = Some(Removal::Commit(Commit {
                id: "0123456789abcdef".into(),
                time: 1_789_344_000,
                subject: "Remove it".into(),
            }));
        }
        if mutant.rules == ["postponed-expiry"]
            && let Some(Expiry::On(day)) = change
                .old
                .and_then(|flag| flag.expires.as_ref())
                .map(|expires| expires.value)
        {
            past.postponed = vec![(day - 30.days(), day)];
        }
        let text = if change.new.is_none() { text } else { &broken };
        let lines = LineIndex::new(text);
        let all = check_change(&change.groups(&past), environments.len(), settings, None);
        found.extend(all.into_iter().map(|found| {
            let line = lines.line(found.location.span.start);
            (found, line)
        }));
    }
    found
}
