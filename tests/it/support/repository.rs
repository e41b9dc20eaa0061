//! A git repository that hoist runs in.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::program::{Project, Run};

/// A repository with its work tree, in a folder of its own. Nothing of the machine's configuration
/// reaches git or hoist.
pub struct Repository {
    pub project: Project,
}

/// What git is told, whoever calls it.
pub const GIT: [(&str, &str); 8] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "Ana"),
    ("GIT_AUTHOR_EMAIL", "ana@example.com"),
    ("GIT_COMMITTER_NAME", "Ana"),
    ("GIT_COMMITTER_EMAIL", "ana@example.com"),
    ("GIT_AUTHOR_DATE", "2026-09-14T12:00:00Z"),
    ("GIT_COMMITTER_DATE", "2026-09-14T12:00:00Z"),
];

impl Repository {
    /// With no commit.
    pub fn new() -> Self {
        let project = GIT.iter().fold(Project::new(), |project, (name, value)| {
            project.env(name, value)
        });
        let repository = Self { project };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// With one commit of one flag file.
    pub fn with_flags(flags: &str) -> Self {
        let repository = Self::new();
        repository.commit_flags(flags, "Begin");
        repository
    }

    pub fn folder(&self) -> &Path {
        self.project.folder()
    }

    /// What git prints, without the line break behind it.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        git(self.folder(), args)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        self.project.write(name, content);
    }

    /// Writes `flags/flags.yaml`.
    pub fn write_flags(&self, flags: &str) {
        self.write("flags/flags.yaml", flags);
    }

    /// Commits everything, and gives the id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    #[track_caller]
    pub fn commit_flags(&self, flags: &str, message: &str) -> String {
        self.write_flags(flags);
        self.commit(message)
    }

    /// Clones it beside itself.
    #[track_caller]
    pub fn clone_to(&self, name: &str, options: &[&str]) -> PathBuf {
        let url = format!("file://{}", self.folder().display());
        self.git(&[&["clone", "--quiet"], options, &["--", &url, name]].concat());
        self.folder().join(name)
    }

    /// Runs `hoist diff` and expects an exit code.
    #[track_caller]
    pub fn diff(&self, code: i32, args: &[&str]) -> Run {
        self.project.expect(code, &[&["diff"], args].concat())
    }

    /// What `hoist diff --format json` prints.
    #[track_caller]
    pub fn diff_json(&self, code: i32, args: &[&str]) -> serde_json::Value {
        let diff = self
            .diff(code, &[args, &["--format", "json"]].concat())
            .json();
        crate::json_shapes::check_diff(&diff);
        diff
    }
}

/// Runs git in a folder.
#[track_caller]
pub fn git(folder: &Path, args: &[&str]) -> String {
    let output = run_git(folder, args);
    assert!(
        output.status.success(),
        "git {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

pub fn run_git(folder: &Path, args: &[&str]) -> Output {
    Command::new("git")
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .envs(GIT)
        .output()
        .expect("git to run")
}
