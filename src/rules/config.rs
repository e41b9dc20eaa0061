use super::{Check, Level, Rule};

/// What mistakes in hoist.toml are reported as. Not one of the rules for flag files: it has no level
/// to set and cannot be silenced, but it is explained like one.
pub static RULE: Rule = Rule {
    id: "config",
    level: Level::Error,
    fixed: true,
    summary: "A mistake in hoist.toml",
    docs: "\
A setting that is misspelt would go unnoticed, and with it misread the wrong flag files might be read or
the wrong store be written. `hoist lint` reports every mistake in hoist.toml with its place; `hoist plan` and
`hoist apply` stop there.",
    bad: "\
[environments.production]
stroe = \"redis://localhost:6379\"
",
    good: "\
[environments.production]
store = \"redis://localhost:6379\"
",
    check: Check::Reader,
};
