//! One pass over a text, from one run of token characters to the next.
//!
//! Words of people are shorter than any token, so hardly anything is looked at twice, and most of it not
//! at all.

use std::cmp::Reverse;
use std::ops::Range;

use super::Secret;
use super::runs::{next_run, run_end};
use super::shapes::{Body, DOTTED, NAMES, SHAPES, Shape, WEBHOOKS};

/// No token is shorter, in bytes.
const SHORTEST: usize = 16;
/// Nor is what a name says to be secret.
const NAMED: usize = 10;
/// From that length on a text without any pattern is taken for a key: ids of users are shorter.
const RANDOM: usize = 40;
/// How far things are followed, in bytes, so that no text takes the square of its length: the name of
/// a setting, the part of a link before a word, a URL up to its host, the header of a private key, and
/// the key itself.
const LONGEST_NAME: usize = 64;
const LONGEST_LINK: usize = 512;
const LONGEST_LOGIN: usize = 512;
const LONGEST_HEADER: usize = 80;
const LONGEST_KEY: usize = 16 << 10;

/// Every secret in `text`, in order, none inside another.
#[must_use]
pub fn find(text: &str) -> Vec<Secret> {
    let mut found = written(text);
    if let Some(unfolded) = Unfolded::of(text) {
        let folded = written(&unfolded.text).into_iter();
        found.extend(folded.map(|secret| unfolded.place(secret)));
    }
    // Of two that begin together the longer one counts.
    found.sort_by_key(|secret| (secret.place.start, Reverse(secret.end())));
    let mut end = 0;
    found.retain(|secret| {
        let apart = secret.place.start >= end;
        if apart {
            end = secret.end();
        }
        apart
    });
    found
}

/// A text in which what a double-quoted string of YAML goes on with in the next line, behind a `\` at
/// the end of one, follows at once.
struct Unfolded {
    text: String,
    /// Where in it the parts behind each fold begin, and where in the text they do.
    parts: Vec<(usize, usize)>,
}

impl Unfolded {
    /// None where nothing is folded.
    fn of(text: &str) -> Option<Self> {
        let mut unfolded = Self {
            text: String::new(),
            parts: Vec::new(),
        };
        let mut seen = 0;
        for (at, _) in text.match_indices('\\') {
            let rest = text.get(at + 1..).unwrap_or_default();
            let behind = rest.strip_prefix('\r').unwrap_or(rest);
            let Some(next) = behind.strip_prefix('\n') else {
                continue;
            };
            unfolded
                .text
                .push_str(text.get(seen..at).unwrap_or_default());
            seen = text.len() - next.trim_start_matches([' ', '\t']).len();
            unfolded.parts.push((unfolded.text.len(), seen));
        }
        if unfolded.parts.is_empty() {
            return None;
        }
        unfolded.text.push_str(text.get(seen..).unwrap_or_default());
        Some(unfolded)
    }

    /// Where in the text a byte stands.
    fn at(&self, offset: usize) -> usize {
        let behind = self.parts.partition_point(|(start, _)| *start <= offset);
        let part = behind.checked_sub(1).and_then(|part| self.parts.get(part));
        part.map_or(offset, |(start, there)| there + (offset - start))
    }

    /// What was found in it, where that is in the text.
    fn place(&self, secret: Secret) -> Secret {
        // The last byte, lest an end at a fold go to the next line.
        let range = |range: Range<usize>| {
            let start = self.at(range.start);
            let last = range.end.checked_sub(1).filter(|last| *last >= range.start);
            start..last.map_or(start, |last| self.at(last) + 1)
        };
        Secret {
            place: range(secret.place),
            hidden: range(secret.hidden),
            ..secret
        }
    }
}

fn written(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    // What lies before `at` was looked at.
    let mut at = 0;
    while let Some(Range { start, end }) = next_run(bytes, at, NAMED) {
        at = end;
        let is_short = end - start < SHORTEST && bytes[start] != b'-';
        let before = || text.get(..start).unwrap_or_default();
        if is_short && !is_secret_name(before()) {
            continue;
        }
        let (secret, seen) = at_run(text, start..end);
        at = at.max(seen);
        found.extend(secret);
    }
    logins(text, &mut found);
    webhooks(text, &mut found);
    found
}

/// What the run of letters, digits, `_` and `-` at `run` is part of, and up to where the text needs no
/// second look.
fn at_run(text: &str, run: Range<usize>) -> (Option<Secret>, usize) {
    let word = text.get(run.clone()).unwrap_or_default();
    let told = |secret: Secret| {
        let end = secret.end();
        (Some(secret), end)
    };
    if word.starts_with("-----BEGIN") {
        return private_key(text, run.start).map_or((None, run.end), told);
    }
    // A dash or two before a word are no part of it.
    let start = run.end - word.trim_start_matches('-').len();
    if run.end - start < NAMED {
        return (None, run.end);
    }
    let known = shaped(text, start)
        .or_else(|| dotted(text, start))
        .or_else(|| web_token(text, start..run.end));
    known.map_or_else(|| by_name_or_looks(text, start), told)
}

fn shaped(text: &str, start: usize) -> Option<Secret> {
    let rest = text.get(start..)?;
    let shape = SHAPES.iter().find(|shape| fits(shape, rest))?;
    Some(token(text, shape, start))
}

/// The token whose prefix, dot included, ends at `start`.
fn dotted(text: &str, start: usize) -> Option<Secret> {
    let before = text.get(..start)?;
    let shape = DOTTED.iter().find(|shape| {
        before.strip_suffix(shape.prefix).is_some_and(|before| {
            let is_word = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
            is_word
                && text
                    .get(before.len()..)
                    .is_some_and(|text| fits(shape, text))
        })
    })?;
    Some(token(text, shape, start - shape.prefix.len()))
}

/// Whether `text` begins with a token of that shape.
fn fits(shape: &Shape, text: &str) -> bool {
    text.strip_prefix(shape.prefix).is_some_and(|rest| {
        let length = body_length(shape, rest);
        let body = rest.get(..length).unwrap_or_default();
        let has_digit = body.bytes().any(|byte| byte.is_ascii_digit());
        // A word that goes on is another word.
        let goes_on = rest
            .as_bytes()
            .get(length)
            .is_some_and(u8::is_ascii_alphanumeric);
        (shape.least..=shape.most).contains(&length)
            && !goes_on
            && (has_digit || shape.body == Body::Upper)
    })
}

/// Not more than one past the longest.
fn body_length(shape: &Shape, rest: &str) -> usize {
    let body = rest.bytes().take(shape.most + 1);
    body.take_while(|byte| shape.body.holds(*byte)).count()
}

/// The token of that shape, which begins at `start`.
fn token(text: &str, shape: &Shape, start: usize) -> Secret {
    let body = start + shape.prefix.len();
    let end = body + body_length(shape, text.get(body..).unwrap_or_default());
    Secret {
        kind: shape.kind,
        place: start..end,
        hidden: body..end,
        by_looks: false,
    }
}

/// Three parts in base64 with dots between them, the first two of them JSON objects.
fn web_token(text: &str, first: Range<usize>) -> Option<Secret> {
    let bytes = text.as_bytes();
    let part = |start: usize| {
        let end = run_end(bytes, start);
        (bytes.get(end) == Some(&b'.')).then_some(end + 1)
    };
    let is_object = |start: usize| {
        text.get(start..)
            .is_some_and(|rest| rest.starts_with("eyJ"))
    };
    if !is_object(first.start) {
        return None;
    }
    let second = part(first.start).filter(|start| is_object(*start))?;
    let third = part(second)?;
    let end = run_end(bytes, third);
    Some(Secret {
        kind: "a JSON web token",
        place: first.start..end,
        hidden: first.start + 3..end,
        by_looks: false,
    })
}

/// From the header to the footer, or as far as lines of base64 go on.
fn private_key(text: &str, start: usize) -> Option<Secret> {
    let rest = text.get(start..)?;
    let line = rest
        .get(..rest.floor_char_boundary(LONGEST_HEADER))?
        .lines()
        .next()?;
    let behind_name = line.find("PRIVATE KEY")? + "PRIVATE KEY".len();
    let header = behind_name + line.get(behind_name..)?.find("-----")? + 5;
    let body = rest.get(header..)?;
    let near = body.get(..body.floor_char_boundary(LONGEST_KEY))?;
    let length = near.find("-----END").unwrap_or_else(|| {
        let lines = near.split_inclusive('\n').enumerate();
        let of_key = |(at, line): &(usize, &str)| *at == 0 || is_base64(line);
        lines.take_while(of_key).map(|(_, line)| line.len()).sum()
    });
    Some(Secret {
        kind: "a private key",
        place: start..start + header,
        hidden: start + header..start + header + length,
        by_looks: false,
    })
}

fn is_base64(line: &str) -> bool {
    let line = line.trim().trim_start_matches('#').trim();
    let of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    !line.is_empty() && line.bytes().all(of_base64)
}

/// What is set under a name such as `password`, or has no pattern at all; and where the word ends
/// that the run belongs to.
fn by_name_or_looks(text: &str, run: usize) -> (Option<Secret>, usize) {
    let bytes = text.as_bytes();
    let of_base64 = |byte: &&u8| Body::Url.holds(**byte) || matches!(**byte, b'+' | b'/');
    let before = bytes[..run].iter().rev();
    let start = run - before.take_while(of_base64).count();
    let mut end = start + bytes[start..].iter().take_while(of_base64).count();
    let word = text.get(start..end).unwrap_or_default();
    let padding = bytes[end..]
        .iter()
        .take_while(|byte| **byte == b'=')
        .count();
    if !bytes
        .get(end + padding)
        .is_some_and(u8::is_ascii_alphanumeric)
    {
        end += padding;
    }
    let looks = Looks::of(word);
    if !looks.mixed(NAMED) {
        return (None, end);
    }
    let before = text.get(..start).unwrap_or_default();
    let kind = if is_secret_name(before) {
        "a secret by its name"
    } else if looks.random(RANDOM) && !is_told_apart(before, word) {
        "a key"
    } else {
        return (None, end);
    };
    let secret = Secret {
        kind,
        place: start..end,
        hidden: start..end,
        by_looks: kind == "a key",
    };
    (Some(secret), end)
}

/// Whether what stands before a value names it as secret: `password: "` or `token=`.
fn is_secret_name(before: &str) -> bool {
    let quotes: &[char] = &['"', '\'', ' ', '\t'];
    let Some(before) = before.trim_end_matches(quotes).strip_suffix([':', '=']) else {
        return false;
    };
    let mut name = [0; LONGEST_NAME];
    let mut length = 0;
    // From the last letter to the first.
    for byte in before.trim_end_matches(quotes).bytes().rev() {
        match byte {
            b'_' | b'-' => {}
            _ if byte.is_ascii_alphanumeric() && length < LONGEST_NAME => {
                name[length] = byte.to_ascii_lowercase();
                length += 1;
            }
            _ => break,
        }
    }
    let reversed = &name[..length];
    NAMES.iter().any(|known| {
        known.len() <= length
            && known
                .bytes()
                .rev()
                .eq(reversed[..known.len()].iter().copied())
    })
}

/// Part of a link, of an embedded image, or a digest that says so: long, without pattern, no secret.
fn is_told_apart(before: &str, word: &str) -> bool {
    let near = before.get(before.ceil_char_boundary(before.len().saturating_sub(LONGEST_LINK))..);
    let near = near.unwrap_or_default();
    let begins = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '(');
    let joined = near.rsplit(begins).next().unwrap_or_default();
    let is_link = joined.contains("://") && !joined.contains('?');
    let joined_digest = joined.strip_suffix(':').unwrap_or_default();
    let digest = |name: &str| word.starts_with(name) || joined_digest.ends_with(name);
    is_link || joined.ends_with("base64,") || ["sha256", "sha384", "sha512"].into_iter().any(digest)
}

/// What a word is made of.
#[derive(Default)]
struct Looks {
    length: usize,
    upper: usize,
    lower: usize,
    digits: usize,
    separators: usize,
    /// Places where a character is of another class than the one before it.
    changes: usize,
    /// Different characters.
    different: u32,
}

impl Looks {
    fn of(word: &str) -> Self {
        let mut looks = Self {
            length: word.len(),
            ..Self::default()
        };
        let mut seen = 0_u128;
        let mut before = None;
        for byte in word.bytes() {
            let (class, count) = match byte {
                b'A'..=b'Z' => (0, &mut looks.upper),
                b'a'..=b'z' => (1, &mut looks.lower),
                b'0'..=b'9' => (2, &mut looks.digits),
                _ => (3, &mut looks.separators),
            };
            *count += 1;
            looks.changes += usize::from(before.is_some_and(|before| before != class));
            before = Some(class);
            seen |= 1 << (byte & 127);
        }
        looks.different = seen.count_ones();
        looks
    }

    /// Letters and digits that change places often: no words, no dates.
    fn mixed(&self, least: usize) -> bool {
        self.length >= least
            && self.upper + self.lower >= 3
            && self.digits >= 2
            && self.different >= 8
            && self.separators * 8 <= self.length
            && self.changes * 4 >= self.length
    }

    /// As chance would write it with 64 characters. Of as many random characters, two in three are
    /// of another class than the one before them, and six in seven keys of 40 have 27 different ones.
    fn random(&self, least: usize) -> bool {
        self.mixed(least)
            && self.upper >= 3
            && self.lower >= 3
            && self.digits >= 3
            && self.different >= 20
            && self.changes * 5 >= self.length * 2
    }
}

/// Passwords in URLs: what stands between a colon and the last `@` of the part with the host.
fn logins(text: &str, found: &mut Vec<Secret>) {
    if !text.contains('@') {
        return;
    }
    for (at, scheme) in text.match_indices("://") {
        let start = at + scheme.len();
        let rest = text.get(start..).unwrap_or_default();
        let rest = rest
            .get(..rest.floor_char_boundary(LONGEST_LOGIN))
            .unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || "/?#\"'`,<>".contains(c);
        let authority = rest.split(ends).next().unwrap_or_default();
        if let Some((login, _)) = authority.rsplit_once('@')
            && let Some((user, password)) = login.split_once(':')
            && !is_placeholder(password)
        {
            let hidden = start + user.len() + 1..start + login.len();
            found.push(Secret {
                kind: "a password in a URL",
                place: hidden.clone(),
                hidden,
                by_looks: false,
            });
        }
    }
}

/// Addresses that take messages from everyone who knows them: the part that tells one from another.
fn webhooks(text: &str, found: &mut Vec<Secret>) {
    if !text.contains("://") {
        return;
    }
    for prefix in WEBHOOKS {
        for (at, _) in text.match_indices(prefix) {
            let start = at + prefix.len();
            let rest = text.get(start..).unwrap_or_default().bytes();
            let of_path = |byte: &u8| Body::Url.holds(*byte) || matches!(byte, b'/' | b'@');
            let length = rest.take(LONGEST_LINK).take_while(of_path).count();
            let path = text.get(start..start + length).unwrap_or_default();
            let last = path.rsplit('/').next().unwrap_or_default();
            if last.len() >= SHORTEST && !is_placeholder(last) {
                found.push(Secret {
                    kind: "a webhook",
                    place: at..start + length,
                    hidden: start..start + length,
                    by_looks: false,
                });
            }
        }
    }
}

/// What stands for a password and is none: `${PASSWORD}`, `***`, `PASSWORD`.
fn is_placeholder(password: &str) -> bool {
    password.is_empty()
        || password.starts_with(['$', '{', '[', '%'])
        || password
            .bytes()
            .all(|byte| matches!(byte, b'*' | b'.' | b'x' | b'X'))
        || password.eq_ignore_ascii_case("password")
}
