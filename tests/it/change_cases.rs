//! Two states of a flag set that carry the findings they expect, below `tests/cases/change/`, one
//! file or more for each rule about change, and the rules' own examples. Every case is compared and
//! rendered in every format.
//!
//! A file holds cases, each begun by `#@ case: what it shows`. In it, `#@ earlier`, `#@ before` and
//! `#@ after` begin the states; earlier ones may be several, the oldest first. With `#@ live: KEY
//! RECORD` the case is a plan for a store that holds that record, or `null` where it holds others,
//! and `#@ removed: KEY` says that the store had such a flag once. `#@ code: KEY PLACE` is a place in
//! code, `#@ level:` and `#@ lint:` are settings as in the cases of lint, and `#@ environments: a, b`
//! what hoist.toml has.
//!
//! A comment `#~ error[rule] part of the message` expects a finding that starts on its line, `#~^`
//! one on the line above, and so on. What a plan finds of a flag that is gone has no place: it is
//! expected in the first line of the state before.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use hoist::config;
use hoist::diagnostic::{Diagnostic, FileId, Files, LineIndex, Severity};
use hoist::model::Flag;
use hoist::plan::diff::{State, compare};
use hoist::plan::{Plan, Removed, Snapshot, Source, Stored, Target, Wanted};
use hoist::record::{Record, Spec};
use hoist::report::diff::{Change, Diff, Side};
use hoist::report::{self, Lint};
use hoist::rules::change::{Commit, History, References, Sighting, check_change};
use hoist::rules::{Check, Checked, Context, Level, Levels, RULES, Settings, check_file};
use hoist::store::Info;
use serde_json::Value;

/// One case, taken apart.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    earlier: Vec<String>,
    before: String,
    after: String,
    /// Of a plan.
    live: Option<BTreeMap<String, Value>>,
    removed: Vec<String>,
    code: HashMap<String, References>,
    settings: Settings,
}

/// What a case expects, or what was found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: &'static str,
    line: u32,
    /// `error[reused-key]`
    head: String,
    message: String,
}

#[test]
fn cases_find_what_they_expect() {
    let mut wrong = String::new();
    for (file, cases) in files() {
        for case in cases {
            let run = Run::new(&case);
            let mut expected = case.expectations();
            let mut found = run.findings();
            expected.sort();
            found.sort();
            let place = |of: &Finding| (of.file, of.line, of.head.clone());
            let agree = expected.len() == found.len()
                && expected.iter().zip(&found).all(|(expected, found)| {
                    place(expected) == place(found) && found.message.contains(&expected.message)
                });
            if !agree {
                wrong += &format!(
                    "{file}, {}: expected {expected:#?}, found {found:#?}\n",
                    case.name
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn cases_read_well_in_every_format() {
    for (file, cases) in files() {
        let mut all = BTreeMap::<&str, String>::new();
        for case in cases {
            for (format, text) in Run::new(&case).render() {
                let document = all.entry(format).or_default();
                *document += &format!("==== {}\n{text}\n", case.name);
            }
        }
        for (format, text) in all {
            insta::assert_snapshot!(format!("{file}.{format}"), text);
        }
    }
}

#[test]
fn examples_draw_what_they_are_for() {
    for rule in RULES.iter().filter(|rule| is_about_change(rule.check)) {
        for (example, expected) in [(rule.bad, &[rule.id][..]), (rule.good, &[])] {
            let run = Run::new(&Case::of_example(rule.id, example));
            let rules: Vec<_> = run.diagnostics.iter().map(|found| found.rule).collect();
            assert_eq!(rules, expected, "{example}");
        }
    }
}

#[test]
fn every_rule_has_cases() {
    for rule in RULES.iter().filter(|rule| is_about_change(rule.check)) {
        let head = format!("[{}]", rule.id);
        let cases = Case::read(&directory().join(format!("{}.yaml", rule.id)));
        let (bad, good): (Vec<_>, Vec<_>) = cases.iter().partition(|case| {
            let expected = case.expectations();
            expected.iter().any(|finding| finding.head.ends_with(&head))
        });
        assert!(!bad.is_empty() && !good.is_empty(), "cases for {}", rule.id);
    }
}

fn is_about_change(check: Check) -> bool {
    matches!(check, Check::Change(_))
}

/// What came of a case.
struct Run {
    files: Files,
    diagnostics: Vec<Diagnostic>,
    rendered: Vec<(&'static str, String)>,
}

impl Run {
    fn new(case: &Case) -> Self {
        let mut files = Files::default();
        let mut read = |name: &str, text: &str| {
            let file = files.add(name, Some(text.into()));
            let checked = check_file(file, text.as_bytes(), &case.settings);
            let errors = checked.diagnostics.iter();
            let errors = errors.filter(|found| found.severity == Severity::Error);
            assert_eq!(errors.count(), 0, "{}: {checked:#?}", case.name);
            checked
        };
        let (before, after) = (
            read("before.yaml", &case.before),
            read("after.yaml", &case.after),
        );
        let (diagnostics, rendered) = match &case.live {
            Some(live) => case.plan(live, &after),
            None => case.diff(&files, &before, &after),
        };
        Self {
            files,
            diagnostics,
            rendered,
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let finding = |found: &Diagnostic| {
            let text = self.files.text(found.location.file).unwrap();
            Finding {
                file: ["before", "after"][found.location.file.0 as usize],
                line: LineIndex::new(text).line(found.location.span.start),
                head: format!("{}[{}]", found.severity, found.rule),
                message: found.message.clone(),
            }
        };
        self.diagnostics.iter().map(finding).collect()
    }

    fn render(self) -> Vec<(&'static str, String)> {
        self.rendered
    }
}

impl Case {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            earlier: Vec::new(),
            before: String::new(),
            after: String::new(),
            live: None,
            removed: Vec::new(),
            code: HashMap::new(),
            settings: Settings {
                context: Context {
                    environments: ["development", "staging", "production"]
                        .map(String::from)
                        .into(),
                    ..Context::new(jiff::civil::date(2026, 11, 15))
                },
                levels: Levels::default(),
            },
        }
    }

    fn read(path: &Path) -> Vec<Self> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut cases: Vec<Self> = Vec::new();
        let mut lint = "[lint]\n".to_owned();
        let mut state = "";
        for line in text.split_inclusive('\n') {
            let Some(directive) = line.strip_prefix("#@ ").map(str::trim_end) else {
                if let Some(case) = cases.last_mut() {
                    case.state(state).push_str(line);
                }
                continue;
            };
            let (word, rest) = directive.split_once(": ").unwrap_or((directive, ""));
            if word == "case" {
                cases.push(Self::new(rest));
                lint = "[lint]\n".to_owned();
                state = "";
                continue;
            }
            let case = cases.last_mut().expect("a case to begin with");
            match word {
                "earlier" | "before" | "after" => {
                    state = ["earlier", "before", "after"]
                        .into_iter()
                        .find(|state| *state == word)
                        .unwrap();
                    if word == "earlier" {
                        case.earlier.push(String::new());
                    }
                }
                "live" => {
                    let (key, record) = rest.split_once(' ').unwrap();
                    let record = serde_json::from_str(record).unwrap();
                    case.live
                        .get_or_insert_default()
                        .insert(key.to_owned(), record);
                }
                "removed" => case.removed.push(rest.to_owned()),
                "code" => {
                    let (key, place) = rest.split_once(' ').unwrap();
                    let references = case.code.entry(key.to_owned()).or_default();
                    references.places.push(place.to_owned());
                    references.count += 1;
                }
                "environments" => {
                    case.settings.context.environments =
                        rest.split(", ").map(str::to_owned).collect();
                }
                "level" => {
                    let (rule, level) = rest.split_once(" = ").unwrap();
                    let level: Level = serde_json::from_value(level.into()).unwrap();
                    case.settings.levels.set(rule, level).unwrap();
                }
                "lint" => {
                    lint = format!("{lint}{rest}\n");
                    let (config, mistakes) = config::parse(FileId(0), &lint);
                    assert!(mistakes.is_empty(), "{mistakes:?}");
                    case.settings.context.limits = config.lint.limits;
                }
                other => panic!("{}: directive `{other}`", case.name),
            }
        }
        cases
    }

    fn state(&mut self, state: &str) -> &mut String {
        match state {
            "earlier" => self.earlier.last_mut().unwrap(),
            "after" => &mut self.after,
            _ => &mut self.before,
        }
    }

    /// The example of a rule, whose states stand below `# earlier`, `# before` and `# after`.
    fn of_example(name: &str, example: &str) -> Self {
        let mut case = Self::new(name);
        let mut state = "";
        for line in example.split_inclusive('\n') {
            match line.trim_end() {
                "# earlier" => {
                    state = "earlier";
                    case.earlier.push(String::new());
                }
                "# before" => state = "before",
                "# after" => state = "after",
                _ => case.state(state).push_str(line),
            }
        }
        assert!(
            !case.before.is_empty() && !case.after.is_empty(),
            "{example}"
        );
        case
    }

    fn expectations(&self) -> Vec<Finding> {
        let mut expected = Vec::new();
        for (file, text) in [("before", &self.before), ("after", &self.after)] {
            for (line, content) in (1..).zip(text.lines()) {
                for annotation in content.split("#~").skip(1) {
                    let words = annotation.trim_start_matches('^');
                    let up = u32::try_from(annotation.len() - words.len()).unwrap();
                    let words = words.trim();
                    let (head, message) = words.split_once(' ').unwrap_or((words, ""));
                    expected.push(Finding {
                        file,
                        line: line - up,
                        head: head.to_owned(),
                        message: message.trim().to_owned(),
                    });
                }
            }
        }
        expected
    }

    /// One commit for each state but the last, which is not committed.
    fn history(&self) -> History {
        let committed = self.earlier.iter().chain([&self.before]);
        let seen: Vec<Vec<Sighting>> = committed
            .map(|text| sightings(&check_file(FileId(0), text.as_bytes(), &self.settings).flags))
            .collect();
        let mut history = History::default();
        for pair in seen.windows(2).rev() {
            let commit = Commit {
                id: "0123456789abcdef".into(),
                time: 1_789_344_000,
                subject: "An earlier change".into(),
            };
            history.add(&commit, &pair[..1], &pair[1]);
        }
        history
    }

    fn diff(
        &self,
        files: &Files,
        before: &Checked,
        after: &Checked,
    ) -> (Vec<Diagnostic>, Vec<(&'static str, String)>) {
        let environments = &self.settings.context.environments;
        let compared = compare(&state(before), &state(after), environments);
        let mut history = self.history();
        let changes: Vec<Change<'_>> = compared
            .changes
            .into_iter()
            .map(|change| {
                let mut past = history.take(change.key);
                past.references = self.code.get(change.key).cloned();
                let silent = Some(&after.suppressions);
                let groups = change.groups(&past);
                let risks = check_change(&groups, environments.len(), &self.settings, silent);
                let flag = change.new.or(change.old).unwrap();
                Change {
                    source: Some(source(files.name(flag.file), flag)),
                    change,
                    risks,
                    people: Vec::new(),
                }
            })
            .collect();
        let risks = changes.iter().flat_map(|change| change.risks.clone());
        let diagnostics: Vec<Diagnostic> = risks.collect();
        let side = |name: &str| Side {
            revision: Some(name.to_owned()),
            commit: None,
        };
        let diff = Diff {
            base: &side("before"),
            head: &side("after"),
            environments,
            changes: &changes,
            unchanged: compared.unchanged,
            skipped: &compared.skipped,
            notes: &[],
            affected: None,
            errors: &[],
            lint: Lint {
                files,
                checked: 1,
                flags: after.flags.len(),
                diagnostics: &diagnostics,
                unread: &[],
            },
        };
        let mut human = Vec::new();
        report::diff_human::diff(&mut human, &diff, false, 100).unwrap();
        let rendered = vec![
            ("human", String::from_utf8(human).unwrap()),
            ("json", pretty(&report::diff_json::value(&diff))),
            (
                "markdown",
                report::diff_markdown::document(&diff, &report::markdown::Links::default()),
            ),
        ];
        (diagnostics, rendered)
    }

    /// A plan for a store that was applied to before, and holds these records.
    fn plan(
        &self,
        live: &BTreeMap<String, Value>,
        after: &Checked,
    ) -> (Vec<Diagnostic>, Vec<(&'static str, String)>) {
        let environment = self.settings.context.environments.last().unwrap();
        let mut snapshot = Snapshot {
            generation: 5,
            now: 1_795_320_000.0,
            ..Snapshot::default()
        };
        for (key, record) in live.iter().filter(|(_, record)| !record.is_null()) {
            let bytes = record.to_string().into_bytes();
            let spec = Record::parse(&bytes).unwrap().spec;
            snapshot.specs.insert(key.clone(), spec.digest());
            snapshot
                .records
                .insert(key.clone(), Stored::Value(bytes.into()));
        }
        for key in &self.removed {
            let removed = Removed {
                generation: 3,
                at: 1_789_344_000.0,
            };
            snapshot.removed.insert(key.clone(), removed);
        }
        let wanted = |flag: &Flag| {
            let spec = Spec::of(flag, environment);
            Wanted::new(&*flag.key.value, spec, Some(source("after.yaml", flag)))
        };
        let target = Target {
            environment: environment.clone(),
            prune: true,
            flags: after.flags.iter().map(wanted).collect(),
        };
        let mut plan = Plan::new(&target, "redis", "ff", snapshot);
        let written = |key: &str| {
            let flag = after.flags.iter().find(|flag| *flag.key.value == *key)?;
            Some((flag, &after.suppressions))
        };
        plan.find_risks(written, &self.settings);
        let risks = plan.changes.iter().flat_map(|change| change.risks.clone());
        let risks: Vec<Diagnostic> = risks.collect();
        for severity in [Severity::Warning, Severity::Error] {
            let counted = risks.iter().filter(|risk| risk.severity == severity);
            assert_eq!(plan.risks(severity), counted.count());
        }
        let store = Info {
            kind: "redis",
            url: "redis://localhost".to_owned(),
            prefix: "ff".to_owned(),
        };
        let mut human = Vec::new();
        report::plan_human::plan(&mut human, &plan, &store, None, false).unwrap();
        let rendered = vec![
            ("human", String::from_utf8(human).unwrap()),
            ("json", pretty(&report::plan_json::value(&plan, None))),
        ];
        (risks, rendered)
    }
}

fn sightings(flags: &[Flag]) -> Vec<Sighting> {
    let sighting = |flag: &Flag| Sighting {
        key: flag.key.value.as_ref().into(),
        expires: flag.expires.as_ref().map(|field| field.value),
    };
    flags.iter().map(sighting).collect()
}

fn state(checked: &Checked) -> State<'_> {
    State {
        flags: checked.flags.iter().collect(),
        broken: Vec::new(),
    }
}

fn source(file: &str, flag: &Flag) -> Source {
    Source {
        file: file.into(),
        line: flag.line,
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/change")
}

/// Names of files, and their cases.
fn files() -> Vec<(String, Vec<Case>)> {
    let entries = std::fs::read_dir(directory()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            (name.to_owned(), Case::read(path))
        })
        .collect()
}
