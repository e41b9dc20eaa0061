//! Repositories of every shape, and git started by git.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::support::repository::run_git;

#[test]
fn the_flags_may_lie_anywhere_in_the_repository() {
    let repository = Repository::new();
    repository.write("services/web/hoist.toml", "flags = \"config/flags\"\n");
    repository.write("services/web/config/flags/a.yaml", TEN);
    repository.write("flags/other.yaml", "flags:\n  other: {}\n");
    repository.commit("Begin");
    repository.write("services/web/config/flags/a.yaml", TWENTY);
    repository.write("flags/other.yaml", "flags: {}\n");
    for (directory, file) in [
        ("services/web", "config/flags/a.yaml"),
        ("services/web/config", "flags/a.yaml"),
        ("services/web/config/flags", "a.yaml"),
    ] {
        let diff = repository.diff_json(0, &["main", "-C", directory]);
        assert_eq!(actions(&diff), ["update a"], "{directory}");
        assert_eq!(diff["changes"][0]["source"]["file"], file);
        let back = repository.diff_json(0, &["main", "HEAD", "-C", directory]);
        assert_eq!(back["unchanged"], 1);
    }
    // By a link, which git sees as one.
    std::os::unix::fs::symlink("services/web/config", repository.project.path("linked")).unwrap();
    repository.write("linked.toml", "flags = \"linked/flags\"\n");
    let diff = repository.diff_json(0, &["main", "--config", "linked.toml"]);
    assert_eq!(actions(&diff), ["update a"]);
}

#[test]
fn a_directory_that_one_side_lacks_is_empty() {
    let repository = Repository::new();
    repository.write("README", "");
    repository.commit("Begin");
    repository.commit_flags(TEN, "Flags");
    let diff = repository.diff_json(0, &["HEAD~1", "HEAD"]);
    assert_eq!(actions(&diff), ["create a"]);
    assert_eq!(
        diff["notes"],
        json!(["there is no directory `flags` at HEAD~1"])
    );
    let diff = repository.diff_json(0, &["HEAD", "HEAD~1"]);
    assert_eq!(actions(&diff), ["delete a"]);
    fs::remove_dir_all(repository.project.path("flags")).unwrap();
    let missing = repository.diff(2, &["HEAD"]).stderr;
    assert!(
        missing.contains("there is no file or directory `flags`"),
        "{missing}"
    );
    repository.diff(0, &["HEAD", "HEAD"]);
}

#[test]
fn a_bare_repository_has_two_revisions_to_compare() {
    let repository = Repository::with_flags("flags:\n  b: {}\n");
    repository.write(
        "hoist.toml",
        "flags = \"toggles\"\n[environments.live]\nstore = \"sqlite:a\"\n",
    );
    repository.write("toggles/a.yaml", TEN);
    repository.commit("Ten");
    repository.write("toggles/a.yaml", TWENTY);
    repository.commit("Twenty");
    // Where no other hoist.toml lies above it.
    let apart = tempfile::tempdir().unwrap();
    let bare = apart.path().join("bare.git");
    repository.clone_to(bare.to_str().unwrap(), &["--bare"]);
    let bare = bare.to_str().unwrap();
    let diff = repository.diff_json(0, &["HEAD~1", "main", "-C", bare]);
    assert_eq!(diff["environments"], json!(["live"]));
    assert_eq!(diff["changes"][0]["source"]["file"], "toggles/a.yaml");
    let refused = repository.diff(2, &["main", "-C", bare]).stderr;
    assert!(
        refused.contains("a bare repository has no work tree"),
        "{refused}"
    );
}

#[test]
fn worktrees_and_submodules_are_repositories_too() {
    let repository = Repository::with_flags(TEN);
    repository.git(&["worktree", "add", "--quiet", "-b", "feature", "tree"]);
    repository.write("tree/flags/flags.yaml", TWENTY);
    assert_eq!(
        actions(&repository.diff_json(0, &["main", "-C", "tree"])),
        ["update a"]
    );
    assert_eq!(actions(&repository.diff_json(0, &["main"])), [""; 0]);

    let outer = Repository::new();
    let url = repository.folder().display().to_string();
    outer.git(&["submodule", "--quiet", "add", &url, "settings"]);
    outer.write("hoist.toml", "flags = \"settings/flags\"\n");
    outer.commit("Outer");
    outer.write("settings/flags/flags.yaml", TWENTY);
    let diff = outer.diff_json(0, &["HEAD"]);
    assert_eq!(actions(&diff), ["update a"]);
    assert_eq!(
        diff["changes"][0]["source"]["file"],
        "settings/flags/flags.yaml"
    );
}

#[test]
fn sha_256_is_as_good_as_sha_1() {
    let repository = Repository::new();
    fs::remove_dir_all(repository.project.path(".git")).unwrap();
    repository.git(&[
        "init",
        "--quiet",
        "--initial-branch=main",
        "--object-format=sha256",
    ]);
    repository.commit_flags("flags:\n  old: {}\n", "Add");
    repository.commit_flags("flags: {}\n", "Remove");
    repository.write_flags("flags:\n  old: {}\n");
    let diff = repository.diff_json(1, &["main"]);
    assert_eq!(diff["base"]["commit"].as_str().unwrap().len(), 64);
    assert_eq!(risks(&diff), ["reused-key old"]);
}

/// Makes `name` a hook that runs `hoist diff`, and writes what it says into a file.
fn hook(git_dir: &Path, name: &str, command: &str) {
    let hook = git_dir.join("hooks").join(name);
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let hoist = env!("CARGO_BIN_EXE_hoist");
    let text = format!("#!/bin/sh\nexec >\"$HOME/said\" 2>&1\nhoist={hoist}\n{command}\n");
    fs::write(&hook, text).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn hooks_see_the_repository_that_they_run_in() {
    let repository = Repository::with_flags(TEN);
    let git_dir = repository.project.path(".git");
    hook(
        &git_dir,
        "pre-commit",
        "$hoist diff HEAD --today 2026-11-22",
    );
    let said = |folder: &Path| fs::read_to_string(folder.join("said")).unwrap();
    repository.commit_flags(TWENTY, "Twenty");
    let text = said(repository.folder());
    assert!(text.contains("percentage  10 → 20"), "{text}");

    // In a worktree git sets GIT_DIR, and the index of a commit of some files has another name.
    repository.git(&["worktree", "add", "--quiet", "-b", "feature", "tree"]);
    let tree = repository.project.path("tree");
    repository.write(
        "tree/flags/flags.yaml",
        "flags:\n  a: { enabled: true, percentage: 30 }\n",
    );
    git(
        &tree,
        &[
            "commit",
            "--quiet",
            "--message",
            "Thirty",
            "flags/flags.yaml",
        ],
    );
    let text = said(&tree);
    assert!(text.contains("percentage  20 → 30"), "{text}");
}

#[test]
fn a_server_sees_what_is_being_pushed() {
    let repository = Repository::with_flags(TEN);
    let bare = repository.clone_to("server.git", &["--bare"]);
    let command = "read old new ref\n$hoist diff \"$old\" \"$new\" --today 2026-11-22";
    hook(&bare, "pre-receive", command);
    repository.commit_flags(TWENTY, "Twenty");
    let pushed = run_git(
        repository.folder(),
        &["push", "--quiet", "server.git", "main"],
    );
    assert!(pushed.status.success(), "{pushed:?}");
    let text = fs::read_to_string(repository.project.path("said")).unwrap();
    assert!(text.contains("percentage  10 → 20"), "{text}");
}

#[test]
fn a_repository_named_by_the_environment_is_taken() {
    let repository = Repository::with_flags(TEN);
    repository.write_flags(TWENTY);
    fs::rename(
        repository.project.path(".git"),
        repository.project.path("elsewhere"),
    )
    .unwrap();
    let mut command = repository.project.command(&["diff", "main"]);
    let output = command
        .env("GIT_DIR", "elsewhere")
        .env("GIT_WORK_TREE", ".")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("percentage  10 → 20"), "{output:?}");
}
