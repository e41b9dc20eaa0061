//! The connection is cut, at every byte.

use std::collections::BTreeMap;
use std::time::Duration;

use hoist::plan::{About, BUCKETS, Commit, Plan, Snapshot, Target};
use hoist::store::{Error, Options, Outcome, Store, open};
use redis::Connection;

use super::flags;
use crate::support::cutter::{Cut, Cutter, How, Way};
use crate::support::dump::{Dump, Saved};
use crate::support::extent::is_full;
use crate::support::flagsets::target_of;
use crate::support::redis::RedisServer;

const FLAGS: usize = 20;

/// A store, a commit for it, and what both come to.
struct World {
    server: RedisServer,
    direct: Connection,
    cutter: Cutter,
    options: Options,
    target: Target,
    planned: Option<(Snapshot, Commit)>,
    start: Saved,
    old: Dump,
    new: Dump,
}

impl World {
    /// `from` is what the store holds before; none for a new one.
    fn new(from: Option<usize>, watch_up_to: usize) -> Self {
        let server = RedisServer::start();
        let mut direct = server.connect();
        let cutter = Cutter::start(server.port);
        let options = Options {
            timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_millis(250),
            watch_up_to,
            ..Options::default()
        };
        if let Some(version) = from {
            let mut store = open(&server.unix_url(), "ff", &options).expect("a fine URL");
            apply(&mut *store, &target_of(&flags(FLAGS, version)), &mut None)
                .expect("a first apply");
        }
        let mut world = Self {
            start: Saved::of(&mut direct),
            old: Dump::of(&mut direct),
            new: Dump::default(),
            server,
            direct,
            cutter,
            options,
            target: target_of(&flags(FLAGS, 2)),
            planned: None,
        };
        world.apply_undisturbed();
        world.new = Dump::of(&mut world.direct);
        world
    }

    fn apply_through(&mut self, url: &str) -> Result<Outcome, Error> {
        let mut store = open(url, "ff", &self.options).expect("a fine URL");
        apply(&mut *store, &self.target, &mut self.planned)
    }

    fn apply_undisturbed(&mut self) {
        self.start.put_back(&mut self.direct);
        self.cutter.arm(None);
        let url = self.cutter.url();
        let applied = self.apply_through(&url);
        applied.expect("an apply that nothing disturbs");
    }

    fn now(&mut self) -> Dump {
        Dump::of(&mut self.direct).without_fence()
    }

    /// Applies while the connection is cut, and says how that ended.
    fn try_with(&mut self, cut: Cut) -> &'static str {
        let url = self.cutter.url();
        let mut tries = 0;
        let (result, has_cut) = loop {
            self.start.put_back(&mut self.direct);
            self.cutter.arm(Some(cut));
            let result = self.apply_through(&url);
            let has_cut = self.cutter.has_cut();
            // On a busy machine the time may be up before the cut is reached.
            tries += 1;
            if has_cut || tries == 5 || !matches!(result, Err(Error::Timeout { .. })) {
                break (result, has_cut);
            }
        };
        let now = self.now();
        let ended = match &result {
            Ok(Outcome::Committed { .. }) => {
                assert!(now == self.new, "{cut:?} is said to be written: {now:#?}");
                if has_cut {
                    "recognised"
                } else {
                    "not disturbed"
                }
            }
            Ok(Outcome::Moved(moved)) => panic!("{cut:?}: {moved:?}"),
            Err(Error::OutcomeUnknown { .. }) => {
                assert!(
                    now == self.old || now == self.new,
                    "{cut:?} is torn: {now:#?}"
                );
                "not known"
            }
            Err(error) => {
                assert!(has_cut, "{cut:?}: {error}");
                assert!(now == self.old, "{cut:?}, {error}: {now:#?}");
                "not written"
            }
        };
        self.converge(cut);
        ended
    }

    /// A second run puts right what is left to do, and does nothing twice.
    fn converge(&mut self, cut: Cut) {
        let url = self.server.unix_url();
        // What is still on its way may come first.
        let written =
            (0..3).any(|_| matches!(self.apply_through(&url), Ok(Outcome::Committed { .. })));
        assert!(written, "{cut:?}: a second run does not get through");
        let now = self.now();
        assert!(now == self.new, "{cut:?}: a second run leaves {now:#?}");
    }
}

/// Reads, plans and commits, as `hoist apply` does, with the same id and the same clock each time.
/// `before` is what was planned from what was read last time.
fn apply(
    store: &mut dyn Store,
    target: &Target,
    before: &mut Option<(Snapshot, Commit)>,
) -> Result<Outcome, Error> {
    let mut snapshot = store.read()?;
    snapshot.now = 1_700_000_000.5;
    if let Some((same, commit)) = before
        && *same == snapshot
    {
        return store.commit(commit);
    }
    let plan = Plan::new(target, "redis", "ff", snapshot.clone());
    if plan.is_empty() {
        let generation = snapshot.generation;
        return Ok(Outcome::Committed { generation });
    }
    let about = About {
        digest: plan.digest.clone(),
        actor: Some("ana".to_owned()),
        version: "1".to_owned(),
        buckets: BUCKETS.to_owned(),
        source: "apply".to_owned(),
        at: snapshot.now,
        ..About::default()
    };
    let id = format!("commit-{}", snapshot.generation);
    let commit = plan.into_commit(id, "lineage".to_owned(), about);
    let outcome = store.commit(&commit);
    *before = Some((snapshot, commit));
    outcome
}

/// Where commands and answers end in a conversation.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = vec![0];
    let mut at = 0;
    while at < bytes.len() {
        at = end(bytes, at);
        ends.push(at);
    }
    ends
}

/// Where the value ends that begins here.
fn end(bytes: &[u8], start: usize) -> usize {
    let line = bytes[start..]
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a whole line");
    let after = start + line + 1;
    let text = std::str::from_utf8(&bytes[start + 1..after - 2]).expect("text");
    match (bytes[start], text.parse::<i64>()) {
        (b'$', Ok(length @ 0..)) => after + length as usize + 2,
        (b'*', Ok(count @ 0..)) => (0..count).fold(after, |at, _| end(bytes, at)),
        _ => after,
    }
}

/// Cuts a conversation of each kind at every byte, or only where commands and answers end, and
/// somewhere in between.
fn sweep(from: Option<usize>, watch_up_to: usize) {
    let mut world = World::new(from, watch_up_to);
    let mut ended = BTreeMap::<_, usize>::new();
    let (mut points, mut bytes) = (0, 0);
    for way in [Way::ToServer, Way::ToClient] {
        world.apply_undisturbed();
        let conversation = world.cutter.passed(way);
        let ends = ends(&conversation);
        bytes += conversation.len();
        for after in 0..=conversation.len() {
            let close = is_full() || ends.contains(&after) || after % 997 == 0;
            let dead = close && after % if is_full() { 10 } else { 5 } == 0;
            let stall = after % if is_full() { 499 } else { 4999 } == 50;
            for (how, heals, wanted) in [
                (How::Close, true, close),
                (How::Close, false, dead),
                (How::Stall, true, stall),
            ] {
                if wanted {
                    let cut = Cut {
                        way,
                        after,
                        how,
                        heals,
                    };
                    *ended.entry(world.try_with(cut)).or_default() += 1;
                    points += 1;
                }
            }
        }
    }
    eprintln!(
        "from {from:?}, watching up to {watch_up_to} records, {bytes} bytes: {points} cuts: {ended:?}"
    );
    assert!(ended.len() >= 3, "{ended:?}");
}

#[test]
fn a_first_apply() {
    sweep(None, 500);
}

#[test]
fn a_first_large_apply() {
    sweep(None, 0);
}

#[test]
fn a_later_apply() {
    sweep(Some(1), 500);
}

#[test]
fn a_later_large_apply() {
    sweep(Some(1), 0);
}
