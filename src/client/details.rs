//! An answer with how it came about.

use std::borrow::Cow;
use std::fmt;

use crate::eval::Reason;

/// What a user gets, and why. `T` is the type that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Details<'f, T> {
    /// What the flag gives, or the default where `error` says why it gives nothing.
    pub value: T,
    /// Name of the variant, for an experiment.
    pub variant: Option<Cow<'f, str>>,
    pub reason: Reason,
    pub error: Option<ErrorCode>,
}

impl<T> Details<'_, T> {
    /// The same with another value, borrowing nothing.
    #[must_use]
    pub fn map<O>(self, own: impl FnOnce(T) -> O) -> Details<'static, O> {
        Details {
            value: own(self.value),
            variant: self.variant.map(|variant| Cow::Owned(variant.into_owned())),
            reason: self.reason,
            error: self.error,
        }
    }
}

/// Why a flag gives nothing, in the words of OpenFeature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The store has not been read yet.
    ProviderNotReady,
    /// There is no record of the flag.
    FlagNotFound,
    /// The flag's record makes no sense.
    ParseError,
    /// The flag gives values of another type than the one that was asked for.
    TypeMismatch,
}

impl ErrorCode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProviderNotReady => "PROVIDER_NOT_READY",
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TypeMismatch => "TYPE_MISMATCH",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
