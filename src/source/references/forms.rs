//! What flags are called in code.

use crate::diagnostic::did_you_mean;

/// A way in which code writes the key of a flag as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alias {
    Camel,
    Pascal,
    Constant,
    Snake,
}

impl Alias {
    pub const ALL: [Self; 4] = [Self::Camel, Self::Pascal, Self::Constant, Self::Snake];

    /// By an example of itself, as hoist.toml has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Camel => "camelCase",
            Self::Pascal => "PascalCase",
            Self::Constant => "SCREAMING_SNAKE_CASE",
            Self::Snake => "snake_case",
        }
    }

    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alias| alias.as_str() == name)
    }

    /// The one that was meant.
    #[must_use]
    pub fn suggest(name: &str) -> Option<Self> {
        did_you_mean(name, Self::ALL.map(Self::as_str)).and_then(Self::find)
    }

    /// The name of `key`; none for a key of one word, which as a name would mean anything.
    #[must_use]
    pub fn of(self, key: &str) -> Option<String> {
        let words: Vec<&str> = key
            .split(['_', '-', '.'])
            .filter(|word| !word.is_empty())
            .collect();
        if words.len() < 2 {
            return None;
        }
        Some(match self {
            Self::Camel => {
                let (first, rest) = words.split_first()?;
                let rest: String = rest.iter().map(|word| capitalized(word)).collect();
                format!("{first}{rest}")
            }
            Self::Pascal => words.iter().map(|word| capitalized(word)).collect(),
            Self::Constant => words.join("_").to_ascii_uppercase(),
            Self::Snake => words.join("_"),
        })
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// Stands for the key in a pattern.
const KEY: &str = "{key}";

/// A piece of code with a key in it: `flags.{key}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePattern {
    /// What stands before the key; never blank.
    pub before: String,
    /// What stands behind it; may be empty.
    pub after: String,
}

impl CodePattern {
    /// Reads a pattern as hoist.toml has it.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with it.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        match text.split(KEY).collect::<Vec<_>>()[..] {
            [before, after] if !before.trim().is_empty() => Ok(Self {
                before: before.to_owned(),
                after: after.to_owned(),
            }),
            [_, _] => Err("has nothing before `{key}`, so every word would match"),
            [_] => Err("has no `{key}` in it"),
            _ => Err("has more than one `{key}`"),
        }
    }
}
