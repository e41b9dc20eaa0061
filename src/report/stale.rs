//! Flags that are due for removal, as all formats take them, and in words.

use super::words;
use crate::plan::{Source, StoreRef};
use crate::stale::{By, Due, Limits, Reason, Since};
use crate::store::Info;

/// What `hoist stale` found.
#[derive(Clone, Copy, Debug)]
pub struct Stale<'a> {
    /// The store that was read, if one was.
    pub store: Option<&'a Store>,
    pub limits: &'a Limits,
    /// The code that was looked through, if any was.
    pub searched: Option<&'a Searched>,
    /// How many flags were judged.
    pub checked: usize,
    /// In the order in which to remove them.
    pub items: &'a [Item],
    /// What could not be known.
    pub notes: &'a [String],
}

#[derive(Clone, Debug)]
pub struct Store {
    pub environment: Option<String>,
    pub info: Info,
    pub store: StoreRef,
}

#[derive(Clone, Debug)]
pub struct Searched {
    pub directories: Vec<String>,
    /// Number of files.
    pub files: usize,
}

/// A flag that is due.
#[derive(Clone, Debug)]
pub struct Item {
    pub due: Due,
    /// Where it is defined.
    pub source: Option<Source>,
    /// The first few places of the code that refer to it.
    pub places: Vec<String>,
}

impl Item {
    /// What to do about it, as an order.
    pub(super) fn next(&self) -> String {
        let flag = &self.due.known.flag;
        let forgotten = |reason: &Reason| matches!(reason, Reason::RolledBack { .. });
        if self.due.reasons.iter().all(forgotten) {
            return format!(
                "decide: `hoist restore {flag}`, or remove it from the code and then from git"
            );
        }
        let delete = match &self.source {
            Some(source) => format!("delete it from {}, and apply", source.file),
            None => "delete it from its flag file, and apply".to_owned(),
        };
        match self.due.known.uses {
            Some(0) => delete,
            _ => format!("take it out of the code, then {delete}"),
        }
    }

    /// `src/app.py:12, src/web.ts:3 and 4 more`; none where code was not looked through, or has nothing.
    pub(super) fn code(&self) -> Option<String> {
        let uses = self.due.known.uses.filter(|uses| *uses > 0)?;
        let shown = self.places.join(", ");
        Some(match uses.saturating_sub(self.places.len()) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        })
    }

    /// `search-team, 213 days old`.
    pub(super) fn about(&self) -> String {
        let owner = self.due.known.owner.as_deref().unwrap_or("no owner");
        match self.due.age {
            Some(age) => format!("{owner}, {} old", days(age)),
            None => owner.to_owned(),
        }
    }
}

impl Stale<'_> {
    /// Why a flag is due, and what says so.
    pub(super) fn evidence(&self, reason: &Reason) -> String {
        match reason {
            Reason::Unreferenced => match self.searched {
                Some(searched) => format!(
                    "no code refers to it: none of {} below {}",
                    super::count(searched.files, "file"),
                    searched.directories.join(", ")
                ),
                None => "no code refers to it".to_owned(),
            },
            Reason::RolledBack { stop, days: past } => {
                format!("stopped for {}{}", days(*past), words::of_stop(stop))
            }
            Reason::Everyone {
                since,
                days: past,
                variant,
            } => {
                let what = match variant {
                    Some(variant) => format!("every user has had variant `{variant}`"),
                    None => "on for everyone".to_owned(),
                };
                format!("{what} for {}{}", days(*past), self::since(since))
            }
            Reason::ExperimentOver { on, days: past } => {
                format!("the experiment ended {} ago, on {on}", days(*past))
            }
            Reason::Expired { on, days: past } => format!("expired {} ago, on {on}", days(*past)),
        }
    }

    /// `2 of 14 flags are due for removal`.
    pub(super) fn summary(&self) -> String {
        let checked = super::count(self.checked, "flag");
        match self.items.len() {
            0 => format!("Checked {checked}: none is due for removal"),
            1 => format!("Checked {checked}: 1 is due for removal"),
            due => format!("Checked {checked}: {due} are due for removal"),
        }
    }
}

/// `, since 2026-09-01 12:00 UTC by its `stage_started``.
fn since(since: &Since) -> String {
    let least = if since.at_least { "at least " } else { "" };
    let time = words::time(since.at).unwrap_or_default();
    let by = match &since.by {
        By::Record(field) => format!("by the record's `{field}`"),
        By::History { generation } => format!("by generation {generation} of the store"),
        By::Git { commit, line } => {
            let short = commit.get(..12).unwrap_or(commit);
            format!("by line {line} as of commit {short}")
        }
    };
    format!(", {least}since {time}, {by}")
}

pub(super) fn days(number: i64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} day{plural}")
}
