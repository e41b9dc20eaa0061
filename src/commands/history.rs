//! `hoist history`

use std::io::{self, Write};

use serde_json::Value;

use super::several::{self, Came, Kind, Look};
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, count, print};
use crate::cli::{Global, History as Args, HistoryFormat};
use crate::config::Environment;
use crate::report;
use crate::store::{HistoryEntry, Info, Store};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    if let Some(environments) = workspace.several()? {
        let look = Look {
            json: args.format == HistoryFormat::Json,
            markdown: false,
            colors,
            kinds: &[READ],
        };
        return several::run(&environments, look, |environment| {
            came(&workspace, environment, args, colors)
        });
    }
    let environment = workspace.environment()?;
    let mut store = workspace.open_store(environment)?;
    let history = History::read(environment, store.as_mut(), args)?;
    print(|out| match args.format {
        HistoryFormat::Human => history.human(out, colors),
        HistoryFormat::Json => report::write_json(out, &history.json()),
    })?;
    Ok(Ending::Done)
}

/// How histories of several environments are counted.
const READ: Kind = ("read", "read");

fn came(
    workspace: &Workspace<'_>,
    environment: &Environment,
    args: &Args,
    colors: Colors,
) -> Result<Came, Failure> {
    let mut store = workspace.open_store(environment)?;
    let history = History::read(environment, store.as_mut(), args)?;
    let mut text = Vec::new();
    history.human(&mut text, colors).map_err(Failure::output)?;
    Ok(Came {
        text,
        json: history.json(),
        kind: READ.0,
        said: format!("{} shown", count(history.entries.len(), "commit")),
        ended: Ok(Ending::Done),
    })
}

/// What was asked for of a store's history.
struct History<'a> {
    environment: &'a Environment,
    store: Info,
    args: &'a Args,
    /// Newest first.
    entries: Vec<HistoryEntry>,
}

impl<'a> History<'a> {
    fn read(
        environment: &'a Environment,
        store: &mut dyn Store,
        args: &'a Args,
    ) -> Result<Self, Failure> {
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
        Ok(Self {
            environment,
            store: store.info().clone(),
            args,
            entries,
        })
    }

    fn report(&self) -> report::History<'_> {
        report::History {
            environment: &self.environment.name,
            store: &self.store,
            flags: &self.args.flags,
            entries: &self.entries,
        }
    }

    fn human(&self, out: &mut dyn Write, colors: Colors) -> io::Result<()> {
        report::history_human::history(out, &self.report(), colors.stdout)
    }

    fn json(&self) -> Value {
        report::history_json::value(&self.report())
    }
}
