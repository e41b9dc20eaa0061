//! Writes flag sets for benches that are no Rust: `flags DIRECTORY FLAGS PER_FILE`, or
//! `flags DIRECTORY FLAGS short` for one file of flags that have next to nothing, of which 100,000 fit
//! into the 8 MiB that a flag file may have.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

#[allow(dead_code, reason = "other benches need whole projects")]
#[path = "../../support/generate.rs"]
mod generate;

const SEED: u64 = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [directory, flags, per_file] = &words[..] else {
        return Err("usage: flags DIRECTORY FLAGS PER_FILE|short".into());
    };
    let (directory, flags) = (Path::new(directory), flags.parse()?);
    match per_file.as_str() {
        "short" => short(directory, flags)?,
        per_file => {
            generate::flag_set(directory, flags, per_file.parse()?, SEED)?;
        }
    }
    Ok(())
}

fn short(directory: &Path, flags: usize) -> io::Result<()> {
    let mut text = String::from("flags:\n");
    for flag in 0..flags {
        // Writing to a string has no way to fail.
        let _ = writeln!(
            text,
            "  search_ranking_{flag}: {{owner: web, expires: 2027-01-29, description: Ranks}}"
        );
    }
    fs::create_dir_all(directory)?;
    fs::write(directory.join("flags.yaml"), text)
}
