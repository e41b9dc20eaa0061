//! What an environment guards.

use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::{Entry, Reader};
use crate::model::Percent;
use crate::plan::guard::{Freeze, Pattern};

impl Reader {
    pub(super) fn patterns(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<Pattern> {
        self.list(key, value, |reader, text, value| {
            match Pattern::new(&text) {
                Ok(pattern) => Some(pattern),
                Err(problem) => {
                    reader
                        .report(value.span(), format!("`{text}` is no pattern: {problem}"))
                        .help = Some(
                        "write keys of flags, with `*` for any characters: \"payments.*\"".into(),
                    );
                    None
                }
            }
        })
    }

    pub(super) fn freezes(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<Freeze> {
        self.list(key, value, |reader, text, value| {
            match Freeze::parse(&text, |zone| TimeZone::get(zone).ok()) {
                Ok(freeze) => Some(freeze),
                Err(problem) => {
                    reader.report(value.span(), format!("`{text}` {problem}")).help =
                        Some("write from/to and a time zone: \"Fri 16:00/Mon 08:00 Europe/Berlin\" for every week, \"2026-12-23 18:00/2027-01-02 UTC\" for once".into());
                    None
                }
            }
        })
    }

    pub(super) fn percent(&mut self, (key, value): Entry<'_>) -> Option<Percent> {
        let number = self.number((key, value), 0.0, 100.0)?;
        let percent = Percent::from_f64(number);
        if percent.is_none() {
            let message = format!("`{}` has more than 3 decimals", key.get_ref());
            self.report(value.span(), message);
        }
        percent
    }

    /// A list of strings, each of them read by `read`.
    pub(super) fn list<T>(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        mut read: impl FnMut(&mut Self, String, &Spanned<DeValue<'_>>) -> Option<T>,
    ) -> Vec<T> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key.get_ref(), value, "a list of strings");
            return Vec::new();
        };
        let mut list = Vec::new();
        for item in items.iter() {
            if let Some(text) = self.string(key, item) {
                list.extend(read(self, text, item));
            }
        }
        list
    }
}
