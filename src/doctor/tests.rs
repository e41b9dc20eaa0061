//! Facts as data, and what is said of them.

mod records;

use super::facts::{Clock, Expiring, Extent, Fields, File, Rights, Server, Unasked};
use super::{CHECKS, Case, Facts, Finding, Level, Of, Place, examine};
use crate::plan::{BUCKETS, Snapshot, Stored};
use crate::record::Record;

/// A server that nothing is wrong with, with these lines of INFO changed or added.
fn server(lines: &str) -> Server {
    let fine = "redis_version:7.0.15\nrole:master\nmaxmemory:0\nmaxmemory_policy:noeviction\n\
                used_memory:1048576\naof_enabled:1\nconnected_slaves:1\nmaster_repl_offset:5000000\n\
                slave0:ip=10.0.0.2,port=6379,state=online,offset=5000000,lag=0\nconfig_file:/etc/redis.conf\n";
    let mut info = Fields::parse(fine);
    info.0.extend(Fields::parse(lines).0);
    Server {
        address: "10.0.0.1:6379".into(),
        has_watchers: false,
        wait_replicas: 0,
        info: Ok(info),
        config: Ok(fields(&[("save", ""), ("appendfsync", "everysec")])),
        clock: Ok(Clock {
            theirs: 1000.0,
            ours: 1000.0,
            took: 0.001,
        }),
        expiring: Ok(Vec::new()),
        keys: 6,
        left_behind: Vec::new(),
        rights: Rights {
            user: Some("hoist".into()),
            extent: Extent::All,
            lacking: Vec::new(),
            beyond: Vec::new(),
            rules: "~ff:* +mget".into(),
        },
    }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Fields(pairs.iter().map(owned).collect())
}

fn file() -> File {
    File {
        path: "flags.db".into(),
        size: Some(20_480),
        is_older: false,
        damage: Vec::new(),
        journal: "wal".into(),
        unwritable: None,
        is_open: false,
    }
}

/// A store at generation 3 with the flags `a` and `b`, as they were applied.
fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot {
        lineage: Some("lineage".into()),
        generation: 3,
        now: 1000.0,
        buckets: Some(BUCKETS.into()),
        ..Snapshot::default()
    };
    for flag in ["a", "b"] {
        let bytes = br#"{"type":"boolean","enabled":true,"percentage":10}"#;
        let digest = Record::parse(bytes).unwrap().spec.digest();
        snapshot.specs.insert(flag.into(), digest);
        snapshot
            .records
            .insert(flag.into(), Stored::Value(bytes.to_vec().into()));
    }
    snapshot
}

fn case<'c>(facts: &'c Facts, snapshot: &'c Snapshot) -> Case<'c> {
    Case {
        facts,
        snapshot: Ok(snapshot),
        newest: Ok(Some(3)),
        prefix: "ff",
        named: " --env production",
    }
}

fn of(facts: Facts) -> Vec<Finding> {
    examine(&case(&facts, &snapshot()))
}

fn of_server(server: Server) -> Vec<Finding> {
    of(Facts::Server(Box::new(server)))
}

/// The findings that are neither fine nor a note, each as `check level: found [advice] {commands}`.
fn said(findings: &[Finding]) -> String {
    let bad = findings.iter().filter(|finding| finding.level != Level::Ok);
    let lines = bad.map(|finding| {
        let mut line = format!("{} {:?}: {}", finding.check, finding.level, finding.found);
        if let Some(advice) = &finding.advice {
            line += &format!(" [{advice}]");
        }
        for fix in &finding.fixes {
            let prompt = match fix.place {
                Place::Redis => ">",
                Place::Shell => "$",
            };
            line += &format!(" {prompt} {}", fix.command);
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_store_that_is_well_gets_a_line_a_check() {
    for (facts, of_it) in [
        (Facts::Server(Box::new(server(""))), Of::Server),
        (Facts::File(file()), Of::File),
    ] {
        let findings = of(facts);
        assert_eq!(said(&findings), "");
        let checks: Vec<_> = findings.iter().map(|finding| finding.check).collect();
        let expected = CHECKS
            .iter()
            .filter(|check| [of_it, Of::Any].contains(&check.of));
        assert_eq!(checks, expected.map(|check| check.name).collect::<Vec<_>>());
    }
}

/// What a server with these lines of INFO is told.
#[test]
fn what_a_server_says_is_judged() {
    const KEEP: &str = "> CONFIG REWRITE";
    for (lines, expected) in [
        ("redis_version:6.2.0", String::new()),
        ("redis_version:7.2.4\nserver_name:valkey\nvalkey_version:8.0.1", String::new()),
        (
            "redis_version:6.0.16",
            "server Error: 10.0.0.1:6379 is Redis 6.0.16; hoist needs 6.2 or later [large commits are refused there: update it]".into(),
        ),
        (
            "redis_version:seven",
            "server Unknown: 10.0.0.1:6379 does not say which version it is".into(),
        ),
        (
            "maxmemory_policy:allkeys-lru",
            format!("eviction Warning: allkeys-lru: any flag may be deleted as soon as `maxmemory` is set > CONFIG SET maxmemory-policy noeviction {KEEP}"),
        ),
        (
            "maxmemory_policy:allkeys-lfu\nmaxmemory:104857600\nevicted_keys:12",
            format!("eviction Error: allkeys-lfu: any flag may be deleted once 100 MiB are used, 12 keys so far > CONFIG SET maxmemory-policy noeviction {KEEP}"),
        ),
        ("maxmemory_policy:volatile-ttl\nmaxmemory:104857600", String::new()),
        (
            "maxmemory_policy:allkeys-lru\nconfig_file:",
            "eviction Warning: allkeys-lru: any flag may be deleted as soon as `maxmemory` is set [it lasts until the server is started again: keep it in its configuration] > CONFIG SET maxmemory-policy noeviction".into(),
        ),
        ("maxmemory:1200000", String::from("")),
        (
            "maxmemory:1100000",
            format!("memory Warning: 1 MiB of 1 MiB used (95 %): once it is full, commits are refused > CONFIG SET maxmemory 2mb {KEEP}"),
        ),
        (
            "maxmemory:1",
            format!("memory Error: 1 MiB of 1 B used (104857600 %): once it is full, commits are refused > CONFIG SET maxmemory 2mb {KEEP}"),
        ),
        (
            "maxmemory:1100000\ntotal_system_memory:1500000",
            "memory Warning: 1 MiB of 1 MiB used (95 %): once it is full, commits are refused [the machine has 1.4 MiB: free some, or take another]".into(),
        ),
        (
            "maxmemory_policy:cache",
            "eviction Unknown: cache is a policy that hoist does not know".into(),
        ),
        (
            "rdb_last_bgsave_status:err",
            "persistence Error: the last snapshot could not be written to the disk [the server's log says why; it is often a full disk, or a folder that it may not write] > BGSAVE".into(),
        ),
        (
            "aof_last_write_status:err\naof_last_bgrewrite_status:err",
            "persistence Error: the last commands could not be appended to the file [the server's log says why; it is often a full disk, or a folder that it may not write] > BGREWRITEAOF\n\
             persistence Warning: the file that is appended to could not be written anew, and goes on growing [the server's log says why; it is often a full disk, or a folder that it may not write] > BGREWRITEAOF".into(),
        ),
        (
            "aof_enabled:0",
            format!("persistence Error: nothing is kept on a disk: a restart loses all flags, stops and the history > CONFIG SET appendonly yes {KEEP}"),
        ),
        (
            "slave0:ip=10.0.0.2,port=6379,state=online,offset=1000,lag=0",
            "replicas Warning: 10.0.0.2:6379 is 4.8 MiB behind [`INFO replication` on 10.0.0.2:6379 says what it waits for]".into(),
        ),
        (
            "slave0:ip=10.0.0.2,port=6379,state=online,offset=5000000,lag=60",
            "replicas Warning: 10.0.0.2:6379 was last heard of 60 s ago [`INFO replication` on 10.0.0.2:6379 says what it waits for]".into(),
        ),
        (
            "slave0:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0",
            "replicas Warning: 10.0.0.2:6379 is not ready: wait_bgsave [`INFO replication` on 10.0.0.2:6379 says what it waits for]".into(),
        ),
        (
            "role:slave\nmaster_host:10.0.0.9\nmaster_port:6379\nmaster_link_status:down\nmaster_link_down_since_seconds:300",
            "server Error: 10.0.0.1:6379 is a replica of 10.0.0.9:6379, and takes no writes [write the store as redis://10.0.0.9:6379, or name sentinels, which know the primary]\n\
             replicas Error: the link to its primary has been down for 5 min: what it says is old > INFO replication".into(),
        ),
    ] {
        assert_eq!(said(&of_server(server(lines))), expected, "{lines}");
    }
}

#[test]
fn settings_decide_how_safe_a_disk_is() {
    let with = |save: &str, fsync: &str, lines: &str| {
        let config = Ok(fields(&[("save", save), ("appendfsync", fsync)]));
        said(&of_server(Server {
            config,
            ..server(lines)
        }))
    };
    assert_eq!(with("", "always", ""), "");
    assert_eq!(
        with("3600 1", "no", ""),
        "persistence Warning: what is appended is not synchronised with the disk (appendfsync no): the system decides when > CONFIG SET appendfsync everysec > CONFIG REWRITE"
    );
    let snapshots = "aof_enabled:0\nrdb_changes_since_last_save:7\nrdb_last_save_time:1000\nserver_time_usec:1720000000";
    assert_eq!(
        with("3600 1", "everysec", snapshots),
        "persistence Warning: only snapshots are kept: what came after the last one is lost with the server (12 min old, 7 changes since) > CONFIG SET appendonly yes > CONFIG REWRITE"
    );
}

#[test]
fn what_a_server_does_not_have_is_not_taken_for_fine() {
    let mut server = server("aof_enabled:0");
    if let Ok(info) = &mut server.info {
        for field in ["maxmemory_policy", "used_memory", "redis_version"] {
            info.0.remove(field);
        }
    }
    server.config = Ok(Fields::default());
    let findings = of_server(server);
    let unknown: Vec<_> = findings
        .iter()
        .filter(|finding| finding.level == Level::Unknown)
        .map(|finding| finding.check)
        .collect();
    assert_eq!(unknown, ["server", "eviction", "memory", "persistence"]);
}

#[test]
fn what_is_not_told_is_said_with_the_right_that_it_takes() {
    let unasked = |right, forbidden| Unasked {
        right,
        reason: "no".into(),
        forbidden,
    };
    let findings = of_server(Server {
        info: Err(unasked("+info", true)),
        config: Err(unasked("+config|get", true)),
        expiring: Err(unasked("+pttl", false)),
        ..server("")
    });
    let info = "it is not told: no > ACL SETUSER hoist +info";
    let expected = [
        format!("server Unknown: {info}"),
        format!("eviction Unknown: {info}"),
        format!("memory Unknown: {info}"),
        "expiry Unknown: it is not told: no".to_owned(),
        format!("persistence Unknown: {info}"),
        format!("replicas Unknown: {info}"),
    ];
    assert_eq!(said(&findings), expected.join("\n"));
    // What INFO says of the file that is appended to is enough.
    let config = Err(unasked("+config|get", true));
    let appends = Server {
        config: config.clone(),
        ..server("")
    };
    assert_eq!(said(&of_server(appends)), "");
    let silent = Server {
        config,
        ..server("aof_enabled:0")
    };
    assert_eq!(
        said(&of_server(silent)),
        "persistence Unknown: it is not told: no > ACL SETUSER hoist +config|get"
    );
}

#[test]
fn clocks_are_compared_as_well_as_the_answer_was_quick() {
    for (theirs, took, expected) in [
        (1001.9, 0.0, ""),
        (1010.0, 18.0, ""),
        (
            1010.0,
            0.1,
            "clock Warning: it is 10 s ahead of this machine's",
        ),
        (
            400.0,
            0.1,
            "clock Error: it is 10 min behind this machine's",
        ),
    ] {
        let clock = Ok(Clock {
            theirs,
            ours: 1000.0,
            took,
        });
        let found = said(&of_server(Server {
            clock,
            ..server("")
        }));
        let found = found.split(" [").next().unwrap();
        assert_eq!(found, expected, "{theirs} {took}");
    }
}

#[test]
fn replicas_are_counted_against_what_is_asked_for() {
    let without = || {
        let mut server = server("");
        if let Ok(info) = &mut server.info {
            info.0.remove("slave0");
        }
        server
    };
    let first = |server| {
        let found = said(&of_server(server));
        found.split(" [").next().unwrap().to_owned()
    };
    assert_eq!(
        first(without()),
        "replicas Note: none: what only this server has is lost with it"
    );
    let watched = Server {
        has_watchers: true,
        ..without()
    };
    assert_eq!(
        first(watched),
        "replicas Warning: none: nobody takes over from this server"
    );
    let waiting = Server {
        wait_replicas: 2,
        ..server("")
    };
    assert_eq!(
        first(waiting),
        "replicas Error: each commit waits for 2 replicas, and 1 of them is there"
    );
}

#[test]
fn keys_that_end_are_named_with_what_keeps_them() {
    let key = |key: &str, flag: Option<&str>, milliseconds| Expiring {
        key: key.into(),
        flag: flag.map(str::to_owned),
        milliseconds,
    };
    let found = |expiring: Vec<Expiring>| {
        said(&of_server(Server {
            expiring: Ok(expiring),
            ..server("")
        }))
    };
    assert_eq!(
        found(vec![
            key("ff:a", Some("a"), 60_000),
            key("hoist:{ff}", None, 90_000)
        ]),
        "expiry Error: 2 of 6 keys are deleted by time, the first in 60 s: `ff:a`, `hoist:{ff}` > PERSIST ff:a > PERSIST hoist:{ff}"
    );
    assert_eq!(
        found(vec![key("ff:x y", Some("x y"), 500)]),
        "expiry Warning: 1 of 6 keys is deleted by time, in 0.5 s: `ff:x y` > PERSIST \"ff:x y\""
    );
    let many = (0..100).map(|n| key(&format!("ff:{n}"), None, 1)).collect();
    let found = found(many);
    assert_eq!(found.matches("PERSIST").count(), 20);
    assert!(found.contains("and 95 more"), "{found}");
}

#[test]
fn rights_are_too_few_or_too_many() {
    let found = |user: Option<&str>, extent, lacking: &[&str], beyond: &[&'static str]| {
        let mut server = server("");
        server.rights = Rights {
            user: user.map(str::to_owned),
            extent,
            lacking: lacking.iter().map(|rule| (*rule).to_owned()).collect(),
            beyond: beyond.to_vec(),
            ..server.rights
        };
        said(&of_server(server))
    };
    assert_eq!(
        found(Some("ci"), Extent::Part, &["+scan", "~ff:*"], &[]),
        "rights Error: `ci` lacks +scan ~ff:* > ACL SETUSER ci +scan ~ff:*"
    );
    assert_eq!(
        found(Some("ops"), Extent::Operating, &["+scan"], &[]),
        "rights Note: `ops` may stop, restore and move flags, and not apply"
    );
    assert_eq!(
        found(Some("eye"), Extent::Looking, &["+hset"], &[]),
        "rights Note: `eye` may look at everything, and write nothing"
    );
    assert_eq!(
        found(Some("ci"), Extent::All, &[], &["FLUSHALL"]),
        "rights Warning: `ci` may do far more than hoist needs: `FLUSHALL` [SECURITY.md has the least rights of each role] \
         > ACL SETUSER ci resetkeys resetchannels -@all ~ff:* +mget"
    );
    assert!(
        found(None, Extent::All, &[], &["FLUSHALL"])
            .ends_with("> ACL SETUSER hoist on >PASSWORD ~ff:* +mget")
    );
}
