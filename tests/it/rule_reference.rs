//! `docs/rules.md` is what the rules say of themselves. `UPDATE_EXPECT=1 tests/run rule_reference` writes it
//! anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hoist::rules::{self, CONFIG, Limits, RULES};

use crate::lint_cases::{Run, cases};

#[test]
fn the_page_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let expected = rules::reference();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == expected,
        "docs/rules.md is out of date: run `UPDATE_EXPECT=1 tests/run rule_reference`"
    );
}

#[test]
fn every_rule_has_its_section() {
    let page = rules::reference();
    for rule in RULES.iter().copied().chain([&CONFIG]) {
        assert!(page.contains(&format!("\n## {}\n\n{}.\n", rule.id, rule.summary)));
        assert!(page.contains(&format!("](#{})", rule.id)));
    }
    assert!(page.ends_with('\n') && !page.contains("\n\n\n"));
}

/// A rule that mends something in a case shows it in its own example, from which the page knows.
#[test]
fn rules_that_mend_say_so() {
    let mut mending = BTreeSet::new();
    for case in cases() {
        let found = Run::new(&case).diagnostics;
        let mended = found
            .iter()
            .filter(|found| found.fix.as_ref().is_some_and(|fix| fix.safe));
        mending.extend(mended.map(|found| found.rule));
    }
    let page = rules::reference();
    let said: BTreeSet<&str> = RULES
        .iter()
        .map(|rule| rule.id)
        .filter(|id| {
            let row = format!("\n| [`{id}`](#{id}) | ");
            let (_, row) = page.split_once(&row).unwrap();
            row.lines().next().unwrap().contains(" | yes | ")
        })
        .collect();
    assert_eq!(said, mending);
}

/// A setting that no rule's prose names would be known to nobody.
#[test]
fn every_setting_belongs_to_a_rule() {
    for name in Limits::NAMES {
        let named = |docs: &str| docs.contains(&format!("`{name}`"));
        assert!(RULES.iter().any(|rule| named(rule.docs)), "{name}");
    }
}
