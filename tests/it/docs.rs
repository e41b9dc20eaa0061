//! The pages for adopters: commands are such as hoist takes, links lead somewhere, examples are clean, and
//! the clients that they show give everyone the same as hoist.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser;
use hoist::cli::Cli;
use hoist::config;
use hoist::diagnostic::FileId;
use hoist::eval::Evaluator;
use hoist::record::{Kind, Record, Spec};
use hoist::rules::{Context, Levels, Limits, Settings, check_file};
use serde_json::{Value, json};

use crate::python::{python, shown};
use crate::readme::anchors;
use crate::support::program::Project;
use crate::support::redis::RedisServer;

#[path = "../../docs/clients/flags.rs"]
mod client;

/// The pages, by their path from the root.
fn pages() -> Vec<String> {
    let folder = fs::read_dir(root().join("docs")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.sort();
    assert!(pages.len() > 8, "{pages:?}");
    pages
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = read(page);
    let mut parts = text.split("\n```");
    parts.next();
    let mut blocks = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        blocks.push((language.to_owned(), format!("{text}\n")));
    }
    blocks
}

fn settings() -> Settings {
    Settings {
        context: Context {
            today: jiff::civil::date(2026, 11, 22),
            environments: vec!["development".into(), "production".into()],
            limits: Limits::default(),
        },
        levels: Levels::default(),
    }
}

#[test]
fn commands_are_such_as_hoist_takes() {
    let mut found = 0;
    for page in pages().into_iter().chain(["README.md".to_owned()]) {
        for (language, text) in blocks(&page) {
            if !["console", "sh"].contains(&language.as_str()) {
                continue;
            }
            for line in text.lines() {
                let line = line.strip_prefix("$ ").unwrap_or(line);
                let Some(call) = line.strip_prefix("hoist ") else {
                    continue;
                };
                // A comment, and a second command, are the shell's.
                let call = call.split(" #").next().unwrap_or_default();
                let words = words(call);
                let call =
                    words.split(|word| ["&&", "||", "|", ">", ">>"].contains(&word.as_str()));
                let call = call.into_iter().next().unwrap_or_default();
                let args = std::iter::once("hoist").chain(call.iter().map(String::as_str));
                if let Err(error) = Cli::try_parse_from(args) {
                    assert!(!error.use_stderr(), "{page} has `{line}`: {error}");
                }
                found += 1;
            }
        }
    }
    assert!(found > 60, "only {found} commands");
}

/// Words as a shell has them: in quotes a space ends none.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.trim().chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = read(&page);
        let links = text.split("](").skip(1);
        for link in links.map(|rest| rest.split(')').next().unwrap_or_default()) {
            if link.starts_with("https://") || page == "docs/rules.md" && link.starts_with('#') {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => format!("docs/{file}"),
            };
            assert!(root().join(&target).exists(), "{page} links to {link}");
            let is_there = heading.is_empty() || anchors(&target).contains(heading);
            assert!(is_there, "{page} links to {link}");
        }
    }
}

#[test]
fn every_page_is_in_the_index() {
    let index = read("docs/README.md") + &read("README.md").replace("](docs/", "](");
    for page in pages() {
        let name = page.trim_start_matches("docs/");
        let is_there = name == "README.md" || index.contains(&format!("]({name})"));
        assert!(
            is_there,
            "neither docs/README.md nor README.md links to {name}"
        );
    }
}

#[test]
fn examples_are_clean() {
    let mut found = 0;
    // Examples of rules are bad on purpose, and files of CI systems are none of hoist's.
    let others = ["docs/rules.md", "docs/ci.md"];
    for page in pages()
        .iter()
        .filter(|page| !others.contains(&page.as_str()))
    {
        for (language, text) in blocks(page) {
            match language.as_str() {
                "yaml" => {
                    let checked = check_file(FileId(0), text.as_bytes(), &settings());
                    let clean = checked
                        .diagnostics
                        .iter()
                        .all(|found| found.rule == "unused-ignore");
                    assert!(clean, "{page}: {:?} in {text}", checked.diagnostics);
                    assert!(!checked.flags.is_empty(), "{page}: {text}");
                }
                "toml" => {
                    let (_, mistakes) = config::parse(FileId(0), &text);
                    assert!(mistakes.is_empty(), "{page}: {mistakes:?} in {text}");
                }
                _ => continue,
            }
            found += 1;
        }
    }
    assert!(found > 2, "only {found} examples");
}

#[test]
fn the_page_shows_the_clients_as_they_are() {
    let page = "docs/clients.md";
    let mut text = read(page);
    for (language, file) in [
        ("python", "flags.py"),
        ("js", "flags.mjs"),
        ("go", "flags.go"),
        ("rust", "flags.rs"),
    ] {
        let code = read(&format!("docs/clients/{file}"));
        let shown = blocks(page)
            .into_iter()
            .find(|(found, _)| found == language);
        let (_, shown) = shown.unwrap_or_else(|| panic!("{page} has no code in {language}"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            text = text.replacen(&shown, &code, 1);
            fs::write(root().join(page), &text).unwrap();
        } else {
            assert_eq!(
                shown, code,
                "{page} and docs/clients/{file}; UPDATE_EXPECT=1 writes the page anew"
            );
        }
    }
}

/// A flag of every kind in a Redis, and what a thousand users get by hoist.
struct World {
    server: RedisServer,
    cases: Vec<Value>,
    expected: Vec<Value>,
}

impl World {
    fn new() -> Self {
        let server = RedisServer::start();
        let project = Project::with_flags(include_str!("../cases/exchange/features.yaml"));
        let stores = ["development", "production"]
            .map(|name| format!("[environments.{name}]\nstore = \"-\"\n"));
        project.write("hoist.toml", stores.concat());
        project.expect(0, &["apply", "--store", &server.tcp_url()]);
        let (mut cases, mut expected) = (Vec::new(), Vec::new());
        let flags: BTreeMap<String, Spec> = crate::exchange::features("development");
        for (flag, spec) in &flags {
            let evaluator = Evaluator::new(flag, &Record::of_spec(spec)).unwrap();
            let users = (0..1000).map(|number| Some(format!("user-{number}")));
            for (number, user) in users.chain([None, Some("grün 旗".into())]).enumerate() {
                let groups = match number % 7 {
                    0 => vec!["employees"],
                    1 => vec!["customers", "beta"],
                    _ => Vec::new(),
                };
                let is_experiment = spec.kind() == Kind::Experiment;
                let answer = evaluator.evaluate(user.as_deref(), &groups);
                expected.push(answer.value().clone());
                cases.push(
                    json!({"flag": flag, "variant": is_experiment, "user": user, "groups": groups}),
                );
            }
        }
        Self {
            server,
            cases,
            expected,
        }
    }

    #[track_caller]
    fn compare(&self, command: &mut Command) {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let cases = serde_json::to_vec(&self.cases).unwrap();
        child.stdin.take().unwrap().write_all(&cases).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", shown(&output));
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers.len(), self.expected.len());
        let given = answers.iter().zip(&self.expected).zip(&self.cases);
        for ((answer, expected), case) in given {
            assert_eq!(plain(answer), plain(expected), "{case}");
        }
    }
}

/// JSON has one kind of number.
fn plain(value: &Value) -> Value {
    match value.as_f64() {
        Some(number) => number.into(),
        None => value.clone(),
    }
}

fn needed(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: start the tests with `tests/run`, which installs what they need"
        )
    })
}

#[test]
fn the_client_in_python() {
    let world = World::new();
    let mut command = python("ask_flags.py");
    world.compare(
        command
            .arg(root().join("docs/clients"))
            .arg(world.server.tcp_url()),
    );
}

#[test]
fn the_client_in_node() {
    let world = World::new();
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/node/ask_flags.mjs"))
        .arg(root().join("docs/clients/flags.mjs"))
        .arg(world.server.tcp_url())
        .env("HOIST_TEST_NODE", needed("HOIST_TEST_NODE"));
    world.compare(&mut command);
}

#[test]
fn the_client_in_go() {
    let world = World::new();
    let module = tempfile::tempdir().unwrap();
    fs::create_dir(module.path().join("flags")).unwrap();
    fs::copy(
        root().join("docs/clients/flags.go"),
        module.path().join("flags/flags.go"),
    )
    .unwrap();
    fs::copy(
        root().join("tests/go/main.go"),
        module.path().join("main.go"),
    )
    .unwrap();
    fs::write(module.path().join("go.mod"), "module docs\n\ngo 1.21\n").unwrap();
    let go = needed("HOIST_TEST_GO");
    let build = Command::new(&go)
        .args(["build", "-o", "ask", "."])
        .current_dir(module.path())
        .envs([
            ("GOFLAGS", "-mod=mod"),
            ("GOTOOLCHAIN", "local"),
            ("GOPROXY", "off"),
            ("CGO_ENABLED", "0"),
        ])
        .env("GOCACHE", root().join("target/test-go-cache"))
        .env("GOPATH", module.path().join("gopath"))
        .env_remove("GOROOT")
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", shown(&build));
    let address = format!("127.0.0.1:{}", world.server.port);
    world.compare(Command::new(module.path().join("ask")).arg(address));
}

#[test]
fn the_client_in_rust() {
    let server = RedisServer::start();
    let project = Project::with_flags(
        "flags:
  new_search: { expires: never, enabled: true, percentage: 0, allowed_groups: [employees] }
  page_size:
    expires: never
    enabled: true
    variants: { control: { weight: 0, value: 10 }, large: { weight: 100, value: 50 } }
  colour: { expires: never, enabled: true, variants: { red: 100 } }
",
    );
    project.expect(0, &["apply", "--store", &server.tcp_url()]);
    let flags = client::connect(&server.tcp_url()).unwrap();
    let page = |groups: &[&str]| client::search_page(&flags, "ana", groups);
    assert_eq!(page(&[]), (false, 50, "red".to_owned()));
    assert_eq!(page(&["employees"]), (true, 50, "red".to_owned()));
}
