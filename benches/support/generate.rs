//! Flag sets as teams write them: mixed kinds, 15 to 25 lines a flag, the same for the same seed.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The environments that the flags speak of; `development` is the one that is meant where none is named.
const CONFIG: &str = r#"[environments.development]
store = "sqlite:.hoist/flags.db"

[environments.staging]
store = "sqlite:.hoist/staging.db"

[environments.production]
store = "sqlite:.hoist/production.db"
"#;

/// Makes a project of `flags` flags, in files of `per_file`, of `directory`; gives the number of bytes.
pub fn project(
    directory: &Path,
    flags: usize,
    per_file: usize,
    seed: u64,
) -> std::io::Result<usize> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("hoist.toml"), CONFIG)?;
    flag_set(&directory.join("flags"), flags, per_file, seed)
}

/// Writes `flags` flags into files of `per_file` below `directory`; gives the number of bytes.
pub fn flag_set(
    directory: &Path,
    flags: usize,
    per_file: usize,
    seed: u64,
) -> std::io::Result<usize> {
    let mut bytes = 0;
    for (file, text) in texts(flags, per_file, seed).enumerate() {
        bytes += text.len();
        // A thousand files a folder, as large repositories have them.
        let folder = directory.join(format!("team_{:03}", file / 1000));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("flags_{file:05}.yaml")), text)?;
    }
    Ok(bytes)
}

/// The texts of files of `per_file` flags each, of `flags` flags in all.
pub fn texts(flags: usize, per_file: usize, seed: u64) -> impl Iterator<Item = String> {
    let mut random = Random(seed | 1);
    (0..flags).step_by(per_file).map(move |start| {
        let mut text =
            String::from("# yaml-language-server: $schema=../schema/flags.schema.json\nflags:\n");
        for index in start..(start + per_file).min(flags) {
            flag(&mut text, index, &mut random);
        }
        text
    })
}

/// xorshift64*: all that is asked of it is to be the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

const AREAS: [&str; 8] = [
    "search", "checkout", "pricing", "profile", "mailing", "billing", "catalog", "support",
];
const THINGS: [&str; 8] = [
    "ranking", "layout", "cache", "form", "export", "upload", "summary", "reminder",
];

fn flag(text: &mut String, index: usize, random: &mut Random) {
    let area = AREAS[random.below(8) as usize];
    let thing = THINGS[random.below(8) as usize];
    let (created, expires) = (1 + random.below(20), 1 + random.below(28));
    let enabled = random.below(4) > 0;
    // Writing to a string has no way to fail.
    let _ = write!(
        text,
        "  {area}_{thing}_{index}:
    description: Use the new {thing} of the {area} pages, as agreed in the review of change {index}
    owner: {area}-team
    created: 2026-11-{created:02}
    expires: 2027-01-{expires:02}
    tags: [{area}, {thing}]
    enabled: {enabled}
",
    );
    match random.below(3) {
        0 => boolean(text, enabled, random),
        1 => rollout(text, enabled, random),
        _ => experiment(text, random),
    }
}

fn boolean(text: &mut String, enabled: bool, random: &mut Random) {
    let _ = writeln!(
        text,
        "    percentage: {}.{}",
        1 + random.below(49),
        random.below(10)
    );
    text.push_str("    allowed_users:\n");
    for _ in 0..3 + random.below(6) {
        let _ = writeln!(text, "      - user_{}", random.below(1_000_000));
    }
    let _ = write!(
        text,
        "    allowed_groups: [employees]
    environments:
      staging: {{ percentage: 60 }}
    tests:
      - {{ user: anyone, groups: [employees], environment: staging, expect: {enabled} }}
"
    );
}

fn rollout(text: &mut String, enabled: bool, random: &mut Random) {
    let first = 1 + random.below(4);
    let _ = write!(
        text,
        "    rollout:
      - {{ percentage: {first}, duration: 2h }}
      - {{ percentage: {}, duration: 12h }}
      - percentage: 25
        duration: 1d
      - percentage: 60
        duration: 2d
      - {{ percentage: 100 }}
    allowed_groups: [employees]
    tests:
      - {{ user: ana, groups: [employees], expect: {enabled} }}
",
        first + 5
    );
}

fn experiment(text: &mut String, random: &mut Random) {
    let first = 20 + random.below(20);
    let _ = write!(
        text,
        "    control: control
    variants:
      control:
        weight: {first}
        value: {{ columns: 1, sticky: false }}
      wide:
        weight: {}
        value: {{ columns: 2, sticky: true }}
      dense: {{ weight: 40, value: {{ columns: 3, sticky: true }} }}
    forced:
      wide: [qa_{}, qa_{}]
",
        60 - first,
        random.below(500),
        500 + random.below(500),
    );
}
