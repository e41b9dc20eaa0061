use super::{Check, Level, Rule};

pub static RULE: Rule = Rule {
    id: "yaml-syntax",
    level: Level::Error,
    fixed: true,
    summary: "A file is not YAML",
    docs: "\
What cannot be read as YAML 1.2 is reported where reading stopped. The other flags of the file are checked
all the same, but nothing is applied while a file cannot be read.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    allowed_users: [internal_tester_1
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    allowed_users: [internal_tester_1]
",
    check: Check::Reader,
};
