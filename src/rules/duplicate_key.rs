use super::{Check, Level, Rule};

pub static RULE: Rule = Rule {
    id: "duplicate-key",
    level: Level::Error,
    fixed: true,
    summary: "A map has the same key twice",
    docs: "\
YAML leaves open which of two equal keys counts, and readers differ. The first one is kept for further
checks, and nothing is applied until one of them is gone. Where the key is that of a flag, what is wrong in the
second one is reported as well.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 10
    percentage: 25
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 25
",
    check: Check::Reader,
};
