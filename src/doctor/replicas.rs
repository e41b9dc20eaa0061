//! Who has what the primary has.

use super::facts::{Fields, Server};
use super::words::{count, size, time};
use super::{Finding, Level};

const CHECK: &str = "replicas";
/// Seconds since a replica was last heard of.
const SILENT: u64 = 10;
/// Bytes that a replica may be behind.
const BEHIND: u64 = 1 << 20;

/// One finding for each trouble, or one that there is none.
pub(super) fn examine(facts: &Server, info: &Fields) -> Vec<Finding> {
    if info.text("role") == Some("slave") {
        return vec![own_link(info)];
    }
    let replicas: Vec<Replica> = info.0.iter().filter_map(Replica::parse).collect();
    let offset = info.number("master_repl_offset").unwrap_or(0);
    let mut findings: Vec<Finding> = replicas
        .iter()
        .filter_map(|replica| replica.trouble(offset))
        .collect();
    let online = replicas.iter().filter(|replica| replica.is_online).count();
    let follow =
        "a server becomes a replica by `REPLICAOF HOST PORT`, with this one's host and port";
    let wanted = facts.wait_replicas;
    if online < wanted {
        findings.push(
            Finding::new(
                CHECK,
                Level::Error,
                format!(
                    "each commit waits for {}, and {online} of them {} there",
                    count(wanted, "replica"),
                    if online == 1 { "is" } else { "are" }
                ),
            )
            .advise(format!(
                "{follow}; until then `wait_replicas` is more than there is"
            )),
        );
    } else if replicas.is_empty() {
        let (level, found) = if facts.has_watchers {
            (Level::Warning, "none: nobody takes over from this server")
        } else {
            (
                Level::Note,
                "none: what only this server has is lost with it",
            )
        };
        findings.push(Finding::new(CHECK, level, found).advise(follow));
    }
    if findings.is_empty() {
        let found = format!("{}, not behind", count(online, "replica"));
        findings.push(Finding::new(CHECK, Level::Ok, found));
    }
    findings
}

/// How a replica stands to its primary.
fn own_link(info: &Fields) -> Finding {
    if info.text("master_link_status") == Some("up") {
        return Finding::new(CHECK, Level::Ok, "its primary is connected");
    }
    let since = info.number("master_link_down_since_seconds");
    let since = since.map(|seconds| format!(" for {}", time(seconds as f64)));
    Finding::new(
        CHECK,
        Level::Error,
        format!(
            "the link to its primary has been down{}: what it says is old",
            since.unwrap_or_default()
        ),
    )
    .redis("INFO replication")
}

/// What a primary says of one replica.
struct Replica {
    address: String,
    state: String,
    is_online: bool,
    /// Seconds since it was last heard of.
    silent: u64,
    /// How much it has.
    offset: u64,
}

impl Replica {
    /// `slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=1`
    fn parse((name, text): (&String, &String)) -> Option<Self> {
        name.strip_prefix("slave")?.parse::<usize>().ok()?;
        let field = |name: &str| {
            let mut pairs = text.split(',').filter_map(|pair| pair.split_once('='));
            pairs.find_map(|(found, value)| (found == name).then(|| value.to_owned()))
        };
        let number = |name: &str| field(name)?.parse().ok();
        let state = field("state")?;
        Some(Self {
            address: format!("{}:{}", field("ip")?, field("port")?),
            is_online: state == "online",
            state,
            silent: number("lag").unwrap_or(0),
            offset: number("offset").unwrap_or(0),
        })
    }

    fn trouble(&self, offset: u64) -> Option<Finding> {
        let at = &self.address;
        let behind = offset.saturating_sub(self.offset);
        let found = if !self.is_online {
            format!("{at} is not ready: {}", self.state)
        } else if self.silent > SILENT {
            format!("{at} was last heard of {} ago", time(self.silent as f64))
        } else if behind > BEHIND {
            format!("{at} is {} behind", size(behind))
        } else {
            return None;
        };
        Some(
            Finding::new(CHECK, Level::Warning, found)
                .advise(format!("`INFO replication` on {at} says what it waits for")),
        )
    }
}
