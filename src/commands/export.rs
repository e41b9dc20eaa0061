//! `hoist export`

use std::io;

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, count, print};
use crate::cli::{Export as Args, ExportFormat, Global};
use crate::exchange::{self, Outgoing, Target};
use crate::report;
use crate::report::exchange::Lost;
use crate::source::{self, display_name};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    let environment = workspace.environment()?;
    let flag_set = FlagSet::load(&workspace)?;
    // What is in order needs no words beside the result.
    flag_set.refuse_errors(true, colors, "exported")?;
    let wanted = flag_set.target(environment).flags;
    let outgoing: Vec<Outgoing<'_>> = wanted
        .iter()
        .map(|wanted| Outgoing {
            key: &wanted.flag,
            spec: wanted.spec(),
            source: match &wanted.source {
                Some(source) => (&source.file, source.line),
                None => ("", 0),
            },
        })
        .collect();
    let target = match args.format {
        ExportFormat::Flagd => Target::Flagd,
        ExportFormat::Goff => Target::Goff,
        ExportFormat::OpenfeatureManifest => Target::Manifest,
        ExportFormat::Json => Target::Json,
    };
    let exported =
        exchange::write(target, &environment.name, &outgoing).map_err(|(flag, error)| {
            Failure::impossible(format!("`{flag}` cannot be evaluated: {error}"))
        })?;
    let place = |loss: &exchange::Loss| {
        let flag = outgoing
            .iter()
            .find(|flag| Some(flag.key) == loss.flag.as_deref());
        let (file, line) = flag.map_or(("", 0), |flag| flag.source);
        Lost {
            loss: loss.clone(),
            file: file.to_owned(),
            line: Some(line),
        }
    };
    let lost: Vec<Lost> = exported.losses.iter().map(place).collect();
    report::exchange::losses(&lost, &[], colors.stderr, &mut io::stderr().lock())
        .map_err(Failure::output)?;
    if args.strict && !lost.is_empty() {
        let losses = count(lost.len(), "thing");
        return Err(Failure::refused(format!(
            "{losses} cannot be said in this format; nothing was written"
        ))
        .hint("leave out `--strict` to export the rest; what is lost is listed above"));
    }
    let Some(file) = &args.output else {
        print(|out| out.write_all(exported.text.as_bytes()))?;
        return Ok(Ending::Done);
    };
    let name = display_name(file, &workspace.here);
    source::put(&workspace.here.join(file), &name, exported.text.as_bytes())
        .map_err(|error| Failure::impossible(error.to_string()))?;
    if !global.quiet {
        let flags = count(outgoing.len(), "flag");
        print(|out| writeln!(out, "wrote {flags} to {name}"))?;
    }
    Ok(Ending::Done)
}
