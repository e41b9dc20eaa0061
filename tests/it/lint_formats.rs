//! What `hoist lint` prints, in every format, of every case below `tests/cases/lint/`: each output is
//! read strictly, and has every finding in it, at its place.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use clap::ValueEnum;
use hoist::cli::LintFormat;
use hoist::diagnostic::{LineIndex, Severity};
use hoist::report::{self, Root};
use serde_json::Value;

use crate::lint_cases::{Case, Run, cases};
use crate::python::{python, shown};

#[test]
fn every_format_is_well_formed_for_every_case() {
    let mut documents = Vec::new();
    for case in cases() {
        let run = Run::new(&case);
        check_all(&case, &run);
        documents.push((outcomes(&run), render(&run, LintFormat::Junit)));
    }
    let (expected, documents): (Vec<_>, Vec<_>) = documents.into_iter().unzip();
    assert_eq!(parse_xml(&documents), expected);
}

/// Every format of one run.
pub fn check_all(case: &Case, run: &Run) {
    for format in LintFormat::value_variants() {
        let output = render(run, *format);
        match format {
            LintFormat::Human => check_human(run, &output),
            LintFormat::Json => check_json(run, &output),
            LintFormat::Sarif => check_sarif(case, run, &output),
            LintFormat::Github => check_github(run, &output),
            LintFormat::Junit => check_junit(run, &output),
        }
    }
}

/// The cases whose output reviewers should see.
#[test]
fn some_cases_in_the_formats_of_services() {
    for case in cases() {
        let run = Run::new(&case);
        let name = case.name.as_str();
        if ["duplicate-flag", "characters", "suppression", "clean"].contains(&name) {
            let github = render(&run, LintFormat::Github);
            insta::assert_snapshot!(format!("{name}.github"), github);
            let junit = render(&run, LintFormat::Junit);
            insta::assert_snapshot!(format!("{name}.junit"), junit);
        }
        if ["duplicate-flag", "unknown-field"].contains(&name) {
            let sarif = sarif(&run);
            let results = serde_json::to_string_pretty(&sarif["runs"][0]["results"]).unwrap();
            insta::assert_snapshot!(format!("{name}.sarif"), results);
        }
        if name == "clean" {
            let mut run = sarif(&run)["runs"][0].clone();
            let rules = run["tool"]["driver"]["rules"].as_array_mut().unwrap();
            rules.retain(|rule| rule["id"] == "missing-owner" || rule["id"] == "schema");
            let run = serde_json::to_string_pretty(&run).unwrap();
            insta::assert_snapshot!(
                "tool.sarif",
                run.replace(env!("CARGO_PKG_VERSION"), "VERSION")
            );
        }
    }
}

/// A finding is the same one, to a service, after lines were put above it and the days went by.
#[test]
fn fingerprints_stay_when_lines_move() {
    for mut case in cases() {
        let before = fingerprints(&Run::new(&case));
        for (_, text) in &mut case.files {
            let mark = if text.starts_with('\u{feff}') {
                '\u{feff}'.len_utf8()
            } else {
                0
            };
            text.insert_str(mark, "# One line,\n\n# and another.\n");
        }
        assert_eq!(fingerprints(&Run::new(&case)), before, "{}", case.name);
        if case.name == "expired" {
            // Its message counts the days.
            case.settings.context.today = jiff::civil::date(2026, 11, 16);
            assert!(fingerprints(&Run::new(&case)).is_superset(&before));
        }
    }
}

fn fingerprints(run: &Run) -> BTreeSet<String> {
    let results = sarif(run)["runs"][0]["results"].clone();
    let results = results.as_array().unwrap();
    let prints: BTreeSet<String> = results
        .iter()
        .map(|result| result["partialFingerprints"]["hoistFinding/v1"].to_string())
        .collect();
    assert_eq!(prints.len(), results.len(), "no two findings share one");
    prints
}

fn render(run: &Run, format: LintFormat) -> String {
    let root = root();
    run.render(|lint, out| match format {
        LintFormat::Human => report::human::lint(lint, false, 100, out),
        LintFormat::Json => report::json::lint(lint, out),
        LintFormat::Sarif => report::sarif::lint(lint, &root, out),
        LintFormat::Github => report::github::lint(lint, &root, out),
        LintFormat::Junit => report::junit::lint(lint, false, &root, out),
    })
}

fn root() -> Root {
    Root::new(Path::new("/repo"), Path::new("/repo"))
}

fn sarif(run: &Run) -> Value {
    serde_json::from_str(&render(run, LintFormat::Sarif)).unwrap()
}

fn check_human(run: &Run, output: &str) {
    for found in &run.diagnostics {
        let head = format!("{}[{}]: ", found.severity, found.rule);
        assert!(output.contains(&head), "{output}");
    }
}

fn check_json(run: &Run, output: &str) {
    let json: Value = serde_json::from_str(output).unwrap();
    let listed = json["diagnostics"].as_array().unwrap().len();
    assert_eq!(listed, run.diagnostics.len());
}

/// What the schema of SARIF and the advice of its makers ask for.
fn check_sarif(case: &Case, run: &Run, output: &str) {
    let log: Value = serde_json::from_str(output).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let of = &log["runs"][0];
    assert_eq!(of["invocations"][0]["executionSuccessful"], true);
    assert_eq!(
        of["originalUriBaseIds"]["%SRCROOT%"]["uri"],
        "file:///repo/"
    );
    let rules = of["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        let text = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap();
        assert_ne!(rule["id"].as_str(), rule["name"].as_str());
        for part in ["/shortDescription/text", "/fullDescription/text"] {
            assert!(
                text(part).ends_with('.') && !text(part).contains('\n'),
                "{rule}"
            );
        }
        assert!(text("/help/markdown").contains("```"), "{rule}");
        assert!(["error", "warning"].contains(&text("/defaultConfiguration/level")));
    }
    let results = of["results"].as_array().unwrap();
    assert_eq!(results.len(), run.diagnostics.len());
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        let message = result["message"]["text"].as_str().unwrap();
        assert!(
            message.ends_with(['.', '?', '!']) && !message.contains("]("),
            "{message}"
        );
        for place in [&result["locations"], &result["relatedLocations"]] {
            for place in place.as_array().into_iter().flatten() {
                let place = &place["physicalLocation"];
                check_region(case, &place["artifactLocation"], &place["region"]);
            }
        }
        for fix in result["fixes"].as_array().into_iter().flatten() {
            let change = &fix["artifactChanges"][0];
            for edit in change["replacements"].as_array().unwrap() {
                check_region(case, &change["artifactLocation"], &edit["deletedRegion"]);
                assert!(edit["insertedContent"]["text"].is_string());
            }
        }
    }
}

/// Lines, columns and bytes of a region speak of the same text.
fn check_region(case: &Case, artifact: &Value, region: &Value) {
    assert_eq!(artifact["uriBaseId"], "%SRCROOT%");
    let (_, text) = case
        .files
        .iter()
        .find(|(name, _)| artifact["uri"] == name.as_str())
        .unwrap_or_else(|| panic!("no file {artifact}"));
    let number = |name: &str| u32::try_from(region[name].as_u64().unwrap()).unwrap();
    let (start, length) = (number("byteOffset"), number("byteLength"));
    let index = LineIndex::new(text);
    for (offset, line, column) in [
        (start, "startLine", "startColumn"),
        (start + length, "endLine", "endColumn"),
    ] {
        let at = index.position(text, offset);
        assert_eq!(
            (at.line, at.column),
            (number(line), number(column)),
            "{region}"
        );
    }
}

/// A command a line, with properties that can be taken apart.
fn check_github(run: &Run, output: &str) {
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    for line in output.lines() {
        let command = line.strip_prefix("::").unwrap();
        let (head, message) = command.split_once("::").unwrap();
        let (level, properties) = head.split_once(' ').unwrap();
        let properties: BTreeMap<&str, &str> = properties
            .split(',')
            .map(|property| property.split_once('=').unwrap())
            .collect();
        assert!(
            !message.is_empty() && properties["title"].starts_with("hoist"),
            "{line}"
        );
        assert_eq!(
            level == "notice",
            !properties.contains_key("file"),
            "{line}"
        );
        *levels.entry(level).or_default() += 1;
    }
    for (level, severity) in [("error", Severity::Error), ("warning", Severity::Warning)] {
        let found = run
            .diagnostics
            .iter()
            .filter(|found| found.severity == severity);
        assert_eq!(
            levels.get(level).copied().unwrap_or(0),
            found.count(),
            "{output}"
        );
    }
}

fn check_junit(run: &Run, output: &str) {
    let report = quick_junit::Report::deserialize_from_str(output).unwrap();
    assert_eq!(report.test_suites.len(), run.files.0.len());
    // All that XML 1.0 has a place for.
    let allowed = |c: char| {
        matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') || c >= '\u{10000}'
    };
    assert!(output.chars().all(allowed), "{output:?}");
}

/// Suite, case and outcome of what is in a JUnit document, in order.
type Outcomes = Vec<(String, String, String)>;

/// What a document has to say of a run.
fn outcomes(run: &Run) -> Outcomes {
    let mut files: Vec<_> = run.files.0.iter().map(|file| file.name.clone()).collect();
    files.sort();
    let mut outcomes = Outcomes::new();
    for file in files {
        let mut found: Vec<_> = run
            .diagnostics
            .iter()
            .filter(|found| run.files.name(found.location.file) == file)
            .collect();
        found.sort_by_key(|found| (found.location.span, found.rule));
        if found.is_empty() {
            outcomes.push((file.clone(), "no findings".into(), "passed".into()));
        }
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for found in found {
            let flag = found.flag.iter().map(|flag| format!(": {flag}"));
            let mut name = format!("{}{}", found.rule, flag.collect::<String>());
            let times = names.entry(name.clone()).or_default();
            *times += 1;
            if *times > 1 {
                name += &format!(" ({times})");
            }
            let outcome = match found.severity {
                Severity::Error => "failure",
                Severity::Warning => "skipped",
            };
            outcomes.push((file.clone(), name, outcome.into()));
        }
    }
    outcomes
}

/// The documents as another reader sees them.
fn parse_xml(documents: &[String]) -> Vec<Outcomes> {
    let mut child = python("parse_xml.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = serde_json::to_vec(documents).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}
