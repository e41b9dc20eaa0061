use crate::diagnostic::{Diagnostic, Edit, Fix, Span};
use crate::model::{Field, Flag, Forced, Override, Percent, Settings, Spanned, Stage, Variant};

use super::wording::{count, quote};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "shadowed-environment",
    level: Level::Warning,
    fixed: false,
    summary: "An environment replaces a field by the value that it has already",
    docs: "\
What stands under `environments` is read as a difference. Where there is none, people look for one, and a
later change of the flag does not reach the environment that was given the old value once more.

Values that hold unless set count as well: `enabled: false`, `percentage: 100` where there is no rollout,
and empty lists. The order of names in a list does not matter; that of variants does.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    environments:
      staging: { enabled: true, percentage: 100 }
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    environments:
      staging: { percentage: 100 }
",
    check: Check::Flag(check),
};

type Name = Spanned<Box<str>>;

/// A field that an environment sets to what it is already.
struct Equal {
    name: &'static str,
    key: Span,
    /// Where the flag says the same, if it is not just what holds unless set.
    base: Option<Span>,
}

/// How many fields an environment sets, and which of them for nothing.
struct Compared {
    set: usize,
    equal: Vec<Equal>,
}

impl Compared {
    fn is_all_equal(&self) -> bool {
        self.equal.len() == self.set
    }
}

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    // What could not be read may be the difference.
    if !flag.complete || flag.environments.is_none() {
        return;
    }
    let mut differs = false;
    let mut shadowed = Vec::new();
    for over in flag.overrides() {
        let compared = compare(&flag.base, &over.settings);
        let is_known = context.has_environment(&over.environment.value);
        differs |= !compared.is_all_equal() || !is_known;
        if is_known && (compared.is_all_equal() || !compared.equal.is_empty()) {
            shadowed.push((over, compared));
        }
    }
    for (over, compared) in shadowed {
        if compared.is_all_equal() {
            report_all(flag, over, &compared, differs, findings);
        } else {
            for equal in &compared.equal {
                report(flag, over, equal, findings);
            }
        }
    }
}

fn compare(base: &Settings, over: &Settings) -> Compared {
    let mut compared = Compared {
        set: 0,
        equal: Vec::new(),
    };
    let all = base.percentage.is_none() && base.rollout.is_none();
    // Of two that exclude each other nobody knows which is meant.
    let both = over.percentage.is_some() && over.rollout.is_some();
    compared.field("enabled", &base.enabled, &over.enabled, |one, other| {
        one.copied().unwrap_or(false) == *other
    });
    compared.field(
        "percentage",
        &base.percentage,
        &over.percentage,
        |one, other| !both && one.copied().or(all.then_some(Percent::HUNDRED)) == Some(*other),
    );
    compared.boxed("rollout", &base.rollout, &over.rollout, |one, other| {
        !both && one.is_some_and(|one| same_stages(one, other))
    });
    compared.boxed("variants", &base.variants, &over.variants, |one, other| {
        one.is_some_and(|one| same_variants(one, other))
    });
    compared.boxed("control", &base.control, &over.control, |one, other| {
        one == Some(other)
    });
    compared.boxed("forced", &base.forced, &over.forced, |one, other| {
        same_forced(one.map_or(&[], Vec::as_slice), other)
    });
    let lists = [
        ("allowed_users", &base.allowed_users, &over.allowed_users),
        ("allowed_groups", &base.allowed_groups, &over.allowed_groups),
    ];
    for (name, base, over) in lists {
        compared.boxed(name, base, over, |one, other| {
            same_names(one.map_or(&[], Vec::as_slice), other)
        });
    }
    compared
}

impl Compared {
    fn field<T>(
        &mut self,
        name: &'static str,
        base: &Option<Field<T>>,
        over: &Option<Field<T>>,
        same: impl Fn(Option<&T>, &T) -> bool,
    ) {
        self.add(name, base.as_ref(), over.as_ref(), same);
    }

    fn boxed<T>(
        &mut self,
        name: &'static str,
        base: &Option<Box<Field<T>>>,
        over: &Option<Box<Field<T>>>,
        same: impl Fn(Option<&T>, &T) -> bool,
    ) {
        self.add(name, base.as_deref(), over.as_deref(), same);
    }

    fn add<T>(
        &mut self,
        name: &'static str,
        base: Option<&Field<T>>,
        over: Option<&Field<T>>,
        same: impl Fn(Option<&T>, &T) -> bool,
    ) {
        let Some(over) = over else { return };
        self.set += 1;
        if same(base.map(|base| &base.value), &over.value) {
            self.equal.push(Equal {
                name,
                key: over.key,
                base: base.map(|base| base.key),
            });
        }
    }
}

/// Whether both open the flag to as many users, for as long.
pub(super) fn same_stages(one: &[Stage], other: &[Stage]) -> bool {
    let parts = |stage: &Stage| {
        let duration = stage.duration.as_ref().map(|duration| duration.value);
        (stage.percentage.value, duration)
    };
    one.iter().map(parts).eq(other.iter().map(parts))
}

fn same_variants(one: &[Variant], other: &[Variant]) -> bool {
    one.iter().map(parts).eq(other.iter().map(parts))
}

fn parts(variant: &Variant) -> (&str, Percent, Option<&serde_json::Value>) {
    let value = variant.value.as_ref().map(|value| &value.value);
    (&variant.name.value, variant.weight.value, value)
}

fn same_forced(one: &[Forced], other: &[Forced]) -> bool {
    fn sorted(all: &[Forced]) -> Vec<&Forced> {
        let mut all: Vec<&Forced> = all.iter().collect();
        all.sort_unstable_by_key(|forced| &*forced.variant.value);
        all
    }
    one.len() == other.len()
        && sorted(one)
            .into_iter()
            .zip(sorted(other))
            .all(|(one, other)| {
                one.variant.value == other.variant.value && same_names(&one.users, &other.users)
            })
}

fn same_names(one: &[Name], other: &[Name]) -> bool {
    fn sorted(names: &[Name]) -> Vec<&str> {
        let mut names: Vec<&str> = names.iter().map(|name| &*name.value).collect();
        names.sort_unstable();
        names
    }
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// Reports one field among others that differ.
fn report(flag: &Flag, over: &Override, equal: &Equal, findings: &mut Findings<'_>) {
    let Equal { name, key, base } = equal;
    let environment = quote(&over.environment.value);
    let edit = findings
        .without_entry(*key)
        .filter(|_| !findings.is_shared(*key));
    let message = format!("`{name}` of {environment} is that of the flag already");
    let found = findings.report(flag, *key, message);
    match base {
        Some(base) => found.relate(flag.at(*base), "the same"),
        None => found.relate(flag.at(flag.key.span), "the same, since it is not set"),
    }
    let title = format!("take `{name}` out of {environment}");
    advise(found, title, edit);
}

/// Reports an environment that changes nothing. Where none of them does, all go together.
fn report_all(
    flag: &Flag,
    over: &Override,
    compared: &Compared,
    differs: bool,
    findings: &mut Findings<'_>,
) {
    let environment = quote(&over.environment.value);
    let (key, title) = match &flag.environments {
        Some(environments) if !differs => (environments.key, "take out `environments`".to_owned()),
        _ => (over.environment.span, format!("take out {environment}")),
    };
    let edit = findings
        .without_entry(key)
        .filter(|_| !findings.is_shared(key));
    let message = match compared.set {
        0 => format!("{environment} changes nothing"),
        1 => format!("{environment} changes nothing: its one field is that of the flag already"),
        set => format!(
            "{environment} changes nothing: its {} are those of the flag already",
            count(set as i64, "field")
        ),
    };
    let found = findings.report(flag, over.environment.span, message);
    for equal in &compared.equal {
        if let Some(base) = equal.base {
            found.relate(flag.at(base), "the same");
        }
    }
    advise(found, title, edit);
}

fn advise(found: &mut Diagnostic, title: String, edit: Option<Edit>) {
    match edit {
        Some(edit) => {
            let edits = vec![edit];
            found.fix = Some(Fix {
                title,
                edits,
                safe: true,
            });
        }
        None => found.help = Some(title),
    }
}
