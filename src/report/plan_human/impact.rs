//! What a plan does to people, for people.

use std::io::{self, Write};

use anstyle::AnsiColor;
use serde_json::Value;

use super::Paint;
use crate::eval::grouped;
use crate::impact::People;
use crate::plan::{Action, Change};
use crate::report::Affected;
use crate::report::text::visible;

/// What one change does to people.
pub(super) struct Effect {
    /// Shares of users, in words.
    shares: Option<String>,
    /// What becomes of those that lists name.
    pub notes: Vec<String>,
}

impl Effect {
    pub(super) fn new(change: &Change) -> Self {
        // A flag that is new shows whom it is for already.
        if change.action == Action::Create || change.blocked.is_some() {
            return Self {
                shares: None,
                notes: Vec::new(),
            };
        }
        let notes = change.impact_notes();
        let shares = change.impact().and_then(|impact| {
            if impact.is_none() {
                nobody(change).filter(|_| notes.is_empty())
            } else {
                Some(impact.to_string())
            }
        });
        Self { shares, notes }
    }

    /// The shares, and what happens to the users of a list.
    pub(super) fn lines(
        &self,
        out: &mut dyn Write,
        people: Option<&People>,
        paint: Paint,
    ) -> io::Result<()> {
        lines(out, self.shares.as_deref(), people, paint)
    }
}

/// Shares of users, and what happens to those of a list.
pub(super) fn lines(
    out: &mut dyn Write,
    shares: Option<&str>,
    people: Option<&People>,
    paint: Paint,
) -> io::Result<()> {
    let style = paint.style(AnsiColor::Cyan.on_default().bold());
    if let Some(shares) = shares {
        writeln!(out, "      {style}{}{style:#}", visible(shares))?;
    }
    if let Some(people) = people.filter(|people| !people.is_none()) {
        let people = visible(&people.to_string());
        writeln!(out, "      {style}of the list{style:#} {people}")?;
    }
    Ok(())
}

/// That nobody gets anything else, where it is worth a line: the change touches what could decide.
fn nobody(change: &Change) -> Option<String> {
    let fields = change.fields();
    let decides = |path: &str| !path.starts_with("meta") && path != "paused_at";
    if !fields.iter().any(|field| decides(&field.path)) {
        return None;
    }
    let after = change.after()?;
    let text = match after.get("enabled") {
        Some(Value::Bool(false)) if after.contains_key("rolled_back_at") => {
            "nobody gets anything else while it is rolled back"
        }
        Some(Value::Bool(false)) => "nobody gets anything else while it is off",
        _ => "nobody gets anything else",
    };
    Some(text.to_owned())
}

/// "Of 1,000 users in `list.txt` 12 get something else."
pub(in crate::report) fn summary(out: &mut dyn Write, affected: &Affected) -> io::Result<()> {
    let some = match affected.affected {
        0 => "nobody gets".to_owned(),
        1 => "1 gets".to_owned(),
        some => format!("{} get", grouped(some)),
    };
    writeln!(
        out,
        "Of {} user{} in {} {some} something else.",
        grouped(affected.users),
        if affected.users == 1 { "" } else { "s" },
        visible(&affected.list)
    )
}
