//! The walls between the modules: imports point down the list in src/lib.rs, and the pure modules
//! know nothing of the world. Code that is only compiled for tests is exempt.

use std::fs;
use std::path::{Path, PathBuf};

use code::Code;

/// The first of the pure modules; all below it are pure too.
const FIRST_PURE: &str = "doctor";

/// Paths that a pure module must not mention, nor anything below them.
const WORLD: [&str; 19] = [
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::Instant",
    "std::time::SystemTime",
    "anstream",
    "clap",
    "ignore",
    "indicatif",
    "redis",
    "rusqlite",
    "rustls",
    "tokio",
    "uuid",
];

#[test]
fn imports_point_down() {
    let order = order();
    let mut upward = Vec::new();
    for file in files() {
        let Some(from) = position(&order, file.module.first()) else {
            assert!(
                file.module.is_empty(),
                "src/lib.rs does not list {:?}",
                file.module
            );
            continue;
        };
        for path in &file.code.paths {
            let to = target(path, &file.module);
            if position(&order, to.as_ref()).is_some_and(|to| to < from) {
                upward.push(format!("{} imports {}", file.name, path.join("::")));
            }
        }
    }
    assert!(upward.is_empty(), "arrows that point up: {upward:#?}");
}

#[test]
fn pure_modules_know_nothing_of_the_world() {
    let order = order();
    let first = position(&order, Some(&FIRST_PURE.to_owned()));
    let mut impure = Vec::new();
    for file in files() {
        if position(&order, file.module.first()).is_some_and(|at| Some(at) >= first) {
            let worldly = file.code.paths.iter().filter(|path| is_worldly(path));
            impure.extend(worldly.map(|path| format!("{} uses {}", file.name, path.join("::"))));
        }
    }
    assert!(
        impure.is_empty(),
        "pure modules that know the world: {impure:#?}"
    );
}

/// The top-level modules, uppermost first.
fn order() -> Vec<String> {
    let text = fs::read_to_string(root().join("lib.rs")).unwrap();
    let names = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

fn position(order: &[String], module: Option<&String>) -> Option<usize> {
    order.iter().position(|name| Some(name) == module)
}

/// The top-level module that `path` leads to from inside `module`; none where it leaves the crate
/// or stays below.
fn target(path: &[String], module: &[String]) -> Option<String> {
    if path.first()? == "crate" {
        return path.get(1).cloned();
    }
    let up = path
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    (up > 0 && up == module.len())
        .then(|| path.get(up).cloned())
        .flatten()
}

fn is_worldly(path: &[String]) -> bool {
    let is_below = |world: &str| {
        let mut segments = path.iter();
        world.split("::").all(|segment| segments.next().is_some_and(|found| found == segment))
            // A single word may be anything: a variable, a field.
            && path.len() > 1
    };
    let asks_for_the_time = path.len() > 1 && path.last().is_some_and(|last| last == "now");
    let prints = |name: &str| {
        ["print", "println", "eprint", "eprintln", "dbg"]
            .iter()
            .any(|word| format!("{word}!") == name)
    };
    asks_for_the_time
        || path.last().is_some_and(|last| prints(last))
        || WORLD.iter().any(|world| is_below(world))
}

struct SourceFile {
    name: String,
    /// `["store", "redis"]` for src/store/redis.rs; empty for src/lib.rs and src/main.rs.
    module: Vec<String>,
    code: Code,
}

fn files() -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    let mut files: Vec<SourceFile> = paths.iter().map(|path| SourceFile::read(path)).collect();
    let tests: Vec<Vec<String>> = files
        .iter()
        .flat_map(|file| {
            file.code
                .test_modules
                .iter()
                .map(|name| [&file.module[..], std::slice::from_ref(name)].concat())
        })
        .collect();
    files.retain(|file| !tests.iter().any(|test| file.module.starts_with(test)));
    assert!(files.len() > 40, "only {} files below src", files.len());
    files
}

impl SourceFile {
    fn read(path: &Path) -> Self {
        let name = path.strip_prefix(root()).unwrap().with_extension("");
        let mut module: Vec<String> = name
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        if module == ["lib"] || module == ["main"] {
            module.clear();
        }
        Self {
            name: path
                .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                .unwrap()
                .display()
                .to_string(),
            module,
            code: Code::read(&fs::read_to_string(path).unwrap()),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Just enough of Rust's syntax to see which paths a file mentions.
mod code {
    /// What there is to know of a file, code for tests left out.
    pub struct Code {
        /// Every path, groups written out; macros end in `!`.
        pub paths: Vec<Vec<String>>,
        /// Names of modules that are declared for tests only.
        pub test_modules: Vec<String>,
    }

    impl Code {
        pub fn read(text: &str) -> Self {
            let (code, test_modules) = without_tests(&plain(text));
            let mut parser = Parser { rest: &code };
            let mut paths = Vec::new();
            while !parser.rest.is_empty() {
                if !parser.path(&[], &mut paths) {
                    parser.skip();
                }
            }
            Self {
                paths,
                test_modules,
            }
        }
    }

    /// The text without comments, and with nothing in its literals.
    fn plain(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = literal_or_comment(rest);
            if length > 0 {
                out.push(' ');
                rest = &rest[length..];
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        out
    }

    /// How long the literal or comment is that `text` begins with; 0 where it begins with none.
    fn literal_or_comment(text: &str) -> usize {
        let bytes = text.as_bytes();
        if text.starts_with("//") {
            return text.find('\n').unwrap_or(text.len());
        }
        if text.starts_with("r\"") || text.starts_with("r#") {
            let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
            if bytes.get(1 + hashes) == Some(&b'"') {
                let end = format!("\"{}", "#".repeat(hashes));
                let from = 2 + hashes;
                return text[from..]
                    .find(&end)
                    .map_or(text.len(), |at| from + at + end.len());
            }
        }
        match bytes.first() {
            Some(b'"') => quoted(text, '"'),
            // A lifetime has no second quote.
            Some(b'\'') if text[1..].starts_with('\\') || text.chars().nth(2) == Some('\'') => {
                quoted(text, '\'')
            }
            _ => 0,
        }
    }

    fn quoted(text: &str, quote: char) -> usize {
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => return at + 1,
                _ => {}
            }
        }
        text.len()
    }

    /// Leaves out items behind `#[cfg(test)]`, and names the modules among them.
    fn without_tests(code: &str) -> (String, Vec<String>) {
        let (mut out, mut modules) = (String::new(), Vec::new());
        let mut rest = code;
        while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
            out += before;
            let end = item.find([';', '{']).unwrap_or(item.len());
            if let Some(("mod", name)) = item[..end].trim().split_once(' ') {
                modules.push(name.to_owned());
            }
            rest = if item[end..].starts_with('{') {
                behind_braces(&item[end..])
            } else {
                &item[end..]
            };
        }
        (out + rest, modules)
    }

    fn behind_braces(text: &str) -> &str {
        let mut depth = 0;
        for (at, c) in text.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return &text[at + 1..];
            }
        }
        ""
    }

    struct Parser<'c> {
        rest: &'c str,
    }

    impl Parser<'_> {
        fn skip(&mut self) {
            let mut chars = self.rest.chars();
            chars.next();
            self.rest = chars.as_str();
        }

        fn take(&mut self, token: &str) -> bool {
            let found = self.rest.trim_start().strip_prefix(token);
            self.rest = found.unwrap_or(self.rest);
            found.is_some()
        }

        /// Reads one path or group of paths; false where there is none.
        fn path(&mut self, prefix: &[String], paths: &mut Vec<Vec<String>>) -> bool {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let text = self.rest.trim_start();
            let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            if word.is_empty() {
                return false;
            }
            self.rest = rest;
            let mut path = [prefix, &[word.to_owned()]].concat();
            if !self.take("::") {
                if self.rest.starts_with('!') {
                    path.last_mut().unwrap().push('!');
                }
                paths.push(path);
            } else if self.take("{") {
                while !self.take("}") && !self.rest.is_empty() {
                    if !self.path(&path, paths) {
                        self.skip();
                    }
                }
            } else if !self.path(&path, paths) {
                paths.push(path);
            }
            true
        }
    }

    mod tests {
        use super::Code;

        fn paths(text: &str) -> Vec<String> {
            let paths = Code::read(text).paths;
            paths
                .iter()
                .filter(|path| path.len() > 1)
                .map(|path| path.join("::"))
                .collect()
        }

        #[test]
        fn paths_are_found_in_every_form() {
            let cases: &[(&str, &[&str])] = &[
                ("use crate::plan::Plan;", &["crate::plan::Plan"]),
                (
                    "use crate::{\n    plan,\n    store::{self, Error},\n};",
                    &["crate::plan", "crate::store::self", "crate::store::Error"],
                ),
                (
                    "fn f(at: &crate::model::Stage) {}",
                    &["crate::model::Stage"],
                ),
                ("let x = std::env::var(NAME);", &["std::env::var"]),
                (
                    "// use crate::plan::Plan\n/// crate::store\nuse crate::yaml::*;",
                    &["crate::yaml"],
                ),
                (
                    "let x = \"crate::plan\"; let y = r#\"a \" crate::plan\"#;",
                    &[],
                ),
                (
                    "let quote = '\"'; let x: &'a str = crate::yaml::NAME; let other = '\\'';",
                    &["crate::yaml::NAME"],
                ),
                (
                    "#[cfg(test)]\nmod tests { use crate::plan::Plan; fn f() { } }\nuse crate::yaml::Tree;",
                    &["crate::yaml::Tree"],
                ),
                (
                    "#[cfg(test)]\nuse crate::plan::Plan;\nuse crate::yaml::Tree;",
                    &["crate::yaml::Tree"],
                ),
            ];
            for (text, expected) in cases {
                assert_eq!(paths(text), *expected, "{text}");
            }
        }

        #[test]
        fn modules_for_tests_are_named() {
            let code = Code::read("#[cfg(test)]\nmod tests;\nmod read;\nprintln!(\"\");");
            assert_eq!(code.test_modules, ["tests"]);
            assert!(code.paths.contains(&vec!["println!".to_owned()]));
        }
    }
}
