use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Files, LineIndex};
use crate::model::Percent;
use crate::plan::guard::{Pattern, Policy};
use crate::rules::{KeyStyle, Level, Limits, RULES};
use crate::source::{Alias, CodePattern};
use crate::store::TlsFiles;

use super::{Config, Environment, EnvironmentError, find, parse};

/// What `text` makes, and its mistakes as `line:column message (help)`.
fn read(text: &str) -> (Config, Vec<String>) {
    let mut files = Files::default();
    let file = files.add("hoist.toml", Some(Arc::from(text)));
    let (config, mistakes) = parse(file, text);
    let index = LineIndex::new(text);
    let line = |found: &Diagnostic| {
        let at = index.position(text, found.location.span.start);
        let help = found
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        format!("{}:{} {}{help}", at.line, at.column, found.message)
    };
    (config, mistakes.iter().map(line).collect())
}

#[track_caller]
fn mistakes(text: &str, expected: &[&str]) {
    assert_eq!(read(text).1, expected, "{text}");
}

#[test]
fn nothing_written_is_the_default() {
    for text in [
        "",
        "# only a comment\n",
        "\u{feff}",
        "[lint]\n",
        "[environments]\n",
    ] {
        let (config, mistakes) = read(text);
        assert_eq!(config, Config::default(), "{text:?}");
        assert!(mistakes.is_empty(), "{mistakes:?}");
    }
}

#[test]
fn everything_can_be_said() {
    let (config, mistakes) = read(
        r#"
flags = "config/flags"

[environments.production]
store = "${PROD}"
prefix = "{shop:ff}"
prune = false
protected_environment = true

[environments.a-1]
store = "sqlite:a.db"
watch_prune = true
protected = ["payments.*", "login"]
max_moved = 12.5
freeze = ["Fri 16:00/Mon 08:00 Europe/Berlin", "2026-12-23/2027-01-02"]
history_keep = 50

[refs]
src = ["src", "web/app"]
aliases = ["camelCase", "SCREAMING_SNAKE_CASE"]
patterns = ["flags.{key}"]

[lint]
max_flag_age_days = 30
max_step = 12.5
min_stage = "1h"
max_list = 20
max_environments = 0
max_experiment_days = 30.0
key_style = '[a-z]+(_[a-z0-9]+)*'
[lint.rules]
key-style = "error"
missing-owner = "error"
abrupt-rollout = "off"
"#,
    );
    assert!(mistakes.is_empty(), "{mistakes:?}");
    assert_eq!(config.flags.to_str(), Some("config/flags"));
    // In the order of the file.
    let names: Vec<_> = config.environments.keys().collect();
    assert_eq!(names, ["production", "a-1"]);
    let production = &config.environments["production"];
    assert_eq!(
        (production.prefix.as_str(), production.prune),
        ("{shop:ff}", false)
    );
    let of_watch = |of: &Environment| (of.watch_prune, of.protected_environment);
    assert_eq!(
        (of_watch(production), of_watch(&config.environments["a-1"])),
        ((false, true), (true, false))
    );
    assert_eq!(production.policy, Policy::default());
    let other = &config.environments["a-1"];
    assert_eq!((other.prefix.as_str(), other.prune), ("ff", true));
    let policy = &other.policy;
    let patterns = policy.protected.iter().map(Pattern::as_str);
    assert_eq!(patterns.collect::<Vec<_>>(), ["payments.*", "login"]);
    assert_eq!(policy.max_moved, Some(Percent(12_500)));
    assert_eq!(policy.freeze.len(), 2);
    assert_eq!((production.history_keep, other.history_keep), (1000, 50));
    assert_eq!(
        config.lint.limits,
        Limits {
            max_flag_age_days: 30,
            max_step: 12.5,
            min_stage: 3_600,
            max_list: 20,
            max_environments: 0,
            max_experiment_days: 30,
            key_style: Some(KeyStyle::new("[a-z]+(_[a-z0-9]+)*").unwrap()),
        }
    );
    assert_eq!(
        config.refs.aliases,
        [Alias::Camel, Alias::Constant],
        "in the order of the file"
    );
    assert_eq!(config.refs.src, ["src", "web/app"].map(PathBuf::from));
    let pattern = CodePattern::new("flags.{key}").unwrap();
    assert_eq!(config.refs.patterns, [pattern]);
    let mut rules = config.lint.rules.clone();
    rules.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        rules,
        [
            ("abrupt-rollout".to_owned(), Level::Off),
            ("key-style".to_owned(), Level::Error),
            ("missing-owner".to_owned(), Level::Error)
        ]
    );
}

#[test]
fn every_mistake_is_found_at_once() {
    mistakes(
        r#"flag = "flags"
[environments.production]
stroe = "redis://h"
prune = "yes"
[environments.Staging]
store = 1
colour = 3
[environments.test]
store = ""
[lint]
max_flag_age_days = 0
max_step = "half"
[lint.rules]
missing-ownr = "error"
missing-owner = "fatal"
missing-expiry = true
"#,
        &[
            "1:1 there is no setting `flag` here (did you mean `flags`?)",
            "3:1 there is no setting `stroe` here (did you mean `store`?)",
            "4:9 `prune` is a string; it must be true or false",
            "5:15 `Staging` is no name for an environment (use small letters, digits, `-` and `_`, a letter first)",
            "6:9 `store` is a number; it must be a string",
            "7:1 there is no setting `colour` here (known settings: store, prefix, prune, watch_prune, protected_environment, wait_replicas, ca_file, cert_file, key_file, protected, max_moved, freeze, history_keep)",
            "9:9 `store` is empty",
            "11:21 `max_flag_age_days` must be between 1 and 36500",
            "12:12 `max_step` is a string; it must be a number",
            "14:1 there is no rule `missing-ownr`; did you mean `missing-owner`?",
            "15:17 the level of rule `missing-owner` must be \"off\", \"warning\" or \"error\"",
            "16:18 the level of rule `missing-expiry` must be \"off\", \"warning\" or \"error\"",
        ],
    );
}

#[test]
fn what_is_not_toml_is_reported_where_it_is() {
    mistakes(
        "flags = \n[lint",
        &[
            "1:9 this is not TOML: string values must be quoted, expected literal string",
            "2:6 this is not TOML: unclosed table, expected `]`",
        ],
    );
    mistakes(
        "flags = \"a\"\nflags = \"b\"\n",
        &["2:1 this is not TOML: duplicate key"],
    );
    mistakes(
        "[lint]\nmax_step = 20\n[lint]\nmax_step = 30\n[environments.a]\nstore = 'a'\nstore = 'b'\n",
        &[
            "3:2 this is not TOML: duplicate key",
            "7:1 this is not TOML: duplicate key",
        ],
    );
    mistakes(
        "flags = [\nenvironments = 3\n",
        &["2:1 this is not TOML: string values must be quoted, expected literal string"],
    );
    mistakes(
        "environments = 3\nlint = []\nflags = 1979-05-27\n",
        &[
            "1:16 `environments` is a number; it must be a table",
            "2:8 `lint` is a list; it must be a table",
            "3:9 `flags` is a date; it must be a string",
        ],
    );
}

#[test]
fn a_prefix_is_one_that_keys_can_start_with() {
    for (prefix, wrong) in [
        ("ff", None),
        ("{ff}", None),
        ("ff:staging", None),
        ("{}", Some("`prefix` is empty")),
        ("", Some("`prefix` is empty")),
        (
            "f{f}",
            Some("`prefix` may have braces only around all of it, as in \"{ff}\""),
        ),
        ("f f", Some("`prefix` has white space in it")),
        (
            "ff:",
            Some("`prefix` needs no colon at its ends: hoist puts one between prefix and flag"),
        ),
    ] {
        let text = format!("[environments.a]\nstore = \"sqlite:x\"\nprefix = \"{prefix}\"\n");
        let (config, found) = read(&text);
        let expected: Vec<_> = wrong.iter().map(|wrong| format!("3:10 {wrong}")).collect();
        assert_eq!(found, expected, "{prefix}");
        let kept = if wrong.is_none() { prefix } else { "ff" };
        assert_eq!(config.environments["a"].prefix, kept);
    }
}

#[test]
fn an_environment_is_chosen_by_name_or_because_there_is_no_other() {
    let choose = |text: &str, name: Option<&str>| {
        let (config, _) = read(text);
        config
            .environment(name)
            .map(|environment| environment.name.clone())
    };
    let two = "[environments.production]\nstore = \"a\"\n[environments.staging]\nstore = \"b\"\n";
    let usual =
        "[environments.production]\nstore = \"a\"\n[environments.development]\nstore = \"b\"\n";
    let one = "[environments.production]\nstore = \"a\"\n";
    assert_eq!(choose(two, Some("staging")).as_deref(), Ok("staging"));
    assert_eq!(choose(usual, None).as_deref(), Ok("development"));
    assert_eq!(choose(one, None).as_deref(), Ok("production"));
    assert_eq!(choose("", None).as_deref(), Ok("development"));
    let known = "`production`, `staging`".to_owned();
    assert_eq!(
        choose(two, None),
        Err(EnvironmentError::Unnamed {
            known: known.clone()
        })
    );
    let unknown = |name: &str, suggestion: Option<&str>| EnvironmentError::Unknown {
        name: name.to_owned(),
        known: known.clone(),
        suggestion: suggestion.map(str::to_owned),
    };
    assert_eq!(
        choose(two, Some("prodution")),
        Err(unknown("prodution", Some("production")))
    );
    assert_eq!(choose(two, Some("x")), Err(unknown("x", None)));
    assert_eq!(choose(two, Some("")), Err(unknown("", None)));
}

#[test]
fn variables_in_a_store_url_are_replaced() {
    let url = |store: &str| {
        let (config, _) = read(&format!("[environments.a]\nstore = '{store}'\n"));
        config.environments["a"].store_url(|name| match name {
            "HOST" => Some("h".to_owned()),
            "ODD" => Some("${HOST}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    };
    assert_eq!(
        url("redis://${HOST}:1/${HOST}").as_deref(),
        Ok("redis://h:1/h")
    );
    assert_eq!(url("redis://$HOST}{").as_deref(), Ok("redis://$HOST}{"));
    // What a variable holds is taken as it is.
    assert_eq!(url("${ODD}").as_deref(), Ok("${HOST}"));
    for name in ["EMPTY", "UNSET"] {
        let error = url(&format!("redis://${{{name}}}")).expect_err(name);
        assert!(
            error.to_string().contains(name) && error.hint().contains(name),
            "{error}"
        );
    }
    let error = url("redis://${HOST").expect_err("no closing brace");
    assert_eq!(
        error,
        EnvironmentError::Unclosed {
            environment: "a".to_owned(),
            setting: "store"
        }
    );
}

#[test]
fn files_for_tls_are_named() {
    let text =
        "[environments.a]\nstore = 'rediss://h'\nca_file = '${PKI}/ca.pem'\ncert_file = 'c.pem'\n";
    let (config, _) = read(text);
    let files = |pki: Option<&str>| config.environments["a"].tls_files(|_| pki.map(str::to_owned));
    let expected = TlsFiles {
        ca: Some("/pki/ca.pem".into()),
        cert: Some("c.pem".into()),
        key: None,
    };
    assert_eq!(files(Some("/pki")), Ok(expected));
    let error = files(None).expect_err("an unset variable");
    assert!(
        error
            .to_string()
            .contains("`ca_file` of environment `a` needs"),
        "{error}"
    );
    assert!(error.hint().contains("`ca_file`"), "{}", error.hint());
}

#[test]
fn replicas_are_counted_in_whole_numbers() {
    let with =
        |value: &str| format!("[environments.a]\nstore = 'redis://h'\nwait_replicas = {value}\n");
    let (config, _) = read(&with("2"));
    assert_eq!(config.environments["a"].wait_replicas, 2);
    for (value, mistake) in [
        ("1.5", "3:17 `wait_replicas` must be a whole number"),
        ("-1", "3:17 `wait_replicas` must be between 0 and 1000"),
        (
            "'two'",
            "3:17 `wait_replicas` is a string; it must be a number",
        ),
    ] {
        mistakes(&with(value), &[mistake]);
    }
}

#[test]
fn the_nearest_file_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("a/b");
    std::fs::create_dir_all(&inner).expect("folders");
    // A folder of that name is passed over.
    std::fs::create_dir(inner.join("hoist.toml")).expect("a folder");
    std::fs::write(folder.path().join("hoist.toml"), "").expect("a file");
    assert_eq!(find(&inner), Some(folder.path().join("hoist.toml")));
    std::fs::write(folder.path().join("a/hoist.toml"), "").expect("a file");
    assert_eq!(find(&inner), Some(folder.path().join("a/hoist.toml")));
}

#[test]
fn a_misspelt_store_is_one_mistake() {
    mistakes(
        "[environments.a]\nstor = \"sqlite:a.db\"\n",
        &["2:1 there is no setting `stor` here (did you mean `store`?)"],
    );
    mistakes(
        "[environments.a]\nprun = true\n",
        &[
            "1:15 environment `a` has no `store` (say where its records live: store = \"redis://localhost:6379\")",
            "2:1 there is no setting `prun` here (did you mean `prune`?)",
        ],
    );
}

#[test]
fn limits_are_in_their_units() {
    mistakes(
        r#"[lint]
max_flag_age_days = 2.5
min_stage = 10
max_list = -1
max_environments = "a"
max_experiment_days = 1e9
key_style = "[a-z"
max_lists = 5
[lint.rules]
key-style = "error"
"#,
        &[
            "2:21 `max_flag_age_days` must be a whole number",
            "3:13 `min_stage` is a number; it must be a string",
            "4:12 `max_list` must be between 0 and 1000000",
            "5:20 `max_environments` is a string; it must be a number",
            "6:23 `max_experiment_days` must be between 1 and 36500",
            "7:13 `key_style` is no regular expression: unclosed character class (write what a whole key must match, such as '[a-z][a-z0-9]*(_[a-z0-9]+)*')",
            "8:1 there is no setting `max_lists` here (did you mean `max_list`?)",
        ],
    );
    for wrong in ["10", "10s", "0m", "1h30m", "PT10M"] {
        mistakes(
            &format!("[lint]\nmin_stage = \"{wrong}\"\n"),
            &[&format!(
                "2:13 `min_stage` is no duration: `{wrong}` (write a whole number of minutes, hours, days or weeks, such as \"10m\", \"2h\", \"7d\" or \"1w\")"
            )],
        );
    }
}

#[test]
fn a_style_that_is_asked_for_has_to_be_given() {
    mistakes(
        "[lint.rules]\nkey-style = \"warning\"\n",
        &[
            "2:1 `key-style` checks nothing while `key_style` is not set (set it under `[lint]`: key_style = '[a-z][a-z0-9]*(_[a-z0-9]+)*')",
        ],
    );
    mistakes("[lint.rules]\nkey-style = \"off\"\n", &[]);
}

#[test]
fn every_rule_has_a_level_to_set() {
    for rule in RULES {
        let text = format!(
            "[lint]\nkey_style = \".*\"\n[lint.rules]\n{} = \"error\"\n",
            rule.id
        );
        mistakes(&text, &[]);
    }
}

#[test]
fn mistakes_about_code_are_told() {
    mistakes(
        "[refs]\nalias = []\nsrc = \"src\"\naliases = [\"camelcase\", \"nothing like it\"]\npatterns = [\"flags\", 1]\n",
        &[
            "2:1 there is no setting `alias` here (did you mean `aliases`?)",
            "3:7 `src` is a string; it must be a list of strings",
            "4:12 there is no alias `camelcase` (did you mean `camelCase`?)",
            "4:25 there is no alias `nothing like it` (known aliases: camelCase, PascalCase, SCREAMING_SNAKE_CASE, snake_case)",
            "5:13 pattern `flags` has no `{key}` in it (write code with `{key}` for the flag's key: \"flags.{key}\")",
            "5:22 `patterns` is a number; it must be a string",
        ],
    );
}
