//! What a Redis server holds, and what each command that hoist sends does to it.
//!
//! As small as the commands of hoist allow: one that is not known here ends the test, so that the
//! model keeps up with the code. `against_redis` compares it with a real server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::scripts;

pub type Bytes = Arc<[u8]>;
pub type Command = Arc<[Bytes]>;

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Status(String),
    Number(i64),
    Text(Bytes),
    Nothing,
    List(Vec<Answer>),
    Refusal(String),
}

impl Answer {
    pub fn ok() -> Self {
        Self::status("OK")
    }

    pub fn status(text: &str) -> Self {
        Self::Status(text.to_owned())
    }

    fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().into())
    }

    fn number(number: usize) -> Self {
        Self::Number(number as i64)
    }

    /// The same with one text in the place of another.
    pub fn with(&self, old: &[u8], new: &[u8]) -> Self {
        match self {
            Self::Text(bytes) if &**bytes == old => Self::Text(new.into()),
            Self::List(answers) => {
                Self::List(answers.iter().map(|answer| answer.with(old, new)).collect())
            }
            other => other.clone(),
        }
    }

    /// The same as the client library hands it on.
    pub fn value(&self) -> redis::Value {
        match self {
            Self::Status(text) if text == "OK" => redis::Value::Okay,
            Self::Status(text) => redis::Value::SimpleString(text.clone()),
            Self::Number(number) => redis::Value::Int(*number),
            Self::Text(bytes) => redis::Value::BulkString(bytes.to_vec()),
            Self::Nothing => redis::Value::Nil,
            Self::List(answers) => redis::Value::Array(answers.iter().map(Self::value).collect()),
            Self::Refusal(text) => redis::parse_redis_value(format!("-{text}\r\n").as_bytes())
                .expect("a refusal in the protocol"),
        }
    }
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
    Stream(Vec<Entry>),
}

/// One entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Ahead of the dash of its identifier; behind it stands 0.
    pub number: u64,
    pub fields: Arc<[Bytes]>,
}

impl Data {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Hash(_) => "hash",
            Self::Stream(_) => "stream",
        }
    }
}

/// Every key of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keyspace {
    pub keys: BTreeMap<Bytes, Data>,
    /// Those that will be deleted by themselves.
    pub expiring: BTreeSet<Bytes>,
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

type Result<T> = std::result::Result<T, &'static str>;

impl Keyspace {
    pub fn text(&self, key: &[u8]) -> Option<&Bytes> {
        match self.keys.get(key)? {
            Data::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn hash(&self, key: &[u8]) -> Option<&BTreeMap<Bytes, Bytes>> {
        match self.keys.get(key)? {
            Data::Hash(fields) => Some(fields),
            _ => None,
        }
    }

    pub fn stream(&self, key: &[u8]) -> &[Entry] {
        match self.keys.get(key) {
            Some(Data::Stream(entries)) => entries,
            _ => &[],
        }
    }

    /// Puts a key there that does not expire.
    fn put(&mut self, key: &Bytes, data: Data) {
        self.expiring.remove(key);
        self.keys.insert(key.clone(), data);
    }

    /// Takes a key away.
    pub fn take(&mut self, key: &Bytes) -> Option<Data> {
        self.expiring.remove(key);
        self.keys.remove(key)
    }

    /// The answer to a command that only reads; `None` where it may write.
    pub fn ask(&self, command: &[Bytes], page: usize) -> Option<Answer> {
        let (name, args) = named(command);
        Some(answered(self.read(&name, args, page)?))
    }

    /// Carries `command` out, adds the keys that it writes to `touched`, and gives the answer.
    /// `page` is how many keys one SCAN looks at.
    pub fn execute(
        &mut self,
        command: &[Bytes],
        page: usize,
        touched: &mut BTreeSet<Bytes>,
    ) -> Answer {
        if let Some(answer) = self.ask(command, page) {
            return answer;
        }
        let (name, args) = named(command);
        match self.write(&name, args, touched) {
            Some(answer) => answered(answer),
            None => panic!("the model of a server does not know {name} {args:?}"),
        }
    }

    fn read(&self, name: &str, args: &[Bytes], page: usize) -> Option<Result<Answer>> {
        Some(Ok(match (name, args) {
            ("HELLO" | "SELECT", _) => Answer::ok(),
            ("TIME", []) => Answer::List(vec![Answer::text("1700000000"), Answer::text("0")]),
            ("GET", [key]) => match self.keys.get(key) {
                Some(Data::Text(bytes)) => Answer::Text(bytes.clone()),
                Some(_) => return Some(Err(WRONG_TYPE)),
                None => Answer::Nothing,
            },
            ("MGET", keys) => Answer::List(
                keys.iter()
                    .map(|key| match self.text(key) {
                        Some(bytes) => Answer::Text(bytes.clone()),
                        None => Answer::Nothing,
                    })
                    .collect(),
            ),
            ("EXISTS", keys) => Answer::number(
                keys.iter()
                    .filter(|key| self.keys.contains_key(*key))
                    .count(),
            ),
            ("TYPE", [key]) => Answer::status(self.keys.get(key).map_or("none", Data::kind)),
            ("HLEN", [key]) => return Some(self.fields(key).map(|f| Answer::number(f.len()))),
            ("HGETALL", [key]) => {
                let pairs = |fields: BTreeMap<Bytes, Bytes>| {
                    let words = fields.into_iter().flat_map(|(name, value)| [name, value]);
                    Answer::List(words.map(Answer::Text).collect())
                };
                return Some(self.fields(key).map(pairs));
            }
            ("HMGET", [key, names @ ..]) => {
                return Some(self.fields(key).map(|fields| {
                    let found = names.iter().map(|name| fields.get(name).cloned());
                    Answer::List(
                        found
                            .map(|value| value.map_or(Answer::Nothing, Answer::Text))
                            .collect(),
                    )
                }));
            }
            ("DBSIZE", []) => Answer::number(self.keys.len()),
            ("SCAN", [cursor, _, pattern, ..]) => self.scan(cursor, pattern, page),
            ("XREVRANGE", [key, _, _, limit @ ..]) => {
                let limit = limit
                    .get(1)
                    .map_or(usize::MAX, |count| number(count) as usize);
                let entries = self.stream(key).iter().rev().take(limit);
                Answer::List(entries.map(Entry::answer).collect())
            }
            _ => return None,
        }))
    }

    /// An empty hash where there is none.
    fn fields(&self, key: &[u8]) -> Result<BTreeMap<Bytes, Bytes>> {
        match self.keys.get(key) {
            None => Ok(BTreeMap::new()),
            Some(Data::Hash(fields)) => Ok(fields.clone()),
            Some(_) => Err(WRONG_TYPE),
        }
    }

    /// Keys in order, and for a cursor the number of those that lie behind.
    fn scan(&self, cursor: &Bytes, pattern: &Bytes, page: usize) -> Answer {
        let below = pattern
            .strip_suffix(b"*")
            .expect("a pattern with one star, at its end");
        let start = number(cursor) as usize;
        let keys: Vec<&Bytes> = self
            .keys
            .keys()
            .filter(|key| key.starts_with(below))
            .collect();
        let found = keys.iter().skip(start).take(page);
        let found = found.map(|key| Answer::Text((*key).clone())).collect();
        let next = if start + page < keys.len() {
            start + page
        } else {
            0
        };
        Answer::List(vec![Answer::text(&next.to_string()), Answer::List(found)])
    }

    fn write(
        &mut self,
        name: &str,
        args: &[Bytes],
        touched: &mut BTreeSet<Bytes>,
    ) -> Option<Result<Answer>> {
        Some(Ok(match (name, args) {
            ("PUBLISH", [_, _]) => Answer::Number(0),
            ("SET", [key, value]) => self.set(key, value, touched),
            ("MSET", pairs) => {
                for pair in pairs.chunks(2) {
                    self.set(&pair[0], &pair[1], touched);
                }
                Answer::ok()
            }
            ("MSETNX", pairs) => {
                let taken = pairs
                    .iter()
                    .step_by(2)
                    .any(|key| self.keys.contains_key(key));
                if !taken {
                    for pair in pairs.chunks(2) {
                        self.set(&pair[0], &pair[1], touched);
                    }
                }
                Answer::number(usize::from(!taken))
            }
            ("UNLINK", keys) => {
                let there = keys.iter().filter(|key| self.take(key).is_some());
                let there: Vec<&Bytes> = there.collect();
                touched.extend(there.iter().map(|key| (*key).clone()));
                Answer::number(there.len())
            }
            ("HSET", [key, pairs @ ..]) => return Some(self.hset(key, pairs, touched)),
            ("HDEL", [key, names @ ..]) => return Some(self.hdel(key, names, touched)),
            ("COPY", [from, to, options @ ..]) => {
                let replaces = options.iter().any(|option| &**option == b"REPLACE");
                let data = self.keys.get(from).cloned();
                let Some(data) = data.filter(|_| replaces || !self.keys.contains_key(to)) else {
                    return Some(Ok(Answer::Number(0)));
                };
                self.put(to, data);
                if self.expiring.contains(from) {
                    self.expiring.insert(to.clone());
                }
                touched.insert(to.clone());
                Answer::Number(1)
            }
            ("RENAME", [from, to]) => {
                let expires = self.expiring.contains(from);
                let Some(data) = self.take(from) else {
                    return Some(Err("ERR no such key"));
                };
                self.put(to, data);
                if expires {
                    self.expiring.insert(to.clone());
                }
                touched.extend([from.clone(), to.clone()]);
                Answer::ok()
            }
            ("PEXPIRE", [key, _]) => {
                let there = self.keys.contains_key(key);
                if there {
                    self.expiring.insert(key.clone());
                    touched.insert(key.clone());
                }
                Answer::number(usize::from(there))
            }
            ("PERSIST", [key]) => {
                let expired = self.expiring.remove(key);
                if expired {
                    touched.insert(key.clone());
                }
                Answer::number(usize::from(expired))
            }
            ("XADD", [key, rest @ ..]) => return Some(self.xadd(key, rest, touched)),
            // Nodes of a stream hold a hundred entries, and only whole ones are trimmed.
            ("XTRIM", [_, _, _, _]) => Answer::Number(0),
            ("XDEL", [key, id]) => {
                let Some(Data::Stream(entries)) = self.keys.get_mut(key) else {
                    return Some(Ok(Answer::Number(0)));
                };
                let before = entries.len();
                entries.retain(|entry| entry.id().as_bytes() != &**id);
                touched.insert(key.clone());
                Answer::number(before - entries.len())
            }
            ("EVAL", [script, count, rest @ ..]) => {
                let (keys, args) = rest.split_at(number(count) as usize);
                scripts::run(self, script, keys, args, touched)
            }
            _ => return None,
        }))
    }

    fn set(&mut self, key: &Bytes, value: &Bytes, touched: &mut BTreeSet<Bytes>) -> Answer {
        self.put(key, Data::Text(value.clone()));
        touched.insert(key.clone());
        Answer::ok()
    }

    fn hset(
        &mut self,
        key: &Bytes,
        pairs: &[Bytes],
        touched: &mut BTreeSet<Bytes>,
    ) -> Result<Answer> {
        let mut fields = self.fields(key)?;
        let before = fields.len();
        fields.extend(
            pairs
                .chunks(2)
                .map(|pair| (pair[0].clone(), pair[1].clone())),
        );
        let new = fields.len() - before;
        self.keys.insert(key.clone(), Data::Hash(fields));
        touched.insert(key.clone());
        Ok(Answer::number(new))
    }

    fn hdel(
        &mut self,
        key: &Bytes,
        names: &[Bytes],
        touched: &mut BTreeSet<Bytes>,
    ) -> Result<Answer> {
        let mut fields = self.fields(key)?;
        let gone = names
            .iter()
            .filter(|name| fields.remove(*name).is_some())
            .count();
        if gone > 0 {
            touched.insert(key.clone());
            if fields.is_empty() {
                self.take(key);
            } else {
                self.keys.insert(key.clone(), Data::Hash(fields));
            }
        }
        Ok(Answer::number(gone))
    }

    fn xadd(
        &mut self,
        key: &Bytes,
        args: &[Bytes],
        touched: &mut BTreeSet<Bytes>,
    ) -> Result<Answer> {
        let star = args
            .iter()
            .position(|arg| &**arg == b"*")
            .expect("a star for the identifier");
        let data = self
            .keys
            .entry(key.clone())
            .or_insert_with(|| Data::Stream(Vec::new()));
        let Data::Stream(entries) = data else {
            return Err(WRONG_TYPE);
        };
        let number = entries.last().map_or(1, |entry| entry.number + 1);
        let fields = args[star + 1..].into();
        let entry = Entry { number, fields };
        let id = entry.id();
        entries.push(entry);
        touched.insert(key.clone());
        Ok(Answer::text(&id))
    }
}

fn named(command: &[Bytes]) -> (String, &[Bytes]) {
    let (name, args) = command.split_first().expect("a command has a name");
    (String::from_utf8_lossy(name).to_uppercase(), args)
}

fn answered(answer: Result<Answer>) -> Answer {
    answer.unwrap_or_else(|refusal| Answer::Refusal(refusal.to_owned()))
}

impl Entry {
    pub fn id(&self) -> String {
        format!("{}-0", self.number)
    }

    pub fn field(&self, name: &str) -> Option<&Bytes> {
        let mut pairs = self.fields.chunks(2);
        let pair = pairs.find(|pair| &*pair[0] == name.as_bytes())?;
        Some(&pair[1])
    }

    fn answer(&self) -> Answer {
        let fields = self.fields.iter().cloned().map(Answer::Text).collect();
        Answer::List(vec![Answer::text(&self.id()), Answer::List(fields)])
    }
}

pub fn number(bytes: &[u8]) -> i64 {
    let text = std::str::from_utf8(bytes).expect("a number in text");
    text.parse().expect("a number")
}

/// A command of words.
pub fn command(words: &[&[u8]]) -> Command {
    words.iter().map(|word| Bytes::from(*word)).collect()
}
