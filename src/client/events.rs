//! Telling of evaluations.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use tracing::Level;

use crate::eval::{Answer, Reason};

use super::{Context, ErrorCode};

/// Name of the provider in events.
const PROVIDER: &str = "hoist";

/// Which evaluations are told of.
#[derive(Debug)]
pub(super) struct Events {
    /// An evaluation is told of where a random number of 32 bits is below this.
    threshold: u64,
}

impl Events {
    /// Tells of this share of all evaluations, 0 to 1.
    pub fn new(share: f64) -> Self {
        Self {
            // From 0 to 2^32, which is above every number of 32 bits.
            threshold: (share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64,
        }
    }

    /// An event of this evaluation, now and then. Fields are named as OpenTelemetry has them:
    /// <https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/>.
    #[inline]
    pub fn tell(&self, key: &str, context: &Context, answer: Result<Answer<'_>, ErrorCode>) {
        if self.threshold > 0
            && tracing::enabled!(target: "hoist::evaluation", Level::INFO)
            && u64::from(random()) < self.threshold
        {
            send(key, context, answer);
        }
    }
}

#[cold]
fn send(key: &str, context: &Context, answer: Result<Answer<'_>, ErrorCode>) {
    match answer {
        Ok(answer) => tracing::event!(
            name: "feature_flag.evaluation",
            target: "hoist::evaluation",
            Level::INFO,
            "feature_flag.key" = key,
            "feature_flag.provider.name" = PROVIDER,
            "feature_flag.context.id" = context.user_id(),
            "feature_flag.result.value" = %answer.value(),
            "feature_flag.result.variant" = answer.variant(),
            "feature_flag.result.reason" = reason(answer.reason()),
        ),
        Err(error) => tracing::event!(
            name: "feature_flag.evaluation",
            target: "hoist::evaluation",
            Level::INFO,
            "feature_flag.key" = key,
            "feature_flag.provider.name" = PROVIDER,
            "feature_flag.context.id" = context.user_id(),
            "feature_flag.result.reason" = reason(Reason::Error),
            "error.type" = error_type(error),
        ),
    }
}

/// OpenTelemetry writes the words of OpenFeature small.
fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Disabled => "disabled",
        Reason::TargetingMatch => "targeting_match",
        Reason::Split => "split",
        Reason::Static => "static",
        Reason::Default => "default",
        Reason::Error => "error",
    }
}

fn error_type(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::ProviderNotReady => "provider_not_ready",
        ErrorCode::FlagNotFound => "flag_not_found",
        ErrorCode::ParseError => "parse_error",
        ErrorCode::TypeMismatch => "type_mismatch",
    }
}

/// A random number of each thread's own, so that threads do not wait for each other: xorshift, by
/// George Marsaglia (Journal of Statistical Software 8(14), 2003).
fn random() -> u32 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish() | 1);
    }
    STATE.with(|state| {
        let mut number = state.get();
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        state.set(number);
        (number >> 32) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept() {
        let count = |share: f64| {
            let events = Events::new(share);
            let told = (0..100_000).filter(|_| u64::from(random()) < events.threshold);
            told.count()
        };
        assert_eq!(count(0.0), 0);
        assert_eq!(count(1.0), 100_000);
        assert_eq!(count(7.0), 100_000);
        // More than ten standard deviations to either side.
        assert!((9_000..11_000).contains(&count(0.1)));
    }
}
