//! `hoist doctor`

use std::io::{self, Write};

use serde_json::Value;

use super::several::{self, Came, Kind};
use super::site::Site;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Doctor as Args, Global, OperatorFormat};
use crate::doctor::{Case, Damage, Finding, Level, examine};
use crate::plan::{Snapshot, StoreRef};
use crate::report::doctor::{self, Checkup};
use crate::report::write_json;
use crate::store::Error;

/// How checkups of several environments are counted.
const READ: Kind = ("read", "read");

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    if global.names_several() {
        return in_several(global, args, colors);
    }
    let mut site = Site::for_looking(global, args.prefix.as_deref(), colors)?;
    let seen = Seen::look(global, &mut site)?;
    print(|out| match args.format {
        OperatorFormat::Human => seen.human(out, &site, colors),
        OperatorFormat::Json => write_json(out, &seen.json(&site)),
    })?;
    Ok(seen.ending())
}

fn in_several(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environments = workspace.several()?.unwrap_or_default();
    let look = several::Look {
        json: args.format == OperatorFormat::Json,
        markdown: false,
        colors,
        kinds: &[READ],
    };
    several::run(&environments, look, |environment| {
        // What is said meanwhile would get between what is shown of others.
        let global = Global {
            quiet: true,
            verbose: false,
            ..global.for_environment(&environment.name)
        };
        let mut site = Site::for_looking(&global, args.prefix.as_deref(), colors)?;
        let seen = Seen::look(&global, &mut site)?;
        let mut text = Vec::new();
        seen.human(&mut text, &site, colors)
            .map_err(Failure::output)?;
        Ok(Came {
            text,
            json: seen.json(&site),
            kind: READ.0,
            said: seen.checkup(&site).summary(),
            ended: Ok(seen.ending()),
        })
    })
}

/// What was seen of one store.
struct Seen {
    store: StoreRef,
    is_read: bool,
    findings: Vec<Finding>,
}

impl Seen {
    /// Fails where the store cannot be reached, or is none that hoist could look at.
    fn look(global: &Global, site: &mut Site) -> Result<Self, Failure> {
        let snapshot = or_damage(site.store.read())?;
        let newest = or_damage(site.store.history(1))?;
        let newest = newest.map(|entries| entries.first().map(|entry| entry.generation));
        let flags: Vec<&str> = match &snapshot {
            Ok(snapshot) => snapshot.records.keys().map(String::as_str).collect(),
            Err(_) => Vec::new(),
        };
        let facts = site.store.facts(&flags)?;
        let store = match &snapshot {
            Ok(snapshot) => site.store_ref(snapshot),
            Err(_) => site.store_ref(&Snapshot::default()),
        };
        let findings = examine(&Case {
            facts: &facts,
            snapshot: snapshot.as_ref().map_err(Broken::as_damage),
            newest: newest.as_ref().copied().map_err(Broken::as_damage),
            prefix: &store.prefix,
            named: &named(global, site),
        });
        Ok(Self {
            store,
            is_read: snapshot.is_ok(),
            findings,
        })
    }

    fn checkup<'s>(&'s self, site: &'s Site) -> Checkup<'s> {
        Checkup {
            environment: site.environment.as_deref(),
            info: site.store.info(),
            store: &self.store,
            is_read: self.is_read,
            findings: &self.findings,
        }
    }

    fn human(&self, out: &mut dyn Write, site: &Site, colors: Colors) -> io::Result<()> {
        doctor::human(out, &self.checkup(site), colors.stdout)
    }

    fn json(&self, site: &Site) -> Value {
        doctor::json(&self.checkup(site))
    }

    fn ending(&self) -> Ending {
        let mut levels = self.findings.iter().map(|finding| finding.level);
        match levels.any(|level| level == Level::Error) {
            true => Ending::No,
            false => Ending::Done,
        }
    }
}

/// Why something in a store that can be reached cannot be read.
struct Broken {
    message: String,
    hint: Option<String>,
    forbidden: bool,
}

impl Broken {
    fn as_damage(&self) -> Damage<'_> {
        Damage {
            message: &self.message,
            hint: self.hint.as_deref(),
            forbidden: self.forbidden,
        }
    }
}

/// What was read, or what stands in the way if that is for a doctor to look at.
fn or_damage<T>(read: Result<T, Error>) -> Result<Result<T, Broken>, Failure> {
    let error = match read {
        Ok(read) => return Ok(Ok(read)),
        Err(error) => error,
    };
    let forbidden = matches!(error, Error::NoPermission { .. });
    let damaged = matches!(error, Error::Bookkeeping { .. } | Error::PrefixTaken { .. });
    if !forbidden && !damaged {
        return Err(error.into());
    }
    Ok(Err(Broken {
        message: error.to_string(),
        hint: error.hint(),
        forbidden,
    }))
}

/// What follows `hoist apply` to mean the same store.
fn named(global: &Global, site: &Site) -> String {
    match global.store {
        Some(_) => format!("{} --store {}", site.named, site.store.info().url),
        None => site.named.clone(),
    }
}
