//! Everything that is tested from outside, in one binary: it links once.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "clippy sees only the test functions themselves as tests, not their helpers"
)]

mod authoring;
mod change_cases;
mod ci_recipes;
mod cli;
mod client;
mod convergence;
mod diff;
mod docs;
mod doctor;
mod evaluation;
mod exchange;
mod faults;
mod instructions;
mod interleavings;
mod json_shapes;
mod layers;
mod lint_cases;
mod lint_fix;
mod lint_formats;
mod middleware;
mod mutants;
mod openfeature;
mod operate;
mod operators;
mod page;
mod plan_markdown;
mod program;
mod promises;
mod promote;
mod python;
mod readme;
mod redis_cli;
mod redis_store;
mod refs;
mod rights;
mod rollback;
mod rule_reference;
mod secrets;
mod serve;
mod several;
mod sqlite_store;
mod stale;
mod stores;
mod support;
mod topology;
mod vectors;
mod watch;
mod workflows;

/// A file that is not named above would be compiled by nobody, and its tests would seem to pass.
#[test]
fn no_file_is_forgotten() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(here.join("main.rs")).expect("this file");
    for entry in std::fs::read_dir(here).expect("this folder").flatten() {
        let path = entry.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        if is_code && name != "main" {
            assert!(
                main.contains(&format!("\nmod {name};\n")),
                "mod {name}; is missing"
            );
        }
    }
}
