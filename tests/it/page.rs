//! The page of `hoist serve`: what it says, and how it looks in a browser.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::cluster::wait_until;
use crate::support::http::{Answer, Served, ask};
use crate::support::program::Project;

const FLAGS: &str = "flags:
  alpha: { description: The first, owner: one, expires: 2020-01-01, enabled: true, percentage: 12.5, allowed_groups: [staff] }
  beta:
    description: \"<script>injected=1</script><img src=x onerror=injected=1>\\\"'&\"
    owner: \"</p><b>two\"
    expires: never
    enabled: true
    rollout: [ { percentage: 1, duration: 2h }, { percentage: 50, duration: 1d }, { percentage: 100 } ]
  gamma:
    description: An experiment
    owner: three
    expires: never
    enabled: true
    tags: [price]
    variants: { control: 34, higher: 33, lower: 33 }
    forced: { higher: [ana] }
  delta: { description: Off, owner: one, expires: never, enabled: false }
";

struct World {
    served: Served,
    project: Project,
}

impl World {
    fn new() -> Self {
        let project = Project::with_flags(FLAGS).env("HOIST_ACTOR", "<i>ana</i>");
        project.expect(0, &["apply"]);
        let mut command = project.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.stderr(Stdio::null());
        let served = Served::start(command);
        wait_until("it is ready", || served.get("/readyz").status == 200);
        Self { served, project }
    }

    fn page(&self, path: &str) -> String {
        let answer = self.served.get(path);
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    }

    /// The keys of the flags that a page lists.
    fn keys(&self, path: &str) -> Vec<String> {
        let page = self.page(path);
        let links = page.split("<a href=\"/flags/").skip(1);
        links
            .map(|link| link.split(['"', '?']).next().expect("a key").to_owned())
            .collect()
    }
}

#[test]
fn flags_are_found() {
    let world = World::new();
    for (path, keys) in [
        ("/", &["alpha", "beta", "delta", "gamma"][..]),
        ("/?q=", &["alpha", "beta", "delta", "gamma"]),
        ("/?q=ALPHA", &["alpha"]),
        ("/?q=three", &["gamma"]),
        ("/?q=price", &["gamma"]),
        ("/?q=an+experiment", &["gamma"]),
        ("/?q=nothing", &[]),
        ("/?show=on", &["alpha"]),
        ("/?show=off", &["delta"]),
        ("/?show=rollout", &["beta"]),
        ("/?show=experiment", &["gamma"]),
        ("/?show=expired", &["alpha"]),
        ("/?show=stopped", &[]),
        ("/?show=broken", &[]),
        ("/?page=7", &["alpha", "beta", "delta", "gamma"]),
    ] {
        assert_eq!(world.keys(path), keys, "{path}");
    }
}

#[test]
fn whatever_stands_in_a_flag_is_text() {
    let world = World::new();
    for path in [
        "/",
        "/flags/beta",
        "/?q=%22%3E%3Cscript%3E&user=%3Cb%3E&groups='%22",
        "/flags/%3Cb%3E",
    ] {
        let answer: Answer = world.served.get(path);
        let page = &answer.body;
        for markup in ["<script>", "<img", "<b>", "<i>", "onerror=injected=1>\""] {
            assert!(!page.contains(markup), "{markup} in {path}: {page}");
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(
            !page.contains(" style=") && !page.contains(" onclick="),
            "{page}"
        );
    }
    assert!(
        world
            .page("/flags/beta")
            .contains("&lt;script&gt;injected=1&lt;/script&gt;")
    );
    assert_eq!(world.served.get("/flags/absent").status, 404);
    assert_eq!(ask(world.served.port, "POST", "/", &[], "x=1").status, 405);
}

#[test]
fn a_user_is_told_what_eval_says() {
    let world = World::new();
    let eval = |flag: &str, args: &[&str]| {
        let run = world.project.expect(
            0,
            &[&["eval", flag, "--live", "--format", "json"], args].concat(),
        );
        run.json()["why"]
            .as_str()
            .expect("a reason")
            .replace('\'', "&#39;")
    };
    let page = world.page("/?user=ana&groups=staff,+other");
    let ana = ["--user", "ana", "--group", "staff", "--group", "other"];
    for flag in ["alpha", "beta", "gamma", "delta"] {
        let why = eval(flag, &ana);
        assert!(page.contains(&why), "{why} in {page}");
    }
    assert!(!world.page("/").contains("gets"));
}

#[test]
fn the_past_of_a_flag() {
    let world = World::new();
    world.project.expect(
        0,
        &["rollout", "advance", "beta", "--reason", "looks <fine>"],
    );
    wait_until("it is there", || {
        world.page("/flags/beta").contains("stage 2 of 3")
    });
    let page = world.page("/flags/beta");
    for said in [
        "advance, generation 2",
        "apply, generation 1",
        "looks &lt;fine&gt;",
        "&lt;i&gt;ana&lt;/i&gt;",
        "percentage 1 → 50",
        "created",
        "stage 2 of 3",
        "1 % for 2h, 50 % for 1d, 100 %",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
    assert!(
        world.page("/").contains("advance 20"),
        "with the last change of each"
    );
    assert!(!world.page("/flags/alpha").contains("generation 2"));
}

#[test]
fn a_token_is_the_password_of_the_page() {
    let project = Project::with_flags(FLAGS);
    project.write("tokens", "correct-horse-battery\n");
    let mut command = project.command(&[
        "serve",
        "--files",
        "--listen",
        "127.0.0.1:0",
        "--tokens",
        "tokens",
    ]);
    command.stderr(Stdio::null());
    let served = Served::start(command);
    for path in ["/", "/flags/alpha", "/page.js"] {
        let refused = served.get(path);
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.header("www-authenticate").starts_with("Basic"));
        assert!(!refused.body.contains("alpha"));
        // ana:correct-horse-battery
        let login = (
            "authorization",
            "Basic YW5hOmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==",
        );
        assert_eq!(
            ask(served.port, "GET", path, &[login], "").status,
            200,
            "{path}"
        );
    }
    let login = ("authorization", "Bearer correct-horse-battery");
    let page = ask(served.port, "GET", "/flags/alpha", &[login], "").body;
    assert!(
        page.contains("git log"),
        "flag files have no history here: {page}"
    );
}

#[test]
fn in_a_browser() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/page.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(format!("http://127.0.0.1:{}", world.served.port))
        .arg(folder.path());
    // To look at them: HOIST_SCREENSHOTS=FOLDER tests/run page
    command.args(std::env::var_os("HOIST_SCREENSHOTS"));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node to run");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut line = || {
        lines
            .next()
            .expect("a line: is chromium there?")
            .expect("UTF-8")
    };
    assert_eq!(line(), "looked");
    world
        .project
        .expect(0, &["kill", "beta", "--reason", "errors & more"]);
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(b"go on\n").expect("a line");
    let seen: Value = serde_json::from_str(&line()).expect("JSON");
    assert!(child.wait().expect("its end").success());
    for (name, expected) in [
        ("title", json!("Feature flags · development")),
        ("keys", json!(["alpha", "beta", "delta", "gamma"])),
        ("overflow", json!(0)),
        ("phone", json!(0)),
        ("phoneFlag", json!(0)),
        ("scripts", json!(1)),
        ("pictures", json!(4)),
        ("unlabelled", json!(0)),
        ("injected", json!(true)),
        ("first", json!("To the flags")),
        ("second", json!("q")),
        ("filtered", json!(["beta"])),
        ("address", json!("?q=beta")),
        ("typed", json!("beta")),
        ("complaints", json!([])),
    ] {
        assert_eq!(seen[name], expected, "{name}: {seen:#}");
    }
    for (name, part) in [
        ("after", "stopped at stage 1 of 3"),
        ("gets", "group `staff` is in allowed_groups"),
        ("history", "apply, generation 1"),
    ] {
        assert!(
            seen[name].as_str().expect(name).contains(part),
            "{name}: {seen:#}"
        );
    }
}
