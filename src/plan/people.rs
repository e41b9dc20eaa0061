//! What a change does to people. Computed where it is shown, since most flags do not change.

use super::{Change, Expect, RecordWrite};
use crate::eval::Malformed;
use crate::impact::{self, Impact, People};
use crate::record::Record;

/// A record before and after.
type Sides = (Option<Record>, Option<Record>);

impl Change {
    /// The records before and after.
    fn records(&self) -> Result<Sides, Malformed> {
        let parse = |bytes: &[u8]| Record::parse(bytes).map_err(Malformed::from);
        let before = match &self.write.expect {
            Expect::Value(bytes) => Some(parse(bytes)?),
            Expect::Absent | Expect::Any => None,
        };
        let after = match &self.write.record {
            RecordWrite::Set(bytes) => Some(parse(bytes)?),
            RecordWrite::Keep => before.clone(),
            RecordWrite::Delete => None,
        };
        Ok((before, after))
    }

    /// Shares of users that gain the flag, lose it, or get something else. `None` where nobody can
    /// tell, or nothing is written.
    #[must_use]
    pub fn impact(&self) -> Option<Impact> {
        self.evaluate(impact::between).ok()
    }

    /// What becomes of those that lists name, or why nobody can tell.
    #[must_use]
    pub fn impact_notes(&self) -> Vec<String> {
        if self.blocked.is_some() {
            return Vec::new();
        }
        let notes = self.evaluate(|flag, before, after| {
            impact::between(flag, before, after)?;
            Ok(impact::notes(flag, before, after))
        });
        match notes {
            Ok(notes) => notes,
            // The plan has said so.
            Err(Malformed::NotARecord(_)) => Vec::new(),
            Err(error) => vec![format!("what it does to users cannot be told: {error}")],
        }
    }

    /// To find out what it does to single users; `None` where nobody can tell.
    #[must_use]
    pub fn people(&self) -> Option<People> {
        self.evaluate(People::new).ok()
    }

    fn evaluate<T>(
        &self,
        evaluate: impl FnOnce(&str, Option<&Record>, Option<&Record>) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let (before, after) = self.records()?;
        evaluate(self.flag(), before.as_ref(), after.as_ref())
    }
}
