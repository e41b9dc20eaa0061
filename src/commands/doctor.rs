//! `hoist doctor`

use super::site::Site;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Doctor as Args, Global, OperatorFormat};
use crate::doctor::{Case, Damage, Level, examine};
use crate::plan::Snapshot;
use crate::report::doctor::{Checkup, human, json};
use crate::report::write_json;
use crate::store::Error;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let mut site = Site::for_looking(global, args.prefix.as_deref(), colors)?;
    let snapshot = or_damage(site.store.read())?;
    let newest = or_damage(site.store.history(1))?;
    let newest = newest.map(|entries| entries.first().map(|entry| entry.generation));
    let flags = snapshot.as_ref().map(flags).unwrap_or_default();
    let facts = site.store.facts(&flags)?;
    let store = match &snapshot {
        Ok(snapshot) => site.store_ref(snapshot),
        Err(_) => site.store_ref(&Snapshot::default()),
    };
    let case = Case {
        facts: &facts,
        snapshot: snapshot.as_ref().map_err(Broken::as_damage),
        newest: newest
            .as_ref()
            .map(|newest| *newest)
            .map_err(Broken::as_damage),
        prefix: &store.prefix,
        named: &named(global, &site),
    };
    let findings = examine(&case);
    let checkup = Checkup {
        environment: site.environment.as_deref(),
        info: site.store.info(),
        store,
        is_read: snapshot.is_ok(),
        findings: &findings,
    };
    print(|out| match args.format {
        OperatorFormat::Human => human(out, &checkup, colors.stdout),
        OperatorFormat::Json => write_json(out, &json(&checkup)),
    })?;
    let failed = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if failed { Ending::No } else { Ending::Done })
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
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(error) => match &error {
            Error::Bookkeeping { .. } | Error::PrefixTaken { .. } | Error::NoPermission { .. } => {
                Ok(Err(Broken {
                    message: error.to_string(),
                    forbidden: matches!(error, Error::NoPermission { .. }),
                    hint: error.hint(),
                }))
            }
            _ => Err(error.into()),
        },
    }
}

/// Every flag that has a record.
fn flags(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.records.keys().map(String::as_str).collect()
}

/// What follows `hoist apply` to mean the same store.
fn named(global: &Global, site: &Site) -> String {
    let mut named = site.named.clone();
    if global.store.is_some() {
        named += &format!(" --store {}", site.store.info().url);
    }
    named
}
