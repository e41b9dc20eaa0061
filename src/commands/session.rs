//! What a command works on: the configuration, the flag files, the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Zoned;

use super::Failure;
use crate::cli::Global;
use crate::config::{self, Config, Environment};
use crate::diagnostic::{Diagnostic, Files};
use crate::rules::{Context, Levels, Settings};
use crate::source;
use crate::store::{self, Store};

/// The configuration in force, and where it was found.
pub(super) struct Session<'a> {
    pub global: &'a Global,
    pub config: Config,
    /// Directory that paths in hoist.toml start from.
    pub root: PathBuf,
    /// Directory hoist runs in.
    pub here: PathBuf,
    /// What is wrong with hoist.toml.
    pub mistakes: Option<(Files, Vec<Diagnostic>)>,
}

impl<'a> Session<'a> {
    pub(super) fn open(global: &'a Global) -> Result<Self, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::impossible("cannot tell the current directory").because(error))?;
        let file = global.config.clone().map(|file| here.join(file)).or_else(|| config::find(&here));
        let mut session = Self {
            global,
            config: Config::default(),
            root: here.clone(),
            here,
            mistakes: None,
        };
        if let Some(file) = file {
            session.read_config(&file)?;
        }
        Ok(session)
    }

    fn read_config(&mut self, path: &Path) -> Result<(), Failure> {
        let name = source::display_name(path, &self.here);
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::impossible(format!("cannot read `{name}`")).because(error))?;
        let mut files = Files::default();
        let file = files.add(name, Some(Arc::from(text.as_str())));
        let (config, mistakes) = config::parse(file, &text);
        self.config = config;
        if let Some(root) = path.parent() {
            self.root = root.to_owned();
        }
        if !mistakes.is_empty() {
            self.mistakes = Some((files, mistakes));
        }
        Ok(())
    }

    pub(super) fn flags_directory(&self) -> PathBuf {
        self.root.join(&self.config.flags)
    }

    pub(super) fn lint_settings(&self) -> Settings {
        let mut levels = Levels::default();
        for (rule, level) in &self.config.lint.rules {
            // Names were checked when hoist.toml was read.
            let _ = levels.set(rule, *level);
        }
        Settings {
            context: Context {
                today: self.global.today.unwrap_or_else(|| Zoned::now().date()),
                environments: self.config.environments.keys().cloned().collect(),
                max_flag_age_days: self.config.lint.max_flag_age_days,
                max_step: self.config.lint.max_step,
            },
            levels,
        }
    }

    pub(super) fn environment(&self) -> Result<&Environment, Failure> {
        Ok(self.config.environment(self.global.env.as_deref())?)
    }

    pub(super) fn open_store(&self, environment: &Environment) -> Result<Box<dyn Store>, Failure> {
        let url = match &self.global.store {
            Some(url) => url.clone(),
            None => environment.store_url(|name| std::env::var(name).ok())?,
        };
        let options = store::Options {
            // A relative path on the command line starts where the user is.
            base: if self.global.store.is_some() { self.here.clone() } else { self.root.clone() },
            connect_timeout: self.global.timeout.min(store::Options::default().connect_timeout),
            timeout: self.global.timeout,
            ..store::Options::default()
        };
        Ok(store::open(&url, &environment.prefix, &options)?)
    }
}
