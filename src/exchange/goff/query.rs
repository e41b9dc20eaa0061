//! The queries of GO Feature Flag that are about users and groups.
//!
//! A query is JsonLogic where it is a JSON object, and otherwise in the words of its older language:
//! `targetingKey in ["a", "b"] or targetingKey eq "c"`.

use serde_json::Value;

use crate::exchange::logic::{self, USER, Who};

/// Who a query is about; `None` where that is more than users and groups.
pub(super) fn who(query: &str) -> Option<Vec<Who>> {
    let query = query.trim();
    if query.starts_with('{') {
        return logic::who(&serde_json::from_str(query).ok()?);
    }
    let mut words = Words { rest: query };
    let mut all = vec![words.condition()?];
    while !words.at_end() {
        words.word("or").or_else(|| words.word("OR"))?;
        all.push(words.condition()?);
    }
    Some(all)
}

/// The query for these users.
pub(super) fn one_of_users(users: &[&str]) -> String {
    let users: Vec<String> = users
        .iter()
        .map(|user| Value::from(*user).to_string())
        .collect();
    format!("{USER} in [{}]", users.join(", "))
}

struct Words<'q> {
    rest: &'q str,
}

impl Words<'_> {
    fn at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty()
    }

    /// Takes `word`, which a letter must not follow.
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.rest.trim_start().strip_prefix(word)?;
        let whole = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let is_sign = !word.starts_with(char::is_alphanumeric);
        (whole || is_sign).then(|| self.rest = rest)
    }

    fn any(&mut self, words: &[&str]) -> Option<()> {
        words.iter().find_map(|word| self.word(word))
    }

    fn string(&mut self) -> Option<String> {
        let text = self.rest.trim_start();
        let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let string = strings.next()?.ok()?;
        self.rest = text.get(strings.byte_offset()..)?;
        Some(string)
    }

    fn list(&mut self) -> Option<Vec<String>> {
        self.word("[")?;
        let mut list = vec![self.string()?];
        while self.word("]").is_none() {
            self.word(",")?;
            list.push(self.string()?);
        }
        Some(list)
    }

    fn condition(&mut self) -> Option<Who> {
        if self.word("(").is_some() {
            let inner = self.condition()?;
            self.word(")")?;
            return Some(inner);
        }
        self.any(&[USER, "key"])?;
        let users = match self.any(&["in", "IN"]) {
            Some(()) => self.list()?,
            None => {
                self.any(&["eq", "EQ", "=="])?;
                vec![self.string()?]
            }
        };
        users
            .iter()
            .all(|user| !user.is_empty())
            .then_some(Who::Users(users))
    }
}
