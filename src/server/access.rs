//! Who may ask: tokens, and sites whose scripts may.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use arc_swap::ArcSwap;
use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};
use subtle::{Choice, ConstantTimeEq};

/// Where OFREP lets a token stand besides `Authorization`.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Seconds for which a ticket is good, at least; at most twice as many.
const TICKET: u64 = 3600;

/// A file of tokens, one a line; empty lines and those that begin with `#` do not count.
///
/// Only their hashes are kept, and all of them are compared, each in constant time: how long a refusal
/// takes says nothing.
pub struct Tokens {
    file: PathBuf,
    known: ArcSwap<Known>,
}

struct Known {
    hashes: Vec<[u8; 32]>,
    modified: Option<SystemTime>,
}

/// Why a file of tokens is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("cannot read the tokens in `{}`", .file.display())]
    Unreadable {
        file: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("there is no token in `{}`", .0.display())]
    None(PathBuf),
    #[error("line {line} of `{}` is no token: {reason}", .file.display())]
    Odd {
        file: PathBuf,
        line: usize,
        reason: &'static str,
    },
}

impl Tokens {
    /// Reads the tokens in `file`.
    ///
    /// # Errors
    /// Where it cannot be read, or holds no token, or something else.
    pub fn read(file: impl Into<PathBuf>) -> Result<Self, TokensError> {
        let file = file.into();
        let known = read(&file)?;
        Ok(Self {
            file,
            known: ArcSwap::from_pointee(known),
        })
    }

    /// Reads the file anew if it has changed, or if `force`d: the file, where it was.
    pub(super) fn reload(&self, force: bool) -> Result<Option<PathBuf>, String> {
        let modified = modified(&self.file);
        if !force && (modified.is_none() || modified == self.known.load().modified) {
            return Ok(None);
        }
        let known = read(&self.file).map_err(|error| error.to_string())?;
        self.known.store(Arc::new(known));
        Ok(Some(self.file.clone()))
    }

    /// The hash of the token that a request shows, if it is a known one.
    pub(super) fn shown(&self, headers: &HeaderMap) -> Option<[u8; 32]> {
        let token = token(headers)?;
        self.is_known(*blake3::hash(&token).as_bytes())
    }

    fn is_known(&self, hash: [u8; 32]) -> Option<[u8; 32]> {
        let known = self.known.load();
        let found = known
            .hashes
            .iter()
            .fold(Choice::from(0), |found, known| found | known.ct_eq(&hash));
        bool::from(found).then_some(hash)
    }

    /// Something that stands in for the token with `hash` in a URL, for an hour or two: what opens an
    /// event stream in a browser can show no header.
    pub(super) fn ticket(hash: &[u8; 32], now: SystemTime) -> String {
        seal(hash, window(now))
    }

    /// Whether `ticket` is one of a known token.
    pub(super) fn takes(&self, ticket: &str, now: SystemTime) -> bool {
        let now = window(now);
        let known = self.known.load();
        let mut found = Choice::from(0);
        for hash in &known.hashes {
            for window in [now, now.saturating_sub(1)] {
                found |= seal(hash, window).as_bytes().ct_eq(ticket.as_bytes());
            }
        }
        found.into()
    }
}

fn window(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    since.as_secs() / TICKET
}

fn seal(hash: &[u8; 32], window: u64) -> String {
    let key = blake3::derive_key("hoist 2026-11-22 ticket for an event stream", hash);
    let seal = blake3::keyed_hash(&key, &window.to_le_bytes());
    seal.to_hex().to_string()
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|found| found.modified()).ok()
}

fn read(file: &Path) -> Result<Known, TokensError> {
    // Before the text, so that a change in between is seen the next time.
    let modified = modified(file);
    let text = fs::read_to_string(file).map_err(|cause| TokensError::Unreadable {
        file: file.to_owned(),
        cause,
    })?;
    let mut hashes = Vec::new();
    for (line, token) in (1..).zip(text.lines().map(str::trim)) {
        if token.is_empty() || token.starts_with('#') {
            continue;
        }
        let odd = |reason| TokensError::Odd {
            file: file.to_owned(),
            line,
            reason,
        };
        if token.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(odd(
                "it holds something else than letters, digits and marks of ASCII",
            ));
        }
        if token.len() < 16 {
            return Err(odd(
                "it is shorter than 16 characters, and could be guessed",
            ));
        }
        hashes.push(*blake3::hash(token.as_bytes()).as_bytes());
    }
    if hashes.is_empty() {
        return Err(TokensError::None(file.to_owned()));
    }
    Ok(Known { hashes, modified })
}

/// The token of a request: as a bearer's, as an API key, or as the password that a browser asks for.
fn token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Some(headers.get(API_KEY)?.as_bytes().to_vec());
    };
    let (scheme, rest) = authorization.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.as_bytes().to_vec());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let login = base64(rest)?;
        let colon = login.iter().position(|byte| *byte == b':')?;
        return login.get(colon + 1..).map(<[u8]>::to_vec);
    }
    None
}

/// Standard base64 with padding, RFC 4648.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

/// Sites whose scripts may ask, as browsers name them: `https://app.example`.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<HeaderValue>);

/// What is not the origin of a site.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the origin of a site")]
pub struct OriginsError(pub String);

impl Origins {
    /// Takes origins as browsers write them: scheme, host, and the port where it is not the usual one.
    ///
    /// # Errors
    /// The first that is none.
    pub fn new<'o>(origins: impl IntoIterator<Item = &'o str>) -> Result<Self, OriginsError> {
        let origins = origins.into_iter().map(|origin| {
            let host = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"));
            let is_one = host.is_some_and(|host| {
                let usual = if origin.starts_with("https") {
                    ":443"
                } else {
                    ":80"
                };
                !host.is_empty()
                    // Browsers leave it out.
                    && !host.ends_with(usual)
                    && !host.contains(['/', '?', '#', '@', '*', ' '])
                    && !host.contains(char::is_uppercase)
            });
            let value = HeaderValue::from_str(origin).ok().filter(|_| is_one);
            value.ok_or_else(|| OriginsError(origin.to_owned()))
        });
        Ok(Self(origins.collect::<Result<_, _>>()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origin that a request comes from, if its scripts may ask.
    pub(super) fn of<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.contains(origin).then_some(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "correct-horse-battery";

    fn tokens(text: &str) -> Result<Tokens, TokensError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tokens");
        fs::write(&file, text).expect("a file");
        Tokens::read(file)
    }

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).expect("a value");
        HeaderMap::from_iter([(name, value)])
    }

    #[test]
    fn a_token_is_taken_where_clients_put_it() {
        let known =
            tokens(&format!("# ours\n\n  {TOKEN}  \nanother-long-token-9\n")).expect("tokens");
        for (name, value, taken) in [
            (header::AUTHORIZATION, format!("Bearer {TOKEN}"), true),
            (
                header::AUTHORIZATION,
                "bearer another-long-token-9".into(),
                true,
            ),
            (header::AUTHORIZATION, format!("Bearer {TOKEN}x"), false),
            (header::AUTHORIZATION, "Bearer # ours".into(), false),
            (header::AUTHORIZATION, "Bearer ".into(), false),
            (header::AUTHORIZATION, TOKEN.into(), false),
            (header::AUTHORIZATION, "Digest x".into(), false),
            // ana:correct-horse-battery
            (
                header::AUTHORIZATION,
                "Basic YW5hOmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==".into(),
                true,
            ),
            (header::AUTHORIZATION, "Basic !".into(), false),
            (header::AUTHORIZATION, "Basic YW5h".into(), false),
            (API_KEY, TOKEN.into(), true),
            (API_KEY, "x".into(), false),
        ] {
            let shown = known.shown(&headers(name, &value));
            assert_eq!(shown.is_some(), taken, "{value}");
        }
        assert!(known.shown(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_file_without_good_tokens_is_refused() {
        for (text, reason) in [
            ("", "there is no token"),
            ("# nothing\n", "there is no token"),
            ("short", "line 1"),
            ("\nzwölf-zeichen-und-mehr", "line 2"),
            ("two words of one line", "line 1"),
        ] {
            let error = tokens(text).err().expect(text).to_string();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("words"), "a token is not told: {error}");
        }
        let missing = Tokens::read("/nowhere/at/all").err().expect("no file");
        assert!(matches!(missing, TokensError::Unreadable { .. }));
    }

    #[test]
    fn a_ticket_lasts_an_hour_or_two() {
        let known = tokens(TOKEN).expect("tokens");
        let hash = *blake3::hash(TOKEN.as_bytes()).as_bytes();
        let at =
            |hours: u64, seconds: u64| UNIX_EPOCH + Duration::from_secs(hours * TICKET + seconds);
        let ticket = Tokens::ticket(&hash, at(100, 5));
        assert_eq!(
            ticket,
            Tokens::ticket(&hash, at(100, 3599)),
            "the same for an hour"
        );
        assert!(known.takes(&ticket, at(100, 5)) && known.takes(&ticket, at(101, 3599)));
        assert!(!known.takes(&ticket, at(102, 0)) && !known.takes(&ticket, at(99, 3599)));
        assert!(!known.takes("", at(100, 5)) && !known.takes(&ticket[1..], at(100, 5)));
        let others = tokens("another-long-token-9").expect("tokens");
        assert!(!others.takes(&ticket, at(100, 5)), "its token is gone");
    }

    #[test]
    fn origins_are_as_browsers_write_them() {
        let origins = Origins::new(["https://app.example", "http://localhost:3000"]);
        let origins = origins.expect("origins");
        for (origin, known) in [
            ("https://app.example", true),
            ("http://localhost:3000", true),
            ("http://app.example", false),
            ("https://app.example.evil", false),
            ("null", false),
        ] {
            let headers = headers(header::ORIGIN, origin);
            assert_eq!(origins.of(&headers).is_some(), known, "{origin}");
        }
        for odd in [
            "*",
            "app.example",
            "https://",
            "https://a/",
            "https://*.a",
            "https://A.b",
            "https://a.b:443",
            "http://a.b:80",
        ] {
            assert!(Origins::new([odd]).is_err(), "{odd}");
        }
    }
}
