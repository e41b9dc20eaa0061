//! All that a Redis server holds, to be compared and to be put back.

use std::collections::BTreeMap;

use redis::{Connection, FromRedisValue};
use serde_json::Value as Json;

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(Vec<u8>),
    Hash(BTreeMap<String, Vec<u8>>),
    /// The fields of its entries, without their identifiers.
    Stream(Vec<Vec<Vec<u8>>>),
    Other(String),
}

/// Keys and what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump(pub BTreeMap<String, Content>);

impl Dump {
    /// But for what a commit that was cut off has laid aside, as long as it expires.
    pub fn of(connection: &mut Connection) -> Self {
        let mut keys: Vec<String> = ask(connection, &["KEYS", "*"]);
        let left: Vec<i64> = ask_each(connection, "PTTL", &keys);
        let mut left = left.into_iter();
        keys.retain(|key| {
            let left = left.next().unwrap_or(-1);
            let is_aside = key.starts_with("hoist:") && key.contains(":specs:");
            left == -1 || left > 0 && !is_aside
        });
        let kinds: Vec<String> = ask_each(connection, "TYPE", &keys);
        let pairs = keys.into_iter().zip(kinds);
        Self(
            pairs
                .map(|(key, kind)| (key.clone(), Content::of(connection, &key, &kind)))
                .collect(),
        )
    }

    /// Without what a commit whose answer was lost leaves behind.
    pub fn without_fence(mut self) -> Self {
        for (key, content) in &mut self.0 {
            if let Content::Hash(fields) = content
                && key.starts_with("hoist:")
            {
                fields.remove("fence");
            }
        }
        self.0
            .retain(|_, content| !matches!(content, Content::Hash(fields) if fields.is_empty()));
        self
    }

    /// Without what differs from one run of the program to the next: times, names made up, and what
    /// has them in it.
    pub fn without_times(mut self) -> Self {
        for content in self.0.values_mut() {
            match content {
                Content::Text(bytes) => timeless(bytes),
                Content::Hash(fields) => {
                    for field in ["lineage", "applied_at"] {
                        fields.remove(field);
                    }
                    fields.values_mut().for_each(timeless);
                }
                Content::Stream(entries) => {
                    for entry in entries {
                        let pairs = entry
                            .chunks(2)
                            .filter(|pair| !matches!(&*pair[0], b"id" | b"at"));
                        *entry = pairs.flatten().cloned().collect();
                        entry.iter_mut().for_each(timeless);
                    }
                }
                Content::Other(_) => {}
            }
        }
        self
    }
}

impl Content {
    fn of(connection: &mut Connection, key: &str, kind: &str) -> Self {
        match kind {
            "string" => Self::Text(ask(connection, &["GET", key])),
            "hash" => Self::Hash(ask(connection, &["HGETALL", key])),
            "stream" => {
                let entries: Vec<(String, Vec<Vec<u8>>)> =
                    ask(connection, &["XRANGE", key, "-", "+"]);
                Self::Stream(entries.into_iter().map(|(_, fields)| fields).collect())
            }
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Takes the times out of JSON, and out of JSON within it; leaves anything else alone.
fn timeless(bytes: &mut Vec<u8>) {
    if let Ok(json @ (Json::Object(_) | Json::Array(_))) = serde_json::from_slice(bytes) {
        *bytes = without(json).to_string().into_bytes();
    }
}

fn without(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let times = ["rollout_started", "stage_started", "at"];
            let others = fields
                .into_iter()
                .filter(|(name, _)| !times.contains(&&**name));
            Json::Object(others.map(|(name, value)| (name, without(value))).collect())
        }
        Json::Array(values) => Json::Array(values.into_iter().map(without).collect()),
        Json::String(text) => {
            let mut bytes = text.into_bytes();
            timeless(&mut bytes);
            Json::String(String::from_utf8(bytes).expect("text"))
        }
        other => other,
    }
}

/// Everything on a server, in its own form.
pub struct Saved(Vec<(String, Vec<u8>)>);

impl Saved {
    pub fn of(connection: &mut Connection) -> Self {
        let keys: Vec<String> = ask(connection, &["KEYS", "*"]);
        let dumps: Vec<Vec<u8>> = ask_each(connection, "DUMP", &keys);
        Self(keys.into_iter().zip(dumps).collect())
    }

    /// Makes a server hold this and nothing else.
    pub fn put_back(&self, connection: &mut Connection) {
        let mut pipe = redis::pipe();
        pipe.cmd("FLUSHALL").ignore();
        for (key, dump) in &self.0 {
            pipe.cmd("RESTORE").arg(key).arg(0).arg(dump).ignore();
        }
        pipe.exec(connection).expect("everything put back");
    }
}

fn ask<T: FromRedisValue>(connection: &mut Connection, words: &[&str]) -> T {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
        .query(connection)
        .unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// The same command for each key.
fn ask_each<T: FromRedisValue>(connection: &mut Connection, name: &str, keys: &[String]) -> Vec<T> {
    if keys.is_empty() {
        return Vec::new();
    }
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.cmd(name).arg(key);
    }
    pipe.query(connection).expect("answers")
}
