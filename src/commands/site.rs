//! Where operators work: an environment's store, reached without a single flag file, and with mistakes
//! in hoist.toml too, where `--store` says what counts.

mod work;

use std::io::{self, Write as _};
use std::time::Duration;

use super::workspace::Workspace;
use super::{Colors, Failure};
use crate::cli::Global;
use crate::config::{Environment, EnvironmentError, HISTORY_KEEP};
use crate::plan::guard::Policy;
use crate::store::{Store, TlsFiles};

pub(super) use work::{Done, Step, Subject, Why, line, once_each, refuse_frozen};

/// An environment's store.
pub(super) struct Site {
    /// None where only a store was named.
    pub environment: Option<String>,
    pub policy: Policy,
    pub store: Box<dyn Store>,
    /// How long a commit that is overtaken is tried again.
    patience: Duration,
    /// ` --env production`, where that had to be said.
    pub named: String,
}

impl Site {
    /// Opens the store of the environment that the options name. Where hoist.toml has several, one
    /// has to be named: stopping a flag in the wrong one would be a false comfort. `prefix` stands in
    /// for the environment's.
    pub(super) fn open(
        global: &Global,
        prefix: Option<&str>,
        colors: Colors,
    ) -> Result<Self, Failure> {
        Self::with(global, prefix, false, colors)
    }

    /// The same for commands that write nothing: without a name `development` is meant.
    pub(super) fn for_reading(global: &Global, colors: Colors) -> Result<Self, Failure> {
        Self::for_looking(global, None, colors)
    }

    /// The same, with another prefix than the environment's.
    pub(super) fn for_looking(
        global: &Global,
        prefix: Option<&str>,
        colors: Colors,
    ) -> Result<Self, Failure> {
        Self::with(global, prefix, true, colors)
    }

    fn with(
        global: &Global,
        prefix: Option<&str>,
        or_development: bool,
        colors: Colors,
    ) -> Result<Self, Failure> {
        let workspace = match Workspace::open(global) {
            Err(failure) if global.store.is_some() => {
                let _ = failure.print(&mut io::stderr().lock(), colors.stderr);
                Workspace::without_config(global)?
            }
            Err(failure) => {
                return Err(failure.hint(
                    "it must be a readable UTF-8 file; `--config FILE` names another, and `--store URL` does without",
                ));
            }
            Ok(workspace) => workspace,
        };
        if !workspace.config.is_sound && global.store.is_none() {
            // What it shows is what counts here.
            let _ = workspace.refuse_mistakes(colors);
            return Err(Failure::impossible(
                "which store is meant cannot be told from a hoist.toml with mistakes",
            )
            .hint("mend it, or pass `--store URL`, and `--prefix PREFIX` where that is not `ff`"));
        }
        let (named, mut environment) = choose(&workspace, prefix, or_development)?;
        if let Some(prefix) = prefix {
            environment.prefix = prefix.to_owned();
        }
        if !workspace.config.is_sound && !global.quiet {
            let _ = writeln!(
                io::stderr(),
                "hoist.toml has mistakes; going on with `--store` and prefix `{}`",
                environment.prefix
            );
        }
        let said = global.env.as_ref().filter(|_| named.is_some());
        Ok(Self {
            store: workspace.open_store(&environment)?,
            policy: environment.policy,
            patience: global.timeout,
            named: said.map_or_else(String::new, |name| format!(" --env {name}")),
            environment: named,
        })
    }
}

/// The environment to work on; its name only where it is known.
fn choose(
    workspace: &Workspace<'_>,
    prefix: Option<&str>,
    or_development: bool,
) -> Result<(Option<String>, Environment), Failure> {
    let (config, global) = (&workspace.config, workspace.global);
    let several = config.environments.len() > 1;
    let named = global.env.as_deref();
    let found = match named {
        None if several && !or_development || !config.is_sound => None,
        named => config.environment(named).ok(),
    };
    if let Some(environment) = found {
        return Ok((Some(environment.name.clone()), environment.clone()));
    }
    if global.store.is_none() || (named.is_some() && config.is_sound) {
        // Several and none named, or none of that name.
        return Err(match config.environment(named) {
            Err(error) => error,
            Ok(_) => EnvironmentError::Unnamed {
                known: config.known(),
            },
        }
        .into());
    }
    // A store was named. What is left to know is the prefix.
    let mut prefixes = config.environments.values().map(|each| &each.prefix);
    let first = prefixes.next().filter(|_| config.is_sound);
    let one = first.filter(|first| prefixes.all(|prefix| prefix == *first));
    let prefix = match (prefix, one) {
        (Some(prefix), _) => prefix,
        (None, Some(prefix)) => prefix,
        (None, None) if config.is_sound => {
            return Err(EnvironmentError::Unnamed {
                known: config.known(),
            }
            .into());
        }
        (None, None) => "ff",
    };
    let environment = Environment {
        name: named.unwrap_or_default().to_owned(),
        store: String::new(),
        prefix: prefix.to_owned(),
        prune: false,
        watch_prune: false,
        protected_environment: false,
        wait_replicas: 0,
        tls: TlsFiles::default(),
        policy: Policy::default(),
        history_keep: HISTORY_KEEP,
    };
    Ok((named.map(str::to_owned), environment))
}
