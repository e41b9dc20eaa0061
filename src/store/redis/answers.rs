//! Answers of a server, out of the bytes that it sends: version 2 of the protocol, which every server speaks to
//! who asks for no other.
//!
//! Reading a whole store is mostly this, and the crate's own parser, made for any grammar, is slow at it.

use std::io::{self, ErrorKind as IoErrorKind, Read};
use std::ops::Range;

use ::redis::{ErrorKind, RedisError, RedisResult, Value, parse_redis_value};
use bytes::Bytes;

use super::value::{self, Page};

/// Bytes that are asked for at a time. No line is longer.
const ROOM: usize = 64 * 1024;
/// Lists within lists, at most.
const DEPTH: usize = 32;
/// What is made room for on a server's word alone, in bytes or items.
const TRUSTED: usize = 64 * 1024;
/// Made room for where pages were as long before, in bytes.
const PAGE: usize = 1024 * 1024;

/// What has come, and what has been made of it. A read that runs out of time may be taken up again.
pub(super) struct Answers {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Lists that are under way, each with how many items are missing.
    lists: Vec<(Vec<Value>, usize)>,
    /// A text that is under way, and how many bytes are missing, those that end it among them.
    text: Option<(Vec<u8>, usize)>,
    /// Bytes of the longest page until now: the next one may be as long.
    page: usize,
}

impl Answers {
    pub fn new() -> Self {
        Self {
            buffer: vec![0; ROOM].into(),
            start: 0,
            end: 0,
            lists: Vec::new(),
            text: None,
            page: 0,
        }
    }

    /// The next answer.
    pub fn next(&mut self, from: &mut impl Read) -> RedisResult<Value> {
        loop {
            while let Some(value) = self.value()? {
                if let Some(answer) = self.place(value) {
                    return Ok(answer);
                }
            }
            self.fill(from)?;
        }
    }

    /// The next answer, where a list of texts is expected: they stay together in one piece of memory. A page
    /// that was broken off is not taken up again.
    pub fn next_page(&mut self, from: &mut impl Read) -> RedisResult<Page> {
        self.await_line(from)?;
        let begin = self.start;
        let line = self.line().unwrap_or_default();
        let Some(items) = line.strip_prefix(b"*").map(count).transpose()?.flatten() else {
            self.start = begin;
            return Ok(value::page(self.next(from)?));
        };
        let mut texts: Vec<Option<Range<usize>>> = Vec::with_capacity(items.min(TRUSTED));
        let mut bytes = Vec::with_capacity(self.page);
        for _ in 0..items {
            let line = self.whole_line(from)?;
            let length = line.strip_prefix(b"$").map(count);
            let length = length.ok_or_else(|| nonsense("a list of texts has something else"))??;
            let text = length.map(|length| bytes.len()..bytes.len().saturating_add(length));
            if let Some(text) = &text {
                self.take_text(from, text.end, &mut bytes)?;
            }
            texts.push(text);
        }
        self.page = self.page.max(bytes.len()).min(PAGE);
        let bytes = Bytes::from(bytes);
        let texts = texts.into_iter().map(|text| Some(bytes.slice(text?)));
        Ok(Page::Texts(texts.collect()))
    }

    fn whole_line(&mut self, from: &mut impl Read) -> RedisResult<&[u8]> {
        self.await_line(from)?;
        Ok(self.line().unwrap_or_default())
    }

    fn await_line(&mut self, from: &mut impl Read) -> RedisResult<()> {
        while !self.has_line() {
            self.fill(from)?;
        }
        Ok(())
    }

    /// Takes a text with what ends it, up to where `bytes` have come to `end`.
    fn take_text(
        &mut self,
        from: &mut impl Read,
        end: usize,
        bytes: &mut Vec<u8>,
    ) -> RedisResult<()> {
        let whole = end.saturating_add(END.len());
        loop {
            let there = self.buffer.get(self.start..self.end).unwrap_or_default();
            let there = there.get(..whole - bytes.len()).unwrap_or(there);
            bytes.extend_from_slice(there);
            self.start += there.len();
            if bytes.len() == whole {
                break;
            }
            self.fill(from)?;
        }
        if !bytes.ends_with(END) {
            return Err(nonsense("a text has no end"));
        }
        bytes.truncate(end);
        Ok(())
    }

    fn fill(&mut self, from: &mut impl Read) -> RedisResult<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        if room.is_empty() {
            return Err(nonsense("a line has no end"));
        }
        loop {
            match from.read(room) {
                Ok(0) => return Err(io::Error::from(IoErrorKind::UnexpectedEof).into()),
                Ok(count) => {
                    self.end += count;
                    return Ok(());
                }
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A value that is no list, or an empty one; `None` where more bytes are needed for that.
    fn value(&mut self) -> RedisResult<Option<Value>> {
        loop {
            if let Some(text) = self.text.take() {
                return self.go_on(text);
            }
            let Some(line) = self.line() else {
                return Ok(None);
            };
            let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
            match kind {
                b"$" => match count(rest)? {
                    None => return Ok(Some(Value::Nil)),
                    Some(length) => {
                        let text = Vec::with_capacity(length.min(TRUSTED) + END.len());
                        self.text = Some((text, length.saturating_add(END.len())));
                    }
                },
                b"*" => match count(rest)? {
                    None => return Ok(Some(Value::Nil)),
                    Some(0) => return Ok(Some(Value::Array(Vec::new()))),
                    Some(items) if self.lists.len() < DEPTH => {
                        let list = Vec::with_capacity(items.min(TRUSTED));
                        self.lists.push((list, items));
                    }
                    Some(_) => return Err(nonsense("lists within lists have no end")),
                },
                b":" => return Ok(Some(Value::Int(number(rest)?))),
                b"+" if rest == b"QUEUED" => {
                    return Ok(Some(Value::SimpleString("QUEUED".to_owned())));
                }
                // Refusals and the like; and what is no answer, to be refused as such.
                _ => return parse_redis_value(&[line, END].concat()).map(Some),
            }
        }
    }

    /// Takes as much of a text as is there.
    fn go_on(&mut self, (mut text, missing): (Vec<u8>, usize)) -> RedisResult<Option<Value>> {
        let there = self.buffer.get(self.start..self.end).unwrap_or_default();
        let there = there.get(..missing).unwrap_or(there);
        text.extend_from_slice(there);
        self.start += there.len();
        let missing = missing - there.len();
        if missing > 0 {
            self.text = Some((text, missing));
            return Ok(None);
        }
        if !text.ends_with(END) {
            return Err(nonsense("a text has no end"));
        }
        text.truncate(text.len() - END.len());
        Ok(Some(Value::BulkString(text)))
    }

    fn has_line(&self) -> bool {
        let there = self.buffer.get(self.start..self.end);
        there.is_some_and(|there| there.contains(&b'\n'))
    }

    /// The next line without its end, where all of it is there.
    fn line(&mut self) -> Option<&[u8]> {
        let there = self.buffer.get(self.start..self.end)?;
        let length = there.iter().position(|byte| *byte == b'\n')?;
        self.start += length + 1;
        let line = there.get(..length)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Puts a value into the list that it belongs to; gives it, or the list that it ends, where it belongs to
    /// none.
    fn place(&mut self, mut value: Value) -> Option<Value> {
        while let Some((mut list, missing)) = self.lists.pop() {
            list.push(value);
            if missing > 1 {
                self.lists.push((list, missing - 1));
                return None;
            }
            value = Value::Array(list);
        }
        Some(value)
    }
}

const END: &[u8] = b"\r\n";

fn number(digits: &[u8]) -> RedisResult<i64> {
    let number = std::str::from_utf8(digits).ok().map(str::parse);
    match number {
        Some(Ok(number)) => Ok(number),
        _ => Err(nonsense("a number is none")),
    }
}

/// A number of bytes or items; `None` where there is nothing to count.
fn count(digits: &[u8]) -> RedisResult<Option<usize>> {
    Ok(usize::try_from(number(digits)?).ok())
}

fn nonsense(what: &'static str) -> RedisError {
    (ErrorKind::Parse, what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives so many bytes at a time, and runs out of time in between.
    struct Slow<'a> {
        bytes: &'a [u8],
        step: usize,
        is_late: bool,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.is_late = !self.is_late;
            if self.is_late {
                return Err(IoErrorKind::WouldBlock.into());
            }
            let count = self.step.min(self.bytes.len()).min(buffer.len());
            let (now, later) = self.bytes.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.bytes = later;
            Ok(count)
        }
    }

    fn read(bytes: &[u8], step: usize) -> Vec<RedisResult<Value>> {
        let mut slow = Slow {
            bytes,
            step,
            is_late: false,
        };
        let mut answers = Answers::new();
        let mut all = Vec::new();
        loop {
            match answers.next(&mut slow) {
                Err(error) if error.is_timeout() => {}
                Err(error) => {
                    all.push(Err(error));
                    return all;
                }
                answer => all.push(answer),
            }
        }
    }

    #[test]
    fn every_answer_is_read_as_the_crate_reads_it() {
        let long = format!("${}\r\n{}\r\n", 2 * ROOM + 3, "x".repeat(2 * ROOM + 3));
        let many = format!("*{}\r\n{}", 3 * ROOM, ":7\r\n".repeat(3 * ROOM));
        for (text, step) in [
            ("+OK\r\n", 1),
            ("+QUEUED\r\n", 2),
            ("+\r\n", 1),
            (":-42\r\n", 1),
            ("$-1\r\n", 1),
            ("$0\r\n\r\n", 1),
            ("$4\r\n\r\n\r\n\r\n", 3),
            ("*-1\r\n", 1),
            ("*0\r\n", 1),
            ("*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n$-1\r\n", 1),
            ("*1\r\n*1\r\n*1\r\n+deep\r\n", 5),
            ("-ERR no such command\r\n", 1),
            ("*2\r\n-WRONGTYPE not a hash\r\n:1\r\n", 4),
            ("-NOPERM\r\n", 1),
            (&long, 1000),
            (&many, 5000),
        ] {
            let expected = parse_redis_value(text.as_bytes()).unwrap();
            let twice = text.repeat(2);
            for step in [step, 7, usize::MAX] {
                let mut found = read(twice.as_bytes(), step);
                let end = found.pop().unwrap().unwrap_err();
                assert!(end.is_connection_dropped() || end.is_io_error(), "{end}");
                let found: Vec<Value> = found.into_iter().map(Result::unwrap).collect();
                let start = &text[..text.len().min(40)];
                assert!(found == [expected.clone(), expected.clone()], "{start:?}");
            }
        }
    }

    /// Reads pages, where a read may take as long as it likes.
    fn pages(bytes: &[u8], step: usize) -> Vec<RedisResult<Page>> {
        let mut rest = bytes;
        let mut slow = std::iter::from_fn(|| {
            let (now, later) = rest.split_at(step.min(rest.len()));
            rest = later;
            (!now.is_empty()).then_some(now)
        });
        let mut from = Pieces(&mut slow, &[]);
        let mut answers = Answers::new();
        let mut all = Vec::new();
        while all.last().is_none_or(Result::is_ok) {
            all.push(answers.next_page(&mut from));
        }
        all
    }

    struct Pieces<'i, 'b>(&'i mut dyn Iterator<Item = &'b [u8]>, &'b [u8]);

    impl Read for Pieces<'_, '_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                self.1 = self.0.next().unwrap_or_default();
            }
            self.1.read(buffer)
        }
    }

    #[test]
    fn pages_hold_what_answers_do() {
        let long = format!(
            "*2\r\n${}\r\n{}\r\n$-1\r\n",
            2 * ROOM + 3,
            "x".repeat(2 * ROOM + 3)
        );
        let many = format!("*{}\r\n{}", ROOM, "$1\r\nx\r\n".repeat(ROOM));
        for text in [
            "*0\r\n",
            "*3\r\n$1\r\na\r\n$-1\r\n$0\r\n\r\n",
            "*1\r\n$4\r\n\r\n\r\n\r\n",
            "*-1\r\n",
            ":7\r\n",
            "$2\r\nab\r\n",
            "-NOPERM no\r\n",
            &long,
            &many,
        ] {
            let twice = text.repeat(2);
            let mut expected = read(twice.as_bytes(), usize::MAX);
            expected.pop();
            for step in [1, 7, 5000, usize::MAX] {
                let mut found = pages(twice.as_bytes(), step);
                assert!(found.pop().unwrap().unwrap_err().is_io_error());
                let start = &text[..text.len().min(40)];
                let found = found.into_iter().map(Result::unwrap);
                let expected = expected.iter().map(|answer| answer.clone().unwrap());
                assert!(
                    found.eq(expected.map(value::page)),
                    "{start:?} in steps of {step}"
                );
            }
        }
    }

    #[test]
    fn a_page_of_anything_else_is_refused() {
        for text in [
            "*1\r\n:1\r\n",
            "*1\r\n*0\r\n",
            "*1\r\n$x\r\n",
            "*1\r\n$1\r\nab\r\n",
            "*2\r\n$1\r\na\r\n-ERR\r\n",
            "*x\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
        ] {
            let found = pages(text.as_bytes(), 3);
            let [Err(error)] = &found[..] else {
                panic!("{text:?}: {found:?}");
            };
            assert_eq!(error.kind(), ErrorKind::Parse, "{text:?}: {error}");
        }
        for text in [
            "*1\r\n$9223372036854775807\r\nab",
            "*9223372036854775807\r\n$-1\r\n",
        ] {
            let found = pages(text.as_bytes(), 512);
            assert!(found[0].as_ref().unwrap_err().is_io_error());
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let no_end = "+".repeat(ROOM + 1);
        let deep = "*1\r\n".repeat(DEPTH + 1);
        for text in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            ":many\r\n",
            "$1\r\nab\r\n",
            "*x\r\n",
            "$99999999999999999999\r\n",
            &no_end,
            &deep,
        ] {
            let found = read(text.as_bytes(), 512);
            let start = &text[..text.len().min(40)];
            assert_eq!(found.len(), 1, "{start:?}");
            let error = found[0].as_ref().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parse, "{start:?}: {error}");
        }
    }

    #[test]
    fn a_servers_word_is_not_taken_for_the_room_that_is_needed() {
        for text in [
            "$9223372036854775807\r\nab",
            "*9223372036854775807\r\n:1\r\n",
        ] {
            let found = read(text.as_bytes(), 512);
            assert!(found[0].as_ref().unwrap_err().is_io_error());
        }
    }
}
