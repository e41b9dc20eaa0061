//! Where flags come from: a store, or files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::cli::{Import as Args, ImportFrom};
use crate::commands::Failure;
use crate::commands::plan::check_buckets;
use crate::commands::workspace::Workspace;
use crate::config::Environment;
use crate::exchange::{self, Document, Format, Imported, Loss};
use crate::plan::Stored;
use crate::record::{NotARecord, Record};
use crate::report::exchange::Lost;
use crate::source::display_name;

/// Everything that was read.
pub(super) struct Origin {
    /// For people: `production on redis://localhost (prefix ff)`, `flags.yaml`.
    pub name: String,
    pub found: Vec<Found>,
    pub is_store: bool,
}

/// What one store, or one file, has.
pub(super) struct Found {
    /// What stands before the place of something in it: the name of a file, or `ff:`.
    name: String,
    /// None for a store.
    document: Option<Document>,
    pub imported: Imported,
    /// Records by key, for a store.
    pub records: BTreeMap<String, Record>,
}

impl Found {
    pub(super) fn place(&self, loss: &Loss) -> Lost {
        Lost {
            loss: loss.clone(),
            file: self.name.clone(),
            line: self
                .document
                .as_ref()
                .map(|document| document.line(&loss.path)),
        }
    }
}

impl Origin {
    pub(super) fn read(
        workspace: &Workspace<'_>,
        environment: &Environment,
        args: &Args,
    ) -> Result<Self, Failure> {
        match (args.from, args.files.as_slice()) {
            (None | Some(ImportFrom::Store), []) => Self::of_store(workspace, environment),
            (Some(ImportFrom::Store), _) => Err(Failure::impossible(
                "`--from store` reads the environment's store, and files were named",
            )
            .hint("leave out one of the two")),
            (Some(_), []) => Err(Failure::impossible("no file was named to read")
                .hint("name one, as in `hoist import flags.yaml --from goff`")),
            (from, files) => {
                let mut found = Vec::new();
                for file in files {
                    found.push(of_file(workspace, file, from)?);
                }
                let names: Vec<&str> = found
                    .iter()
                    .map(|found: &Found| found.name.as_str())
                    .collect();
                Ok(Self {
                    name: names.join(", "),
                    found,
                    is_store: false,
                })
            }
        }
    }

    fn of_store(workspace: &Workspace<'_>, environment: &Environment) -> Result<Self, Failure> {
        let mut store = workspace.open_store(environment)?;
        let snapshot = store.read()?;
        check_buckets(snapshot.buckets.as_deref(), store.info())?;
        let mut imported = Imported::default();
        let mut records = BTreeMap::new();
        for (key, stored) in snapshot.in_order() {
            let record = match stored {
                Stored::Value(bytes) => Record::parse(bytes),
                Stored::OtherType(kind) => Err(NotARecord::OtherType(kind.clone())),
            };
            match record {
                Ok(record) => {
                    exchange::record(key, &record, &mut imported);
                    records.insert(key.to_owned(), record);
                }
                Err(error) => imported.leave_out(key, key, format!("it is no record: {error}")),
            }
        }
        let info = store.info();
        Ok(Self {
            name: format!(
                "{} on {} (prefix {})",
                environment.name, info.url, info.prefix
            ),
            found: vec![Found {
                name: info.prefix.clone(),
                document: None,
                imported,
                records,
            }],
            is_store: true,
        })
    }
}

fn of_file(
    workspace: &Workspace<'_>,
    file: &Path,
    from: Option<ImportFrom>,
) -> Result<Found, Failure> {
    let name = display_name(file, &workspace.here);
    let cannot = || Failure::impossible(format!("cannot read `{name}`"));
    let bytes = fs::read(workspace.here.join(file)).map_err(|error| cannot().because(error))?;
    let document = Document::read(&bytes)
        .map_err(|error| cannot().because(error).hint("it must be YAML or JSON"))?;
    let format = match from {
        Some(ImportFrom::Flagd) => Some(Format::Flagd),
        Some(ImportFrom::Flipt) => Some(Format::Flipt),
        Some(ImportFrom::Goff) => Some(Format::Goff),
        Some(ImportFrom::Unleash) => Some(Format::Unleash),
        None | Some(ImportFrom::Store) => Format::guess(&document),
    };
    let format = format.ok_or_else(|| {
        Failure::impossible(format!(
            "`{name}` does not look like the file of a system that hoist reads"
        ))
        .hint("say which it is: `--from flagd`, `flipt`, `goff` or `unleash`")
    })?;
    Ok(Found {
        imported: format.read(&document),
        document: Some(document),
        name,
        records: BTreeMap::new(),
    })
}
