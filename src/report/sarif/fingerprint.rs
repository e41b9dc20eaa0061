//! What tells a finding from all others, for as long as it is the same finding.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Files};

/// Name of the fingerprints. What they are made of does not change under one name.
pub const NAME: &str = "hoistFinding/v1";
/// Bytes of the text at the place that count: a finding may span a whole flag.
const TEXT: usize = 256;

/// Numbers findings that nothing else tells apart, in the order in which they are asked for.
#[derive(Default)]
pub struct Fingerprints {
    seen: HashMap<[u8; 16], usize>,
}

impl Fingerprints {
    /// Made of the rule, the file, the flag, the names in the message and the text that the finding
    /// is about; not of lines, nor of figures that change from day to day, such as the days since a
    /// flag expired. `file` is the name under which the file is reported.
    pub fn next(&mut self, found: &Diagnostic, file: &str, files: &Files) -> String {
        let span = found.location.span;
        let text = files.text(found.location.file).unwrap_or_default();
        let text = text.get(span.range()).unwrap_or_default();
        let text = text
            .get(..text.floor_char_boundary(TEXT))
            .unwrap_or_default();
        let mut hash = blake3::Hasher::new();
        let names = names(&found.message).collect::<Vec<_>>().join("`");
        for part in [
            found.rule,
            file,
            found.flag.as_deref().unwrap_or_default(),
            &names,
            text.trim(),
        ] {
            hash.update(part.as_bytes()).update(&[0]);
        }
        let mut key = [0; 16];
        hash.finalize_xof().fill(&mut key);
        let number = self.seen.entry(key).or_default();
        *number += 1;
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}:{number}")
    }
}

/// What stands between backticks.
fn names(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Location, Span};

    const TEXT: &str = "flags:\n  a: { expires: 2026-01-01 }\n";

    /// The fingerprint of a finding about the date in [`TEXT`], with `before` put above it.
    fn of(rule: &'static str, message: &str, before: &str, date: &str) -> String {
        let text = format!("{before}{TEXT}").replace("2026-01-01", date);
        let start = text.find(date).unwrap();
        let mut files = Files::default();
        let file = files.add("flags/a.yaml", Some(text.into()));
        let span = Span::new(start, start + date.len());
        let found = Diagnostic::new(rule, Location { file, span }, message).with_flag("a");
        Fingerprints::default().next(&found, "flags/a.yaml", &files)
    }

    #[test]
    fn a_finding_keeps_its_fingerprint_wherever_it_moves() {
        let first = of("expired", "expired 1 day ago", "", "2026-01-01");
        for (message, before) in [
            ("expired 21 days ago", ""),
            ("expired 21 days ago", "# a comment\r\n\r\n"),
        ] {
            assert_eq!(of("expired", message, before, "2026-01-01"), first);
        }
        for other in [
            of("expired", "expired 1 day ago", "", "2026-01-02"),
            of("date-order", "expired 1 day ago", "", "2026-01-01"),
            of("expired", "`b` expired 1 day ago", "", "2026-01-01"),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn equal_findings_are_numbered() {
        let mut fingerprints = Fingerprints::default();
        let found = Diagnostic::new("expired", Location::default(), "expired");
        let mut next = || fingerprints.next(&found, "a.yaml", &Files::default());
        let (first, second) = (next(), next());
        assert_eq!(first.strip_suffix(":1"), second.strip_suffix(":2"));
        assert!(first.ends_with(":1") && second.ends_with(":2"));
    }
}
