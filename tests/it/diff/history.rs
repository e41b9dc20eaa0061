//! What the history of a repository tells: keys that were used before, dates that were put off.

use super::*;

/// A repository in which a flag came and went.
fn with_a_past() -> (Repository, String) {
    let repository = Repository::with_flags("flags:\n  keep: {}\n  old: { expires: 2026-12-01 }\n");
    let gone = repository.commit_flags("flags:\n  keep: {}\n", "Remove the old one");
    for number in 0..5 {
        let flags = format!("flags:\n  keep: {{ percentage: {number} }}\n");
        repository.commit_flags(&flags, "Something else");
    }
    (repository, gone)
}

const BACK: &str = "flags:\n  keep: { percentage: 4 }\n  old: {}\n";

#[test]
fn a_key_that_is_back_is_told_with_its_commit() {
    let (repository, gone) = with_a_past();
    repository.write_flags(BACK);
    let diff = repository.diff_json(1, &["main"]);
    assert_eq!(risks(&diff), ["reused-key old"]);
    assert_eq!(
        messages(&diff, "reused-key"),
        [format!(
            "a flag of this key was removed on 2026-09-14, in commit {} (Remove the old one)",
            &gone[..12]
        )]
    );
    repository.commit("Back again");
    // Wherever the two revisions lie.
    repository.diff(1, &["HEAD~1", "HEAD"]);
    repository.diff(1, &["HEAD~3"]);
    // It was there at this one.
    repository.diff(0, &["HEAD~7"]);
    repository
        .write_flags(&BACK.replace("old:", "old: # hoist-ignore: reused-key -- a mistake\n   "));
    repository.diff(0, &["HEAD~1"]);
    repository.write_flags(&BACK.replace("old", "entirely_new"));
    repository.diff(0, &["main"]);
}

#[test]
fn a_key_is_followed_through_files_and_merges() {
    let (repository, _) = with_a_past();
    // To another file, which is no removal.
    repository.write("flags/b.yaml", "flags:\n  moved: {}\n");
    repository.commit("Add");
    repository.git(&["mv", "flags/b.yaml", "flags/c.yaml"]);
    repository.commit("Rename");
    repository.write("flags/c.yaml", "flags: {}\n");
    repository.write("flags/d.yaml", "flags:\n  \"moved\": {}\n");
    repository.commit("Move");
    // With its file, on a branch that is merged.
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.git(&["rm", "--quiet", "flags/d.yaml"]);
    let gone = repository.commit("Remove the file");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit_flags("flags:\n  keep: { percentage: 9 }\n", "Meanwhile");
    repository.git(&["merge", "--quiet", "--no-edit", "side"]);
    repository.write("flags/d.yaml", "flags:\n  moved: {}\n");
    let diff = repository.diff_json(1, &["main"]);
    let [message] = &messages(&diff, "reused-key")[..] else {
        panic!("{diff}");
    };
    assert!(message.contains(&gone[..12]), "{message}");
}

#[test]
fn what_only_a_merge_removed_counts() {
    let repository = Repository::with_flags("flags:\n  old: {}\n  keep: {}\n");
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.commit_flags("flags:\n  old: {}\n  keep: { percentage: 1 }\n", "Side");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit_flags("flags:\n  old: {}\n  keep: { percentage: 2 }\n", "Main");
    let merge = ["merge", "--quiet", "--no-commit", "--strategy=ours", "side"];
    repository.git(&merge);
    let gone = repository.commit_flags("flags:\n  keep: { percentage: 3 }\n", "Merge and remove");
    repository.write_flags("flags:\n  keep: { percentage: 3 }\n  old: {}\n");
    let diff = repository.diff_json(1, &["main"]);
    assert!(
        messages(&diff, "reused-key")[0].contains(&gone[..12]),
        "{diff}"
    );
}

#[test]
fn a_branch_that_lags_behind_sees_what_its_base_removed() {
    let repository = Repository::with_flags("flags:\n  keep: {}\n");
    repository.git(&["branch", "feature"]);
    repository.commit_flags("flags:\n  keep: {}\n  old: {}\n", "Add");
    repository.commit_flags("flags:\n  keep: {}\n", "Remove");
    repository.git(&["checkout", "--quiet", "feature"]);
    repository.commit_flags("flags:\n  keep: {}\n  old: {}\n", "Add without knowing");
    assert_eq!(
        risks(&repository.diff_json(1, &["main", "feature"])),
        ["reused-key old"]
    );
    // From where it left there is nothing to see.
    repository.diff(0, &["main...feature"]);
}

#[test]
fn a_shallow_clone_says_what_it_cannot_know() {
    let (repository, _) = with_a_past();
    let clone = repository.clone_to("shallow", &["--depth=2"]);
    fs::write(clone.join("flags/flags.yaml"), BACK).unwrap();
    let diff = repository.diff_json(0, &["HEAD", "-C", "shallow"]);
    assert_eq!(
        (actions(&diff), risks(&diff)),
        (vec!["create old".to_owned()], Vec::new())
    );
    assert!(
        diff["notes"][0]
            .as_str()
            .unwrap()
            .contains("this clone is shallow"),
        "{diff}"
    );
    let markdown = repository.diff(0, &["HEAD", "-C", "shallow", "--format", "markdown"]);
    assert!(
        markdown.stdout.contains("this clone is shallow"),
        "{markdown:?}"
    );
    // Where no key is new there is nothing to be said.
    fs::write(clone.join("flags/flags.yaml"), "flags:\n  keep: {}\n").unwrap();
    let diff = repository.diff_json(0, &["HEAD", "-C", "shallow"]);
    assert_eq!(diff["notes"], json!([]));
    let beyond = repository.diff(2, &["HEAD~5", "-C", "shallow"]).stderr;
    assert!(beyond.contains("git fetch --unshallow"), "{beyond}");

    git(&clone, &["fetch", "--quiet", "--unshallow"]);
    fs::write(clone.join("flags/flags.yaml"), BACK).unwrap();
    repository.diff(1, &["HEAD", "-C", "shallow"]);
}

#[test]
fn a_partial_clone_gets_what_it_lacks() {
    let (repository, gone) = with_a_past();
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = repository.clone_to("partial", &["--filter=blob:none"]);
    let missing = || {
        git(
            &clone,
            &["rev-list", "--objects", "--all", "--missing=print"],
        )
    };
    assert!(missing().contains("\n?"), "{}", missing());
    fs::write(clone.join("flags/flags.yaml"), BACK).unwrap();
    let diff = repository.diff_json(1, &["HEAD", "-C", "partial"]);
    assert!(
        messages(&diff, "reused-key")[0].contains(&gone[..12]),
        "{diff}"
    );
    // One fetch for all of them.
    let fetches = fs::read_dir(clone.join(".git/objects/pack"))
        .unwrap()
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            path.extension()
                .is_some_and(|extension| extension == "pack")
        });
    assert!(fetches.count() <= 4);

    // Without its remote it cannot.
    let other = repository.clone_to("cut-off", &["--filter=blob:none"]);
    git(&other, &["remote", "set-url", "origin", "file:///nowhere"]);
    fs::write(other.join("flags/flags.yaml"), BACK).unwrap();
    let cut_off = repository.diff(2, &["HEAD", "-C", "cut-off"]).stderr;
    assert!(cut_off.contains("`git fetch` failed"), "{cut_off}");
}

#[test]
fn dates_that_were_put_off_before_are_counted() {
    let flags = |date: &str| format!("flags:\n  a: {{ owner: web, expires: {date} }}\n  b: {{}}\n");
    let repository = Repository::with_flags(&flags("2026-06-30"));
    repository.commit_flags(&flags("2026-09-30"), "Later");
    repository.commit_flags(
        &flags("2026-09-30").replace("web", "growth"),
        "Another owner",
    );
    let second = flags("2026-12-31").replace("web", "growth");
    repository.write_flags(&second);
    let diff = repository.diff_json(0, &["main"]);
    assert_eq!(
        messages(&diff, "postponed-expiry"),
        ["expires is put off for the 2nd time: 2026-06-30, 2026-09-30, 2026-12-31"]
    );
    repository.commit("Later still");
    repository.diff(0, &["HEAD~1", "HEAD"]);
    let diff = repository.diff_json(0, &["HEAD~3", "HEAD"]);
    assert_eq!(messages(&diff, "postponed-expiry").len(), 1, "{diff}");
    let diff = repository.diff_json(0, &["HEAD~3", "HEAD~2"]);
    assert_eq!(risks(&diff), [""; 0]);
}

#[test]
fn dates_are_followed_into_another_file() {
    let flag = |date: &str| format!("flags:\n  a: {{ owner: web, expires: {date} }}\n");
    let other = "flags:\n  b: {}\n";
    let repository = Repository::with_flags(&flag("2026-03-31"));
    repository.commit_flags(&flag("2026-06-30"), "Later");
    repository.write_flags(other);
    repository.write("flags/moved.yaml", flag("2026-06-30"));
    repository.commit("Move it");
    // Nothing was there before that: no other file is asked.
    repository.write("flags/new.yaml", "flags:\n  c: { expires: 2026-03-31 }\n");
    repository.commit("Add another");
    repository.write("flags/moved.yaml", flag("2026-09-30"));
    repository.write("flags/new.yaml", "flags:\n  c: { expires: 2026-09-30 }\n");
    let diff = repository.diff_json(0, &["HEAD"]);
    assert_eq!(
        messages(&diff, "postponed-expiry"),
        ["expires is put off for the 2nd time: 2026-03-31, 2026-06-30, 2026-09-30"]
    );
}
