use std::fs;

use tempfile::TempDir;

use super::calls::{Position, key_at};
use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// `file:line:column form` of each use of each key, and `file:line:column key` of strays.
fn found(
    folder: &TempDir,
    keys: &[&str],
    aliases: &[Alias],
    patterns: &[&str],
) -> (Vec<Vec<String>>, Vec<String>) {
    let here = folder.path();
    let patterns: Vec<CodePattern> = patterns
        .iter()
        .map(|text| CodePattern::new(text).unwrap())
        .collect();
    let searched = search(&CodeSearch {
        roots: &[here.join("src"), here.join("src")],
        except: &here.join("src/flags"),
        here,
        keys,
        aliases,
        patterns: &patterns,
    })
    .unwrap();
    let at = |file: usize, place: Place| {
        format!(
            "{}:{}:{}",
            searched.files[file].name, place.line, place.column
        )
    };
    let uses = searched.uses.iter().map(|uses| {
        let shown = uses
            .iter()
            .map(|it| format!("{} {}", at(it.file, it.place), it.form.as_str()));
        shown.collect()
    });
    let strays = searched
        .strays
        .iter()
        .map(|it| format!("{} {}", at(it.file, it.place), it.key));
    (uses.collect(), strays.collect())
}

#[test]
fn keys_are_found_between_quotes() {
    let folder = folder(&[
        (
            "src/a.py",
            "old = 1\nis_on('old')\nis_on(\"old\", \"older\")\n",
        ),
        ("src/b.ts", "`old` `${old}`\n"),
        ("src/c.go", "x\n\"old\"\nü = \"old\"\n"),
        ("src/.hidden", "'old'"),
        ("src/data.bin", "\0'old'"),
        ("src/flags/a.yaml", "description: the 'old' one\n"),
        ("src/sub/flags/a.py", "'old' 'old\" \"'old'\""),
    ]);
    let here = folder.path();
    let find = |keys: &[&str]| {
        references(&[here.join("src")], &here.join("src/flags"), keys, here).unwrap()
    };
    let named = find(&["old", "new"]);
    assert_eq!(named.len(), 1);
    let expected = Named {
        places: ["src/a.py:2", "src/a.py:3", "src/b.ts:1"]
            .map(str::to_owned)
            .into(),
        count: 7,
    };
    assert_eq!(named["old"], expected);
    assert!(find(&[]).is_empty());
    let missing = references(&[here.join("none")], here, &["old"], here);
    assert!(matches!(missing, Err(Error::Missing(_))));
    let (uses, _) = found(&folder, &["old", "older"], &[], &[]);
    assert_eq!(
        uses[0][3..5],
        ["src/c.go:2:2 quoted", "src/c.go:3:6 quoted"]
    );
    assert_eq!(uses[1], ["src/a.py:3:15 quoted"]);
}

#[test]
fn aliases_are_names_of_their_own() {
    for (key, names) in [
        (
            "new_search",
            ["newSearch", "NewSearch", "NEW_SEARCH", "new_search"].map(Some),
        ),
        ("a.b-c2", ["aBC2", "ABC2", "A_B_C2", "a_b_c2"].map(Some)),
        ("search", [None; 4]),
        ("search_", [None; 4]),
    ] {
        let of = Alias::ALL.map(|alias| alias.of(key));
        assert_eq!(of.each_ref().map(Option::as_deref), names, "{key}");
    }
    let folder = folder(&[(
        "src/a.ts",
        "flags.newSearch && NewSearch\nNEW_SEARCH_BOX, NEW_SEARCH, $NEW_SEARCH\n'new_search' new_search xnew_search\nold.newSearch\n",
    )]);
    let keys = ["new_search", "new_search_box", "old.new"];
    let (uses, _) = found(&folder, &keys, &Alias::ALL, &[]);
    assert_eq!(
        uses[0],
        [
            "src/a.ts:1:7 camelCase",
            "src/a.ts:1:20 PascalCase",
            "src/a.ts:2:17 SCREAMING_SNAKE_CASE",
            "src/a.ts:3:2 quoted",
            "src/a.ts:3:14 snake_case",
            "src/a.ts:4:5 camelCase",
        ]
    );
    assert_eq!(uses[1], ["src/a.ts:2:1 SCREAMING_SNAKE_CASE"]);
    assert_eq!(uses[2], [""; 0]);
}

#[test]
fn patterns_say_where_a_key_stands() {
    let folder = folder(&[(
        "src/a.html",
        "<if flag={new_search}> flags.new_search.on flags.pay.card flags.nwe_search.on myflags.x\n[[new_search]] [[other]] [[]]\n",
    )]);
    let keys = ["new_search", "pay.card"];
    let (uses, strays) = found(
        &folder,
        &keys,
        &[],
        &["flags.{key}", "[[{key}]]", "flag={{key}}"],
    );
    assert_eq!(
        uses[0],
        [
            "src/a.html:1:11 pattern",
            "src/a.html:1:30 pattern",
            "src/a.html:2:3 pattern"
        ]
    );
    assert_eq!(uses[1], ["src/a.html:1:50 pattern"]);
    assert_eq!(
        strays,
        ["src/a.html:1:65 nwe_search", "src/a.html:2:18 other"]
    );
    for (pattern, said) in [
        ("flags", "has no `{key}` in it"),
        (
            " {key}",
            "has nothing before `{key}`, so every word would match",
        ),
        ("f({key}, {key})", "has more than one `{key}`"),
    ] {
        assert_eq!(CodePattern::new(pattern), Err(said), "{pattern}");
    }
}

#[test]
fn calls_of_clients_are_understood() {
    for (call, key) in [
        ("f(\"a_b\")", Some("a_b")),
        ("f('a.b', user=1)", Some("a.b")),
        ("f (\n    \"newSearch\",\n  false)", Some("newSearch")),
        ("f<string>(`a`, 'x')", Some("a")),
        ("f::<bool>(\"a\")", Some("a")),
        ("f(flag_key=\"a\", default=False)", Some("a")),
        ("f(key: \"a\", defaultValue: false)", Some("a")),
        ("f(@\"a\")", Some("a")),
        ("f(r'a')", Some("a")),
        ("f(\"a\" + suffix)", None),
        ("f(`a${b}`)", None),
        ("f(key, \"a\")", None),
        ("f(\"two words\")", None),
        ("f(\"\")", None),
        ("f(\"1a\")", None),
        ("f(\"a", None),
        ("f \"a\"", None),
        ("f<", None),
        ("f", None),
    ] {
        let found = key_at(call.as_bytes(), 1, Position::First);
        assert_eq!(found.map(|(_, key)| key), key, "{call}");
    }
    for (call, key) in [
        ("f(ctx, \"a\", false, evalCtx)", Some("a")),
        ("f(context.WithValue(ctx, k, v), \"a\", 1)", Some("a")),
        ("f(\"x\", \"a\")", None),
        ("f(ctx)", None),
        ("f(ctx, a)", None),
    ] {
        let found = key_at(call.as_bytes(), 1, Position::Second);
        assert_eq!(found.map(|(_, key)| key), key, "{call}");
    }
}

#[test]
fn keys_that_no_flag_has_are_found() {
    let folder = folder(&[
        (
            "src/a.py",
            "flags.is_enabled('old') or flags.is_enabled('new')\nclient.get_boolean_value(flag_key='gone', default_value=False)\n\
             is_enabled('a')  # hoist-ignore: unknown-key -- made up\nis_enabled('b')  # hoist-ignore: other\nmy_is_enabled('c')\n",
        ),
        (
            "src/b.go",
            "v, err := client.BooleanValue(ctx, \"gone\", false, e)\n",
        ),
        (
            "src/c.ts",
            "client.getBooleanValue('gone', false); useStringFlagValue('gone', '')\n",
        ),
        (
            "src/d.rb",
            "client.fetch_boolean_value(flag_key: 'gone', default_value: false)\n",
        ),
        (
            "src/e.cs",
            "await client.GetIntegerValueAsync(\"gone\", 1);\n",
        ),
    ]);
    let (_, strays) = found(&folder, &["old"], &[], &[]);
    assert_eq!(
        strays,
        [
            "src/a.py:1:46 new",
            "src/a.py:2:36 gone",
            "src/a.py:4:13 b",
            "src/b.go:1:37 gone",
            "src/c.ts:1:25 gone",
            "src/c.ts:1:60 gone",
            "src/d.rb:1:39 gone",
            "src/e.cs:1:36 gone",
        ]
    );
}
