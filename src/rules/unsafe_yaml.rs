use super::{Check, Level, Rule};

pub static RULE: Rule = Rule {
    id: "unsafe-yaml",
    level: Level::Error,
    fixed: true,
    summary: "A file is past what hoist is willing to read",
    docs: "\
A flag file comes from a pull request, so it is taken for hostile until it has been read. Refused are
files past 8 MiB, bytes that are not UTF-8, NUL bytes, collections nested more than 64 deep, aliases that
stand for too much or for themselves, and links that lead out of the flags directory.",
    bad: "\
flags:
  new_search: &all
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    tags: *all
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    tags: [search]
",
    check: Check::Reader,
};
