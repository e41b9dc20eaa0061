use super::change::{Transition, is_experiment, share};
use super::weights::Weights;
use super::wording::{quote, thousandths};
use super::{Check, Context, Findings, Level, Rule};
use crate::model::Percent;

pub static RULE: Rule = Rule {
    id: "edited-experiment",
    level: Level::Warning,
    fixed: false,
    summary: "Weights or participation of an experiment change while it runs",
    docs: "\
An experiment compares groups that were drawn in one way. With other weights or another share some
users change groups half way or join late, and figures from before and after do not add up: the classic
way to a result that is not there. Let it run to its end. If it has to change, switch it off, and start
another under a key of its own.

Changes while an experiment is off, at 0 %, or rolled back are free, and so is ending it. A variant that
only changes its name or its place is `reshuffled-variants`' business.",
    bad: "\
# before
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
# after
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 20, higher_price: 80 }
",
    good: "\
# before
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: false
    variants: { control: 50, higher_price: 50 }
# after
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 20, higher_price: 80 }
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some((before, after)) = change.both() else {
        return;
    };
    let (was, is) = (share(before), share(after));
    let runs = was > Percent::ZERO && after.spec.enabled();
    if !runs || !is_experiment(before) || !is_experiment(after) {
        return;
    }
    let settings = change.settings();
    let help = "let it run to its end; if it has to change, switch it off and start another under a \
                key of its own";
    let (old, new) = (Weights::of(before), Weights::of(after));
    let edits = edits(&old, &new);
    if !edits.is_empty() {
        let message = format!(
            "weights change while the experiment runs with {was} % of users: {}",
            edits.join(", ")
        );
        let span = settings.variants.as_ref().map(|field| field.key);
        let found = findings.report_change(change, span, message);
        found.help = Some(help.to_owned());
    }
    if was != is {
        let message = format!("participation goes from {was} to {is} % while the experiment runs");
        let span = settings.percentage.as_ref().map(|field| field.span);
        let found = findings.report_change(change, span, message);
        found.help = Some(help.to_owned());
    }
}

/// "`control` 50 → 20"; the first few.
fn edits(old: &Weights<'_>, new: &Weights<'_>) -> Vec<String> {
    const SHOWN: usize = 6;
    let renamed = old.renamed(new);
    let kept = |name: &str| !renamed.iter().any(|(was, is)| *was == name || *is == name);
    let names = old
        .names()
        .chain(new.names().filter(|name| old.get(name).is_none()));
    let mut edits: Vec<String> = names
        .filter(|name| kept(name) && old.get(name) != new.get(name))
        .map(|name| {
            let weight =
                |weight: Option<u64>| weight.map_or_else(|| "(none)".to_owned(), thousandths);
            let (was, is) = (weight(old.get(name)), weight(new.get(name)));
            format!("{} {was} → {is}", quote(name))
        })
        .collect();
    if edits.len() > SHOWN {
        let more = edits.len() - SHOWN;
        edits.truncate(SHOWN);
        edits.push(format!("and {more} more"));
    }
    edits
}
