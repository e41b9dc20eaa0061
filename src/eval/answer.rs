//! What a user gets, in two words.

use std::fmt;

use serde_json::Value;

use super::Reason;

/// What may be given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    /// Of the variant.
    pub name: Option<Box<str>>,
    pub value: Value,
}

/// False and true, side by side: a place in an array is computed, where one of two values would be chosen
/// by a jump that the processor can only guess.
static OFF_AND_ON: [Given; 2] = [
    Given {
        name: None,
        value: Value::Bool(false),
    },
    Given {
        name: None,
        value: Value::Bool(true),
    },
];

/// What a user gets, and why. It is as small as it is so that it fits into registers.
#[derive(Clone, Copy, PartialEq)]
pub struct Answer<'e> {
    given: &'e Given,
    /// From the lowest bit: the reason in 8, the bucket in 24, and the bucket among the variants in 32.
    why: u64,
}

const BUCKET: u32 = 8;
const VARIANT_BUCKET: u32 = 32;
/// By their numbers.
const REASONS: [Reason; 6] = [
    Reason::Disabled,
    Reason::TargetingMatch,
    Reason::Split,
    Reason::Static,
    Reason::Default,
    Reason::Error,
];
/// In the place of a bucket that was not drawn.
const NOT_DRAWN: u64 = 0xff_ffff;

impl<'e> Answer<'e> {
    #[inline]
    pub(super) fn new(given: &'e Given, reason: Reason) -> Self {
        Self {
            given,
            why: reason as u64 | NOT_DRAWN << BUCKET | NOT_DRAWN << VARIANT_BUCKET,
        }
    }

    #[inline]
    pub(super) fn on_or_off(on: bool, reason: Reason) -> Self {
        Self::new(&OFF_AND_ON[usize::from(on)], reason)
    }

    #[inline]
    pub(super) fn with_bucket(self, bucket: u32) -> Self {
        self.with(BUCKET, bucket)
    }

    #[inline]
    pub(super) fn with_variant_bucket(self, bucket: u32) -> Self {
        self.with(VARIANT_BUCKET, bucket)
    }

    #[inline]
    fn with(self, place: u32, bucket: u32) -> Self {
        Self {
            why: self.why & !(NOT_DRAWN << place) | u64::from(bucket) << place,
            ..self
        }
    }

    #[inline]
    fn drawn(&self, place: u32) -> Option<u32> {
        let bucket = self.why >> place & NOT_DRAWN;
        (bucket != NOT_DRAWN).then_some(bucket as u32)
    }

    /// True or false; for an experiment the value of the variant, which is its name where it has none.
    #[must_use]
    #[inline]
    pub fn value(&self) -> &'e Value {
        &self.given.value
    }

    /// Name of the variant, for an experiment.
    #[must_use]
    #[inline]
    pub fn variant(&self) -> Option<&'e str> {
        self.given.name.as_deref()
    }

    #[must_use]
    #[inline]
    pub fn reason(&self) -> Reason {
        let reason = REASONS.get(usize::from(self.why as u8));
        reason.copied().unwrap_or(Reason::Error)
    }

    /// The user's bucket, where it was drawn: 0 to 99,999.
    #[must_use]
    #[inline]
    pub fn bucket(&self) -> Option<u32> {
        self.drawn(BUCKET)
    }

    /// Where the user falls among the variants, where that was drawn: 0 to 99,999.
    #[must_use]
    #[inline]
    pub fn variant_bucket(&self) -> Option<u32> {
        self.drawn(VARIANT_BUCKET)
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("value", self.value())
            .field("variant", &self.variant())
            .field("reason", &self.reason())
            .field("bucket", &self.bucket())
            .field("variant_bucket", &self.variant_bucket())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        for (number, reason) in REASONS.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
            let answer = Answer::on_or_off(true, reason);
            assert_eq!(answer.reason(), reason);
            assert_eq!((answer.bucket(), answer.variant_bucket()), (None, None));
            for bucket in [0, 1, 65_536, 99_999] {
                let first = answer.with_bucket(bucket);
                assert_eq!(
                    (first.reason(), first.bucket(), first.variant_bucket()),
                    (reason, Some(bucket), None)
                );
                let both = first.with_variant_bucket(99_999 - bucket);
                assert_eq!(
                    (both.reason(), both.bucket(), both.variant_bucket()),
                    (reason, Some(bucket), Some(99_999 - bucket))
                );
            }
        }
        assert!(size_of::<Option<Answer<'_>>>() <= 16);
    }
}
