use super::{Check, Level, Rule};

pub static RULE: Rule = Rule {
    id: "unknown-field",
    level: Level::Error,
    fixed: true,
    summary: "A field that flag files do not have",
    docs: "\
A misspelt field has no effect: with `percentge: 10` the flag is on for everyone. Fields are those of the
schema, which `hoist schema` prints; what is meant for people alone goes into a comment.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentge: 10
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 10
",
    check: Check::Reader,
};
