//! Figures in words.

/// `512 B`, `95.4 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let unit = UNITS.get(unit).unwrap_or(&"");
    if size.fract() < 0.05 {
        format!("{size:.0} {unit}")
    } else {
        format!("{size:.1} {unit}")
    }
}

/// `45 s`, `12 min`, `3 h`, `9 days`.
pub(super) fn time(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if seconds < 172_800.0 {
        format!("{:.0} h", seconds / 3600.0)
    } else {
        format!("{:.0} days", seconds / 86_400.0)
    }
}

/// `1 key`, `2 keys`.
pub(super) fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// The first few of `names`, and how many more there are.
pub(super) fn list<N: AsRef<str>>(names: &[N]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN);
    let shown: Vec<String> = shown.map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A word of a command line, for a shell to read as one.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) && !word.starts_with('-') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A word of a command line, for `redis-cli` to read as one.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (bytes, said) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1_500_000, "1.4 MiB"),
            (104_857_600, "100 MiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(size(bytes), said);
        }
        for (seconds, said) in [
            (-1.0, "0.0 s"),
            (0.26, "0.3 s"),
            (45.0, "45 s"),
            (720.0, "12 min"),
            (10_800.0, "3 h"),
            (777_600.0, "9 days"),
        ] {
            assert_eq!(time(seconds), said);
        }
        assert_eq!(list(&["a", "b"]), "`a`, `b`");
        assert_eq!(list(&["a"; 7]), "`a`, `a`, `a`, `a`, `a` and 2 more");
        assert_eq!(shell(".hoist/flags.db"), ".hoist/flags.db");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(quoted("ff:a"), "ff:a");
        assert_eq!(quoted(r#"a "b\"#), r#""a \"b\\""#);
    }
}
