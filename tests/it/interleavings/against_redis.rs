//! The model of a server against a real one: the same commands of several connections in the same
//! order must get the same answers, and leave the same behind.

use std::collections::BTreeMap;

use redis::{Connection, Value};

use super::explore::Logged;
use super::keyspace::{Bytes, Data, Entry, Keyspace};
use crate::support::redis::RedisServer;

/// Has a real server carry out what the model did.
pub fn repeat(server: &RedisServer, start: &Keyspace, log: &[Logged], end: &Keyspace) {
    server.run::<()>(&["FLUSHALL"]);
    let mut loader = server.connect();
    fill(&mut loader, start);
    let mut connections: BTreeMap<usize, Connection> = BTreeMap::new();
    for logged in log {
        let connection = connections
            .entry(logged.connection)
            .or_insert_with(|| server.connect());
        let found = ask(connection, &logged.command);
        let expected = logged.answer.value();
        let [found, expected] = [found, expected].map(|answer| normal(&logged.command, answer));
        let words = logged
            .command
            .iter()
            .map(|word| String::from_utf8_lossy(word));
        let line = words.collect::<Vec<_>>().join(" ");
        assert_eq!(found, expected, "{line}");
    }
    assert_eq!(held(&mut loader), numbered_anew(end));
}

fn ask(connection: &mut Connection, words: &[Bytes]) -> Value {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(&**word);
    }
    connection
        .send_packed_command(&command.get_packed_command())
        .expect("a command");
    connection.recv_response().expect("an answer")
}

/// Answers as far as the protocol determines them: without times, identifiers and orders.
fn normal(command: &[Bytes], answer: Value) -> Value {
    match (&*command[0], answer) {
        (b"HELLO" | b"TIME", _) => Value::Nil,
        (b"HGETALL", Value::Array(words)) => {
            let mut pairs: Vec<_> = words.chunks(2).map(|pair| format!("{pair:?}")).collect();
            pairs.sort();
            Value::SimpleString(pairs.concat())
        }
        (b"SCAN", Value::Array(parts)) => {
            let Some(Value::Array(keys)) = parts.get(1) else {
                panic!("no keys: {parts:?}");
            };
            let mut keys: Vec<_> = keys.iter().map(|key| format!("{key:?}")).collect();
            keys.sort();
            Value::SimpleString(keys.concat())
        }
        (_, answer) => without_ids(answer),
    }
}

fn without_ids(answer: Value) -> Value {
    match answer {
        Value::Array(answers) => Value::Array(answers.into_iter().map(without_ids).collect()),
        Value::BulkString(bytes) if is_id(&bytes) => Value::SimpleString("an id".to_owned()),
        Value::ServerError(error) => Value::SimpleString(error.code().to_owned()),
        other => other,
    }
}

fn is_id(bytes: &[u8]) -> bool {
    let parts = bytes.split(|byte| *byte == b'-');
    let parts: Vec<&[u8]> = parts.collect();
    parts.len() == 2
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
}

fn fill(connection: &mut Connection, keyspace: &Keyspace) {
    for (key, data) in &keyspace.keys {
        let begun = |name: &str| {
            let mut command = redis::cmd(name);
            command.arg(&**key);
            command
        };
        match data {
            Data::Text(bytes) => begun("SET").arg(&**bytes).exec(connection).expect("a key"),
            Data::Hash(fields) => {
                let mut command = begun("HSET");
                for (name, value) in fields {
                    command.arg(&**name).arg(&**value);
                }
                command.exec(connection).expect("a hash");
            }
            Data::Stream(entries) => {
                for entry in entries {
                    let mut command = begun("XADD");
                    command.arg("*");
                    for word in entry.fields.iter() {
                        command.arg(&**word);
                    }
                    command.exec(connection).expect("an entry");
                }
            }
        }
    }
}

/// Everything that a server holds, with identifiers that count from 1.
fn held(connection: &mut Connection) -> Keyspace {
    let words = |words: &[&[u8]]| {
        words
            .iter()
            .map(|word| Bytes::from(*word))
            .collect::<Vec<_>>()
    };
    let bytes = |value: &Value| match value {
        Value::BulkString(bytes) => Bytes::from(bytes.as_slice()),
        other => panic!("no text: {other:?}"),
    };
    let list = |value: Value| match value {
        Value::Array(values) => values,
        other => panic!("no list: {other:?}"),
    };
    let keys = list(ask(connection, &words(&[b"KEYS", b"*"])));
    let mut keyspace = Keyspace::default();
    for key in keys.iter().map(bytes) {
        let data = match ask(connection, &words(&[b"TYPE", &key])) {
            Value::SimpleString(kind) if kind == "string" => {
                Data::Text(bytes(&ask(connection, &words(&[b"GET", &key]))))
            }
            Value::SimpleString(kind) if kind == "hash" => {
                let fields = list(ask(connection, &words(&[b"HGETALL", &key])));
                Data::Hash(
                    fields
                        .chunks(2)
                        .map(|pair| (bytes(&pair[0]), bytes(&pair[1])))
                        .collect(),
                )
            }
            _ => {
                let entries = list(ask(connection, &words(&[b"XRANGE", &key, b"-", b"+"])));
                let fields = entries.into_iter().map(|entry| list(list(entry).remove(1)));
                let fields = fields.map(|fields| fields.iter().map(bytes).collect());
                Data::Stream(numbered(fields))
            }
        };
        if ask(connection, &words(&[b"PTTL", &key])) != Value::Int(-1) {
            keyspace.expiring.insert(key.clone());
        }
        keyspace.keys.insert(key, data);
    }
    keyspace
}

fn numbered(fields: impl Iterator<Item = std::sync::Arc<[Bytes]>>) -> Vec<Entry> {
    let entries = (1..).zip(fields);
    entries
        .map(|(number, fields)| Entry { number, fields })
        .collect()
}

fn numbered_anew(keyspace: &Keyspace) -> Keyspace {
    let mut keyspace = keyspace.clone();
    for data in keyspace.keys.values_mut() {
        if let Data::Stream(entries) = data {
            *entries = numbered(entries.iter().map(|entry| entry.fields.clone()));
        }
    }
    keyspace
}
