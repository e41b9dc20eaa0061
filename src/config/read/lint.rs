//! The table `[lint]`.

use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::super::Config;
use super::{Entry, Reader};
use crate::model::parse_duration;
use crate::rules::{KeyStyle, Level, Levels, Limits};

/// The rule that checks nothing until `key_style` is set.
const STYLE_RULE: &str = "key-style";

/// What takes in one setting.
fn put<T>(to: &mut T, read: Option<T>) {
    if let Some(read) = read {
        *to = read;
    }
}

impl Reader {
    pub(super) fn lint(&mut self, entry: Entry<'_>, config: &mut Config) {
        let Some(table) = self.table(entry) else {
            return;
        };
        let limits = &mut config.lint.limits;
        for (key, value) in table {
            let at = (key, value);
            match key.get_ref().as_ref() {
                "max_flag_age_days" => {
                    put(&mut limits.max_flag_age_days, self.whole(at, 1, 36_500));
                }
                "max_step" => put(&mut limits.max_step, self.number(at, 0.001, 100.0)),
                "min_stage" => put(&mut limits.min_stage, self.duration(key, value)),
                "max_list" => put(&mut limits.max_list, self.whole(at, 0, 1_000_000)),
                "max_environments" => {
                    put(&mut limits.max_environments, self.whole(at, 0, 1_000));
                }
                "max_experiment_days" => {
                    put(&mut limits.max_experiment_days, self.whole(at, 1, 36_500));
                }
                "key_style" => limits.key_style = self.key_style(key, value),
                "rules" => {}
                _ => self.unknown(key, &[&Limits::NAMES[..], &["rules"]].concat()),
            }
        }
        if let Some(rules) = table.get_key_value("rules") {
            // One that is not understood has been told of.
            let is_styled = table.contains_key("key_style");
            self.rules(rules, is_styled, config);
        }
    }

    /// Seconds.
    fn duration(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<u64> {
        let text = self.string(key, value)?;
        let seconds = parse_duration(&text);
        if seconds.is_none() {
            let message = format!("`{}` is no duration: `{text}`", key.get_ref());
            self.report(value.span(), message).help =
                Some("write a whole number of minutes, hours, days or weeks, such as \"10m\", \"2h\", \"7d\" or \"1w\"".into());
        }
        seconds
    }

    fn key_style(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<KeyStyle> {
        let pattern = self.string(key, value)?;
        match KeyStyle::new(&pattern) {
            Ok(style) => Some(style),
            Err(problem) => {
                self.report(value.span(), format!("`key_style` {problem}"))
                    .help = Some(
                    "write what a whole key must match, such as '[a-z][a-z0-9]*(_[a-z0-9]+)*'"
                        .into(),
                );
                None
            }
        }
    }

    fn rules(&mut self, entry: Entry<'_>, is_styled: bool, config: &mut Config) {
        let Some(table) = self.table(entry) else {
            return;
        };
        for (key, value) in table {
            let level = match value.get_ref().as_str() {
                Some("off") => Level::Off,
                Some("warning") => Level::Warning,
                Some("error") => Level::Error,
                _ => {
                    let message = format!(
                        "the level of rule `{}` must be \"off\", \"warning\" or \"error\"",
                        key.get_ref()
                    );
                    self.report(value.span(), message);
                    continue;
                }
            };
            let name = key.get_ref();
            if name == STYLE_RULE && level != Level::Off && !is_styled {
                let message = format!("`{STYLE_RULE}` checks nothing while `key_style` is not set");
                self.report(key.span(), message).help =
                    Some("set it under `[lint]`: key_style = '[a-z][a-z0-9]*(_[a-z0-9]+)*'".into());
            }
            match Levels::default().set(name, level) {
                Ok(()) => config.lint.rules.push((name.clone().into_owned(), level)),
                Err(error) => {
                    self.report(key.span(), error.to_string());
                }
            }
        }
    }
}
