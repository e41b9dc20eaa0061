//! Whether flags are on a disk, and how late they get there.

use super::facts::{Fields, Server};
use super::server::{lasting, unknown};
use super::words::time;
use super::{Finding, Level};

const CHECK: &str = "persistence";

/// One finding for each trouble, or one that there is none.
pub(super) fn examine(facts: &Server, info: &Fields) -> Vec<Finding> {
    let mut findings = Vec::from_iter(failures(info));
    let kept = kept(facts, info);
    if findings.is_empty() || kept.level != Level::Ok {
        findings.push(kept);
    }
    findings
}

/// What is kept on a disk, as it is set.
fn kept(facts: &Server, info: &Fields) -> Finding {
    let appends = info.text("aof_enabled") == Some("1");
    let new = |level, found: &str| Finding::new(CHECK, level, found);
    let config = match &facts.config {
        Ok(config) => config,
        Err(_) if appends => return new(Level::Ok, "commits are appended to a file"),
        Err(unasked) => return unknown(CHECK, unasked, facts),
    };
    let finding = match (appends, config.text("appendfsync"), config.text("save")) {
        (true, Some("no"), _) => new(
            Level::Warning,
            "what is appended is not synchronised with the disk (appendfsync no): the system decides when",
        )
        .redis("CONFIG SET appendfsync everysec"),
        (true, Some("always"), _) => {
            return new(Level::Ok, "every commit is appended to a file at once");
        }
        (true, _, _) => return new(Level::Ok, "commits are appended to a file, within a second"),
        (false, _, Some("")) => new(
            Level::Error,
            "nothing is kept on a disk: a restart loses all flags, stops and the history",
        )
        .redis("CONFIG SET appendonly yes"),
        (false, _, Some(_)) => {
            new(Level::Warning, &snapshots_only(info)).redis("CONFIG SET appendonly yes")
        }
        (false, _, None) => {
            let found = "the server does not say whether it keeps snapshots";
            return new(Level::Unknown, found);
        }
    };
    lasting(finding, info)
}

fn snapshots_only(info: &Fields) -> String {
    let changes = info.number("rdb_changes_since_last_save").unwrap_or(0);
    let now = info
        .number("server_time_usec")
        .map(|micros| micros / 1_000_000);
    let age = match (now, info.number("rdb_last_save_time")) {
        (Some(now), Some(saved)) => {
            format!("{} old, ", time(now.saturating_sub(saved) as f64))
        }
        _ => String::new(),
    };
    format!(
        "only snapshots are kept: what came after the last one is lost with the server ({age}{changes} changes since)"
    )
}

/// What went wrong the last time.
fn failures(info: &Fields) -> impl Iterator<Item = Finding> {
    let log =
        "the server's log says why; it is often a full disk, or a folder that it may not write";
    [
        (
            "rdb_last_bgsave_status",
            Level::Error,
            "the last snapshot could not be written to the disk",
            "BGSAVE",
        ),
        (
            "aof_last_write_status",
            Level::Error,
            "the last commands could not be appended to the file",
            "BGREWRITEAOF",
        ),
        (
            "aof_last_bgrewrite_status",
            Level::Warning,
            "the file that is appended to could not be written anew, and goes on growing",
            "BGREWRITEAOF",
        ),
    ]
    .into_iter()
    .filter(|(field, ..)| info.text(field) == Some("err"))
    .map(move |(_, level, found, command)| {
        Finding::new(CHECK, level, found).advise(log).redis(command)
    })
}
