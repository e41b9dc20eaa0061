//! What people see: commands with their output and exit code, below `tests/cases/cli/`. Each file
//! runs in a copy of the folder beside it.

#[test]
fn commands_say_what_the_cases_show() {
    let home = tempfile::tempdir().expect("a folder");
    trycmd::TestCases::new()
        .case("tests/cases/cli/*.md")
        .env("HOME", home.path().display().to_string())
        .env("COLUMNS", "100")
        // Set to nothing, they count as unset.
        .env("HOIST_CONFIG", "")
        .env("HOIST_ENV", "")
        .env("HOIST_STORE", "")
        .run();
}
