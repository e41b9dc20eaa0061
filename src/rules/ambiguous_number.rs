use super::{Check, Level, Rule};

pub static RULE: Rule = Rule {
    id: "ambiguous-number",
    level: Level::Warning,
    fixed: false,
    summary: "A number that readers of YAML disagree about",
    docs: "\
To YAML 1.2 `014` is fourteen, to YAML 1.1 it is twelve; `0o14` is twelve to the one and a string to the
other. Other tools that read the same file may see another share of users: write numbers in decimal,
without leading zeros.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 014
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 14
",
    check: Check::Reader,
};
