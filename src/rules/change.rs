//! Rules about change: what they look at, and how they are run.
//!
//! A flag's two states are compared in each environment. Environments in which both states are the
//! same as in another form one [`Group`], so that what happens everywhere is said once.

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::impact::{self, Impact};
use crate::model::{Flag, Percent, Settings as FlagSettings};
use crate::record::{Kind, Record};

use super::{Check, Findings, Levels, Settings, Suppressions, runner, wording};

mod outline;
mod past;
mod search;

pub use outline::keys;
pub use past::{Commit, History, Past, References, Removal};
pub use search::{Search, Sighting, names};

/// One flag in two states.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'a> {
    pub key: &'a str,
    /// One of those that the states are of.
    pub environment: &'a str,
    /// `None` where there is no such flag.
    pub before: Option<&'a Record>,
    pub after: Option<&'a Record>,
    /// Whether `before` stands in a store, status and all. From git alone nobody knows which stage
    /// a rollout has reached.
    pub live: bool,
    /// As the files had it; `None` where it is new, or where the earlier files are not at hand.
    pub old: Option<&'a Flag>,
    /// As the files have it; `None` where it is gone.
    pub new: Option<&'a Flag>,
    pub past: &'a Past,
}

impl Transition<'_> {
    /// What it does to people; `None` where a record cannot be evaluated.
    pub(super) fn impact(&self) -> Option<Impact> {
        impact::between(self.key, self.before, self.after).ok()
    }

    /// Both states, where there are two.
    pub(super) fn both(&self) -> Option<(&Record, &Record)> {
        Some((self.before?, self.after?))
    }

    /// The settings in force after the change, with their places.
    pub(super) fn settings(&self) -> FlagSettings {
        self.new
            .map(|flag| flag.resolve(self.environment))
            .unwrap_or_default()
    }

    /// Where the share of users is written: of the percentage, of the stage, or of the switch.
    pub(super) fn share_span(&self) -> Option<Span> {
        let settings = self.settings();
        let stage = settings.rollout.as_ref().and_then(|field| {
            let reached = self.after.and_then(|after| after.status.current_stage());
            let stage = field.value.get(reached.unwrap_or(0))?;
            Some(stage.percentage.span)
        });
        let percentage = settings.percentage.as_ref().map(|field| field.span);
        let enabled = settings.enabled.as_ref().map(|field| field.span);
        percentage.or(stage).or(enabled)
    }

    /// The shares of users that may have the flag before, and what each becomes. There are several
    /// where it is not known which stage a rollout has reached.
    pub(super) fn shares(&self) -> Vec<(Percent, Percent)> {
        let Some((before, after)) = self.both() else {
            return Vec::new();
        };
        if self.live || !is_rollout(before) || !before.spec.enabled() {
            return vec![(share(before), share(after))];
        }
        let stages = after.spec.stages();
        let becomes = |reached: Percent| {
            if !after.spec.enabled() {
                return Percent::ZERO;
            }
            // As a sync carries a rollout on: at the last stage that is not above.
            let stage = stages.iter().rev().find(|stage| **stage <= reached);
            match stage {
                Some(stage) => *stage,
                None => share(after),
            }
        };
        let reached = before.spec.stages().into_iter();
        reached.map(|reached| (reached, becomes(reached))).collect()
    }
}

/// Share of users that have the flag now, lists aside.
pub(super) fn share(record: &Record) -> Percent {
    if record.spec.enabled() {
        record.percentage
    } else {
        Percent::ZERO
    }
}

pub(super) fn is_rollout(record: &Record) -> bool {
    record.spec.kind() == Kind::Rollout
}

pub(super) fn is_experiment(record: &Record) -> bool {
    record.spec.kind() == Kind::Experiment
}

/// Both states of a flag in some environments, in which they are the same.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    pub transition: Transition<'a>,
    pub environments: &'a [String],
}

/// One mistake is told once: where the first of these finds something, the others have nothing to
/// add, unless they count for more.
const COVERS: [(&str, &[&str]); 3] = [
    (
        "changed-kind",
        &[
            "changed-salt",
            "edited-experiment",
            "edited-live-stage",
            "jumped-rollout",
            "lowered-percentage",
            "reshuffled-variants",
        ],
    ),
    ("jumped-rollout", &["edited-live-stage"]),
    ("lowered-percentage", &["edited-live-stage"]),
];

/// A finding, and the environments it was made in.
struct Found<'a> {
    diagnostic: Diagnostic,
    environments: Vec<&'a str>,
}

/// What the rules about change find in one flag, the worst first. `groups` are all its groups, and
/// `environments` how many environments are looked at; `suppressions` are those of the file that
/// has the flag now.
#[must_use]
pub fn check_change(
    groups: &[Group<'_>],
    environments: usize,
    settings: &Settings,
    suppressions: Option<&Suppressions>,
) -> Vec<Diagnostic> {
    let mut all: Vec<Found<'_>> = Vec::new();
    for group in groups {
        let mut found = check_group(&group.transition, settings);
        cover(&mut found);
        for diagnostic in found {
            let same = all.iter_mut().find(|known| known.diagnostic == diagnostic);
            let names = group.environments.iter().map(String::as_str);
            match same {
                Some(known) => known.environments.extend(names),
                None => all.push(Found {
                    diagnostic,
                    environments: names.collect(),
                }),
            }
        }
    }
    let flag = groups.first().and_then(|group| group.transition.new);
    if let (Some(flag), Some(suppressions)) = (flag, suppressions) {
        all.retain(|found| !is_hidden(&found.diagnostic, flag, suppressions));
    }
    let mut findings: Vec<Diagnostic> = all
        .into_iter()
        .map(|found| name_environments(found, environments))
        .collect();
    findings.sort_by_key(|found| (std::cmp::Reverse(found.severity), found.rule));
    findings.iter_mut().for_each(runner::keep_secrets);
    findings
}

fn check_group(transition: &Transition<'_>, settings: &Settings) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (rule, severity) in settings.levels.active() {
        if let Check::Change(check) = rule.check {
            let mut findings = Findings::new(rule, severity, None, &mut found);
            check(transition, &settings.context, &mut findings);
            findings.finish();
        }
    }
    found
}

fn cover(found: &mut Vec<Diagnostic>) {
    let told: Vec<(&str, Severity)> = found
        .iter()
        .map(|found| (found.rule, found.severity))
        .collect();
    found.retain(|finding| {
        !COVERS.iter().any(|(rule, covered)| {
            let covering = told
                .iter()
                .find(|(told, severity)| told == rule && *severity >= finding.severity);
            covering.is_some() && covered.contains(&finding.rule)
        })
    });
}

/// A comment counts where the finding points, and at the flag's key: the place may be elsewhere in
/// each environment.
fn is_hidden(found: &Diagnostic, flag: &Flag, suppressions: &Suppressions) -> bool {
    let places = [found.location.span.start, flag.key.span.start];
    places
        .into_iter()
        .any(|place| suppressions.find(found.rule, place).is_some())
}

fn name_environments(found: Found<'_>, all: usize) -> Diagnostic {
    let mut diagnostic = found.diagnostic;
    if found.environments.len() < all {
        let names = wording::list(found.environments.iter().copied());
        diagnostic.message += &format!(" (in {names})");
    }
    diagnostic
}

/// Whether any rule about change is on: what they need to know is gathered only then.
#[must_use]
pub fn is_on(levels: &Levels, rule: &str) -> bool {
    levels.active().any(|(active, _)| active.id == rule)
}
