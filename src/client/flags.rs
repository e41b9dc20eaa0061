//! Flags as of one moment, ready to answer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json::Value;

use crate::eval::{Answer, Evaluator, Malformed, Reason};
use crate::plan::Stored;
use crate::record::{NotARecord, Record};

use super::events::Events;
use super::{Context, Details, ErrorCode};

type ByKey = HashMap<Arc<str>, Arc<Flag>, RandomState>;

/// Every flag of a store as of one generation. It never changes, so that all that one request asks of
/// it fits together.
#[derive(Debug)]
pub struct Flags {
    /// Before the store was first read there is nothing, which is not the same as a store without
    /// flags.
    is_ready: bool,
    flags: ByKey,
    lineage: Option<String>,
    generation: u64,
    /// The sum of those of all flags.
    mark: u64,
    events: Arc<Events>,
}

/// A flag as it stands in the store.
#[derive(Debug)]
pub struct Flag {
    key: Arc<str>,
    stored: Option<Stored>,
    evaluator: Result<Evaluator, Malformed>,
    /// A hash of its key and of what stands there.
    mark: u64,
}

impl Flag {
    /// Reads what stands at the key of a record. What cannot be read costs this flag only.
    pub(super) fn new(key: Arc<str>, stored: Stored) -> Self {
        let mut flag = Self {
            evaluator: Err(Malformed::Unsound),
            mark: mark(&key, &stored),
            key,
            stored: Some(stored),
        };
        flag.evaluator = flag
            .record()
            .and_then(|record| Evaluator::new(&flag.key, &record));
        flag
    }

    /// A flag that does not come from a store.
    pub(super) fn of_record(key: Arc<str>, record: Result<Record, Malformed>) -> Self {
        match record {
            Ok(record) => Self::new(key, Stored::Value(record.to_bytes())),
            Err(malformed) => Self {
                mark: mark(&key, &Stored::OtherType(malformed.to_string())),
                key,
                stored: None,
                evaluator: Err(malformed),
            },
        }
    }

    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What answers for this flag.
    ///
    /// # Errors
    /// What part of its record makes no sense.
    pub fn evaluator(&self) -> Result<&Evaluator, &Malformed> {
        self.evaluator.as_ref()
    }

    /// Its record, read anew at every call.
    ///
    /// # Errors
    /// Where what stands at its key is no record.
    pub fn record(&self) -> Result<Record, Malformed> {
        match &self.stored {
            Some(Stored::Value(bytes)) => Ok(Record::parse(bytes)?),
            Some(Stored::OtherType(kind)) => Err(NotARecord::OtherType(kind.clone()).into()),
            None => Err(self.evaluator.clone().err().unwrap_or(Malformed::Unsound)),
        }
    }

    /// Whether it was made from `stored`.
    pub(super) fn is(&self, stored: &Stored) -> bool {
        self.stored.as_ref() == Some(stored)
    }
}

impl Flags {
    /// What there is before the store was first read.
    pub(super) fn unread(events: Arc<Events>) -> Self {
        Self {
            is_ready: false,
            flags: HashMap::default(),
            lineage: None,
            generation: 0,
            mark: 0,
            events,
        }
    }

    /// Other flags in the place of these.
    pub(super) fn replaced(
        &self,
        flags: impl IntoIterator<Item = Arc<Flag>>,
        lineage: Option<String>,
        generation: u64,
    ) -> Self {
        let flags = flags.into_iter();
        let flags = flags.map(|flag| (Arc::clone(&flag.key), flag)).collect();
        Self {
            is_ready: true,
            mark: sum(&flags),
            flags,
            lineage,
            generation,
            events: Arc::clone(&self.events),
        }
    }

    /// These flags, with some of them as they are `now`, and none of those that are `gone`.
    pub(super) fn patched(&self, now: Vec<Arc<Flag>>, gone: &[&str], generation: u64) -> Self {
        let mut flags = self.flags.clone();
        for flag in now {
            flags.insert(Arc::clone(&flag.key), flag);
        }
        for key in gone {
            flags.remove(*key);
        }
        Self {
            is_ready: self.is_ready,
            mark: sum(&flags),
            flags,
            lineage: self.lineage.clone(),
            generation,
            events: Arc::clone(&self.events),
        }
    }

    pub(super) fn shared(&self, key: &str) -> Option<&Arc<Flag>> {
        self.flags.get(key)
    }

    pub(super) fn lineage(&self) -> Option<&str> {
        self.lineage.as_deref()
    }

    /// Whether these were read from the store at all.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// The store's counter of commits when these were read.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// A number that is another one once any flag has changed, whoever changed it, and the same in all
    /// clients that have the same flags.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.mark
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Flag> {
        self.flags.get(key).map(|flag| &**flag)
    }

    /// Every flag, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Flag> {
        self.flags.values().map(|flag| &**flag)
    }

    /// What the flag gives, of whatever type that is.
    ///
    /// # Errors
    /// Why it gives nothing.
    #[inline]
    pub fn evaluate(&self, key: &str, context: &Context) -> Result<Answer<'_>, ErrorCode> {
        let answer = self.answer(key, context);
        self.events.tell(key, context, answer);
        answer
    }

    /// The same, and nobody is told.
    #[inline]
    fn answer(&self, key: &str, context: &Context) -> Result<Answer<'_>, ErrorCode> {
        match self.flags.get(key).map(|flag| &flag.evaluator) {
            Some(Ok(evaluator)) => Ok(evaluator.evaluate_for(context.user_id(), context.groups())),
            Some(Err(_)) => Err(ErrorCode::ParseError),
            None if self.is_ready => Err(ErrorCode::FlagNotFound),
            None => Err(ErrorCode::ProviderNotReady),
        }
    }

    /// Whether the flag is on; `default` where it gives no boolean.
    #[must_use]
    #[inline]
    pub fn boolean(&self, key: &str, default: bool, context: &Context) -> bool {
        self.boolean_details(key, default, context).value
    }

    /// Whether the flag is on; false where it gives no boolean.
    #[must_use]
    #[inline]
    pub fn is_enabled(&self, key: &str, context: &Context) -> bool {
        self.boolean(key, false, context)
    }

    /// A string that an experiment gives: the variant's value, or its name where it has none.
    #[must_use]
    #[inline]
    pub fn string<'f>(&'f self, key: &str, default: &'f str, context: &Context) -> &'f str {
        self.string_details(key, default, context).value
    }

    /// A whole number that an experiment gives.
    #[must_use]
    #[inline]
    pub fn integer(&self, key: &str, default: i64, context: &Context) -> i64 {
        self.integer_details(key, default, context).value
    }

    /// A number that an experiment gives.
    #[must_use]
    #[inline]
    pub fn float(&self, key: &str, default: f64, context: &Context) -> f64 {
        self.float_details(key, default, context).value
    }

    /// An object that an experiment gives, or any other value as it is.
    #[must_use]
    #[inline]
    pub fn object<'f>(&'f self, key: &str, default: &'f Value, context: &Context) -> &'f Value {
        self.object_details(key, default, context).value
    }

    #[must_use]
    #[inline]
    pub fn boolean_details(
        &self,
        key: &str,
        default: bool,
        context: &Context,
    ) -> Details<'_, bool> {
        self.details(key, default, context, Value::as_bool)
    }

    #[must_use]
    #[inline]
    pub fn string_details<'f>(
        &'f self,
        key: &str,
        default: &'f str,
        context: &Context,
    ) -> Details<'f, &'f str> {
        self.details(key, default, context, Value::as_str)
    }

    #[must_use]
    #[inline]
    pub fn integer_details(&self, key: &str, default: i64, context: &Context) -> Details<'_, i64> {
        self.details(key, default, context, whole)
    }

    #[must_use]
    #[inline]
    pub fn float_details(&self, key: &str, default: f64, context: &Context) -> Details<'_, f64> {
        self.details(key, default, context, Value::as_f64)
    }

    #[must_use]
    #[inline]
    pub fn object_details<'f>(
        &'f self,
        key: &str,
        default: &'f Value,
        context: &Context,
    ) -> Details<'f, &'f Value> {
        self.details(key, default, context, Some)
    }

    #[inline]
    fn details<'f, T>(
        &'f self,
        key: &str,
        default: T,
        context: &Context,
        read: impl FnOnce(&'f Value) -> Option<T>,
    ) -> Details<'f, T> {
        let given = self.answer(key, context).and_then(|answer| {
            let value = read(answer.value()).ok_or(ErrorCode::TypeMismatch)?;
            Ok((value, answer))
        });
        // Of a value that nobody got nothing is told.
        let told = match &given {
            Ok((_, answer)) => Ok(*answer),
            Err(error) => Err(*error),
        };
        self.events.tell(key, context, told);
        match given {
            Ok((value, answer)) => Details {
                value,
                variant: answer.variant().map(Cow::Borrowed),
                reason: answer.reason(),
                error: None,
            },
            Err(error) => Details {
                value: default,
                variant: None,
                reason: Reason::Error,
                error: Some(error),
            },
        }
    }
}

/// Other writers may have written 5 as 5.0.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
        is_whole.then_some(number as i64)
    })
}

fn mark(key: &str, stored: &Stored) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key.as_bytes());
    match stored {
        Stored::Value(bytes) => hasher.update(b"=").update(bytes),
        Stored::OtherType(kind) => hasher.update(b":").update(kind.as_bytes()),
    };
    let mut mark = [0; 8];
    hasher.finalize_xof().fill(&mut mark);
    u64::from_le_bytes(mark)
}

/// The same in whatever order.
fn sum(flags: &ByKey) -> u64 {
    let marks = flags.values().map(|flag| flag.mark);
    marks.fold(0, u64::wrapping_add)
}
