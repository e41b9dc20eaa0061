//! The recipes of `docs/ci.md` are run, and its hooks are those of `.pre-commit-hooks.yaml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_yaml::Value as Yaml;

use crate::support::redis::RedisServer;
use crate::support::repository::{GIT, Repository};

const FLAGS: &str = "flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2099-01-29
    enabled: true
    percentage: 10
";

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The blocks of a language in `docs/ci.md`.
fn blocks(language: &str) -> Vec<String> {
    let page = read("docs/ci.md");
    let start = format!("\n```{language}\n");
    let blocks = page.split(&start).skip(1);
    blocks
        .map(|rest| rest.split("\n```\n").next().unwrap().to_owned())
        .collect()
}

fn repository() -> Repository {
    let repository = Repository::new();
    repository.write(
        "hoist.toml",
        "[environments.production]\nstore = \"${HOIST_TEST_STORE}\"\n[lint.rules]\ndistant-expiry = \"off\"\n",
    );
    repository.commit_flags(FLAGS, "Begin");
    repository.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    repository
}

fn run(repository: &Repository, script: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_hoist")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(repository.folder())
        .env_clear()
        .env("PATH", path)
        .env("HOME", repository.folder())
        .envs(GIT)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn the_shell_recipes_work() {
    let redis = RedisServer::start();
    let [check, sync, advance] = blocks("sh").try_into().expect("three recipes");
    let upstream = repository();
    let clone = upstream.clone_to("clone", &[]);
    let url = redis.tcp_url();
    let variables = [("HOIST_TEST_STORE", url.as_str())];
    let code = |script: &str| {
        let script = format!("cd {}\n{script}", clone.display());
        let output = run(&upstream, &script, &variables);
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(code(&check).0, 0);
    for script in [&sync, &advance, &sync] {
        let (code, said) = code(script);
        assert_eq!(code, 0, "{said}");
    }
    let record: String = redis.run(&["GET", "ff:new_search"]);
    assert!(record.contains("\"percentage\":10"), "{record}");
    upstream.write_flags(&FLAGS.replace("percentage: 10", "percentage: 30"));
    upstream.git(&["commit", "--quiet", "--all", "--message", "Raise"]);
    assert_eq!(code(&sync).0, 0);
    let record: String = redis.run(&["GET", "ff:new_search"]);
    assert!(record.contains("\"percentage\":30"), "{record}");
    fs::write(
        clone.join("flags/flags.yaml"),
        "flags:\n  a: { enabled: yes }\n",
    )
    .unwrap();
    assert_eq!(code(&check).0, 1);
}

#[test]
fn the_gitlab_recipe_works() {
    let redis = RedisServer::start();
    let recipe = blocks("yaml")
        .into_iter()
        .find(|block| block.contains("flags:check:"))
        .unwrap();
    let jobs: BTreeMap<String, Yaml> = serde_yaml::from_str(&recipe).unwrap();
    let repository = repository();
    // A remote to fetch from: the repository itself.
    let folder = repository.folder().display().to_string();
    repository.git(&["remote", "add", "origin", &folder]);
    let url = redis.tcp_url();
    let variables = [
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("FLAGS_READ_URL", url.as_str()),
        ("FLAGS_SYNC_URL", url.as_str()),
    ];
    let job = |name: &str| {
        for line in jobs[name]["script"].as_sequence().unwrap() {
            let line = line.as_str().unwrap();
            let output = run(&repository, line, &variables);
            assert!(
                output.status.success(),
                "{line}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    };
    job("flags:apply");
    job("flags:advance");
    repository.git(&["checkout", "--quiet", "-b", "raise"]);
    repository.commit_flags(&FLAGS.replace("percentage: 10", "percentage: 30"), "Raise");
    job("flags:check");
    let said = repository.project.read("flags.md");
    assert!(
        said.contains("### Feature flags: 1 updated")
            && said.contains("### Plan for `production`: 1 to update"),
        "{said}"
    );
    for report in jobs["flags:check"]["artifacts"]["reports"]["junit"]
        .as_sequence()
        .unwrap()
    {
        assert!(
            repository
                .project
                .read(report.as_str().unwrap())
                .contains("<testsuites")
        );
    }
}

#[test]
fn the_hooks_are_told_and_work() {
    let hooks: Vec<Yaml> = serde_yaml::from_str(&read(".pre-commit-hooks.yaml")).unwrap();
    let page = read("docs/ci.md");
    let repository = repository();
    repository.write("src/app.py", "is_enabled('new_search')\n");
    repository.write(
        "hoist.toml",
        "[refs]\nsrc = [\"src\"]\n[lint.rules]\ndistant-expiry = \"off\"\n",
    );
    for hook in &hooks {
        let (id, entry) = (
            hook["id"].as_str().unwrap(),
            hook["entry"].as_str().unwrap(),
        );
        assert!(page.contains(&format!("\n| `{id}` | `{entry}`")), "{id}");
        let output = run(&repository, entry, &[]);
        assert!(
            output.status.success(),
            "{entry}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(page.matches("\n| `hoist-").count(), hooks.len());
    repository.write("src/app.py", "is_enabled('newsearch')\n");
    let refs = hooks
        .iter()
        .find(|hook| hook["id"] == "hoist-refs")
        .unwrap();
    assert_eq!(
        run(&repository, refs["entry"].as_str().unwrap(), &[])
            .status
            .code(),
        Some(1)
    );
}
