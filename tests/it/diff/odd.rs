//! What a repository may hold that nobody expects.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;
use crate::support::flagsets::{self, FlagSet};
use hoist::diagnostic::FileId;
use hoist::plan::diff::{State, compare};
use hoist::rules::{Context, Levels, Settings, check_file};

#[test]
fn files_may_have_any_name() {
    let repository = Repository::new();
    let names: [&[u8]; 7] = [
        b"a b.yaml",
        b"new\nline.yaml",
        b"tab\tquote\".yaml",
        b"not-utf8-\xff.yaml",
        b"-dash.yaml",
        b":(glob)star*.yaml",
        "\u{202e}ü.yaml".as_bytes(),
    ];
    let write = |percentage: u32| {
        fs::create_dir_all(repository.project.path("flags")).unwrap();
        for (number, name) in names.iter().enumerate() {
            let path = repository
                .project
                .path("flags")
                .join(OsStr::from_bytes(name));
            let text =
                format!("flags:\n  f{number}: {{ enabled: true, percentage: {percentage} }}\n");
            fs::write(path, text).unwrap();
        }
    };
    write(10);
    repository.commit("Begin");
    write(20);
    let expected: Vec<String> = (0..names.len())
        .map(|number| format!("update f{number}"))
        .collect();
    assert_eq!(actions(&repository.diff_json(0, &["main"])), expected);
    repository.commit("Twenty");
    assert_eq!(
        actions(&repository.diff_json(0, &["HEAD~1", "HEAD"])),
        expected
    );
    for format in ["human", "markdown"] {
        let text = repository.diff(0, &["HEAD~1", "--format", format]).stdout;
        assert!(
            !text.contains('\t') && !text.contains('\u{202e}') && text.contains("new\\"),
            "{text}"
        );
    }
    // Their past is found as well.
    fs::remove_dir_all(repository.project.path("flags")).unwrap();
    repository.write("flags/rest.yaml", "flags: {}\n");
    repository.commit("Remove all");
    write(5);
    assert_eq!(
        messages(&repository.diff_json(1, &["main"]), "reused-key").len(),
        names.len()
    );
}

#[test]
fn revisions_may_have_odd_names() {
    let repository = Repository::with_flags(TEN);
    repository.write_flags(TWENTY);
    for name in [
        "ümläut",
        "$(touch-stolen)",
        "a'b\"c",
        "-dash",
        "feature/@x",
        "100%",
        "--output=x",
    ] {
        repository.git(&["update-ref", &format!("refs/heads/{name}"), "HEAD"]);
        let named = format!("refs/heads/{name}");
        assert_eq!(
            actions(&repository.diff_json(0, &[&named])),
            ["update a"],
            "{name}"
        );
    }
    assert!(!repository.project.path("stolen").exists() && !repository.project.path("x").exists());
}

#[test]
fn links_are_followed_within_the_flags_directory_alone() {
    let repository = Repository::new();
    repository.write("flags/.hidden/real.yaml", "flags:\n  hidden: {}\n");
    repository.write("flags/there.yaml", "flags:\n  there: {}\n");
    repository.write("outside.yaml", "flags:\n  outside: {}\n");
    let link = |target: &str, name: &str| {
        symlink(target, repository.project.path(name)).unwrap();
    };
    link(".hidden/real.yaml", "flags/mounted.yaml");
    link("there.yaml", "flags/again.yaml");
    repository.commit("Begin");
    let diff = repository.diff_json(0, &["HEAD", "HEAD"]);
    assert_eq!(diff["unchanged"], 2);
    assert_eq!(repository.diff_json(0, &["HEAD"])["unchanged"], 2);

    link("../outside.yaml", "flags/out.yaml");
    link("nowhere.yaml", "flags/none.yaml");
    repository.commit("Out");
    for args in [&["HEAD~1"][..], &["HEAD~1", "HEAD"]] {
        let diff = repository.diff_json(1, args);
        assert_eq!(risks(&diff), ["unsafe-yaml ", "unsafe-yaml "], "{args:?}");
        assert_eq!(diff["diagnostics"][0]["file"], "flags/none.yaml");
    }
    // Those of the base are history.
    repository.diff(0, &["HEAD", "HEAD~1"]);
}

#[test]
fn configuration_of_git_changes_nothing() {
    let repository = Repository::with_flags("flags:\n  old: {}\n");
    repository.commit_flags("flags: {}\n", "Remove");
    repository.write_flags("flags:\n  old: {}\n");
    let plain = repository.diff_json(1, &["main"]);
    for (name, value) in [
        ("diff.orderFile", "nowhere"),
        ("diff.renames", "copies"),
        ("diff.noprefix", "true"),
        ("diff.relative", "true"),
        ("diff.external", "false"),
        ("diff.mnemonicPrefix", "true"),
        ("log.showRoot", "false"),
        ("log.showSignature", "true"),
        ("log.follow", "true"),
        ("log.diffMerges", "off"),
        ("log.abbrevCommit", "true"),
        ("log.decorate", "full"),
        ("format.pretty", "fuller"),
        ("core.abbrev", "4"),
        ("core.quotePath", "true"),
        ("core.pager", "false"),
        ("core.fsmonitor", "touch stolen"),
        ("color.ui", "always"),
        ("i18n.logOutputEncoding", "UTF-16"),
    ] {
        repository.git(&["config", name, value]);
    }
    assert_eq!(repository.diff_json(1, &["main"]), plain);
    assert!(!repository.project.path("stolen").exists());
}

#[test]
fn files_past_all_bounds_are_refused_and_the_rest_is_compared() {
    let repository = Repository::with_flags(TEN);
    repository.write("flags/large.yaml", vec![b'#'; 9 << 20]);
    repository.write("flags/binary.yaml", b"flags:\n  x\0y: {}\n");
    repository.write_flags(TWENTY);
    repository.commit("Large");
    for args in [&["HEAD~1"][..], &["HEAD~1", "HEAD"]] {
        let diff = repository.diff_json(1, args);
        assert_eq!(actions(&diff), ["update a"]);
        assert_eq!(risks(&diff), ["unsafe-yaml ", "unsafe-yaml "]);
    }
    let diff = repository.diff_json(0, &["HEAD", "HEAD~1"]);
    assert_eq!(diff["notes"].as_array().unwrap().len(), 2, "{diff}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However flags are spread over files, and whatever is not parsed since it is the same on both
    /// sides, the diff is that of all flags with all.
    #[test]
    fn files_make_no_difference(
        before in flagsets::flag_set(),
        after in flagsets::flag_set(),
        same in flagsets::flag_set(),
        places in prop::collection::vec(0..3_usize, 18),
    ) {
        let name = |set: FlagSet, prefix: &str| -> FlagSet {
            set.into_iter().map(|(key, flag)| (format!("{prefix}{key}"), flag)).collect()
        };
        let same = name(same, "same_");
        let repository = Repository::new();
        let write = |changing: &FlagSet, places: &[usize]| {
            let _ = fs::remove_dir_all(repository.project.path("flags"));
            repository.write("flags/same.yaml", flagsets::yaml(&same));
            for file in 0..3 {
                let here = changing.iter().zip(places).filter(|(_, place)| **place == file);
                let flags: FlagSet = here.map(|((key, flag), _)| (key.clone(), flag.clone())).collect();
                repository.write(&format!("flags/{file}.yaml"), flagsets::yaml(&flags));
            }
        };
        write(&before, &places);
        repository.commit("Before");
        write(&after, &places[6..]);
        repository.commit("After");

        let settings = Settings {
            context: Context::new(jiff::civil::date(2026, 11, 22)),
            levels: Levels::default(),
        };
        let read = |set: &FlagSet| {
            let all: FlagSet = set.iter().chain(&same).map(|(key, flag)| (key.clone(), flag.clone())).collect();
            check_file(FileId(0), flagsets::yaml(&all).as_bytes(), &settings).flags
        };
        let (old, new) = (read(&before), read(&after));
        let state = |flags| State { flags, broken: Vec::new() };
        let expected = compare(
            &state(old.iter().collect()),
            &state(new.iter().collect()),
            &["development".to_owned()],
        );
        let words: Vec<String> = expected
            .changes
            .iter()
            .map(|change| format!("{} {}", change.action(), change.key))
            .collect();
        let project = &repository.project;
        for args in [&["diff", "HEAD~1", "--format", "json"][..], &["diff", "HEAD~1", "HEAD", "--format", "json"]] {
            let diff = project.run(args).json();
            prop_assert_eq!(actions(&diff), words.clone());
            prop_assert_eq!(diff["unchanged"].as_u64(), Some(expected.unchanged as u64));
        }
    }
}

#[test]
fn a_directory_that_is_nowhere_is_no_clean_answer() {
    let repository = Repository::new();
    repository.write("service/flags/a.yaml", "flags:\n  a: {}\n");
    repository.commit("Begin");
    repository.write("other", "x");
    repository.commit("Go on");
    for revisions in [&["HEAD~1", "HEAD"][..], &["HEAD"]] {
        let run = repository.diff(2, revisions);
        assert!(
            run.stderr.contains("no directory `flags` on either side"),
            "{run:#?}"
        );
    }
    repository.diff(0, &["HEAD~1", "HEAD", "-C", "service"]);
    // Flags that nobody has committed yet are there.
    repository.write("flags/b.yaml", "flags:\n  b: {}\n");
    repository.diff(0, &["HEAD"]);
}
