//! What cannot stand in a field, by what can.

use super::site::{FlagSites, Place, Site};
use super::{Mutant, Origin};

/// Values that the schema refuses.
struct Wrong {
    kind: &'static str,
    /// Patterns of sites.
    at: &'static [&'static str],
    values: &'static [&'static str],
}

const TEXTS: &[&str] = &[
    "description",
    "owner",
    "salt",
    "control",
    "environments/*/control",
];
const NAMES: &[&str] = &["tests/*/user", "tests/*/environment"];
const DATES: &[&str] = &["created", "expires"];
const SWITCHES: &[&str] = &["enabled", "environments/*/enabled"];
const SHARES: &[&str] = &[
    "percentage",
    "environments/*/percentage",
    "rollout/*/percentage",
    "environments/*/rollout/*/percentage",
    "variants/*/weight",
    "environments/*/variants/*/weight",
    "tests/*/percentage",
];
const WEIGHTS: &[&str] = &["variants/*", "environments/*/variants/*"];
const DURATIONS: &[&str] = &["rollout/*/duration", "environments/*/rollout/*/duration"];
const LISTS: &[&str] = &[
    "tags",
    "allowed_users",
    "allowed_groups",
    "forced/*",
    "environments/*/allowed_users",
    "environments/*/allowed_groups",
    "environments/*/forced/*",
    "tests/*/groups",
];
const ITEMS: &[&str] = &[
    "tags/*",
    "allowed_users/*",
    "allowed_groups/*",
    "forced/*/*",
    "environments/*/allowed_users/*",
    "environments/*/allowed_groups/*",
    "environments/*/forced/*/*",
    "tests/*/groups/*",
];
const ROLLOUTS: &[&str] = &["rollout", "environments/*/rollout"];
const STAGES: &[&str] = &["rollout/*", "environments/*/rollout/*"];
const VARIANTS: &[&str] = &["variants", "environments/*/variants"];
const VALUES: &[&str] = &[
    "variants/*/value",
    "environments/*/variants/*/value",
    "tests/*/expect",
];

const NO_TEXT: &[&str] = &["5", "1.5", "true", "[a]", "{ a: b }", "null", "~", ""];
const NO_SHARE: &[&str] = &[
    "\"10\"", "10%", "ten", "true", "null", "", "[10]", "1:30", "1_0", "0b1", "\"\"",
];
const OUT_OF_RANGE: &[&str] = &[
    "-1", "-0.001", "100.001", "101", "1e9", ".inf", "-.inf", ".nan",
];
const FINER: &[&str] = &["33.3333", "0.0001", "1.00049", "1e-4", "99.9999"];

const ALL: &[Wrong] = &[
    Wrong {
        kind: "type",
        at: TEXTS,
        values: NO_TEXT,
    },
    Wrong {
        kind: "type",
        at: NAMES,
        values: NO_TEXT,
    },
    Wrong {
        kind: "name",
        at: &["salt", "control", "environments/*/control"],
        values: &["\"\""],
    },
    Wrong {
        kind: "name",
        at: NAMES,
        values: &["\"\""],
    },
    Wrong {
        kind: "type",
        at: DATES,
        values: &["5", "true", "[2026-11-22]", "{}", "null", ""],
    },
    Wrong {
        kind: "date",
        at: DATES,
        values: &[
            "2026-11-31",
            "2026-13-01",
            "2026-00-10",
            "2027-02-29",
            "2026-1-5",
            "26-11-22",
            "2026/11/22",
            "2026-11-22T10:00:00Z",
            "2026-11-22 10:00",
            "20261122",
            "tomorrow",
            "\"\"",
            "Never",
            "+2026-11-22",
            "\" 2026-11-22\"",
        ],
    },
    Wrong {
        kind: "date",
        at: &["created"],
        values: &["never"],
    },
    Wrong {
        kind: "type",
        at: SWITCHES,
        values: &[
            "yes", "no", "on", "off", "Yes", "\"true\"", "1", "0", "null", "", "[true]", "{}",
            "truee",
        ],
    },
    Wrong {
        kind: "type",
        at: SHARES,
        values: NO_SHARE,
    },
    Wrong {
        kind: "type",
        at: SHARES,
        values: &["{}"],
    },
    Wrong {
        kind: "type",
        at: WEIGHTS,
        values: NO_SHARE,
    },
    Wrong {
        kind: "range",
        at: SHARES,
        values: OUT_OF_RANGE,
    },
    Wrong {
        kind: "range",
        at: WEIGHTS,
        values: OUT_OF_RANGE,
    },
    Wrong {
        kind: "decimals",
        at: SHARES,
        values: FINER,
    },
    Wrong {
        kind: "decimals",
        at: WEIGHTS,
        values: FINER,
    },
    Wrong {
        kind: "type",
        at: DURATIONS,
        values: &["5", "2.5", "true", "null", "", "[2h]", "{ hours: 2 }"],
    },
    Wrong {
        kind: "duration",
        at: DURATIONS,
        values: &[
            "0h", "02h", "-1h", "1.5h", "2y", "2s", "2 h", "h", "2H", "2hours", "1w2d", "P1D",
            "1234567h", "\"\"", "\"2h \"",
        ],
    },
    Wrong {
        kind: "type",
        at: LISTS,
        values: &["a", "5", "true", "null", "", "{}", "{ a: b }"],
    },
    Wrong {
        kind: "type",
        at: LISTS,
        values: &["[1]", "[true]", "[null]", "[[a]]", "[{ a: b }]", "[a, 2]"],
    },
    Wrong {
        kind: "name",
        at: LISTS,
        values: &["[\"\"]", "[a, \"\"]"],
    },
    Wrong {
        kind: "type",
        at: ITEMS,
        values: &["1", "false", "null", "[a]", "{ a: b }"],
    },
    Wrong {
        kind: "name",
        at: ITEMS,
        values: &["\"\""],
    },
    Wrong {
        kind: "type",
        at: ROLLOUTS,
        values: &[
            "5",
            "fast",
            "true",
            "null",
            "",
            "{}",
            "{ percentage: 5 }",
            "[5]",
            "[a]",
        ],
    },
    Wrong {
        kind: "required",
        at: ROLLOUTS,
        values: &["[]", "[{}]", "[{ duration: 2h }]"],
    },
    Wrong {
        kind: "type",
        at: STAGES,
        values: &["5", "a", "null", "[]", "true"],
    },
    Wrong {
        kind: "required",
        at: STAGES,
        values: &["{}", "{ duration: 2h }"],
    },
    Wrong {
        kind: "type",
        at: VARIANTS,
        values: &["5", "a", "true", "null", "", "[]", "[control, b]"],
    },
    Wrong {
        kind: "required",
        at: VARIANTS,
        values: &["{}"],
    },
    Wrong {
        kind: "required",
        at: WEIGHTS,
        values: &["{}", "{ value: 5 }"],
    },
    Wrong {
        kind: "type",
        at: VALUES,
        values: &["null", "", "[1]", "[]"],
    },
    Wrong {
        kind: "range",
        at: VALUES,
        values: &[".inf", "-.inf", ".nan", "1e999", "{ a: .nan }"],
    },
    Wrong {
        kind: "type",
        at: &["forced", "environments/*/forced"],
        values: &["5", "a", "true", "null", "", "[]"],
    },
    Wrong {
        kind: "type",
        at: &["environments"],
        values: &["5", "staging", "true", "null", "", "[]", "[staging]"],
    },
    Wrong {
        kind: "type",
        at: &["environments/*"],
        values: &["5", "a", "true", "null", "", "[]"],
    },
    Wrong {
        kind: "type",
        at: &["tests"],
        values: &["5", "a", "true", "null", "", "{}", "[5]", "[[]]"],
    },
    Wrong {
        kind: "type",
        at: &["tests/*"],
        values: &["5", "a", "true", "null", "[]"],
    },
    Wrong {
        kind: "required",
        at: &["tests/*"],
        values: &["{}", "{ user: ana }"],
    },
    Wrong {
        kind: "type",
        at: &[""],
        values: &["5", "a", "true", "null", "", "[]", "[enabled]"],
    },
];

/// Sites that are given wrong values.
pub fn patterns() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|wrong| wrong.at.iter().copied())
}

/// Values that cannot stand where they do.
pub fn values(origin: &Origin<'_>, flag: &FlagSites) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for site in &flag.sites {
        let fits = |wrong: &&Wrong| wrong.at.contains(&site.pattern.as_str());
        for wrong in ALL.iter().filter(fits) {
            // A variant that is written out is no weight; its parts are looked at by themselves.
            let is_map = origin.text[site.value.clone()].contains("weight");
            if WEIGHTS.contains(&site.pattern.as_str()) && is_map && wrong.kind != "required" {
                continue;
            }
            for value in wrong.values {
                // The dash of a list says nothing of an item that is not there.
                if value.is_empty() && site.key.is_none() {
                    continue;
                }
                let edit = site.replaced(origin.text, value);
                mutants.push(origin.mutant(
                    wrong.kind,
                    *value,
                    site,
                    edit,
                    &["schema"],
                    Place::New(0),
                ));
            }
        }
        if SHARES.contains(&site.pattern.as_str()) {
            let edit = site.replaced(origin.text, "014");
            let rules = &["ambiguous-number"];
            mutants.push(origin.mutant("number", "014", site, edit, rules, Place::New(0)));
        }
    }
    mutants
}

/// Keys that are misspelt, of which there are two, or that nobody knows.
pub fn keys(origin: &Origin<'_>, flag: &FlagSites) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for site in flag.sites.iter().filter(|site| site.key.is_some()) {
        let whole = &origin.text[site.start()..site.value.end.max(site.start())];
        let again = site.preceded(origin.text, whole);
        // The second one is the one that was there.
        let place = Place::Old(site.start());
        // An anchor that stands twice is another matter.
        if !whole.contains('&') {
            let rules = &["duplicate-key"];
            mutants.push(origin.mutant("duplicate key", "twice", site, again, rules, place));
        }
        if !is_field(site) {
            continue;
        }
        let rules = &["unknown-field"];
        let place = Place::New(0);
        for name in misspelt(&site.name) {
            let edit = site.renamed(&name);
            mutants.push(origin.mutant("unknown field", name, site, edit, rules, place));
        }
        let edit = site.preceded(origin.text, "colour: 1");
        mutants.push(origin.mutant("unknown field", "colour", site, edit, rules, place));
    }
    mutants
}

/// Whether its key is one that the schema gives.
fn is_field(site: &Site) -> bool {
    site.key.is_some() && !site.pattern.ends_with('*') && !site.path.is_empty()
}

fn misspelt(name: &str) -> Vec<String> {
    let (first, rest) = name.split_at(1);
    let mut all = vec![
        name[..name.len() - 1].to_owned(),
        format!("{name}{}", &name[name.len() - 1..]),
        format!("{}{rest}", first.to_uppercase()),
        format!("x{name}"),
    ];
    if name.contains('_') {
        all.extend([name.replace('_', "-"), name.replace('_', "")]);
    }
    let letters: Vec<char> = name.chars().collect();
    for at in 0..letters.len() - 1 {
        let mut swapped = letters.clone();
        swapped.swap(at, at + 1);
        if swapped != letters {
            all.push(swapped.into_iter().collect());
        }
    }
    all
}
