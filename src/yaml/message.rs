//! The parser's errors in words a person would use.

use granit_parser::ErrorKind as K;

use super::build::{MAX_NODES, StopKind};
use super::text::{self, rest_of_line};
use super::{MAX_DEPTH, SYNTAX, UNSAFE};
use crate::diagnostic::Span;

/// What is known about the place of an error.
pub(super) struct Scene {
    /// Where the parser noticed.
    pub at: usize,
    /// The first thing that it had not taken in.
    pub token: usize,
    /// That stands behind a key's colon.
    pub value: bool,
    /// A plain scalar that ran into the error.
    pub swallower: Option<Span>,
    /// What is broken reaches into the next flag.
    pub swallowed: bool,
    /// The quote that the error has to do with.
    pub quote: Option<usize>,
    /// The bracket that is not closed where it should be.
    pub flow: Option<usize>,
    /// A bracket is open.
    pub in_flow: bool,
}

/// Rule, place, message and help.
pub(super) type Explained = (&'static str, Span, String, Option<String>);

/// A place, a message and a help.
type Words = (Span, String, Option<String>);

/// The quote that begins the scalar which `kind` complains about.
pub(super) fn quote(text: &str, kind: &StopKind, token: usize, at: usize) -> Option<usize> {
    let StopKind::Parser(kind) = kind else {
        return None;
    };
    let quotes: &[char] = match kind {
        K::UnclosedQuotedScalar => return Some(at),
        K::InvalidTrailingDoubleQuotedScalar | K::UnknownQuotedScalarEscape => &['"'],
        K::InvalidTrailingSingleQuotedScalar => &['\''],
        K::DocumentIndicatorInQuotedScalar | K::InvalidQuotedScalarIndent => &['"', '\''],
        _ => return None,
    };
    let here = text.get(at..)?.starts_with(quotes).then_some(at);
    let before = text.get(token..at)?.find(quotes);
    before.map(|offset| token + offset).or(here)
}

pub(super) fn explain(text: &str, kind: &StopKind, scene: &Scene) -> Explained {
    let kind = match kind {
        StopKind::Parser(kind) => kind,
        StopKind::TooDeep => return too_deep(text, scene.at),
        StopKind::TooManyNodes => {
            let message = format!("the file holds more than {MAX_NODES} values");
            return (
                UNSAFE,
                char_at(text, scene.at),
                message,
                Some("split it".to_owned()),
            );
        }
    };
    if matches!(kind, K::RecursionLimitExceeded) {
        return too_deep(text, scene.at);
    }
    if matches!(kind, K::TooManyComments) {
        let message = "too many comment lines in a row".to_owned();
        return (UNSAFE, char_at(text, scene.at), message, None);
    }
    if let K::UnexpectedCharacter { character } = kind
        && !matches!(character, '@' | '`' | '%')
    {
        return forbidden(text, scene.at, *character);
    }
    let (span, message, help) = unclosed(text, kind, scene)
        .or_else(|| colon(text, kind, scene))
        .or_else(|| layout(text, kind, scene))
        .or_else(|| scalar(text, kind, scene))
        .or_else(|| brackets(text, kind, scene))
        .unwrap_or_else(|| (char_at(text, scene.at), kind.to_string(), None));
    (SYNTAX, span, message, help)
}

fn too_deep(text: &str, at: usize) -> Explained {
    (
        UNSAFE,
        char_at(text, at),
        format!("collections nest deeper than {MAX_DEPTH} levels here"),
        Some("flatten them".to_owned()),
    )
}

fn forbidden(text: &str, at: usize, character: char) -> Explained {
    let offset = text
        .get(at..)
        .and_then(|rest| rest.find(character))
        .unwrap_or_default();
    let span = char_at(text, at + offset);
    if let '|' | '>' = character {
        let message = format!("a block text (`{character}`) cannot stand between brackets");
        let help = "put it in quotes, or write the collection on lines of its own".to_owned();
        return (SYNTAX, span, message, Some(help));
    }
    let (name, help) = match character {
        '\0' => (
            "a NUL byte".to_owned(),
            "is this a text file? Save it as UTF-8",
        ),
        _ => (
            format!("the control character U+{:04X}", u32::from(character)),
            "remove it, or write it as an escape in double quotes",
        ),
    };
    (
        UNSAFE,
        span,
        format!("{name} must not stand in YAML"),
        Some(help.to_owned()),
    )
}

/// Quotes and brackets that swallow what follows.
fn unclosed(text: &str, kind: &K, scene: &Scene) -> Option<Words> {
    let far = |place: usize| text::line_start(text, place) != text::line_start(text, scene.at);
    let quote = scene.quote.filter(|quote| match kind {
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => true,
        K::UnknownQuotedScalarEscape => false,
        _ => far(*quote) && (scene.swallowed || closed_by_opener(text, scene.at)),
    });
    let open = match (quote, kind) {
        (Some(quote), _) => quote,
        (None, K::UnclosedFlowCollection { .. }) => scene.at,
        (None, _) => scene.flow.filter(|flow| scene.swallowed || far(*flow))?,
    };
    let mark = text.get(open..)?.chars().next()?;
    let (name, close) = match mark {
        '[' => ("bracket `[`", ']'),
        '{' => ("bracket `{`", '}'),
        '\'' => ("quote `'`", '\''),
        _ => ("quote `\"`", '"'),
    };
    Some((
        char_at(text, open),
        format!("the {name} is never closed"),
        Some(format!("close it with `{close}`")),
    ))
}

/// Whether the quote that ends in front of `at` seems to have been meant to open another text.
fn closed_by_opener(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end();
    let before = before.trim_end_matches(['"', '\'']);
    before.ends_with([' ', '\t', '[', '{', ','])
}

/// Keys without a colon, and colons where there can be no key.
fn colon(text: &str, kind: &K, scene: &Scene) -> Option<Words> {
    match kind {
        K::SimpleKeyExpected | K::InvalidSimpleKey => Some(missing_colon(text, scene.at)),
        K::MappingValueNotAllowed | K::InvalidColonPlacement => {
            let Some(swallower) = scene.swallower.filter(|span| is_long(text, *span)) else {
                return Some((
                    char_at(text, scene.at),
                    "a `:` cannot stand here".to_owned(),
                    Some("quote the value if the colon is part of it".to_owned()),
                ));
            };
            let start = swallower.start as usize;
            let line = text::line_start(text, start);
            if text
                .get(line..start)
                .is_some_and(|before| before.trim_start().is_empty())
            {
                return Some(missing_colon(text, start));
            }
            let line = text::line_start(text, scene.at);
            let place = line + text::indentation(text, line);
            Some((
                Span::new(place, scene.at),
                format!(
                    "this line goes on with the text `{}` and cannot be a key",
                    first_words(text, start)
                ),
                Some(
                    "indent it like the keys beside it; or quote the text if it has several lines"
                        .to_owned(),
                ),
            ))
        }
        K::InvalidMappingValueWhitespace | K::FlowMappingValueAdjacentCollection => Some((
            char_at(text, scene.at),
            "a space must follow the colon".to_owned(),
            Some("write `key: value`".to_owned()),
        )),
        _ => None,
    }
}

fn missing_colon(text: &str, at: usize) -> Words {
    let line = rest_of_line(text, at);
    let line = line
        .find(" #")
        .map_or(line, |end| line.get(..end).unwrap_or_default().trim_end());
    let span = Span::new(at, at + line.len());
    match line
        .split_once(':')
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
    {
        Some((key, _)) => (
            span,
            format!("a space must follow the colon of `{}`", cut(key)),
            Some("write `key: value`".to_owned()),
        ),
        None => (
            span,
            format!("expected `:` after `{}`", cut(line)),
            Some("write `key: value`".to_owned()),
        ),
    }
}

/// Indentation and the order of lines.
fn layout(text: &str, kind: &K, scene: &Scene) -> Option<Words> {
    let token = char_at(text, scene.token);
    Some(match kind {
        K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabNotAllowed
        | K::TabInPlainScalar
        | K::TabAtBlockScalarStart => (
            tab(text, scene),
            "a tab cannot indent YAML".to_owned(),
            Some("indent with spaces".to_owned()),
        ),
        K::BlockSequenceEntryNotAllowed if scene.value => (
            token,
            "a list cannot begin on the line of its key".to_owned(),
            Some("begin it on the next line, or write `[a, b]`".to_owned()),
        ),
        K::BlockSequenceEntryNotAllowed | K::ExpectedBlockMappingKey
            if text
                .get(scene.token..)
                .is_some_and(|rest| rest.starts_with("- ")) =>
        {
            (
                token,
                "a list item cannot stand among the keys of a mapping".to_owned(),
                Some("indent the list deeper than its key, or write a key".to_owned()),
            )
        }
        K::ExpectedBlockSequenceEntry => (
            token,
            "expected `- ` and another item of the list".to_owned(),
            Some(
                "a list and keys cannot stand beside each other; check the indentation".to_owned(),
            ),
        ),
        K::MissingDocumentEndBeforeDirective | K::ExpectedDocumentStart
            if text
                .get(scene.token..)
                .is_some_and(|rest| rest.starts_with('%')) =>
        {
            (
                token,
                "a directive must stand before `---`".to_owned(),
                Some("quote it if it is part of a value".to_owned()),
            )
        }
        K::ExpectedBlockMappingKey | K::InvalidIndentation | K::ExpectedDocumentStart => (
            token,
            "this line belongs to nothing above it".to_owned(),
            Some("indent it like the keys that it stands beside".to_owned()),
        ),
        K::BlockSequenceEntryNotAllowed => (
            token,
            "a list item cannot stand here".to_owned(),
            Some("begin the list on a line of its own".to_owned()),
        ),
        K::InvalidDocumentEnd => (
            char_at(text, scene.at),
            "nothing but a comment can follow `...`".to_owned(),
            None,
        ),
        K::InvalidQuotedScalarIndent | K::InvalidFlowScalarIndent => (
            token,
            "this line must be indented deeper".to_owned(),
            Some("indent it deeper than the key that it belongs to".to_owned()),
        ),
        _ => return None,
    })
}

/// The tabs in front of the error, or on the first line behind it that begins with one.
fn tab(text: &str, scene: &Scene) -> Span {
    let line = text::line_start(text, scene.at);
    let before = text.get(line..scene.at).unwrap_or_default();
    let blanks = before.trim_end_matches([' ', '\t']).len();
    let around = if before
        .get(blanks..)
        .is_some_and(|blank| blank.contains('\t'))
    {
        line + blanks
    } else {
        scene.at
    };
    let rest = text.get(around..).unwrap_or_default();
    let Some(start) = rest.find('\t').map(|offset| around + offset) else {
        return char_at(text, scene.at);
    };
    let tabs = text.as_bytes().get(start..).unwrap_or_default();
    let tabs = tabs.iter().take_while(|byte| **byte == b'\t').count();
    Span::new(start, start + tabs)
}

/// What stands inside one scalar, or in front of it.
fn scalar(text: &str, kind: &K, scene: &Scene) -> Option<Words> {
    let here = char_at(text, scene.at);
    let (message, help) = match kind {
        K::UnexpectedCharacter { character } => {
            return Some((
                here,
                format!("a value cannot begin with `{character}`"),
                Some("quote it".to_owned()),
            ));
        }
        K::InvalidTrailingDoubleQuotedScalar => (
            "nothing but a comment can follow the closing quote",
            "write a quote inside double quotes as `\\\"`",
        ),
        K::InvalidTrailingSingleQuotedScalar => (
            "nothing but a comment can follow the closing quote",
            "write a quote inside single quotes twice: `''`",
        ),
        K::UnknownQuotedScalarEscape => {
            return Some((
                bad_escape(text, scene.at),
                "no such escape in double quotes".to_owned(),
                Some("write `\\\\` for a backslash, or use single quotes".to_owned()),
            ));
        }
        K::InvalidQuotedScalarHexEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate
        | K::InvalidUnicodeEscape => {
            return Some((
                bad_escape(text, scene.at),
                "this escape names no character".to_owned(),
                Some(
                    "write `\\x41`, `\\u0041` or `\\U00000041`, or the character itself".to_owned(),
                ),
            ));
        }
        K::InvalidBlockScalarHeader => (
            "nothing but a comment can follow `|` or `>` on its line",
            "begin the text on the next line",
        ),
        K::ZeroBlockScalarIndent => ("`|0` and `>0` do not exist", "leave out the digit"),
        K::InvalidBlockScalarIndent => (
            "the lines of this text are not indented alike",
            "indent every line as deep as the first one or deeper",
        ),
        K::CommentNotSeparated => (
            "a comment needs a space before its `#`",
            "write ` #`, or quote the value",
        ),
        K::CommentInterceptedScalar => (
            "a text of several lines cannot go on behind a comment",
            "move the comment above the text, or quote the text",
        ),
        K::PlainScalarStartsWithDashFlowIndicator | K::InvalidBlockEntryWhitespace => (
            "a space must follow the `-`",
            "quote it if it is part of the value",
        ),
        K::MissingAnchorOrAliasName => (
            "a name must follow `&` or `*`",
            "quote it if it is part of the value",
        ),
        K::ExpectedTagBang
        | K::InvalidGlobalTagCharacter
        | K::InvalidTagTerminator
        | K::MissingTagUri
        | K::UnclosedVerbatimTag
        | K::UndeclaredTagHandle
        | K::InvalidTagEscape
        | K::InvalidTagUtf8LeadingByte
        | K::InvalidTagUtf8TrailingByte
        | K::InvalidTagUtf8 => (
            "`!` begins a tag, and this is none",
            "quote it if it is part of the value",
        ),
        _ => return None,
    };
    Some((here, message.to_owned(), Some(help.to_owned())))
}

/// What stands between brackets.
fn brackets(text: &str, kind: &K, scene: &Scene) -> Option<Words> {
    let here = scene
        .swallower
        .map_or_else(|| char_at(text, scene.at), |span| last_word(text, span));
    let comma = "put a comma between the entries";
    let (message, help) = match kind {
        K::ExpectedFlowMappingSeparator => ("expected `,` or `}` before this".to_owned(), comma),
        K::ExpectedFlowSequenceSeparator => ("expected `,` or `]` before this".to_owned(), comma),
        K::BlockEntryInFlowCollection => (
            "`- ` cannot stand between brackets".to_owned(),
            "separate the items by commas",
        ),
        K::MismatchedFlowCollectionEnd { open, close } => (
            format!("the bracket `{open}` is closed by `{close}`"),
            "close each bracket with its own kind",
        ),
        K::MisplacedFlowCollectionEnd => ("this bracket closes nothing".to_owned(), "remove it"),
        K::ExpectedNodeContent
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofImplicitFlowMapping
            if scene.in_flow =>
        {
            (
                "expected a value here".to_owned(),
                "remove the comma, or quote the text",
            )
        }
        _ => return None,
    };
    Some((here, message, Some(help.to_owned())))
}

/// The character at `at`; empty at the end of a line.
fn char_at(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or_default();
    let next = rest.chars().next().filter(|c| !matches!(c, '\n' | '\r'));
    Span::new(at, at + next.map_or(0, char::len_utf8))
}

/// The first escape that names no character in the quoted text at `at`, or the quote.
fn bad_escape(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or_default();
    let mut chars = rest.char_indices();
    while let Some((offset, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let Some((_, escape)) = chars.next() else {
            break;
        };
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ if "0abt\tnvfre \"/\\N_LP\n\r".contains(escape) => continue,
            _ => 0,
        };
        let digits_at = offset + 2;
        let number = rest
            .get(digits_at..digits_at + digits)
            .filter(|_| digits > 0);
        let valid = number
            .and_then(|number| u32::from_str_radix(number, 16).ok())
            .is_some_and(|number| char::from_u32(number).is_some());
        if !valid {
            let end = digits_at.saturating_sub(1) + escape.len_utf8();
            return Span::new(at + offset, at + end + number.map_or(0, str::len));
        }
    }
    char_at(text, at)
}

/// Whether a scalar has several lines.
fn is_long(text: &str, span: Span) -> bool {
    text.get(span.range())
        .is_some_and(|text| text.contains(['\n', '\r']))
}

/// The last word of a plain scalar.
fn last_word(text: &str, span: Span) -> Span {
    let word = text.get(span.range()).unwrap_or_default();
    let start = word.rfind(char::is_whitespace).map_or(0, |end| end + 1);
    Span::new(span.start as usize + start, span.end as usize)
}

/// The beginning of the line from `at` on, short enough for a message.
fn first_words(text: &str, at: usize) -> String {
    cut(rest_of_line(text, at))
}

/// A text short enough for a message.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
