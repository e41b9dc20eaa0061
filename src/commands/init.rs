//! `hoist init`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::{Ending, Failure, print};

/// What a new flag set starts with.
const FILES: [(&str, &str); 4] = [
    ("hoist.toml", include_str!("init/hoist.toml")),
    ("flags/example.yaml", include_str!("init/example.yaml")),
    ("schema/flags.schema.json", crate::schema::SCHEMA),
    (".hoist/.gitignore", "*\n"),
];

pub(super) fn run() -> Result<Ending, Failure> {
    let there: Vec<_> = FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| is_there(Path::new(name)))
        .collect();
    // The folder of the embedded store is hoist's own: it may be there already.
    let kept: Vec<_> = there
        .into_iter()
        .filter(|name| !name.starts_with(".hoist/"))
        .collect();
    if !kept.is_empty() {
        return Err(Failure::refused(format!("there is already {}", kept.join(", ")))
            .hint("nothing was written: `hoist init` never overwrites; start in an empty directory with `-C DIR`, or add flags by hand"));
    }
    let folders = FILES
        .iter()
        .filter_map(|(name, _)| Path::new(name).parent());
    let mut there = folders.filter(|folder| is_there(folder));
    if let Some(file) = there.find(|folder| !folder.is_dir()) {
        return Err(
            Failure::refused(format!("`{}` is not a folder", file.display())).hint(
                "nothing was written: move it away, or start in another directory with `-C DIR`",
            ),
        );
    }
    if is_there(Path::new("flags")) {
        return Err(Failure::refused("there is already a flags directory").hint(
            "nothing was written; `hoist lint` checks what is there, and hoist.toml is optional",
        ));
    }
    for (name, text) in FILES {
        write_new(Path::new(name), text).map_err(|error| {
            Failure::impossible(format!("cannot write `{name}`")).because(error)
        })?;
    }
    print(|out| {
        for (name, _) in FILES {
            writeln!(out, "wrote {name}")?;
        }
        writeln!(
            out,
            "\nNext: `hoist lint` checks the flags, `hoist apply` puts them into .hoist/flags.db."
        )
    })?;
    Ok(Ending::Done)
}

/// A link that leads nowhere is there too.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        file => file?.write_all(text.as_bytes()),
    }
}
