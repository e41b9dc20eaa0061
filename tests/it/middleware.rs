//! The example application, run as it stands in `examples/`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::cluster::wait_until;
use crate::support::http::{Served, ask};
use crate::support::program::Project;
use crate::support::redis::RedisServer;

const FLAGS: &str = "flags:
  new_search: { description: d, owner: o, expires: never, enabled: true, percentage: 0, allowed_groups: [staff] }
  pricing_page:
    description: d
    owner: o
    expires: never
    enabled: true
    variants: { control: 50, higher_price: 50 }
    forced: { higher_price: [ana] }
";

/// The example, built and started.
fn start(store: &str) -> Served {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--example", "axum"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.expect("cargo to run").success());
    let here = Path::new(env!("CARGO_BIN_EXE_hoist"));
    let program = here.with_file_name("examples").join("axum");
    let mut command = Command::new(program);
    command.args([store, "127.0.0.1:0"]).stderr(Stdio::null());
    Served::start(command)
}

#[test]
fn the_example_asks_for_the_flags_of_whoever_asks() {
    let mut redis = RedisServer::start();
    let project = Project::with_flags(FLAGS).env("HOIST_STORE", &redis.unix_url());
    project.expect(0, &["apply"]);
    let app = start(&redis.unix_url());
    let get = |path: &str, headers: &[(&str, &str)]| ask(app.port, "GET", path, headers, "");
    let search = |headers: &[(&str, &str)]| {
        let found = get("/search?q=shoes", headers).json();
        assert_eq!(found["q"], "shoes");
        found["found_by"].as_str().expect("a way").to_owned()
    };
    assert_eq!(search(&[]), "the old ranking");
    assert_eq!(search(&[("x-user-id", "bo")]), "the old ranking");
    let staff = [("X-User-ID", "bo"), ("X-User-Groups", "guests, staff")];
    assert_eq!(search(&staff), "the new ranking");
    let price = get("/price", &[("x-user-id", "ana")]).json();
    let expected =
        serde_json::json!({"price": 12, "variant": "higher_price", "reason": "TARGETING_MATCH"});
    assert_eq!(price, expected);

    project.expect(0, &["kill", "new_search", "--reason", "errors"]);
    wait_until("it is stopped", || search(&staff) == "the old ranking");
    redis.kill();
    wait_until("it is noticed", || get("/health", &[]).body == "stale");
    assert_eq!(get("/price", &[("x-user-id", "ana")]).json(), expected);
}
