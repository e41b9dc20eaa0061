//! `hoist refs`, from outside.

use serde_json::{Value, json};

use crate::json_shapes;
use crate::support::program::Project;

const FLAGS: &str = "flags:
  new_search: { expires: never }
  old_export: { expires: never }
  pricing_page: { expires: never }
";

fn project() -> Project {
    let project = Project::with_flags(FLAGS);
    project.write(
        "src/app.py",
        "if flags.is_enabled('new_search'):\n    pass\nvariant = get_variant(\"pricing_pag\", user)\n",
    );
    project.write("web/app.ts", "// ü\nconst on = flags.newSearch\n");
    project
}

fn refs(project: &Project, code: i32, args: &[&str]) -> Value {
    let all = [&["refs", "--format", "json"], args].concat();
    let refs = project.expect(code, &all).json();
    json_shapes::check_refs(&refs);
    refs
}

fn flags(refs: &Value) -> Vec<&str> {
    let flags = refs["flags"].as_array().unwrap().iter();
    flags.map(|flag| flag["flag"].as_str().unwrap()).collect()
}

#[test]
fn people_see_places_and_what_is_missing() {
    let project = project();
    let shown = project.expect(0, &["refs", "--src", "src"]).stdout;
    assert_eq!(
        shown,
        "new_search  flags/flags.yaml:2
    src/app.py:1:22

Never referred to:
    old_export  flags/flags.yaml:3
    pricing_page  flags/flags.yaml:4

Keys that no flag has:
    src/app.py:3:24  pricing_pag  did you mean `pricing_page`?

Searched 1 file below src: 1 flag referred to in 1 place, 2 never; 1 call with an unknown key
"
    );
    let one = project
        .expect(0, &["refs", "--src", "src", "new_search"])
        .stdout;
    assert!(
        one.starts_with("new_search") && !one.contains("old_export"),
        "{one}"
    );
    let unused = project
        .expect(0, &["refs", "--src", "src", "--unused"])
        .stdout;
    assert!(
        unused.starts_with("Never") && !unused.contains("no flag has"),
        "{unused}"
    );
    let unknown = project
        .expect(0, &["refs", "--src", "src", "--unknown"])
        .stdout;
    assert!(
        unknown.starts_with("Keys") && !unknown.contains("Never"),
        "{unknown}"
    );
}

#[test]
fn programs_get_the_same() {
    let project = project();
    let all = refs(&project, 0, &["--src", "src"]);
    assert_eq!(flags(&all), ["new_search", "old_export", "pricing_page"]);
    assert_eq!(
        all["flags"][0]["places"],
        json!([{"file": "src/app.py", "line": 1, "column": 22, "as": "quoted"}])
    );
    assert_eq!(
        all["unknown"],
        json!([{"key": "pricing_pag", "suggestion": "pricing_page", "file": "src/app.py", "line": 3, "column": 24}])
    );
    let unused = refs(&project, 0, &["--src", "src", "--unused"]);
    assert_eq!(flags(&unused), ["old_export", "pricing_page"]);
    assert_eq!(unused["unknown"], json!([]));
    assert_eq!(unused["summary"], all["summary"]);
}

#[test]
fn hoist_toml_says_where_and_how() {
    let project = project();
    let nowhere = project.expect(2, &["refs"]).stderr;
    assert!(
        nowhere.contains("pass `--src DIR`, or set `src` under `[refs]`"),
        "{nowhere}"
    );
    project.write(
        "hoist.toml",
        "[refs]\nsrc = [\"src\", \"web\", \"src\"]\naliases = [\"camelCase\"]\n",
    );
    let found = refs(&project, 0, &["new_search"]);
    assert_eq!(found["flags"][0]["count"], 2);
    assert_eq!(
        found["flags"][0]["places"][1],
        json!({"file": "web/app.ts", "line": 2, "column": 18, "as": "camelCase"})
    );
    // Paths of hoist.toml start where it is, those of the command line where the user is.
    project.write("web/deep/none.ts", "");
    let below = refs(&project, 0, &["-C", "web/deep"]);
    assert_eq!(below["directories"], json!(["../../src", ".."]));
    assert_eq!(refs(&project, 0, &["-C", "web", "--src", "."])["files"], 2);
    project.write("hoist.toml", "[refs]\naliases = [\"camelcase\"]\n");
    let wrong = project.expect(1, &["refs", "--src", "src"]).stderr;
    assert!(wrong.contains("did you mean `camelCase`?"), "{wrong}");
}

#[test]
fn the_exit_code_answers_where_it_is_asked() {
    let project = project();
    refs(&project, 1, &["--src", "src", "--deny-unknown"]);
    refs(&project, 1, &["--src", "src", "--deny-unused"]);
    refs(&project, 0, &["--src", "web", "--deny-unknown"]);
    refs(
        &project,
        0,
        &["--src", "src", "--deny-unused", "new_search"],
    );
    let typo = project
        .expect(2, &["refs", "--src", "src", "new_serch"])
        .stderr;
    assert!(typo.contains("did you mean `new_search`?"), "{typo}");
    let missing = project.expect(2, &["refs", "--src", "sources"]).stderr;
    assert!(
        missing.contains("there is no file or directory `sources`"),
        "{missing}"
    );
    project.write("flags/broken.yaml", "flags: [");
    project.expect(1, &["refs", "--src", "src"]);
}

#[test]
fn ci_systems_get_findings() {
    let project = project();
    let github = [
        "refs",
        "--src",
        "src",
        "--deny-unknown",
        "--format",
        "github",
    ];
    let annotations = project.expect(1, &github).stdout;
    for expected in [
        "::error file=src/app.py,line=3,endLine=3,col=24,endColumn=35,title=hoist(unknown-key)::",
        "no flag has the key `pricing_pag`%0Ahelp: did you mean `pricing_page`?\n",
        "::warning file=flags/flags.yaml,line=3,endLine=3,col=3,endColumn=13,title=hoist(unused-flag)::",
    ] {
        assert!(
            annotations.contains(expected),
            "{expected} in {annotations}"
        );
    }
    let sarif = project.expect(0, &["refs", "--src", "src", "--format", "sarif"]);
    let run = &sarif.json()["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    let strays = run["results"].as_array().unwrap().iter();
    let stray = strays
        .clone()
        .find(|result| result["ruleId"] == "unknown-key")
        .unwrap();
    let region = &stray["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"]),
        (&json!(3), &json!(24))
    );
    assert_eq!(strays.count(), 3);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_told_beside_the_rest() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    project.write("src/secret.py", "'old_export'");
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(project.path("src/secret.py"), closed).unwrap();
    if std::fs::read(project.path("src/secret.py")).is_ok() {
        // Whoever runs this may read everything.
        return;
    }
    let found = refs(&project, 2, &["--src", "src"]);
    assert_eq!(found["unread"][0]["file"], "src/secret.py");
    assert_eq!(found["summary"]["references"], 1);
}
