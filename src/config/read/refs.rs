//! The table `[refs]`.

use std::path::PathBuf;

use super::super::Config;
use super::{Entry, Reader};
use crate::source::{Alias, CodePattern};

const KNOWN: [&str; 3] = ["src", "aliases", "patterns"];

impl Reader {
    pub(super) fn refs(&mut self, entry: Entry<'_>, config: &mut Config) {
        let Some(table) = self.table(entry) else {
            return;
        };
        let refs = &mut config.refs;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "src" => {
                    refs.src = self.list(key, value, |_, text, _| Some(PathBuf::from(text)));
                }
                "aliases" => {
                    refs.aliases = self.list(key, value, |reader, text, value| {
                        let alias = Alias::find(&text);
                        if alias.is_none() {
                            let help = match Alias::suggest(&text) {
                                Some(meant) => format!("did you mean `{}`?", meant.as_str()),
                                None => format!(
                                    "known aliases: {}",
                                    Alias::ALL.map(Alias::as_str).join(", ")
                                ),
                            };
                            reader
                                .report(value.span(), format!("there is no alias `{text}`"))
                                .help = Some(help);
                        }
                        alias
                    });
                }
                "patterns" => {
                    refs.patterns = self.list(key, value, |reader, text, value| {
                        let pattern = CodePattern::new(&text);
                        if let Err(problem) = &pattern {
                            reader
                                .report(value.span(), format!("pattern `{text}` {problem}"))
                                .help = Some(
                                "write code with `{key}` for the flag's key: \"flags.{key}\""
                                    .into(),
                            );
                        }
                        pattern.ok()
                    });
                }
                _ => self.unknown(key, &KNOWN),
            }
        }
    }
}
