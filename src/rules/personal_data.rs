use std::sync::LazyLock;

use regex::Regex;

use crate::diagnostic::Span;

use super::text::Text;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "personal-data",
    level: Level::Warning,
    fixed: false,
    summary: "A flag file holds an e-mail address or a telephone number",
    docs: "\
Git keeps what was committed for ever, in every copy of the repository: an address cannot be taken out again
when the person asks for it. Name users by an id that says nothing about them, or put them into a group.

Lists, descriptions, values and the comments among them are looked at. An `owner` may be an address, and so
may what stands above the first flag: both say whom to ask. Addresses of roles (`support@…`, `noreply@…`) and
those that are made for examples (`@example.com`, `.test`, numbers with 555-01) are no one's. A telephone
number has `+` or `00` and its country in front, or is written as in `(212) 555-0187` or `(030) 1234567`; numbers
without that are ids.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_users: [ana.perez@acme-mail.com]
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_users: [u_20418]
",
    check: Check::Text(check),
};

/// A number with its country in front, behind `+` or `00`, one of North America as it is written there,
/// or one with its area in parentheses: `(030) 1234567`.
static TELEPHONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x-u)
          \+[1-9][0-9\ ().-]{6,18}[0-9]
        | 00[2-9][0-9][0-9\ ().-]{6,18}[0-9]
        | (?:\([0-9]{3}\)\ ?|[0-9]{3}[-.\ ])[0-9]{3}[-.][0-9]{4}
        | \(0[1-9][0-9]{0,4}\)\ ?[0-9][0-9\ /-]{3,10}[0-9]",
    )
    .ok()
});

/// Digits of a telephone number with those of its country or area.
const FEWEST_DIGITS: usize = 8;
const MOST_DIGITS: usize = 15;
/// Longest name and longest host of an address, in bytes.
const LONGEST_NAME: usize = 64;
const LONGEST_HOST: usize = 253;

/// Who is no person.
const ROLES: [&str; 14] = [
    "admin",
    "contact",
    "git",
    "hello",
    "help",
    "hostmaster",
    "info",
    "no-reply",
    "noreply",
    "postmaster",
    "root",
    "security",
    "support",
    "webmaster",
];
/// Hosts that belong to nobody, by RFC 2606 and RFC 6761.
const NOBODY: [&str; 7] = [
    "example",
    "example.com",
    "example.net",
    "example.org",
    "invalid",
    "localhost",
    "test",
];

fn check(text: &Text<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some(first) = text.flags.first() else {
        return;
    };
    let start = (first.span.start as usize).min(text.text.len());
    let body = text.text.get(start..).unwrap_or_default();
    for (at, _) in body.match_indices('@') {
        if let Some(span) = address(text.text, start + at) {
            report(text, span, "an e-mail address", findings);
        }
    }
    let Some(telephone) = &*TELEPHONE else { return };
    let mut line_start = 0;
    let ends = memchr::memchr_iter(b'\n', body.as_bytes());
    for line_end in ends.chain([body.len()]) {
        let line = body.get(line_start..line_end).unwrap_or_default();
        // No number goes on in the next line, and few lines have as many digits.
        if digits(line) >= FEWEST_DIGITS {
            for found in telephone.find_iter(line) {
                let place = start + line_start;
                let span = Span::new(place + found.start(), place + found.end());
                if is_telephone(text.text, span) {
                    report(text, span, "a telephone number", findings);
                }
            }
        }
        line_start = line_end + 1;
    }
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

fn report(text: &Text<'_>, span: Span, what: &str, findings: &mut Findings<'_>) {
    let flag = text.flag_around(span.start as usize);
    let owner = flag.and_then(|flag| flag.owner.as_ref());
    if owner.is_some_and(|owner| owner.span.start <= span.start && span.end <= owner.span.end) {
        return;
    }
    let message = format!("this is {what}, which git keeps for ever");
    findings.report_in(text, span, message).help = Some(
        "name users by an id that says nothing about them, or put them into a group".to_owned(),
    );
}

/// The address whose `@` stands at `at`, if it can be a person's.
fn address(text: &str, at: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let of_host = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let before = bytes.get(..at)?.iter().rev().take(LONGEST_NAME + 1);
    let joined = text.get(at - before.take_while(of_name).count()..at)?;
    let name = joined.trim_start_matches(['.', '-']);
    let start = at - name.len();
    let behind = bytes.get(at + 1..)?.iter().take(LONGEST_HOST + 1);
    let end = at + 1 + behind.take_while(of_host).count();
    // A sentence may end behind it.
    let host = text.get(at + 1..end)?.trim_end_matches(['.', '-']);
    let (_, zone) = host.rsplit_once('.')?;
    let is_host = zone.len() >= 2
        && host.len() <= LONGEST_HOST
        && zone.bytes().all(|byte| byte.is_ascii_alphabetic())
        && host.split('.').all(|label| !label.is_empty());
    let is_person = (1..=LONGEST_NAME).contains(&name.len())
        && !ROLES.iter().any(|role| name.eq_ignore_ascii_case(role))
        && !is_nobody(host);
    (is_host && is_person && !is_login(text.get(..start)?))
        .then(|| Span::new(start, at + 1 + host.len()))
}

/// Whether what follows `before` is the login of a URL, or the password that ends it.
fn is_login(before: &str) -> bool {
    let near = before.ceil_char_boundary(before.len().saturating_sub(LONGEST_HOST));
    let near = before.get(near..).unwrap_or_default();
    let word = near.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.contains("://")
}

/// The host itself, or one below it.
fn is_nobody(host: &str) -> bool {
    NOBODY.iter().any(|nobody| {
        let above = host.len().checked_sub(nobody.len());
        above
            .and_then(|at| host.split_at_checked(at))
            .is_some_and(|(above, host)| {
                host.eq_ignore_ascii_case(nobody) && (above.is_empty() || above.ends_with('.'))
            })
    })
}

fn is_telephone(text: &str, span: Span) -> bool {
    let (Some(before), Some(number), Some(behind)) = (
        text.get(..span.start as usize),
        text.get(span.range()),
        text.get(span.end as usize..),
    ) else {
        return false;
    };
    let joins =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | ':' | '@');
    // Links to call somebody have it behind a scheme.
    let is_link = ["tel:", "sms:"].iter().any(|scheme| {
        let start = before.len().checked_sub(scheme.len());
        let end = start.and_then(|start| before.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(scheme))
    });
    let goes_on = behind
        .trim_start_matches(['.', '-'])
        .starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    // 555-0100 to 555-0199 are kept free for stories.
    let is_made_up = digits.len() >= 7 && digits[digits.len() - 7..].starts_with(b"55501");
    (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len())
        && (is_link || !before.ends_with(joins))
        && !goes_on
        && !is_made_up
}
