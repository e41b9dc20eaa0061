//! Proof by mutation: the example set and generated ones are taken, each field of each flag is broken
//! in every way that the schema or a rule speaks of, and each broken set must draw a finding of the
//! right rule on the right line.
//!
//! The score is kept in a snapshot, by kind of mistake. `HOIST_MUTANTS=500` takes that many generated
//! flags instead of a few.

mod changes;
mod harmless;
mod mistakes;
mod site;
mod wrong;

#[allow(
    dead_code,
    reason = "the benches write the same texts to disk, which nothing here does"
)]
#[path = "../../benches/support/generate.rs"]
mod generate;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hoist::config;
use hoist::diagnostic::{Diagnostic, FileId, Files, LineIndex};
use hoist::model::{FLAG_FIELDS, OVERRIDE_FIELDS, STAGE_FIELDS, TEST_FIELDS, VARIANT_FIELDS};
use hoist::rules::{Checked, Context, KeyStyle, Levels, RULES, Settings, check_file, check_set};
use jiff::civil::{Date, date};
use rayon::prelude::*;
use site::{Edit, FlagSites, Place, Site};

/// The day on which the example set is clean.
const TODAY: Date = date(2026, 11, 22);
/// Generated flags that are broken unless `HOIST_MUTANTS` says otherwise, and how many are in one set.
const GENERATED: usize = 6;
const IN_ONE_SET: usize = 3;

/// A flag set: names and texts of its files.
struct FlagSet {
    name: String,
    files: Vec<(String, String)>,
}

/// A file of a flag set, and what mutants of it need to know of the others.
struct Origin<'a> {
    set: usize,
    file: usize,
    text: &'a str,
    flags: &'a [FlagSites],
    /// Keys of the experiments of the whole set.
    experiments: &'a [String],
    /// Flags of the whole set that use that group.
    uses_of_employees: usize,
}

impl Origin<'_> {
    /// `way` tells apart what is done to the same site.
    fn mutant(
        &self,
        kind: &'static str,
        way: impl Into<String>,
        site: &Site,
        edit: Edit,
        rules: &'static [&'static str],
        place: Place,
    ) -> Mutant {
        let flag = self.flags.iter().position(|flag| {
            let sites = flag.sites.iter();
            sites.into_iter().any(|other| std::ptr::eq(other, site))
        });
        Mutant {
            set: self.set,
            file: self.file,
            flag: flag.unwrap_or_default(),
            kind,
            way: way.into(),
            path: site.path.clone(),
            pattern: site.pattern.clone(),
            edit,
            rules,
            place,
        }
    }

    /// An experiment that is not called `key`.
    fn other_experiment(&self, key: &str) -> Option<&str> {
        let mut others = self.experiments.iter().map(String::as_str);
        others.find(|other| *other != key)
    }
}

/// A flag set with one thing changed in it.
#[derive(Debug)]
struct Mutant {
    set: usize,
    file: usize,
    /// Index of the flag in its file.
    flag: usize,
    kind: &'static str,
    way: String,
    /// Of the site that is changed.
    path: String,
    pattern: String,
    edit: Edit,
    /// One of these has to find it; none where nothing may be found at all.
    rules: &'static [&'static str],
    place: Place,
}

impl Mutant {
    fn text(&self, original: &str) -> String {
        let mut text = original.to_owned();
        text.replace_range(self.edit.range.clone(), &self.edit.text);
        text
    }

    /// Where it has to be found, in bytes of the changed text.
    fn place(&self) -> usize {
        let Edit { range, text } = &self.edit;
        match self.place {
            Place::Old(at) if at >= range.end => at - range.len() + text.len(),
            Place::Old(at) => at.min(range.start),
            Place::New(at) => range.start + at,
        }
    }
}

#[test]
fn every_field_is_broken() {
    let sets = flag_sets();
    let texts = sets.iter().flat_map(|set| &set.files);
    let flags: Vec<FlagSites> = texts.flat_map(|(_, text)| site::flags(text)).collect();
    let sites = flags.iter().flat_map(|flag| &flag.sites);
    let there: BTreeSet<&str> = sites.map(|site| site.pattern.as_str()).collect();
    let fields = [
        ("", &FLAG_FIELDS[..]),
        ("environments/*/", &OVERRIDE_FIELDS),
        ("rollout/*/", &STAGE_FIELDS),
        ("environments/*/rollout/*/", &STAGE_FIELDS),
        ("variants/*/", &VARIANT_FIELDS),
        ("environments/*/variants/*/", &VARIANT_FIELDS),
        ("tests/*/", &TEST_FIELDS),
    ];
    for (above, fields) in fields {
        for field in fields {
            let pattern = format!("{above}{field}");
            assert!(there.contains(&*pattern), "{pattern} is in no set");
            assert!(wrong::patterns().any(|known| known == pattern), "{pattern}");
        }
    }
    for pattern in wrong::patterns() {
        assert!(there.contains(pattern), "{pattern} is in no set");
    }
}

#[test]
fn every_mutant_is_found_on_its_line() {
    let sets = flag_sets();
    let settings = settings();
    let all = sets.iter().enumerate();
    let mut mutants: Vec<Mutant> = all.flat_map(|(at, set)| mutants(at, set)).collect();
    if is_default() {
        thin_out(&mut mutants);
    }
    let unbroken = |set: &FlagSet| -> Vec<Checked> {
        let files = set.files.iter().enumerate();
        files
            .map(|(at, (_, text))| check_file(FileId(at as u32), text.as_bytes(), &settings))
            .collect()
    };
    let results: Vec<Result<&'static str, String>> = mutants
        .par_iter()
        .map_init(HashMap::new, |checked, mutant| {
            let set = &sets[mutant.set];
            let checked = checked.entry(mutant.set).or_insert_with(|| unbroken(set));
            judge(mutant, set, checked, &settings)
        })
        .collect();

    let missed: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    let shown = missed
        .iter()
        .take(40)
        .fold(String::new(), |text, one| text + one);
    let score = score(&mutants, &results);
    assert!(
        missed.is_empty(),
        "{} missed\n{shown}\n{score}",
        missed.len()
    );

    let drawn: BTreeSet<&str> = results.iter().flatten().copied().collect();
    for rule in RULES {
        assert!(drawn.contains(rule.id), "no mutant draws {}", rule.id);
    }
    if is_default() {
        insta::assert_snapshot!("mutants", score);
    }
}

/// Leaves each field of each flag broken in every kind, and each field of one flag in every way.
fn thin_out(mutants: &mut Vec<Mutant>) {
    let (mut kinds, mut ways) = (HashSet::new(), HashSet::new());
    mutants.retain(|mutant| {
        let Mutant {
            set,
            file,
            flag,
            kind,
            way,
            path,
            pattern,
            ..
        } = mutant;
        let new_kind = kinds.insert((*set, *file, *flag, *kind, path.clone()));
        let new_way = ways.insert(((*set).min(2), *kind, pattern.clone(), way.clone()));
        new_kind || new_way
    });
}

fn is_default() -> bool {
    std::env::var_os("HOIST_MUTANTS").is_none()
}

/// The example set, one that has every field everywhere, and generated ones.
fn flag_sets() -> Vec<FlagSet> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for name in ["checkout", "experiments", "operations/switches", "search"] {
        let name = format!("flags/{name}.yaml");
        files.push((name.clone(), fs::read_to_string(root.join(&name)).unwrap()));
    }
    let example = FlagSet {
        name: "example".into(),
        files,
    };
    let asked = std::env::var("HOIST_MUTANTS").ok();
    let count = asked.map_or(GENERATED, |count| {
        count.parse().expect("HOIST_MUTANTS is a number")
    });
    let name = "tests/cases/mutants/every_field.yaml";
    let every_field = FlagSet {
        name: "every field".into(),
        files: vec![(name.into(), fs::read_to_string(root.join(name)).unwrap())],
    };
    let generated = generate::texts(count, IN_ONE_SET, 7).map(|text| FlagSet {
        name: "generated".into(),
        files: vec![("flags/generated.yaml".into(), text)],
    });
    [example, every_field]
        .into_iter()
        .chain(generated)
        .collect()
}

/// hoist.toml of this repository, and a style of keys.
fn settings() -> Settings {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("hoist.toml")).unwrap();
    let (config, mistakes) = config::parse(FileId(0), &text);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let mut context = Context::new(TODAY);
    context.environments = config.environments.keys().cloned().collect();
    context.limits = config.lint.limits;
    context.limits.key_style = Some(KeyStyle::new("[a-z][a-z0-9]*(_[a-z0-9]+)*").unwrap());
    Settings {
        context,
        levels: Levels::default(),
    }
}

fn mutants(set: usize, flag_set: &FlagSet) -> Vec<Mutant> {
    let files: Vec<Vec<FlagSites>> = flag_set
        .files
        .iter()
        .map(|(_, text)| site::flags(text))
        .collect();
    let all = || files.iter().flatten();
    let experiments = all().filter(|flag| flag.flag.base.variants.is_some());
    let experiments: Vec<String> = experiments.map(|flag| flag.key().to_owned()).collect();
    let employees = all().filter(|flag| {
        flag.sites.iter().any(|site| {
            let groups = site.pattern == "allowed_groups";
            groups
                && flag
                    .flag
                    .base
                    .allowed_groups
                    .as_ref()
                    .is_some_and(|groups| {
                        groups
                            .value
                            .iter()
                            .any(|group| &*group.value == "employees")
                    })
        })
    });
    let uses_of_employees = employees.count();
    let mut mutants = Vec::new();
    for (file, flags) in files.iter().enumerate() {
        let origin = Origin {
            set,
            file,
            text: &flag_set.files[file].1,
            flags,
            experiments: &experiments,
            uses_of_employees,
        };
        for flag in origin.flags {
            mutants.extend(wrong::values(&origin, flag));
            mutants.extend(wrong::keys(&origin, flag));
            mutants.extend(mistakes::all(&origin, flag));
            mutants.extend(changes::all(&origin, flag));
            mutants.extend(harmless::all(&origin, flag));
        }
        mutants.extend(harmless::of_file(&origin));
    }
    mutants
}

/// The rule that found the mutant, or what is there instead. `checked` are the files unbroken.
fn judge(
    mutant: &Mutant,
    set: &FlagSet,
    checked: &mut [Checked],
    settings: &Settings,
) -> Result<&'static str, String> {
    let text = &set.files[mutant.file].1;
    let broken = mutant.text(text);
    let (found, line) = if mutant.kind == "change" {
        let lines = LineIndex::new(if mutant.edit.text.is_empty() {
            text
        } else {
            &broken
        });
        let line = lines.line(u32::try_from(mutant.place()).unwrap());
        (changes::findings(mutant, text, settings), line)
    } else {
        let lines = LineIndex::new(&broken);
        let line = lines.line(u32::try_from(mutant.place()).unwrap());
        let found = lint(mutant, set, checked, settings).into_iter();
        let here = |found: Diagnostic| {
            let is_here = found.location.file.0 as usize == mutant.file;
            let line = lines.line(found.location.span.start);
            (found, if is_here { line } else { 0 })
        };
        (found.map(here).collect(), line)
    };
    let fits = |(found, at): &&(Diagnostic, u32)| *at == line && mutant.rules.contains(&found.rule);
    let caught = found.iter().find(fits).map(|(found, _)| found.rule);
    let nothing = mutant.rules.is_empty() && found.is_empty();
    match caught.or(nothing.then_some("")) {
        Some(rule) if mutant.kind == "change" || !is_told_twice(&found) => Ok(rule),
        _ => Err(report(mutant, set, line, &found)),
    }
}

/// What lint finds in the broken set.
fn lint(
    mutant: &Mutant,
    set: &FlagSet,
    checked: &mut [Checked],
    settings: &Settings,
) -> Vec<Diagnostic> {
    let mut files = Files::default();
    for (name, _) in &set.files {
        files.add(name, None);
    }
    let file = FileId(u32::try_from(mutant.file).unwrap());
    let broken = mutant.text(&set.files[mutant.file].1);
    let broken = check_file(file, broken.as_bytes(), settings);
    let whole = std::mem::replace(&mut checked[mutant.file], broken);
    let mut found = check_set(checked, &files, settings);
    let broken = std::mem::replace(&mut checked[mutant.file], whole);
    found.extend(broken.diagnostics);
    found
}

/// Whether a rule says two things of one place, other than of what it is at odds with elsewhere.
fn is_told_twice(found: &[(Diagnostic, u32)]) -> bool {
    found.iter().enumerate().any(|(at, (one, _))| {
        let mut before = found[..at].iter();
        !["unknown-variant", "conflicting-exposure"].contains(&one.rule)
            && before.any(|(other, _)| (other.rule, other.location) == (one.rule, one.location))
    })
}

fn report(mutant: &Mutant, set: &FlagSet, line: u32, found: &[(Diagnostic, u32)]) -> String {
    let Mutant {
        path, way, rules, ..
    } = mutant;
    let file = &set.files[mutant.file].0;
    let mut text = format!(
        "\n{} {file}: {path} {way:?}\n  expected {rules:?} on line {line}\n",
        set.name
    );
    for (found, at) in found {
        let _ = writeln!(text, "  {at}: {}: {}", found.rule, found.message);
    }
    text
}

/// How many mutants of each kind there are, and how many were found.
fn score(mutants: &[Mutant], results: &[Result<&'static str, String>]) -> String {
    let mut kinds: BTreeMap<&str, (usize, usize, BTreeSet<&str>)> = BTreeMap::new();
    for (mutant, result) in mutants.iter().zip(results) {
        let (all, found, rules) = kinds.entry(mutant.kind).or_default();
        *all += 1;
        if let Ok(rule) = result {
            *found += 1;
            rules.insert(rule);
        }
    }
    let mut text = format!("{:<16} {:>8} {:>8}  by\n", "kind", "mutants", "found");
    for (kind, (all, found, rules)) in &kinds {
        let rules: Vec<&str> = rules.iter().copied().collect();
        let _ = writeln!(text, "{kind:<16} {all:>8} {found:>8}  {}", rules.join(", "));
    }
    let found = results.iter().filter(|result| result.is_ok()).count();
    let _ = writeln!(text, "{:<16} {:>8} {found:>8}", "all", mutants.len());
    text
}
