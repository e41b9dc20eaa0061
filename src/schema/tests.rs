use super::*;
use crate::diagnostic::LineIndex;

fn show(text: &str) -> String {
    let file = FileId(0);
    let (tree, found) = crate::yaml::parse(file, text);
    assert!(found.is_empty(), "{text}\n{found:?}");
    let lines = LineIndex::new(text);
    let mut shown = String::new();
    for document in tree.documents() {
        for diagnostic in validate(file, &tree, *document) {
            let at = lines.position(text, diagnostic.location.span.start);
            shown += &format!(
                "{}:{} {} [{}] {} | {} | {}\n",
                at.line,
                at.column,
                diagnostic.rule,
                diagnostic.flag.unwrap_or_default(),
                diagnostic.message,
                diagnostic.help.unwrap_or_default(),
                diagnostic.fix.map(|fix| fix.edits[0].text.clone()).unwrap_or_default(),
            );
        }
        let flags = crate::model::flags(file, &tree, &lines, *document);
        for flag in flags {
            shown += &format!("   {} complete={}\n", flag.key.value, flag.complete);
        }
    }
    shown
}

#[test]
fn look() {
    println!("size of flag {}", size_of::<crate::model::Flag>());
    println!("size of test {}", size_of::<crate::model::FlagTest>());
    println!("size of value {}", size_of::<serde_json::Value>());
    println!("size of override {}", size_of::<crate::model::Override>());
    println!("size of settings {}", size_of::<crate::model::Settings>());
    for text in [
        "flags:\n", "flags: {}\n", "[1]", "flag: {}\n", "a: {}\nb: {}\n", "flags: {}\nx: 1\n", "flags: 3\n",
        "flags:\n  a:\n", "flags:\n  a: 1\n",
    ] {
        println!("--- {text}\n{}", show(text));
    }
    for body in [
        "enabled: yes", "enabled: \"true\"", "enabled: \"yes\"", "enabled: 1", "enabled:", "enabled: []",
        "percentage: 150", "percentage: -1", "percentage: \"10\"", "percentage: 10%", "percentage: 33.3333", "percentage: 33.333",
        "percentage: .nan", "percentage: .inf", "percentage: 1e1", "percentage: 10.0", "percentage: 014", "percentage: 1_000", "percentage: 0x10",
        "percentge: 4", "percentge: 4\npercentage: 4", "zzz: 4",
        "created: 2026-02-30", "created: 2026-2-3", "created: 20261231", "created: 2026-12-31 10:00", "expires: never", "expires: nevr", "expires: 5", "expires: 2026-13-01",
        "owner:", "owner: 12", "owner: true", "allowed_users: [123, a, ~, '']", "allowed_users: bob", "tags: {a: 1}",
        "rollout: []", "rollout: [{duration: 2h}]", "rollout: [{percentage: 5, duration: 2 hours}]", "rollout: [{percentge: 5}]", "rollout: 5", "rollout: [5]",
        "rollout: [{percentage: 5}]\npercentage: 5", "variants: {a: 50, b: 50}\nallowed_users: [a]",
        "variants: {a: 50, b: {weight: 50, value: ~}}","variants: {a: 50, b: {value: 3}}", "variants: {a: {weight: 40, value: true}, b: {weight: 60, value: x}}", "variants: {}", "variants: {'a b': 50, b: '50'}", "variants: {a: {weight: 1, value: .inf}}",
        "variants: {a: {weight: 1, value: {x: [.nan]}}}", "variants: {a: {weight: 1, value: [a]}}",
        "control: a\nforced: {a: [x]}", "environments: {s: {control: a}}", "environments: {s: {owner: a, percentage: 101}}", "environments: {'': {}}", "environments: {s: }",
        "tests: [{user: a}]", "tests: [{expect: ~}]", "tests: [{expect: true, usr: a}]", "tests: [5]", "salt: ''",
        "forced: {a: bob}\nvariants: {a: 100}", "duration: 5h", "users: [a]",
    ] {
        let text = format!("flags:\n  k:\n    {}\n", body.replace('\n', "\n    "));
        println!("--- {body}\n{}", show(&text));
    }
    for key in ["NewSearch", "new search", "1st", "a:b", "''", "é", "123"] {
        println!("--- {key}\n{}", show(&format!("flags:\n  {key}: {{}}\n")));
    }
}
