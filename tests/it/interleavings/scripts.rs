//! The scripts of a large commit, as a server carries them out: in one step.

use std::collections::BTreeSet;

use super::keyspace::{Answer, Bytes, Keyspace, command, number};

const GUARD: &str = include_str!("../../../src/store/redis/guard.lua");
const FINISH: &str = include_str!("../../../src/store/redis/finish.lua");

/// Hashes of the bookkeeping that a large commit writes in place.
const HASHES: usize = 3;

/// One call of the server within a script.
struct Calls<'s> {
    keyspace: &'s mut Keyspace,
    touched: &'s mut BTreeSet<Bytes>,
}

impl Calls<'_> {
    fn call(&mut self, words: &[&[u8]]) -> Answer {
        self.keyspace
            .execute(&command(words), usize::MAX, self.touched)
    }

    fn call_on(&mut self, name: &str, keys: &[Bytes]) -> Answer {
        let keys = keys.iter().map(|key| &**key);
        let words: Vec<&[u8]> = [name.as_bytes()].into_iter().chain(keys).collect();
        self.call(&words)
    }
}

pub fn run(
    keyspace: &mut Keyspace,
    script: &Bytes,
    keys: &[Bytes],
    args: &[Bytes],
    touched: &mut BTreeSet<Bytes>,
) -> Answer {
    let mut calls = Calls { keyspace, touched };
    match std::str::from_utf8(script).expect("a script in text") {
        GUARD => guard(&mut calls, keys, args),
        FINISH => finish(&mut calls, keys, args),
        "return 1" => Answer::Number(1),
        other => panic!("the model of a server does not know this script: {other}"),
    }
}

/// guard.lua, line by line.
fn guard(calls: &mut Calls<'_>, keys: &[Bytes], args: &[Bytes]) -> Answer {
    let (absent, kept) = (number(&args[0]) as usize, number(&args[1]) as usize);
    let values = &args[3..];
    calls.call(&[b"UNLINK", &keys[0]]);
    let shut = |calls: &mut Calls<'_>| {
        calls.call(&[b"MSET", &keys[0], b"shut"]);
        Answer::Number(0)
    };
    let marks = marks(number(&args[2]));
    if !marks.is_empty() {
        let words = [Bytes::from(&b"HMGET"[..]), keys[1].clone()];
        let words: Vec<&[u8]> = words.iter().chain(&marks).map(|word| &**word).collect();
        let laid = vec![Answer::Text(b"laid"[..].into()); marks.len()];
        if calls.call(&words) != Answer::List(laid) {
            return shut(calls);
        }
        calls.call(&[b"PERSIST", &keys[1]]);
    }
    let keys = &keys[1..];
    if absent > 0 && calls.call_on("EXISTS", &keys[1..=absent]) != Answer::Number(0) {
        return shut(calls);
    }
    if !values.is_empty() {
        let valued = &keys[absent + 1..absent + 1 + values.len()];
        let expected = values.iter().cloned().map(Answer::Text).collect();
        if calls.call_on("MGET", valued) != Answer::List(expected) {
            return shut(calls);
        }
    }
    let rewritten = &keys[absent + kept + 1..];
    if !rewritten.is_empty() {
        calls.call_on("UNLINK", rewritten);
    }
    Answer::Number(1)
}

/// The fields that the pieces of what was laid aside leave in it.
fn marks(pieces: i64) -> Vec<Bytes> {
    let names = (1..=pieces).map(|piece| format!(":{piece}"));
    names.map(|name| Bytes::from(name.into_bytes())).collect()
}

/// finish.lua, line by line.
fn finish(calls: &mut Calls<'_>, keys: &[Bytes], args: &[Bytes]) -> Answer {
    let [gate, history, specs, aside, rest @ ..] = keys else {
        panic!("too few keys");
    };
    let (hashes, rest) = rest.split_at(HASHES);
    let (copies, deleted) = rest.split_at(HASHES);
    let open = calls
        .keyspace
        .text(gate)
        .is_some_and(|text| &**text == b"open");
    calls.call(&[b"UNLINK", gate]);
    if open {
        let marks = marks(number(&args[HASHES]));
        for mark in &marks {
            calls.call(&[b"HDEL", aside, mark]);
        }
        if !marks.is_empty() {
            calls.call(&[b"UNLINK", specs]);
            if calls.call(&[b"EXISTS", aside]) == Answer::Number(1) {
                calls.call(&[b"RENAME", aside, specs]);
            }
        }
        if !deleted.is_empty() {
            calls.call_on("UNLINK", deleted);
        }
        calls.call_on("UNLINK", copies);
        calls.call(&[b"XTRIM", history, b"MAXLEN", b"~", &args[HASHES + 1]]);
        calls.call(&[b"PUBLISH", &args[HASHES + 2], &args[HASHES + 3]]);
        return Answer::Number(1);
    }
    calls.call(&[b"UNLINK", aside]);
    for (i, (hash, copy)) in hashes.iter().zip(copies).enumerate() {
        if &*args[i] == b"1" {
            calls.call(&[b"RENAME", copy, hash]);
        } else {
            calls.call(&[b"UNLINK", hash]);
        }
    }
    let newest = calls
        .keyspace
        .stream(history)
        .last()
        .expect("the entry just added")
        .id();
    calls.call(&[b"XDEL", history, newest.as_bytes()]);
    Answer::Number(0)
}

/// guard.lua without its comparisons; `None` for any other script.
pub fn unguarded(
    keyspace: &mut Keyspace,
    command: &[Bytes],
    touched: &mut BTreeSet<Bytes>,
) -> Option<Answer> {
    let (keys, args) = arguments(command, GUARD)?;
    let kept = (number(&args[0]) + number(&args[1])) as usize;
    let gone = [&keys[..1], &keys[2 + kept..]].concat();
    let mut calls = Calls { keyspace, touched };
    calls.call_on("UNLINK", &gone);
    calls.call(&[b"PERSIST", &keys[1]]);
    Some(Answer::Number(1))
}

/// finish.lua without what it does where the gate is shut; `None` where that is not so.
pub fn without_undo(
    keyspace: &mut Keyspace,
    command: &[Bytes],
    touched: &mut BTreeSet<Bytes>,
) -> Option<Answer> {
    let (keys, _) = arguments(command, FINISH)?;
    if &**keyspace.text(&keys[0])? == b"open" {
        return None;
    }
    let gone = [&keys[..1], &keys[3..4], &keys[4 + HASHES..4 + 2 * HASHES]].concat();
    Calls { keyspace, touched }.call_on("UNLINK", &gone);
    Some(Answer::Number(0))
}

/// guard.lua without its look at what was laid aside; `None` for any other script.
pub fn without_marks(
    keyspace: &mut Keyspace,
    command: &[Bytes],
    touched: &mut BTreeSet<Bytes>,
) -> Option<Answer> {
    let (keys, args) = arguments(command, GUARD)?;
    let mut args = args.to_vec();
    args[2] = Bytes::from(&b"0"[..]);
    let mut calls = Calls { keyspace, touched };
    calls.call(&[b"PERSIST", &keys[1]]);
    Some(guard(&mut calls, keys, &args))
}

/// finish.lua where the gate is shut, and then what it does with the specs where it is open; `None`
/// where that is not so.
pub fn in_any_case(
    keyspace: &mut Keyspace,
    command: &[Bytes],
    touched: &mut BTreeSet<Bytes>,
) -> Option<Answer> {
    let (keys, args) = arguments(command, FINISH)?;
    if &**keyspace.text(&keys[0])? == b"open" {
        return None;
    }
    let (specs, aside) = (&keys[2], &keys[3]);
    let mut calls = Calls { keyspace, touched };
    for mark in marks(number(&args[HASHES])) {
        calls.call(&[b"HDEL", aside, &mark]);
    }
    calls.call(&[b"RENAME", aside, specs]);
    Some(finish(&mut calls, keys, args))
}

/// guard.lua that lets what was laid aside expire; `None` for any other script.
pub fn with_its_end(
    keyspace: &mut Keyspace,
    command: &[Bytes],
    touched: &mut BTreeSet<Bytes>,
) -> Option<Answer> {
    let (keys, args) = arguments(command, GUARD)?;
    let mut calls = Calls { keyspace, touched };
    let opened = guard(&mut calls, keys, args);
    calls.call(&[b"PEXPIRE", &keys[1], b"1"]);
    Some(opened)
}

fn arguments<'c>(command: &'c [Bytes], script: &str) -> Option<(&'c [Bytes], &'c [Bytes])> {
    let [_, text, count, rest @ ..] = command else {
        return None;
    };
    (&**text == script.as_bytes()).then(|| rest.split_at(number(count) as usize))
}
