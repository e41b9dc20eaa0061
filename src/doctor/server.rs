//! A Redis: what it is, its clock, its memory, and keys that it will delete.

use super::facts::{Fields, Server, Unasked};
use super::words::{count, list, quoted, size, time};
use super::{Case, Finding, Level, persistence, replicas, rights};

/// The oldest Redis that hoist works with.
const OLDEST: (u32, u32) = (6, 2);
/// Seconds that clocks may be apart.
const APART: f64 = 2.0;
/// Seconds from which on the windows of a freeze and the stages of rollouts are plainly wrong.
const FAR_APART: f64 = 300.0;
/// Percent of `maxmemory` from which on it is short.
const NEARLY_FULL: u64 = 90;
/// Keys that are mended one by one.
const MENDED: usize = 20;

pub(super) fn examine(facts: &Server, case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &facts.info {
        Ok(info) => {
            findings.push(server(facts, info));
            findings.push(clock(facts));
            findings.push(eviction(info));
            findings.push(memory(info));
            findings.push(expiry(facts, case));
            findings.extend(persistence::examine(facts, info));
            findings.extend(replicas::examine(facts, info));
        }
        Err(unasked) => {
            let unknown = |check| unknown(check, unasked, facts);
            findings.push(unknown("server"));
            findings.push(clock(facts));
            findings.extend(["eviction", "memory"].map(unknown));
            findings.push(expiry(facts, case));
            findings.extend(["persistence", "replicas"].map(unknown));
        }
    }
    findings.extend(rights::examine(&facts.rights));
    findings
}

/// What could not be looked at, and the right that it takes.
pub(super) fn unknown(check: &'static str, unasked: &Unasked, facts: &Server) -> Finding {
    let reason = &unasked.reason;
    let finding = Finding::new(check, Level::Unknown, format!("it is not told: {reason}"));
    if !unasked.forbidden {
        return finding;
    }
    let user = quoted(facts.rights.user.as_deref().unwrap_or("default"));
    finding.redis(format!("ACL SETUSER {user} {}", unasked.right))
}

fn server(facts: &Server, info: &Fields) -> Finding {
    let name = match info.text("server_name") {
        Some("valkey") => "Valkey",
        _ => "Redis",
    };
    let version = info.text("redis_version").unwrap_or_default();
    let own = info.text("valkey_version").unwrap_or(version);
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let at = &facts.address;
    let new = |level, found: String| Finding::new("server", level, found);
    if info.text("role") == Some("slave") {
        let host = info.text("master_host").unwrap_or("?");
        let port = info.text("master_port").unwrap_or("?");
        return new(
            Level::Error,
            format!("{at} is a replica of {host}:{port}, and takes no writes"),
        )
        .advise(format!(
            "write the store as redis://{host}:{port}, or name sentinels, which know the primary"
        ));
    }
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => new(
            Level::Error,
            format!("{at} is {name} {own}; hoist needs 6.2 or later"),
        )
        .advise("large commits are refused there: update it"),
        (Some(_), Some(_)) => new(Level::Ok, format!("{name} {own} at {at}, a primary")),
        _ => new(
            Level::Unknown,
            format!("{at} does not say which version it is"),
        ),
    }
}

fn clock(facts: &Server) -> Finding {
    let new = |level, found: String| Finding::new("clock", level, found);
    let clock = match &facts.clock {
        Ok(clock) => clock,
        Err(unasked) => return unknown("clock", unasked, facts),
    };
    let away = clock.theirs - clock.ours;
    // The answer may have been given at any moment of the time that it took.
    let surely = (away.abs() - clock.took / 2.0).max(0.0);
    if surely < APART {
        return new(Level::Ok, "it agrees with this machine's".to_owned());
    }
    let side = if away < 0.0 { "behind" } else { "ahead of" };
    let level = if surely < FAR_APART {
        Level::Warning
    } else {
        Level::Error
    };
    new(level, format!("it is {} {side} this machine's", time(away.abs()))).advise(
        "stages of rollouts, freezes and the history go by the store's clock: on the machine that is wrong, \
         `timedatectl set-ntp true` sets it right",
    )
}

fn eviction(info: &Fields) -> Finding {
    let new = |level, found: String| Finding::new("eviction", level, found);
    let Some(policy) = info.text("maxmemory_policy") else {
        let found = "the server does not say what it deletes when memory runs short";
        return new(Level::Unknown, found.to_owned());
    };
    let limit = info.number("maxmemory").unwrap_or(0);
    let so_far = match info.number("evicted_keys").unwrap_or(0) {
        0 => String::new(),
        keys => format!(", {keys} keys so far"),
    };
    let finding = match (policy.split('-').next().unwrap_or_default(), limit) {
        ("noeviction", _) => return new(Level::Ok, format!("{policy}: nothing is deleted")),
        ("volatile", _) => {
            let found = format!("{policy}: only keys that expire are deleted");
            return new(Level::Ok, found);
        }
        ("allkeys", 0) => new(
            Level::Warning,
            format!("{policy}: any flag may be deleted as soon as `maxmemory` is set{so_far}"),
        ),
        ("allkeys", limit) => new(
            Level::Error,
            format!(
                "{policy}: any flag may be deleted once {} are used{so_far}",
                size(limit)
            ),
        ),
        _ => {
            let found = format!("{policy} is a policy that hoist does not know{so_far}");
            return new(Level::Unknown, found);
        }
    };
    lasting(
        finding.redis("CONFIG SET maxmemory-policy noeviction"),
        info,
    )
}

/// Keeps a change of the configuration over a restart.
pub(super) fn lasting(finding: Finding, info: &Fields) -> Finding {
    if info
        .text("config_file")
        .is_some_and(|file| !file.is_empty())
    {
        finding.redis("CONFIG REWRITE")
    } else {
        finding.advise("it lasts until the server is started again: keep it in its configuration")
    }
}

fn memory(info: &Fields) -> Finding {
    let new = |level, found: String| Finding::new("memory", level, found);
    let Some(used) = info.number("used_memory") else {
        return new(
            Level::Unknown,
            "the server does not say how much is used".to_owned(),
        );
    };
    let limit = info.number("maxmemory").unwrap_or(0);
    if limit == 0 {
        return new(Level::Ok, format!("{} used, without a limit", size(used)));
    }
    let percent = used.saturating_mul(100) / limit;
    let found = format!("{} of {} used ({percent} %)", size(used), size(limit));
    let level = match percent {
        100.. => Level::Error,
        NEARLY_FULL.. => Level::Warning,
        _ => return new(Level::Ok, found),
    };
    let finding = new(
        level,
        format!("{found}: once it is full, commits are refused"),
    );
    let more = used.max(limit).saturating_mul(3) / 2 / (1 << 20) + 1;
    let machine = info.number("total_system_memory").unwrap_or(u64::MAX);
    if more > machine >> 20 {
        let machine = size(machine);
        return finding.advise(format!(
            "the machine has {machine}: free some, or take another"
        ));
    }
    lasting(
        finding.redis(format!("CONFIG SET maxmemory {more}mb")),
        info,
    )
}

fn expiry(facts: &Server, case: &Case<'_>) -> Finding {
    let expiring = match &facts.expiring {
        Ok(expiring) => expiring,
        Err(unasked) => return unknown("expiry", unasked, facts),
    };
    let new = |level, found: String| Finding::new("expiry", level, found);
    let Some(next) = expiring.first() else {
        let keys = count(facts.keys, "key");
        return new(Level::Ok, format!("none of {keys} is deleted by time"));
    };
    let is_managed = |flag: &Option<String>| match (flag, case.snapshot) {
        (Some(flag), Ok(snapshot)) => snapshot.specs.contains_key(flag),
        _ => true,
    };
    let ours = expiring.iter().any(|key| is_managed(&key.flag));
    let level = if ours { Level::Error } else { Level::Warning };
    let names: Vec<&str> = expiring.iter().map(|key| key.key.as_str()).collect();
    let (are, first) = match names.len() {
        1 => ("is", ""),
        _ => ("are", "the first "),
    };
    let found = format!(
        "{} of {} {are} deleted by time, {first}in {}: {}",
        names.len(),
        count(facts.keys, "key"),
        time(next.milliseconds as f64 / 1000.0),
        list(&names)
    );
    let mut finding = new(level, found);
    for key in names.iter().take(MENDED) {
        finding = finding.redis(format!("PERSIST {}", quoted(key)));
    }
    if names.len() > MENDED {
        finding = finding.advise(format!(
            "these are the first {MENDED}; run it again for the rest, and find out who sets times on these keys"
        ));
    }
    finding
}
