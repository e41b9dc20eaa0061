//! SQLite files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{FLAGS, findings, fixes};
use crate::support::program::Project;

#[test]
fn a_file_is_looked_at() {
    let project = Project::with_flags(FLAGS);
    let first = findings(&project, &[], 0);
    assert_eq!(
        first[0]["found"].as_str().map(|found| &found[..14]),
        Some("there is no `/")
    );
    project.expect(0, &["apply", "-q"]);
    let run = project.expect(0, &["doctor"]);
    let folder = project.folder().display().to_string();
    insta::assert_snapshot!("file", run.shown().replace(&folder, "FOLDER"));

    let path = project.path(".hoist/flags.db");
    let sqlite = |sql: &str| {
        let connection = rusqlite::Connection::open(&path).expect("the file");
        connection.execute_batch(sql).expect(sql);
    };
    let trouble = |code: i32| {
        let mut all = findings(&project, &[], code);
        all.retain(|finding| finding["severity"] != "ok");
        all
    };
    sqlite("PRAGMA journal_mode=delete");
    let found = trouble(0);
    assert_eq!((found.len(), &found[0]["check"]), (1, &json!("journal")));
    let (_, command) = fixes(&found[0]).remove(0);
    let pragma = command.split('\'').nth(1).expect("a pragma");
    sqlite(pragma);
    assert_eq!(trouble(0), Vec::<Value>::new());

    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("its permissions");
    let found = trouble(0);
    assert_eq!(
        (found.len(), &found[0]["check"]),
        (1, &json!("permissions"))
    );
    let (_, command) = fixes(&found[0]).remove(0);
    let done = std::process::Command::new("sh")
        .args(["-c", &command])
        .status();
    assert!(done.expect("a shell").success());
    assert_eq!(trouble(0), Vec::<Value>::new());

    sqlite("DELETE FROM records WHERE key = 'search'");
    let found = trouble(1);
    assert_eq!((found.len(), &found[0]["check"]), (1, &json!("records")));
    project.expect(0, &["apply", "-q"]);
    assert_eq!(trouble(0), Vec::<Value>::new());

    // The last page is overwritten.
    let mut bytes = fs::read(&path).expect("the file");
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xA5);
    fs::write(&path, bytes).expect("the file");
    let found = trouble(1);
    assert!(
        found.iter().any(|finding| finding["check"] == "integrity"),
        "{found:#?}"
    );
}
