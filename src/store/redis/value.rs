//! Answers of the server as plain values. What does not fit is `None` or left out.

use ::redis::Value;
use bytes::Bytes;

/// An answer that should be a list of texts.
#[derive(Debug, PartialEq)]
pub enum Page {
    Texts(Vec<Option<Bytes>>),
    Other(Value),
}

/// A list as a page.
pub fn page(answer: Value) -> Page {
    match answer {
        Value::Array(values) => {
            let texts = values
                .into_iter()
                .map(|value| bytes(value).map(Bytes::from));
            Page::Texts(texts.collect())
        }
        other => Page::Other(other),
    }
}

pub(super) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        Value::Okay => Some(b"OK".to_vec()),
        _ => None,
    }
}

/// Text, as well as it can be shown.
pub(super) fn text(value: Value) -> Option<String> {
    bytes(value).map(lossy)
}

pub(super) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

pub(super) fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// A hash, or the fields of a stream's entry. Pairs whose name is not UTF-8 are left out.
pub(super) fn pairs(value: Value) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut values = list(value).unwrap_or_default().into_iter();
    std::iter::from_fn(move || Some((values.next()?, values.next()?))).filter_map(
        |(name, value)| {
            let name = String::from_utf8(bytes(name)?).ok()?;
            Some((name, bytes(value)?))
        },
    )
}
