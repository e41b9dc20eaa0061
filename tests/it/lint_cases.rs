//! Flag files that carry the findings they expect, below `tests/cases/lint/`, one or more for each
//! rule. Every case is linted, compared, and rendered in every format.
//!
//! A comment `#~ error[rule] part of the message` expects a finding that starts on its line, `#~^` one
//! that starts on the line above, and so on. `#@ file: b.yaml` begins another file of the same flag
//! set; `#@ level: rule = off` sets a level, `#@ lint: max_step = 20` a line of `[lint]` in hoist.toml.

use std::path::{Path, PathBuf};

use hoist::config;
use hoist::diagnostic::{Diagnostic, FileId, Files, LineIndex};
use hoist::report::{self, Lint};
use hoist::rules::{
    Check, Checked, Context, Level, Levels, Limits, RULES, Rule, Settings, check_file, check_set,
    explain,
};
use proptest::prelude::*;

use crate::lint_formats::check_all;

/// A case file, taken apart.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    /// Name and text of each file.
    pub files: Vec<(String, String)>,
    pub settings: Settings,
}

/// What a case expects, or what was found.
#[derive(Debug)]
struct Finding {
    file: String,
    line: u32,
    /// `error[variant-sum]`
    head: String,
    message: String,
}

impl Finding {
    /// Whether this is what was expected of `found`.
    fn fits(&self, found: &Self) -> bool {
        let place = |of: &Self| (of.file.clone(), of.line, of.head.clone());
        place(self) == place(found) && found.message.contains(&self.message)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            line,
            head,
            message,
        } = self;
        write!(f, "{file}:{line}: {head} {message}")
    }
}

#[test]
fn cases_find_what_they_expect() {
    let mut wrong = String::new();
    for case in cases() {
        let run = Run::new(&case);
        let mut missing = expectations(&case);
        let mut unexpected = Vec::new();
        for found in run.diagnostics.iter().map(|found| run.finding(found)) {
            match missing.iter().position(|expected| expected.fits(&found)) {
                Some(at) => _ = missing.swap_remove(at),
                None => unexpected.push(found),
            }
        }
        for (what, findings) in [("missing", missing), ("unexpected", unexpected)] {
            for finding in findings {
                wrong += &format!("{what} in {}: {finding}\n", case.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn cases_read_well_in_every_format() {
    for case in cases() {
        let run = Run::new(&case);
        let human = run.render(|lint, out| report::human::lint(lint, false, 100, out));
        insta::assert_snapshot!(format!("{}.human", case.name), human);

        let json = run.render(|lint, out| report::json::lint(lint, out));
        assert_eq!(json.lines().count(), 1, "{json}");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let json = serde_json::to_string_pretty(&json).unwrap();
        insta::assert_snapshot!(format!("{}.json", case.name), json);
    }
}

/// Each fix by itself takes away what it was offered for, and leaves a file that reads as well.
#[test]
fn a_fix_mends_what_it_is_for() {
    let mut fixes = 0;
    for case in cases() {
        let run = Run::new(&case);
        let count = |run: &Run, rule: &str| {
            let found = run.diagnostics.iter();
            found.filter(|found| found.rule == rule).count()
        };
        for found in &run.diagnostics {
            let Some(fix) = &found.fix else { continue };
            let mut mended = case.clone();
            let text = &mut mended.files[found.location.file.0 as usize].1;
            for edit in fix.edits.iter().rev() {
                text.replace_range(edit.span.range(), &edit.text);
            }
            let after = Run::new(&mended);
            let place = format!("{}: {} {:?}", case.name, found.message, fix);
            assert!(
                count(&after, found.rule) < count(&run, found.rule),
                "{place}"
            );
            for rule in [
                "yaml-syntax",
                "unsafe-yaml",
                "duplicate-key",
                "schema",
                "unknown-field",
            ] {
                assert!(count(&after, rule) <= count(&run, rule), "{place}");
            }
            fixes += 1;
        }
    }
    assert!(fixes > 20, "{fixes}");
}

#[test]
fn color_is_only_color() {
    let case = Case::read(&directory().join("variant-sum.yaml"));
    let run = Run::new(&case);
    let plain = run.render(|lint, out| report::human::lint(lint, false, 100, out));
    let colored = run.render(|lint, out| report::human::lint(lint, true, 100, out));
    insta::assert_snapshot!("color", colored.replace('\u{1b}', "ESC"));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

#[test]
fn findings_are_shown_without_the_text() {
    let case = Case::read(&directory().join("duplicate-flag.yaml"));
    let mut run = Run::new(&case);
    let names: Vec<String> = run.files.0.drain(..).map(|file| file.name).collect();
    for name in names {
        run.files.add(name, None);
    }
    let human = run.render(|lint, out| report::human::lint(lint, false, 100, out));
    insta::assert_snapshot!("no-text.human", human);
    let json = run.render(|lint, out| report::json::lint(lint, out));
    insta::assert_snapshot!("no-text.json", json);
}

proptest! {
    /// Whatever somebody's editor does to a file, it is checked and shown.
    #[test]
    fn any_file_can_be_checked_and_shown(
        case in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..40,
        put in "[\\[\\]{}:,&*#'\"\t\r\n -]{0,4}|\\PC{0,6}|[a-z0-9]{0,3}",
        width in 0_usize..200,
    ) {
        let cases = cases();
        let mut case = Case::clone(case.get(&cases));
        for (_, text) in &mut case.files {
            let start = text.floor_char_boundary(at.index(text.len()));
            let end = text.floor_char_boundary((start + cut).min(text.len()));
            text.replace_range(start..end, &put);
        }
        let run = Run::new(&case);
        let human = run.render(|lint, out| report::human::lint(lint, true, width, out));
        prop_assert!(human.contains("Checked "));
        check_all(&case, &run);
    }
}

#[test]
fn a_rule_explains_itself() {
    let rule = Rule::find("missing-expiry").unwrap();
    insta::assert_snapshot!("explain", explain(rule));
}

#[test]
fn every_rule_has_cases() {
    let expected: Vec<Finding> = cases().iter().flat_map(expectations).collect();
    // Those about change have cases of their own.
    let one_state = |rule: &&&Rule| !matches!(rule.check, Check::Change(_));
    for rule in RULES.iter().filter(one_state) {
        let head = format!("[{}]", rule.id);
        assert!(
            directory().join(format!("{}.yaml", rule.id)).is_file()
                && expected.iter().any(|finding| finding.head.ends_with(&head)),
            "no case for {}",
            rule.id
        );
    }
}

/// What came of linting a case.
pub struct Run {
    pub files: Files,
    pub checked: Vec<Checked>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Run {
    pub fn new(case: &Case) -> Self {
        let mut files = Files::default();
        let mut checked = Vec::new();
        for (name, text) in &case.files {
            let file = files.add(name, Some(text.as_str().into()));
            checked.push(check_file(file, text.as_bytes(), &case.settings));
        }
        let mut diagnostics = check_set(&checked, &files, &case.settings);
        diagnostics.extend(
            checked
                .iter()
                .flat_map(|checked| checked.diagnostics.clone()),
        );
        Self {
            files,
            checked,
            diagnostics,
        }
    }

    fn finding(&self, found: &Diagnostic) -> Finding {
        let text = self.files.text(found.location.file).unwrap();
        Finding {
            file: self.files.name(found.location.file).to_owned(),
            line: LineIndex::new(text).line(found.location.span.start),
            head: format!("{}[{}]", found.severity, found.rule),
            message: found.message.clone(),
        }
    }

    pub fn render(
        &self,
        format: impl Fn(&Lint<'_>, &mut Vec<u8>) -> std::io::Result<()>,
    ) -> String {
        let lint = Lint {
            files: &self.files,
            checked: self.checked.len(),
            flags: self.checked.iter().map(|checked| checked.flags.len()).sum(),
            diagnostics: &self.diagnostics,
            unread: &[],
        };
        let mut out = Vec::new();
        format(&lint, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/lint")
}

pub fn cases() -> Vec<Case> {
    let entries = std::fs::read_dir(directory()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

impl Case {
    fn read(path: &Path) -> Self {
        let mut case = Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            files: Vec::new(),
            settings: Settings {
                context: Context {
                    today: jiff::civil::date(2026, 11, 15),
                    environments: ["development", "staging", "production"]
                        .map(String::from)
                        .into(),
                    limits: Limits::default(),
                },
                levels: Levels::default(),
            },
        };
        let mut lint = "[lint]\n".to_owned();
        for line in std::fs::read_to_string(path).unwrap().split_inclusive('\n') {
            let directive = line.strip_prefix("#@ ").map(str::trim_end);
            match directive.map(|directive| directive.split_once(": ").unwrap()) {
                Some(("file", name)) => case.files.push((format!("flags/{name}"), String::new())),
                Some(("level", setting)) => {
                    let (rule, level) = setting.split_once(" = ").unwrap();
                    let level: Level = serde_json::from_value(level.into()).unwrap();
                    case.settings.levels.set(rule, level).unwrap();
                }
                Some(("lint", line)) => {
                    lint = format!("{lint}{line}\n");
                    let (config, mistakes) = config::parse(FileId(0), &lint);
                    assert!(mistakes.is_empty(), "{}: {mistakes:?}", case.name);
                    case.settings.context.limits = config.lint.limits;
                }
                Some((other, _)) => panic!("{}: directive `{other}`", case.name),
                None => {}
            }
            if case.files.is_empty() {
                case.files
                    .push((format!("flags/{}.yaml", case.name), String::new()));
            }
            case.files.last_mut().unwrap().1.push_str(line);
        }
        case
    }
}

fn expectations(case: &Case) -> Vec<Finding> {
    let mut expected = Vec::new();
    for (file, text) in &case.files {
        for (line, content) in (1..).zip(text.lines()) {
            for annotation in content.split("#~").skip(1) {
                let words = annotation.trim_start_matches('^');
                let up = u32::try_from(annotation.len() - words.len()).unwrap();
                let (head, message) = words.trim().split_once(' ').unwrap_or((words.trim(), ""));
                expected.push(Finding {
                    file: file.clone(),
                    line: line - up,
                    head: head.to_owned(),
                    message: message.trim().to_owned(),
                });
            }
        }
    }
    expected
}
