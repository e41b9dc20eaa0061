use super::{Check, Level, Rule};

pub static RULE: Rule = Rule {
    id: "schema",
    level: Level::Error,
    fixed: true,
    summary: "A file does not keep to the schema of flag files",
    docs: "\
A field has a value of the wrong type or out of its range, or something required is missing. The schema is
the contract of flag files: `hoist schema` prints it, and an editor that is given it says the same while one types.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: yes
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
",
    check: Check::Reader,
};
