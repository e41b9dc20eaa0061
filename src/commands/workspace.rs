//! What a command works on: the configuration, the flag files, the store.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Zoned;

use super::{Colors, Failure, count, width};
use crate::cli::Global;
use crate::config::{self, Config, Environment};
use crate::diagnostic::{Diagnostic, Files};
use crate::report::Root;
use crate::report::markdown::Links;
use crate::report::text::visible;
use crate::rules::{Context, Levels, Settings};
use crate::store::{self, Store, TlsFiles};
use crate::{report, source};

/// The configuration in force, and where it was found.
pub(super) struct Workspace<'a> {
    pub global: &'a Global,
    pub config: Config,
    /// Directory that paths in hoist.toml start from.
    pub root: PathBuf,
    /// Directory hoist runs in.
    pub here: PathBuf,
    /// Whether there is a hoist.toml.
    pub has_config: bool,
    /// Where it is.
    pub config_file: Option<PathBuf>,
    /// Its text.
    pub config_text: Option<String>,
    /// What is wrong with hoist.toml.
    pub mistakes: Option<(Files, Vec<Diagnostic>)>,
}

impl<'a> Workspace<'a> {
    pub(super) fn open(global: &'a Global) -> Result<Self, Failure> {
        let mut workspace = Self::bare(global)?;
        let file = global
            .config
            .as_ref()
            .map(|file| workspace.here.join(file))
            .or_else(|| config::find(&workspace.here));
        match file {
            Some(file) => workspace.read_config(&file)?,
            None => workspace.tell(format_args!(
                "no hoist.toml: the one environment is `development`"
            )),
        }
        Ok(workspace)
    }

    /// Where hoist.toml cannot be read.
    pub(super) fn without_config(global: &'a Global) -> Result<Self, Failure> {
        let mut workspace = Self::bare(global)?;
        workspace.config.is_sound = false;
        Ok(workspace)
    }

    fn bare(global: &'a Global) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| {
            Failure::impossible("cannot tell the current directory").because(error)
        })?;
        Ok(Self {
            global,
            config: Config::default(),
            root: here.clone(),
            here,
            has_config: false,
            config_file: None,
            config_text: None,
            mistakes: None,
        })
    }

    /// Says what is done, under `--verbose`.
    fn tell(&self, what: fmt::Arguments<'_>) {
        if self.global.verbose {
            // Nobody to tell is no reason to fail.
            let _ = writeln!(io::stderr(), "{what}");
        }
    }

    /// Stops where hoist.toml has mistakes, and shows them: with it misread, the wrong flag files
    /// might be read or the wrong store be written.
    pub(super) fn refuse_mistakes(&self, colors: Colors) -> Result<(), Failure> {
        let Some((files, mistakes)) = &self.mistakes else {
            return Ok(());
        };
        let found = report::Lint {
            files,
            checked: 0,
            flags: 0,
            diagnostics: mistakes,
            unread: &[],
        };
        report::human::findings(&found, colors.stderr, width(), &mut io::stderr().lock())
            .map_err(Failure::output)?;
        let name = files.0.first().map_or("hoist.toml", |file| &file.name);
        Err(Failure::findings(format!(
            "{} in `{name}`; nothing was planned",
            count(mistakes.len(), "error")
        ))
        .hint("mend it; `hoist lint` checks it together with the flag files"))
    }

    fn read_config(&mut self, path: &Path) -> Result<(), Failure> {
        let name = source::display_name(path, &self.here);
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::impossible(format!("cannot read the configuration `{name}`"))
                .because(error)
                .hint("it must be a readable UTF-8 file; `--config FILE` names another")
        })?;
        if let Some(root) = path.parent() {
            self.root = root.to_owned();
        }
        self.config_file = Some(path.to_owned());
        self.take_config(&name, &text);
        self.config_text = Some(text);
        Ok(())
    }

    /// Takes `text` for the configuration.
    pub(super) fn take_config(&mut self, name: &str, text: &str) {
        let mut files = Files::default();
        // What is kept of the text is kept to be shown.
        let file = files.add(name, Some(Arc::from(config::mask_secrets(text))));
        self.tell(format_args!("configuration: {}", files.name(file)));
        let (config, mistakes) = config::parse(file, text);
        self.config = config;
        self.has_config = true;
        if !mistakes.is_empty() {
            self.mistakes = Some((files, mistakes));
        }
    }

    pub(super) fn flags_directory(&self) -> PathBuf {
        self.root.join(&self.config.flags)
    }

    /// The repository that hoist runs in, or else the directory.
    pub(super) fn repository(&self) -> Root {
        let mut above = self.here.ancestors();
        let root = above.find(|directory| directory.join(".git").exists());
        Root::new(root.unwrap_or(&self.here), &self.here)
    }

    /// Links from comments to the lines of files: what was asked for, or else what the CI system says of
    /// itself.
    pub(super) fn links(&self, base: Option<&str>) -> Links {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let github = || {
            let (server, repository) = (
                variable("GITHUB_SERVER_URL")?,
                variable("GITHUB_REPOSITORY")?,
            );
            Some(format!(
                "{server}/{repository}/blob/{}",
                variable("GITHUB_SHA")?
            ))
        };
        let gitlab = || {
            let (project, commit) = (variable("CI_PROJECT_URL")?, variable("CI_COMMIT_SHA")?);
            Some(format!("{project}/-/blob/{commit}"))
        };
        let base = base.map(str::to_owned).or_else(github).or_else(gitlab);
        Links::new(base.as_deref(), self.repository())
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
                limits: self.config.lint.limits.clone(),
            },
            levels,
        }
    }

    pub(super) fn environment(&self) -> Result<&Environment, Failure> {
        Ok(self.config.environment(self.global.env.as_deref())?)
    }

    /// The environments that were asked for, each once, where that may be several, to reach their
    /// stores; `None` where one is meant.
    pub(super) fn several(&self) -> Result<Option<Vec<&Environment>>, Failure> {
        if self.global.names_several() && self.global.store.is_some() {
            return Err(Failure::impossible(
                "`--store` names one store, and several environments have one each",
            )
            .hint("leave it out, and HOIST_STORE unset, or name one environment with `--env`"));
        }
        self.chosen()
    }

    /// The same where no store is needed.
    pub(super) fn chosen(&self) -> Result<Option<Vec<&Environment>>, Failure> {
        if !self.global.names_several() {
            return Ok(None);
        }
        let all = self.config.environments.values();
        let Some(names) = &self.global.env else {
            return Ok(Some(all.collect()));
        };
        let mut chosen: Vec<&Environment> = Vec::new();
        for name in names.split(',') {
            let environment = self.config.environment(Some(name.trim()))?;
            if chosen.iter().all(|other| other.name != environment.name) {
                chosen.push(environment);
            }
        }
        Ok(Some(chosen))
    }

    /// The URL of the store of `environment`, and how to reach it.
    pub(super) fn address(
        &self,
        environment: &Environment,
    ) -> Result<(String, store::Options), Failure> {
        let url = match &self.global.store {
            Some(url) => url.clone(),
            None => environment.store_url(|name| std::env::var(name).ok())?,
        };
        let options = store::Options {
            // A relative path on the command line starts where the user is.
            base: if self.global.store.is_some() {
                self.here.clone()
            } else {
                self.root.clone()
            },
            connect_timeout: self
                .global
                .timeout
                .min(store::Options::default().connect_timeout),
            timeout: self.global.timeout,
            wait_replicas: self
                .global
                .wait_replicas
                .unwrap_or(environment.wait_replicas),
            tls: self.tls_files(environment, &url)?,
            // Of several environments nobody could tell which one waits.
            on_wait: if self.global.quiet || self.global.names_several() {
                |_| ()
            } else {
                say_waiting
            },
            history_keep: environment.history_keep,
            ..store::Options::default()
        };
        Ok((url, options))
    }

    pub(super) fn open_store(&self, environment: &Environment) -> Result<Box<dyn Store>, Failure> {
        let (url, options) = self.address(environment)?;
        let store = store::open(&url, &environment.prefix, &options)?;
        // Several are opened at once, and what is shown of each begins with it.
        if !self.global.names_several() {
            let info = store.info();
            self.tell(format_args!(
                "environment: {}\nstore: {} (prefix {})",
                environment.name, info.url, info.prefix
            ));
        }
        Ok(store)
    }

    /// The files for TLS: from the command line; else, where the store stands there too, from hoist.toml;
    /// else from the environment, which may be set for other stores and counts only behind TLS.
    fn tls_files(&self, environment: &Environment, url: &str) -> Result<TlsFiles, Failure> {
        let here = |file: PathBuf| self.here.join(file);
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut files = TlsFiles {
            ca: self.global.ca_file.clone().map(here),
            cert: self.global.cert.clone().map(here),
            key: self.global.key.clone().map(here),
        };
        if self.global.store.is_none() {
            files = files.or(environment.tls_files(variable)?);
        }
        if store::speaks_tls(url) {
            let file = |name: &str| variable(name).map(|file| here(PathBuf::from(file)));
            files = files.or(TlsFiles {
                ca: file("HOIST_CA_FILE"),
                cert: file("HOIST_CERT_FILE"),
                key: file("HOIST_KEY_FILE"),
            });
        }
        Ok(files)
    }
}

fn say_waiting(error: &store::Error) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(io::stderr(), "waiting: {}", visible(&error.to_string()));
}
