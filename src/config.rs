//! hoist.toml: raw text first, valid configuration second. Mistakes in it are diagnostics, as in
//! any other file.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, FileId};
use crate::plan::guard::Policy;
use crate::rules::{CONFIG, Level, Limits, meant_environment};
use crate::source::{Alias, CodePattern};
use crate::store::TlsFiles;

mod read;
mod secrets;
#[cfg(test)]
mod tests;

pub use secrets::mask_secrets;

/// Name of the configuration file, at the repository's root.
pub const FILE_NAME: &str = "hoist.toml";

/// Id under which mistakes in hoist.toml are reported.
pub const RULE: &str = CONFIG.id;

/// A valid configuration. Paths are as written: relative to the directory of hoist.toml.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Directory of the flag files.
    pub flags: PathBuf,
    /// In file order.
    pub environments: IndexMap<String, Environment>,
    /// Whether the environments are as they were meant: no mistake can have changed them.
    pub is_sound: bool,
    pub lint: Lint,
    pub refs: Refs,
}

/// Where code is, and how it names flags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refs {
    /// Directories of code.
    pub src: Vec<PathBuf>,
    pub aliases: Vec<Alias>,
    pub patterns: Vec<CodePattern>,
}

/// A named destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    pub name: String,
    /// URL of the store, in which `${NAME}` stands for an environment variable.
    pub store: String,
    pub prefix: String,
    /// Whether flags that are gone from the flag set are deleted.
    pub prune: bool,
    /// Whether `hoist watch` deletes as many flags as are gone without being asked again.
    pub watch_prune: bool,
    /// Whether `hoist watch` keeps its hands off.
    pub protected_environment: bool,
    /// How many replicas must have a commit.
    pub wait_replicas: usize,
    /// PEM files for TLS, as written: `${NAME}` stands for an environment variable.
    pub tls: TlsFiles,
    pub policy: Policy,
    /// How many commits the history keeps, at least.
    pub history_keep: usize,
}

/// How many commits the history keeps unless hoist.toml says otherwise.
pub const HISTORY_KEEP: usize = 1000;

/// How strict the linter is.
#[derive(Clone, Debug, PartialEq)]
pub struct Lint {
    pub limits: Limits,
    pub rules: Vec<(String, Level)>,
}

impl Default for Config {
    fn default() -> Self {
        let development = Environment {
            name: "development".into(),
            store: "sqlite:.hoist/flags.db".into(),
            prefix: "ff".into(),
            prune: true,
            // Nobody but the developer sees it.
            watch_prune: true,
            protected_environment: false,
            wait_replicas: 0,
            tls: TlsFiles::default(),
            policy: Policy::default(),
            history_keep: HISTORY_KEEP,
        };
        Self {
            flags: "flags".into(),
            environments: [(development.name.clone(), development)]
                .into_iter()
                .collect(),
            is_sound: true,
            lint: Lint {
                limits: Limits::default(),
                rules: Vec::new(),
            },
            refs: Refs::default(),
        }
    }
}

/// Reads the text of a hoist.toml. What is wrong in it is left at its default and reported.
#[must_use]
pub fn parse(file: FileId, text: &str) -> (Config, Vec<Diagnostic>) {
    read::config(file, text)
}

/// The nearest hoist.toml in `directory` or above it.
#[must_use]
pub fn find(directory: &Path) -> Option<PathBuf> {
    directory
        .ancestors()
        .map(|ancestor| ancestor.join(FILE_NAME))
        .find(|file| file.is_file())
}

/// Why there is no environment to work on, or no way to reach it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    #[error("there is no environment `{name}`; hoist.toml has {known}")]
    Unknown {
        name: String,
        known: String,
        suggestion: Option<String>,
    },
    #[error("which environment? hoist.toml has {known}")]
    Unnamed { known: String },
    #[error(
        "`{setting}` of environment `{environment}` needs the environment variable {variable}, which is not set"
    )]
    Variable {
        environment: String,
        setting: &'static str,
        variable: String,
    },
    #[error("`{setting}` of environment `{environment}` has a `${{` without a `}}`")]
    Unclosed {
        environment: String,
        setting: &'static str,
    },
}

impl EnvironmentError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown {
                suggestion: Some(name),
                ..
            } => format!("did you mean `--env {name}`?"),
            Self::Unknown { .. } => "pass one of them with `--env`, or add it to hoist.toml".into(),
            Self::Unnamed { .. } => "pass one of them with `--env`, or set HOIST_ENV".into(),
            Self::Variable { setting, .. } if *setting != STORE => {
                format!("set it to the file, or leave `{setting}` out")
            }
            Self::Variable { variable, .. } => {
                format!(
                    "set it, for example `export {variable}=redis://localhost:6379`, or pass `--store`"
                )
            }
            Self::Unclosed { .. } => "write it as `${NAME}`".into(),
        }
    }
}

impl Config {
    /// The names of all environments, for messages.
    #[must_use]
    pub fn known(&self) -> String {
        let names: Vec<_> = self
            .environments
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        names.join(", ")
    }

    /// The environment called `name`; without a name the only one, or `development`.
    pub fn environment(&self, name: Option<&str>) -> Result<&Environment, EnvironmentError> {
        let Some(name) = name else {
            let only = self
                .environments
                .values()
                .next()
                .filter(|_| self.environments.len() == 1);
            return only
                .or_else(|| self.environments.get("development"))
                .ok_or_else(|| EnvironmentError::Unnamed {
                    known: self.known(),
                });
        };
        self.environments
            .get(name)
            .ok_or_else(|| EnvironmentError::Unknown {
                name: name.to_owned(),
                known: self.known(),
                suggestion: meant_environment(name, self.environments.keys().map(String::as_str))
                    .map(str::to_owned),
            })
    }
}

/// The setting that names a store.
const STORE: &str = "store";

impl Environment {
    /// The store's URL, with `${NAME}` replaced by what `variable` gives for it.
    pub fn store_url(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<String, EnvironmentError> {
        self.filled_in(STORE, &self.store, &variable)
    }

    /// The files for TLS, with `${NAME}` replaced by what `variable` gives for it. Relative paths start
    /// from the directory of hoist.toml.
    pub fn tls_files(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<TlsFiles, EnvironmentError> {
        let fill_in = |setting, file: &Option<PathBuf>| {
            let Some(file) = file else {
                return Ok(None);
            };
            // It was text in hoist.toml.
            let filled_in = self.filled_in(setting, &file.to_string_lossy(), &variable)?;
            Ok(Some(PathBuf::from(filled_in)))
        };
        Ok(TlsFiles {
            ca: fill_in("ca_file", &self.tls.ca)?,
            cert: fill_in("cert_file", &self.tls.cert)?,
            key: fill_in("key_file", &self.tls.key)?,
        })
    }

    fn filled_in(
        &self,
        setting: &'static str,
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<String, EnvironmentError> {
        let mut filled_in = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after
                    .split_once('}')
                    .ok_or_else(|| EnvironmentError::Unclosed {
                        environment: self.name.clone(),
                        setting,
                    })?;
            filled_in += before;
            filled_in += &variable(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| EnvironmentError::Variable {
                    environment: self.name.clone(),
                    setting,
                    variable: name.to_owned(),
                })?;
            rest = after;
        }
        Ok(filled_in + rest)
    }
}
