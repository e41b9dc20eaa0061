//! `hoist history`

use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Global, History as Args, HistoryFormat};
use crate::report;
use crate::store::HistoryEntry;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    let environment = workspace.environment()?;
    let mut store = workspace.open_store(environment)?;
    let now = store.read_flags(&[])?.now;
    let since = args.since.map(|since| since.seconds(now));
    let wanted = |entry: &HistoryEntry| {
        since.is_none_or(|since| entry.at >= since)
            && (args.flags.is_empty()
                || args
                    .flags
                    .iter()
                    .any(|flag| entry.records.contains_key(flag)))
    };
    // Which entries are wanted shows only when they are there.
    let all = args.flags.is_empty() && since.is_none();
    let most = if all { args.limit } else { usize::MAX };
    let mut entries = store.history(most)?;
    entries.retain(wanted);
    entries.truncate(args.limit);
    let history = report::History {
        environment: &environment.name,
        store: store.info(),
        flags: &args.flags,
        entries: &entries,
    };
    print(|out| match args.format {
        HistoryFormat::Human => report::history_human::history(out, &history, colors.stdout),
        HistoryFormat::Json => report::write_json(out, &report::history_json::value(&history)),
    })?;
    Ok(Ending::Done)
}
