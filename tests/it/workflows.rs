//! The workflows of `.github/`: their steps are run as a runner would, in a repository with a branch and a merge,
//! against a real Redis. What is not hoist's own, the program `gh` among it, is played.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use serde_yaml::Value as Yaml;
use tempfile::TempDir;

use crate::support::redis::RedisServer;
use crate::support::repository::{GIT, Repository};

/// Answers like `gh` from files in `$STATE`, and notes each call there.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
echo "$*" >>"$STATE/calls"
file() { while [ $# -gt 0 ]; do case "$1" in body=@*) echo "${1#body=@}" ;; --body-file) echo "$2" ;; esac; shift; done; }
name() { while [ $# -gt 0 ]; do if [ "$1" = --title ]; then echo "${2##*: }"; fi; shift; done; }
case "$1 $2" in
  "api --paginate") if [ -e "$STATE/comment" ]; then printf '7\n9\n'; fi ;;
  "api --method") cp "$(file "$@")" "$STATE/comment" ;;
  "issue list") case "$*" in *"due for removal"*) n=2 ;; *) n=1 ;; esac
    if [ -e "$STATE/issue-$n" ]; then echo "$n"; fi ;;
  "issue create") case "$*" in *"due for removal"*) n=2 ;; *) n=1 ;; esac; cp "$(file "$@")" "$STATE/issue-$n" ;;
  "issue edit") cp "$(file "$@")" "$STATE/issue-$3" ;;
  "issue close") rm "$STATE/issue-$3" ;;
  *) echo "no such call: $*" >&2; exit 9 ;;
esac
"#;

/// One run of a job on a machine of its own.
struct Runner<'r> {
    work: &'r Path,
    temp: TempDir,
    /// What `gh` remembers from job to job.
    state: &'r Path,
    /// What expressions stand for.
    context: BTreeMap<String, String>,
    /// Variables that the service sets.
    variables: Vec<(&'static str, String)>,
}

/// How a job ended.
struct Ran {
    /// Names of the steps that failed.
    failed: Vec<String>,
    summary: String,
    log: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(file: &str) -> Yaml {
    serde_yaml::from_str(&fs::read_to_string(root().join(".github").join(file)).unwrap()).unwrap()
}

impl<'r> Runner<'r> {
    fn new(work: &'r Path, state: &'r Path) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let bin = temp.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("gh"), GH).unwrap();
        fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
        let context = [
            ("github.token", "t0ken"),
            ("github.event.pull_request.number", "12"),
            ("github.action_ref", ""),
            ("inputs.version || github.action_ref", ""),
            ("inputs.command", ""),
            ("github.server_url", "https://github.example.com"),
            (
                "github.action_repository || github.repository",
                "acme/hoist",
            ),
            ("runner.os", "Linux"),
            ("runner.arch", "X64"),
            ("vars.FLAGS_DENY_WARNINGS", ""),
            ("secrets.FLAGS_READ_URL", ""),
            ("secrets.FLAGS_SYNC_URL", ""),
            ("secrets.FLAGS_OPERATE_URL", ""),
        ];
        let mut runner = Self {
            work,
            temp,
            state,
            context: context
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            variables: vec![
                ("GITHUB_REPOSITORY", "acme/shop".into()),
                ("GITHUB_SERVER_URL", "https://github.example.com".into()),
                ("GITHUB_SHA", "4f1c2ad".into()),
                ("GITHUB_BASE_REF", "main".into()),
                ("GITHUB_ACTOR", "ana".into()),
            ],
        };
        let action = root().join(".github/actions/hoist").display().to_string();
        runner.set("github.action_path", &action);
        let temp = runner.temp.path().display().to_string();
        runner.set("runner.temp", &temp);
        runner
    }

    fn set(&mut self, expression: &str, value: &str) {
        self.context.insert(expression.into(), value.into());
    }

    /// A text with its expressions filled in. One that nobody has thought of is a mistake in the test.
    fn fill_in(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").unwrap();
            let expression = expression.trim();
            let value = self.context.get(expression);
            out += before;
            out += value.unwrap_or_else(|| panic!("what is `{expression}`?"));
            rest = after;
        }
        out + rest
    }

    fn environment(&self, of: &Yaml) -> Vec<(String, String)> {
        let variables = of["env"].as_mapping().into_iter().flatten();
        let filled_in = variables.map(|(name, value)| {
            (
                name.as_str().unwrap().to_owned(),
                self.fill_in(value.as_str().unwrap()),
            )
        });
        filled_in.collect()
    }

    /// Whether a step is run, where a pull request comes from the repository itself or not.
    fn is_run(&self, condition: Option<&str>, failed: bool, own: bool) -> bool {
        match condition.map(|text| text.trim_start_matches("${{").trim_end_matches("}}").trim()) {
            None => !failed,
            Some("!cancelled()") => true,
            Some(
                "!cancelled() && github.event.pull_request.head.repo.full_name == github.repository",
            ) => own,
            Some("inputs.command != ''") => !failed && !self.context["inputs.command"].is_empty(),
            // The action finds what was put into the cache.
            Some("steps.cache.outputs.cache-hit != 'true'") => {
                self.context.contains_key("no cache")
            }
            Some(other) => panic!("when is `{other}`?"),
        }
    }

    /// Runs the steps of a job.
    fn job(&mut self, file: &str, job: &str, own: bool) -> Ran {
        let workflow = yaml(file);
        assert_eq!(workflow["defaults"]["run"]["shell"], "bash", "{file}");
        let job = &workflow["jobs"][job];
        let shared = self.environment(job);
        self.steps(&job["steps"], &shared, own)
    }

    fn steps(&mut self, steps: &Yaml, shared: &[(String, String)], own: bool) -> Ran {
        let mut ran = Ran {
            failed: Vec::new(),
            summary: String::new(),
            log: String::new(),
        };
        for step in steps.as_sequence().unwrap() {
            let name = step["name"].as_str().or(step["uses"].as_str()).unwrap();
            if !self.is_run(step["if"].as_str(), !ran.failed.is_empty(), own) {
                continue;
            }
            if let Some(action) = step["uses"].as_str() {
                self.action(action, step, &mut ran);
                continue;
            }
            let mut environment = shared.to_vec();
            environment.extend(self.environment(step));
            if !self.script(step, &environment, &mut ran) {
                ran.failed.push(name.to_owned());
            }
        }
        ran.summary = fs::read_to_string(self.temp.path().join("summary")).unwrap_or_default();
        ran
    }

    fn script(&mut self, step: &Yaml, environment: &[(String, String)], ran: &mut Ran) -> bool {
        let temp = self.temp.path();
        let (script, output) = (temp.join("script.sh"), temp.join("output"));
        fs::write(&script, self.fill_in(step["run"].as_str().unwrap())).unwrap();
        fs::write(&output, "").unwrap();
        let added = fs::read_to_string(temp.join("path")).unwrap_or_default();
        let path = added
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(":");
        let outer = std::env::var("PATH").unwrap();
        let done = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(&script)
            .current_dir(self.work)
            .env_clear()
            .env(
                "PATH",
                format!("{path}:{}:{outer}", temp.join("bin").display()),
            )
            .env("HOME", temp)
            .env("RUNNER_TEMP", temp)
            .env("GITHUB_OUTPUT", &output)
            .env("GITHUB_PATH", temp.join("path"))
            .env("GITHUB_STEP_SUMMARY", temp.join("summary"))
            .env("STATE", self.state)
            .envs(GIT)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        ran.log += &String::from_utf8_lossy(&done.stdout);
        ran.log += &String::from_utf8_lossy(&done.stderr);
        if let Some(id) = step["id"].as_str() {
            for line in fs::read_to_string(&output).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                self.context
                    .insert(format!("steps.{id}.outputs.{name}"), value.into());
            }
        }
        done.status.success()
    }

    /// What the actions of others do here, and hoist's own, which is run.
    fn action(&mut self, action: &str, step: &Yaml, ran: &mut Ran) {
        let (name, commit) = action.split_once('@').unwrap_or((action, ""));
        if name == "./.github/actions/hoist" {
            let folder = self.temp.path().join("hoist");
            fs::create_dir_all(&folder).unwrap();
            let program = folder.join("hoist");
            if !self.context.contains_key("no cache") && !program.exists() {
                symlink(env!("CARGO_BIN_EXE_hoist"), program).unwrap();
            }
            let inner = self.steps(
                &yaml("actions/hoist/action.yml")["runs"]["steps"],
                &[],
                true,
            );
            ran.failed.extend(inner.failed);
            ran.log += &inner.log;
            return;
        }
        assert!(
            commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{action} is not pinned"
        );
        match name {
            "actions/checkout" => assert_eq!(step["with"]["persist-credentials"], false),
            "actions/cache" => {}
            "github/codeql-action/upload-sarif" => {
                let file = self.fill_in(step["with"]["sarif_file"].as_str().unwrap());
                let sarif: Value =
                    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
                assert_eq!(sarif["version"], "2.1.0");
            }
            other => panic!("what does {other} do?"),
        }
    }
}

const FLAGS: &str = "flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2099-01-29
    enabled: true
    percentage: 12
    tests:
      - { user: ana, percentage: 100, expect: true }
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2099-01-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 1h }
      - { percentage: 50, duration: 1d }
      - { percentage: 100 }
";

/// A repository with what production has on its main branch.
fn repository() -> Repository {
    let repository = Repository::new();
    repository.write(
        "hoist.toml",
        "[environments.production]\nstore = \"${NOBODY_SETS_THIS}\"\n[lint.rules]\ndistant-expiry = \"off\"\n",
    );
    repository.commit_flags(FLAGS, "Begin");
    repository
}

/// What a runner checks out for a pull request: the merge of a branch that has these flags.
fn propose(repository: &Repository, flags: &str) {
    repository.git(&["checkout", "--quiet", "-B", "raise", "main"]);
    repository.commit_flags(flags, "Raise");
    repository.git(&["checkout", "--quiet", "--detach", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "raise"]);
    repository.git(&["update-ref", "refs/remotes/origin/main", "main"]);
}

fn calls(state: &Path) -> Vec<String> {
    let calls = fs::read_to_string(state.join("calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

const REVIEW: &str = "workflows/flags-review.yml";
const SYNC: &str = "workflows/flags-sync.yml";
const RELEASE: &str = "workflows/release.yml";

#[test]
fn a_pull_request_is_reviewed_in_one_comment() {
    let (redis, state) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (repository, url) = (repository(), redis.tcp_url());
    let apply = ["apply", "--env", "production", "--store", &url];
    repository.project.expect(0, &apply);
    propose(
        &repository,
        &FLAGS.replace("percentage: 12", "percentage: 25"),
    );
    let review = || {
        let mut runner = Runner::new(repository.folder(), state.path());
        runner.set("secrets.FLAGS_READ_URL", &url);
        runner.job(REVIEW, "review", true)
    };
    let ran = review();
    assert_eq!(ran.failed, [""; 0], "{}", ran.log);
    let comment = || fs::read_to_string(state.path().join("comment")).unwrap();
    let first = comment();
    assert!(
        first.starts_with(
            "<!-- hoist: flags-review -->\n### Plan for `production`: 1 to update; 1 unchanged\n"
        ),
        "{first}"
    );
    let link = "[`flags/flags.yaml:2`](https://github.example.com/acme/shop/blob/4f1c2ad/flags/flags.yaml#L2)";
    assert!(first.contains(link), "{first}");
    assert!(
        ran.summary.contains("### Feature flags: 1 updated"),
        "{}",
        ran.summary
    );
    assert!(
        ran.summary.contains("### Plan for `production`"),
        "{}",
        ran.summary
    );
    let posted = calls(state.path());
    assert!(
        posted[1].starts_with("api --method POST repos/acme/shop/issues/12/comments "),
        "{posted:?}"
    );
    // Nothing was written.
    let record: String = redis.run(&["GET", "ff:new_search"]);
    assert!(record.contains("\"percentage\":12"), "{record}");

    propose(
        &repository,
        &FLAGS.replace("percentage: 12", "percentage: 40"),
    );
    review();
    assert!(comment().contains("`12` → `40`"), "{}", comment());
    let patched = calls(state.path());
    assert!(
        patched[3].starts_with("api --method PATCH repos/acme/shop/issues/comments/7 "),
        "{patched:?}"
    );
}

#[test]
fn what_is_wrong_fails_and_is_told_all_the_same() {
    let (redis, state) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let repository = repository();
    let cases: [(&str, &str, &[&str]); 2] = [
        (
            "percentage: 12",
            "percentage: 101",
            &["Lint", "Test", "Diff", "Plan"],
        ),
        ("expect: true", "expect: false", &["Test"]),
    ];
    for (from, to, failed) in cases {
        propose(&repository, &FLAGS.replace(from, to));
        let mut runner = Runner::new(repository.folder(), state.path());
        runner.set("secrets.FLAGS_READ_URL", &redis.tcp_url());
        let ran = runner.job(REVIEW, "review", true);
        assert_eq!(ran.failed, failed, "{to}: {}", ran.log);
        let comment = fs::read_to_string(state.path().join("comment")).unwrap();
        assert!(
            comment.starts_with("<!-- hoist: flags-review -->\n### "),
            "{comment}"
        );
    }
    // A warning fails where that is asked for.
    propose(&repository, &FLAGS.replace("    owner: checkout\n", ""));
    for (deny, failed) in [("", &[][..]), ("--deny-warnings", &["Lint"])] {
        let mut runner = Runner::new(repository.folder(), state.path());
        runner.set("vars.FLAGS_DENY_WARNINGS", deny);
        let ran = runner.job(REVIEW, "review", true);
        assert_eq!(ran.failed, failed, "{deny}: {}", ran.log);
    }
}

#[test]
fn a_fork_has_no_secret_and_no_comment() {
    let state = tempfile::tempdir().unwrap();
    let repository = repository();
    propose(
        &repository,
        &FLAGS.replace("percentage: 12", "percentage: 25"),
    );
    let ran = Runner::new(repository.folder(), state.path()).job(REVIEW, "review", false);
    assert_eq!(ran.failed, [""; 0], "{}", ran.log);
    assert!(
        ran.log.contains("There is no FLAGS_READ_URL"),
        "{}",
        ran.log
    );
    assert!(
        ran.summary.contains("### Feature flags: 1 updated"),
        "{}",
        ran.summary
    );
    assert_eq!(calls(state.path()), [""; 0]);
}

#[test]
fn production_follows_the_main_branch() {
    let (redis, state) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let repository = repository();
    let job = |name: &str| {
        let mut runner = Runner::new(repository.folder(), state.path());
        // Each job has one, and no more than it needs.
        let secret = match name {
            "apply" => "secrets.FLAGS_SYNC_URL",
            "advance" => "secrets.FLAGS_OPERATE_URL",
            _ => "secrets.FLAGS_READ_URL",
        };
        runner.set(secret, &redis.tcp_url());
        runner.job(SYNC, name, true)
    };
    let record = |flag: &str| -> Value {
        let text: String = redis.run(&["GET", &format!("ff:{flag}")]);
        serde_json::from_str(&text).unwrap()
    };
    let set = |flag: &str, record: &Value| {
        redis.run::<()>(&["SET", &format!("ff:{flag}"), &record.to_string()]);
    };
    let ran = job("apply");
    assert_eq!(ran.failed, [""; 0], "{}", ran.log);
    assert!(
        ran.summary.starts_with("```text\n") && ran.summary.contains("Applied as generation 1."),
        "{}",
        ran.summary
    );
    assert_eq!(record("new_search")["percentage"], 12);

    // Merged, and pushed to main.
    repository.commit_flags(&FLAGS.replace("percentage: 12", "percentage: 25"), "Merge");
    assert_eq!(job("apply").failed, [""; 0]);
    assert_eq!(record("new_search")["percentage"], 25);
    repository.commit_flags(&FLAGS.replace("enabled: true", "enabled: maybe"), "Break");
    assert_eq!(job("apply").failed, ["Apply"]);
    repository.commit_flags(&FLAGS.replace("percentage: 12", "percentage: 25"), "Mend");

    assert_eq!(job("advance").failed, [""; 0]);
    assert_eq!(record("new_checkout")["percentage"], 5);
    let mut checkout = record("new_checkout");
    checkout["stage_started"] = json!(1_700_000_000);
    set("new_checkout", &checkout);
    assert_eq!(job("advance").failed, [""; 0]);
    assert_eq!(record("new_checkout")["percentage"], 50);

    let issue = |number: u32| fs::read_to_string(state.path().join(format!("issue-{number}")));
    assert_eq!(job("report").failed, [""; 0]);
    assert!(issue(1).is_err() && issue(2).is_err());
    // Somebody edits a record, and a rollout has been over for long.
    let mut search = record("new_search");
    search["percentage"] = json!(99);
    set("new_search", &search);
    let mut checkout = record("new_checkout");
    for (field, value) in [
        ("percentage", 100),
        ("current_stage", 2),
        ("stage_started", 1_700_000_000),
    ] {
        checkout[field] = json!(value);
    }
    set("new_checkout", &checkout);
    for _ in 0..2 {
        let ran = job("report");
        assert_eq!(ran.failed, [""; 0], "{}", ran.log);
    }
    assert!(
        issue(1).unwrap().contains("1 to put right"),
        "{:?}",
        issue(1)
    );
    assert!(
        issue(2)
            .unwrap()
            .starts_with("### Checked 2 flags: 1 is due for removal\n"),
        "{:?}",
        issue(2)
    );
    let made = calls(state.path());
    let count = |call: &str| made.iter().filter(|made| made.starts_with(call)).count();
    assert_eq!(
        (count("issue create"), count("issue edit")),
        (2, 2),
        "{made:?}"
    );
    assert_eq!(job("apply").failed, [""; 0]);
    assert_eq!(job("report").failed, [""; 0]);
    assert!(issue(1).is_err() && issue(2).is_ok());
}

#[test]
fn the_action_fetches_what_was_published() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A release, as it is packed, and as `curl` brings it.
    let release = state.path().join("v1.2.3");
    let target = "x86_64-unknown-linux-gnu";
    let built = release.join("target").join(target).join("dist");
    fs::create_dir_all(&built).unwrap();
    let program = built.join("hoist");
    fs::write(
        &program,
        "#!/bin/sh\necho \"ran $* in $HOIST_ENV on $HOIST_STORE\"\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut packer = Runner::new(&release, state.path());
    packer.set("matrix.target", target);
    let steps = yaml(RELEASE)["jobs"]["build"]["steps"].clone();
    let pack = steps.as_sequence().unwrap().iter();
    let pack = Yaml::Sequence(
        pack.filter(|step| step["name"] == "Pack")
            .cloned()
            .collect(),
    );
    let packed = packer.steps(&pack, &[], true);
    assert_eq!(packed.failed, [""; 0], "{}", packed.log);
    let archive = "hoist-x86_64-unknown-linux-gnu.tar.gz";
    let fetch = || {
        let mut runner = Runner::new(work.path(), state.path());
        let curl = "#!/usr/bin/env bash\nwhile [ $# -gt 1 ]; do if [ \"$1\" = --output ]; then to=$2; fi; shift; done\n\
                    echo \"$1\" >>\"$STATE/fetched\"\ncp \"$STATE/v1.2.3/${1##*/}\" \"$to\"\n";
        let program = runner.temp.path().join("bin/curl");
        fs::write(&program, curl).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        for (expression, value) in [
            ("no cache", ""),
            ("inputs.version || github.action_ref", "v1.2.3"),
            ("inputs.command", "apply  --quiet\n--adopt"),
            ("inputs.environment", "production"),
            ("inputs.store", "redis://localhost"),
        ] {
            runner.set(expression, value);
        }
        let steps = yaml("actions/hoist/action.yml")["runs"]["steps"].clone();
        let ran = runner.steps(&steps, &[], true);
        (ran, runner.context["steps.choose.outputs.key"].clone())
    };
    let (ran, key) = fetch();
    assert_eq!(ran.failed, [""; 0], "{}", ran.log);
    assert!(
        ran.log
            .ends_with("ran apply --quiet --adopt in production on redis://localhost\n"),
        "{}",
        ran.log
    );
    assert_eq!(key, "hoist-Linux-X64-v1.2.3");
    let fetched = fs::read_to_string(state.path().join("fetched")).unwrap();
    assert!(
        fetched.starts_with(&format!(
            "https://github.example.com/acme/hoist/releases/download/v1.2.3/{archive}\n"
        )),
        "{fetched}"
    );
    // Not what was published.
    fs::write(release.join(archive), "else").unwrap();
    assert_eq!(fetch().0.failed, ["Fetch or build"]);
}

#[test]
fn jobs_may_do_no_more_than_they_need() {
    for file in [REVIEW, SYNC, RELEASE] {
        let workflow = yaml(file);
        assert_eq!(
            workflow["permissions"],
            Yaml::Mapping(Default::default()),
            "{file}"
        );
        for (name, job) in workflow["jobs"].as_mapping().unwrap() {
            assert!(job["permissions"].is_mapping(), "{name:?} of {file}");
            // What reaches a store.
            let has_environment = job["environment"].is_string();
            assert!(has_environment || file == RELEASE, "{name:?} of {file}");
            assert!(job["timeout-minutes"].is_number(), "{name:?} of {file}");
            for step in job["steps"].as_sequence().unwrap() {
                let script = step["run"].as_str().unwrap_or_default();
                assert!(
                    !script.contains("${{"),
                    "expressions belong into `env`: {script}"
                );
            }
        }
    }
}
