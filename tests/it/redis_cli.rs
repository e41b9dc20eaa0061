//! The commands against a real Redis in which others write too: what people see, and what is left.

use serde_json::{Value, json};

use crate::support::program::{Project, Run};
use crate::support::redis::RedisServer;

const FLAGS: &str = "\
flags:
  banner:
    description: A banner
    owner: web
    expires: never
    enabled: true
    percentage: 10
  checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-01-31
    enabled: true
    rollout:
      - { percentage: 1, duration: 2h }
      - { percentage: 25, duration: 12h }
      - { percentage: 50, duration: 1d }
      - { percentage: 100 }
  search:
    description: Route search traffic to the new ranking service
    owner: search
    expires: 2027-01-31
    enabled: true
    percentage: 50
";

/// A project whose one environment is a Redis of its own.
struct World {
    redis: RedisServer,
    project: Project,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(configuration: &[&str]) -> Self {
        let redis = RedisServer::with(configuration);
        let project = Project::with_flags(FLAGS);
        project.write(
            "hoist.toml",
            format!(
                "[environments.production]\nstore = \"{}\"\n",
                redis.tcp_url()
            ),
        );
        Self { redis, project }
    }

    fn set(&self, flag: &str, record: &str) {
        self.redis
            .run::<()>(&["SET", &format!("ff:{flag}"), record]);
    }

    fn record(&self, flag: &str) -> Value {
        let text: String = self.redis.run(&["GET", &format!("ff:{flag}")]);
        serde_json::from_str(&text).expect("a record")
    }

    /// Edits a record as a client of the format does.
    fn edit(&self, flag: &str, edit: impl FnOnce(&mut Value)) {
        let mut record = self.record(flag);
        edit(&mut record);
        self.set(flag, &record.to_string());
    }

    fn generation(&self) -> u64 {
        self.redis.run(&["HGET", "hoist:{ff}", "generation"])
    }

    fn snapshot(&self, name: &str, run: &Run) {
        let port = self.redis.port.to_string();
        insta::assert_snapshot!(name, run.shown().replace(&format!(":{port}"), ":PORT"));
    }
}

#[test]
fn a_first_apply_and_a_second_one() {
    let world = World::new();
    world.snapshot("first_apply", &world.project.expect(0, &["apply"]));
    assert_eq!(world.record("banner")["percentage"], 10);
    let keys = |world: &World| -> Vec<String> {
        let mut keys: Vec<String> = world.redis.run(&["KEYS", "*"]);
        keys.sort();
        keys
    };
    let dump = |world: &World| -> Vec<Vec<u8>> {
        keys(world)
            .iter()
            .map(|key| world.redis.run(&["DUMP", key]))
            .collect()
    };
    let before = dump(&world);
    world.snapshot("second_apply", &world.project.expect(0, &["apply"]));
    assert_eq!(dump(&world), before, "an apply of nothing writes nothing");
}

#[test]
fn what_others_did_is_shown_and_put_right() {
    let world = World::new();
    world.project.expect(0, &["apply", "-q"]);
    // Drift, beside a change of the flag file.
    world.edit("banner", |record| record["percentage"] = json!(90));
    world.edit("search", |record| record["allowed_users"] = json!(["eve"]));
    // Status: a stage reached.
    world.edit("checkout", |record| {
        record["current_stage"] = json!(2);
        record["percentage"] = json!(50);
    });
    world.set("unmanaged", "{\"enabled\": true}");
    let flags = FLAGS
        .replace("percentage: 10\n", "percentage: 20\n")
        .replace(
            "      - { percentage: 50, duration: 1d }\n",
            "      - { percentage: 40, duration: 1d }\n",
        );
    world.project.write("flags/flags.yaml", flags);
    world.snapshot("drift", &world.project.expect(1, &["plan", "--exit-code"]));
    world.project.expect(0, &["apply"]);
    assert_eq!(world.record("banner")["percentage"], 20);
    assert_eq!(world.record("search")["allowed_users"], json!([]));
    assert_eq!(world.record("checkout")["percentage"], 40);
    world.project.expect(0, &["plan", "--exit-code"]);

    // Gone without hoist, and gone everywhere.
    world.redis.run::<()>(&["DEL", "ff:banner", "ff:search"]);
    let without_search = FLAGS.split("  search:").next().expect("the others");
    world.project.write("flags/flags.yaml", without_search);
    world.snapshot("gone", &world.project.expect(0, &["plan"]));
    world.project.expect(0, &["apply"]);
    world.project.expect(0, &["plan", "--exit-code"]);
    let unmanaged: String = world.redis.run(&["GET", "ff:unmanaged"]);
    assert_eq!(unmanaged, "{\"enabled\": true}");
}

#[test]
fn an_emergency_stop_is_shown_and_stays() {
    let world = World::new();
    world.project.expect(0, &["apply", "-q"]);
    world.edit("search", |record| {
        record["enabled"] = json!(false);
        record["rolled_back_at"] = json!(1_795_339_800);
        record["note"] = json!({"reason": "errors at the till", "actor": "bob"});
    });
    world.snapshot(
        "stopped",
        &world.project.expect(0, &["plan", "--exit-code"]),
    );
    world.project.write(
        "flags/flags.yaml",
        FLAGS.replace("percentage: 50\n", "percentage: 60\n"),
    );
    world.snapshot("stopped_and_changed", &world.project.expect(0, &["apply"]));
    assert_eq!(world.record("search")["enabled"], false);
    assert_eq!(world.record("search")["percentage"], 60);
    world.project.expect(0, &["plan", "--exit-code"]);
}

#[test]
fn keys_that_are_not_hoists_are_conflicts() {
    let world = World::new();
    world.set(
        "banner",
        "{\"enabled\": true, \"percentage\": 75, \"team\": \"web\"}",
    );
    world.set("search", "not a record");
    let plan = world.project.expect(0, &["plan"]);
    world.snapshot("conflict_plan", &plan);
    let refused = world.project.expect(3, &["apply", "-q"]);
    world.snapshot("conflict", &refused);
    let json = world
        .project
        .expect(3, &["apply", "--format", "json"])
        .json();
    assert_eq!(json["applied"], false);
    assert_eq!(json["refused"].as_array().map(Vec::len), Some(1));
    assert!(
        world
            .redis
            .run::<Option<u64>>(&["HGET", "hoist:{ff}", "generation"])
            .is_none()
    );
    world.project.expect(0, &["apply", "--adopt"]);
    assert_eq!(world.record("banner")["percentage"], 10);
    // What another program keeps in a record stays in it.
    assert_eq!(world.record("banner")["team"], "web");
    assert_eq!(world.record("search")["percentage"], 50);
    world.project.expect(0, &["plan", "--exit-code"]);
}

#[test]
fn a_record_that_says_what_git_says_is_adopted() {
    let world = World::new();
    world.project.expect(0, &["apply", "-q"]);
    let keys: Vec<String> = world.redis.run(&["KEYS", "hoist:*"]);
    for key in &keys {
        world.redis.run::<()>(&["DEL", key]);
    }
    world.snapshot("adopt", &world.project.expect(0, &["apply"]));
    world.project.expect(0, &["plan", "--exit-code"]);
}

#[test]
fn a_key_of_another_type_is_never_replaced() {
    let world = World::new();
    world.redis.run::<()>(&["RPUSH", "ff:banner", "a"]);
    for args in [&["apply", "-q"][..], &["apply", "-q", "--adopt"]] {
        let run = world.project.expect(3, args);
        assert!(run.stderr.contains("TYPE ff:banner"), "{run:#?}");
        world.snapshot("other_type", &run);
    }
    let list: Vec<String> = world.redis.run(&["LRANGE", "ff:banner", "0", "-1"]);
    assert_eq!(list, ["a"]);
}

#[test]
fn many_deletes_need_consent() {
    let world = World::new();
    let flags: String = (0..20)
        .map(|n| format!("  f{n:02}: {{ description: D, owner: web, expires: never }}\n"))
        .collect();
    world
        .project
        .write("flags/flags.yaml", format!("flags:\n{flags}"));
    world.project.expect(0, &["apply", "-q"]);
    let few: String = flags
        .lines()
        .take(15)
        .map(|line| format!("{line}\n"))
        .collect();
    world
        .project
        .write("flags/flags.yaml", format!("flags:\n{few}"));
    let refused = world.project.expect(3, &["apply", "-q"]);
    assert!(refused.stderr.contains("--allow-deletes 5"), "{refused:#?}");
    assert_eq!(world.generation(), 1);
    world
        .project
        .expect(0, &["apply", "-q", "--allow-deletes", "5"]);
    assert_eq!(world.generation(), 2);
}

#[test]
fn a_saved_plan_is_refused_where_something_moved() {
    let world = World::new();
    world.project.expect(0, &["apply", "-q"]);
    world.project.write(
        "flags/flags.yaml",
        FLAGS.replace("percentage: 10\n", "percentage: 20\n"),
    );
    world.project.expect(0, &["plan", "--out", "change.plan"]);
    assert!(
        !world
            .project
            .read("change.plan")
            .contains(&world.redis.port.to_string())
    );
    let untouched = world.record("banner");
    world.edit("banner", |record| record["percentage"] = json!(11));
    world.snapshot(
        "stale_record",
        &world.project.expect(3, &["apply", "change.plan"]),
    );
    assert_eq!(world.record("banner")["percentage"], 11);
    // A record that the plan does not touch may move.
    world.set("banner", &untouched.to_string());
    world.edit("checkout", |record| record["current_stage"] = json!(1));
    world.project.expect(0, &["apply", "change.plan"]);
    assert_eq!(world.record("banner")["percentage"], 20);
    world.snapshot(
        "stale_generation",
        &world.project.expect(3, &["apply", "change.plan"]),
    );
    // The same server after it was emptied is another store.
    world.redis.run::<()>(&["FLUSHALL"]);
    world.snapshot(
        "other_store",
        &world.project.expect(3, &["apply", "change.plan"]),
    );
    assert_eq!(
        world.redis.run::<Vec<String>>(&["KEYS", "*"]),
        Vec::<String>::new()
    );
}

#[test]
fn a_store_of_another_bucket_formula_is_refused() {
    let world = World::new();
    world.project.expect(0, &["apply", "-q"]);
    world
        .redis
        .run::<()>(&["HSET", "hoist:{ff}", "buckets", "crc32/100"]);
    for command in ["plan", "apply"] {
        let run = world.project.expect(3, &[command, "-q"]);
        world.snapshot("other_buckets", &run);
    }
}

#[test]
fn a_server_that_says_no_is_quoted() {
    let world = World::with(&["requirepass s3cr3t", "databases 2"]);
    let at =
        |login: &str, rest: &str| format!("redis://{login}127.0.0.1:{}{rest}", world.redis.port);
    for (name, url) in [
        ("no_password", at("", "")),
        ("wrong_password", at(":other@", "")),
        ("unknown_user", at("ana:s3cr3t@", "")),
        ("wrong_database", at(":s3cr3t@", "/7")),
    ] {
        let run = world.project.expect(2, &["apply", "-q", "--store", &url]);
        world.snapshot(name, &run);
    }
    world
        .project
        .expect(0, &["apply", "-q", "--store", &at(":s3cr3t@", "/1")]);
    let user = [
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">s3cr3t",
        "~*",
        "+@read",
        "+@connection",
        "+time",
    ];
    world.redis.run::<()>(&user);
    let run = world
        .project
        .expect(2, &["apply", "-q", "--store", &at("reader:s3cr3t@", "")]);
    assert!(run.stderr.contains("all that hoist needs"), "{run:#?}");
    assert!(!run.shown().contains("s3cr3t"), "{run:#?}");
}
