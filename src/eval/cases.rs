//! The tests that flags carry: who is expected to get what.

use serde_json::Value;

use super::{Answer, Evaluator, Reason, explain};
use crate::diagnostic::{Diagnostic, Location};
use crate::model::{Flag, FlagTest, Percent};
use crate::record::{Record, Spec};
use crate::secret;

/// One test, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Key of the flag.
    pub flag: Box<str>,
    /// Where `expect` stands.
    pub location: Location,
    pub user: Option<Box<str>>,
    pub groups: Vec<Box<str>>,
    pub environment: Option<Box<str>>,
    /// What stood in for the flag's own share.
    pub percentage: Option<Percent>,
    pub expect: Value,
    /// What the flag gives; `None` where it gives nothing.
    pub got: Option<Value>,
    /// Name of the variant, for an experiment.
    pub variant: Option<Box<str>>,
    pub reason: Reason,
    /// How the flag came to its answer.
    pub why: String,
    /// What is wrong, where the test failed.
    pub failure: Option<String>,
}

impl Case {
    /// Whom the test is about: "user `ana` of group `employees` in staging at 50 %".
    #[must_use]
    pub fn subject(&self) -> String {
        let mut text = match &self.user {
            Some(user) => format!("user `{user}`"),
            None => "nobody in particular".to_owned(),
        };
        if let [first, more @ ..] = &*self.groups {
            let word = if more.is_empty() { "group" } else { "groups" };
            text += &format!(" of {word} `{first}`");
            for group in more {
                text += &format!(", `{group}`");
            }
        }
        if let Some(environment) = &self.environment {
            text += &format!(" in {environment}");
        }
        if let Some(percentage) = self.percentage {
            text += &format!(" at {percentage} %");
        }
        text
    }

    /// The test as a finding: what is wrong, where it failed, and how the flag came to its answer.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        // Values and users come out of the file, and what looks like a secret is never shown.
        let shown = |text: &str| secret::mask(text).into_owned();
        let failure = shown(self.failure.as_deref().unwrap_or_default());
        let mut found = Diagnostic::new("failed-test", self.location, failure);
        found.flag = Some(self.flag.clone());
        found.with_help(shown(&self.why))
    }
}

/// Runs the tests of `flag`, which must be complete.
#[must_use]
pub fn run(flag: &Flag) -> Vec<Case> {
    let tests = flag.tests.iter().flat_map(|field| &field.value);
    tests.map(|test| case(flag, test)).collect()
}

fn case(flag: &Flag, test: &FlagTest) -> Case {
    let mut case = Case {
        flag: flag.key.value.clone(),
        location: flag.at(test.expect.span),
        user: test.user.as_ref().map(|user| user.value.clone()),
        groups: test
            .groups
            .iter()
            .map(|group| group.value.clone())
            .collect(),
        environment: test.environment.as_ref().map(|name| name.value.clone()),
        percentage: test.percentage.as_ref().map(|share| share.value),
        expect: test.expect.value.clone(),
        got: None,
        variant: None,
        reason: Reason::Error,
        why: String::new(),
        failure: None,
    };
    // No environment has an empty name, so that without one the flag's own settings count.
    let environment = case.environment.as_deref().unwrap_or_default();
    let record = Record::of_spec(&Spec::of(flag, environment));
    let evaluator = match Evaluator::new(&flag.key.value, &record) {
        Ok(evaluator) => evaluator,
        Err(error) => {
            case.why = error.to_string();
            case.failure = Some("the flag cannot be evaluated".into());
            return case;
        }
    };
    let evaluator = match case.percentage {
        Some(share) => evaluator.at(share),
        None => evaluator,
    };
    let groups: Vec<&str> = case.groups.iter().map(|group| &**group).collect();
    let user = case.user.as_deref();
    let answer = evaluator.evaluate(user, &groups);
    case.why = explain(&evaluator, &record, &answer, user, &groups);
    case.failure = failure(&case, &evaluator, &answer);
    case.got = Some(answer.value().clone());
    case.variant = answer.variant().map(Into::into);
    case.reason = answer.reason();
    case
}

fn failure(case: &Case, evaluator: &Evaluator, answer: &Answer<'_>) -> Option<String> {
    let expect = &case.expect;
    let Some(got) = answer.variant() else {
        if !expect.is_boolean() {
            return Some(format!(
                "`expect` is {}, but the flag gives true or false",
                words(expect)
            ));
        }
        return (expect != answer.value())
            .then(|| mismatch(case, &words(expect), &words(answer.value())));
    };
    let mut names = evaluator.variants().map(|(name, ..)| name);
    if let Some(name) = names.find(|name| expect == name) {
        return (name != got).then(|| mismatch(case, &format!("`{name}`"), &format!("`{got}`")));
    }
    if !evaluator
        .variants()
        .any(|(_, value, _)| same(value, expect))
    {
        let known: Vec<_> = evaluator
            .variants()
            .map(|(name, ..)| format!("`{name}`"))
            .collect();
        return Some(format!(
            "`expect` is {}, which is neither a variant nor the value of one: the variants are {}",
            words(expect),
            known.join(", ")
        ));
    }
    (!same(answer.value(), expect)).then(|| {
        let got = if *answer.value() == got {
            format!("`{got}`")
        } else {
            format!("{} of `{got}`", words(answer.value()))
        };
        mismatch(case, &words(expect), &got)
    })
}

fn mismatch(case: &Case, expected: &str, got: &str) -> String {
    format!("expected {expected} for {}, got {got}", case.subject())
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        value => value.to_string(),
    }
}

/// Whether two values are the same to whoever gets them: `20` is `20.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, a)| other.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::{FileId, LineIndex};
    use crate::model;
    use crate::yaml;

    /// Runs the tests of the flags in `text`.
    fn cases(text: &str) -> Vec<super::Case> {
        let (tree, _) = yaml::parse(FileId(0), text);
        let flags: Vec<_> = tree
            .documents()
            .iter()
            .flat_map(|document| model::flags(FileId(0), &tree, &LineIndex::new(text), *document))
            .collect();
        assert!(
            !flags.is_empty() && flags.iter().all(|flag| flag.complete),
            "{text}"
        );
        flags.iter().flat_map(super::run).collect()
    }

    /// "ok", or what failed and why.
    fn outcomes(text: &str) -> Vec<String> {
        cases(text)
            .into_iter()
            .map(|case| match case.failure {
                None => "ok".to_owned(),
                Some(failure) => format!("{failure} ({})", case.why),
            })
            .collect()
    }

    #[test]
    fn tests_pass_and_fail_with_reasons() {
        let found = outcomes(
            "flags:
  flag:
    enabled: true
    rollout: [{ percentage: 50 }, { percentage: 100 }]
    allowed_users: [vip]
    allowed_groups: [staff]
    environments:
      off: { enabled: false }
      all: { percentage: 100 }
    tests:
      - { user: vip, expect: true }
      - { user: vip, environment: 'off', expect: true }
      - { user: ana, expect: true }
      - { user: ana, environment: all, expect: true }
      - { user: ana, percentage: 80, expect: true }
      - { user: ana, groups: [x, staff], expect: false }
      - { expect: false }
      - { expect: maybe }
      - { expect: 1 }
",
        );
        let expected = [
            "ok",
            "expected true for user `vip` in off, got false (it is not enabled, which holds for the allowed lists too)",
            "expected true for user `ana`, got false (bucket 78,503 is not below 50 %, stage 1 of 2)",
            "ok",
            "ok",
            "expected false for user `ana` of groups `x`, `staff`, got true (group `staff` is in allowed_groups)",
            "ok",
            "`expect` is `maybe`, but the flag gives true or false (no user is given, so there is no bucket to compare with 50 %, stage 1 of 2)",
            "`expect` is 1, but the flag gives true or false (no user is given, so there is no bucket to compare with 50 %, stage 1 of 2)",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn variants_are_expected_by_name_or_by_value() {
        let found = outcomes(
            "flags:
  flag:
    enabled: true
    variants:
      control: { weight: 50, value: 20 }
      big: { weight: 50, value: 50 }
    forced: { big: [qa] }
    tests:
      - { user: qa, expect: big }
      - { user: qa, expect: 50.0 }
      - { user: qa, expect: control }
      - { user: qa, expect: 20 }
      - { user: qa, expect: 30 }
      - { user: qa, expect: bigg }
      - { expect: control }
",
        );
        let forced = "(user `qa` is forced to `big`)";
        let unknown =
            "which is neither a variant nor the value of one: the variants are `control`, `big`";
        let expected = [
            "ok".to_owned(),
            "ok".to_owned(),
            format!("expected `control` for user `qa`, got `big` {forced}"),
            format!("expected 20 for user `qa`, got 50 of `big` {forced}"),
            format!("`expect` is 30, {unknown} {forced}"),
            format!("`expect` is `bigg`, {unknown} {forced}"),
            "ok".to_owned(),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_failure_shows_no_secret() {
        let body = "IOSFODNN7EXAMPLE";
        let text = format!(
            "flags:
  flag:
    enabled: true
    allowed_users: [AKIA{body}]
    percentage: 0
    tests: [{{ user: AKIA{body}, expect: false }}]
"
        );
        let cases = cases(&text);
        let found = cases[0].diagnostic();
        let help = found.help.unwrap_or_default();
        assert!(found.message.contains("AKIA*"), "{}", found.message);
        assert!(
            !found.message.contains(body) && !help.contains(body),
            "{help}"
        );
    }

    #[test]
    fn objects_are_the_same_in_any_order() {
        let found = outcomes(
            "flags:
  flag:
    enabled: true
    variants:
      a: { weight: 100, value: { steps: 3, video: false } }
      b: { weight: 0, value: { steps: 7, video: true } }
    tests:
      - { user: ana, expect: { video: false, steps: 3.0 } }
      - { user: ana, expect: { video: true, steps: 7 } }
",
        );
        assert_eq!(found[0], "ok");
        assert!(found[1].starts_with(
            "expected {\"video\":true,\"steps\":7} for user `ana`, got {\"steps\":3,\"video\":false} of `a`"
        ), "{found:?}");
    }
}
