//! Flags as the rest of the program knows them, each part with the place it came from.
//!
//! [`flags`] reads a tree leniently: a part that is missing or wrong is left out (the schema has
//! said so), everything else is there for the rules to look at.

mod in_force;
mod read;
mod scalar;

use std::fmt;

use jiff::civil::Date;

use crate::diagnostic::{FileId, Location, Span};

pub use in_force::InForce;
pub use read::{FLAG_FIELDS, OVERRIDE_FIELDS, STAGE_FIELDS, TEST_FIELDS, VARIANT_FIELDS, flags};
pub use scalar::{is_date, is_key, is_variant_name, parse_duration};

/// A share in thousandths of a percent: 0 to 100,000. The same unit as a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub u32);

impl Percent {
    pub const ZERO: Self = Self(0);
    pub const HUNDRED: Self = Self(100_000);

    /// `None` where the number is not within 0 to 100 or has more than 3 decimals.
    #[must_use]
    pub fn from_f64(percent: f64) -> Option<Self> {
        let thousandths = percent * 1000.0;
        let rounded = thousandths.round();
        let exact = (thousandths - rounded).abs() < 1e-6;
        // In range, so the cast loses nothing.
        (exact && (0.0..=100_000.0).contains(&rounded)).then_some(Self(rounded as u32))
    }

    /// Rounded to three decimals; `None` where the number is not within 0 to 100.
    #[must_use]
    pub fn nearest(percent: f64) -> Option<Self> {
        (0.0..=100.0)
            .contains(&percent)
            .then(|| Self((percent * 1000.0).round() as u32))
    }

    /// In percent.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// As JSON has it: `10`, not `10.0`; `33.3` with no more decimals than needed.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        if self.0.is_multiple_of(1000) {
            (self.0 / 1000).into()
        } else {
            self.as_f64().into()
        }
    }
}

/// Without the sign: `33.3`, `100`.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

/// A field of a flag: its value, and where its key and its value stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<T> {
    pub key: Span,
    pub span: Span,
    pub value: T,
}

/// A value in a list or a map, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    pub span: Span,
    pub value: T,
}

/// A list of users, groups or tags.
pub type Names = Vec<Spanned<Box<str>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    On(Date),
}

/// One stage of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub span: Span,
    /// Its place in the rollout, from 1. Stages that could not be read are counted.
    pub number: u32,
    pub percentage: Spanned<Percent>,
    /// In seconds; a stage without one holds until somebody advances it. The key's span is kept
    /// in the field.
    pub duration: Option<Field<u64>>,
}

impl Stage {
    /// Where a finding about `part` of the stage belongs: there, or at the stage where that is an
    /// alias and its parts stand elsewhere.
    #[must_use]
    pub fn place(&self, part: Span) -> Span {
        if self.span.contains(part) {
            part
        } else {
            self.span
        }
    }
}

/// One arm of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    pub name: Spanned<Box<str>>,
    pub weight: Spanned<Percent>,
    /// Boolean, string, number or object; `None` where the variant's value is its name.
    pub value: Option<Spanned<serde_json::Value>>,
}

/// `forced`: a variant's name and the users that always get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Forced {
    pub variant: Spanned<Box<str>>,
    pub users: Names,
}

/// The fields that an environment may replace. What most flags do without is boxed: a hundred
/// thousand of these are held at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub enabled: Option<Field<bool>>,
    pub percentage: Option<Field<Percent>>,
    pub rollout: Option<Box<Field<Vec<Stage>>>>,
    pub variants: Option<Box<Field<Vec<Variant>>>>,
    pub control: Option<Box<Field<Box<str>>>>,
    pub forced: Option<Box<Field<Vec<Forced>>>>,
    pub allowed_users: Option<Box<Field<Names>>>,
    pub allowed_groups: Option<Box<Field<Names>>>,
}

impl Settings {
    /// These settings with an environment's put over them. Setting one of `percentage` and
    /// `rollout` replaces the other.
    #[must_use]
    pub fn overridden_by(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        if other.percentage.is_some() {
            merged.rollout = None;
        }
        if other.rollout.is_some() {
            merged.percentage = None;
        }
        fn put<T: Clone>(into: &mut Option<T>, from: &Option<T>) {
            if from.is_some() {
                into.clone_from(from);
            }
        }
        put(&mut merged.enabled, &other.enabled);
        put(&mut merged.percentage, &other.percentage);
        put(&mut merged.rollout, &other.rollout);
        put(&mut merged.variants, &other.variants);
        put(&mut merged.control, &other.control);
        put(&mut merged.forced, &other.forced);
        put(&mut merged.allowed_users, &other.allowed_users);
        put(&mut merged.allowed_groups, &other.allowed_groups);
        merged
    }
}

/// What one environment replaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    pub environment: Spanned<Box<str>>,
    pub settings: Settings,
}

/// An assertion among a flag's `tests`.
#[derive(Clone, Debug, PartialEq)]
pub struct FlagTest {
    pub span: Span,
    pub user: Option<Spanned<Box<str>>>,
    pub groups: Names,
    pub environment: Option<Spanned<Box<str>>>,
    /// Stands in for the live stage.
    pub percentage: Option<Spanned<Percent>>,
    /// A boolean for an on/off flag, for an experiment a variant's name or its value.
    pub expect: Spanned<serde_json::Value>,
}

/// A flag of the flag set.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    pub file: FileId,
    /// Line of the key, from 1.
    pub line: u32,
    pub key: Spanned<Box<str>>,
    /// Key to the end of the last field.
    pub span: Span,
    pub description: Option<Field<Box<str>>>,
    pub owner: Option<Field<Box<str>>>,
    pub created: Option<Field<Date>>,
    pub expires: Option<Field<Expiry>>,
    pub tags: Option<Box<Field<Names>>>,
    pub salt: Option<Box<Field<Box<str>>>>,
    /// What holds where no environment says otherwise.
    pub base: Settings,
    pub environments: Option<Box<Field<Vec<Override>>>>,
    pub tests: Option<Box<Field<Vec<FlagTest>>>>,
    /// False where part of the flag could not be read: it is linted and never applied.
    pub complete: bool,
}

impl Flag {
    #[must_use]
    pub fn at(&self, span: Span) -> Location {
        Location {
            file: self.file,
            span,
        }
    }

    /// Where a finding belongs that comes of what stands at `places`: at the first of them that the
    /// flag has written out itself or, where all were merged in from elsewhere, at the first.
    #[must_use]
    pub fn nearest<const N: usize>(&self, places: [Span; N]) -> Span {
        let own = places.iter().find(|place| self.span.contains(**place));
        let place = own.or(places.first());
        place.copied().unwrap_or(self.key.span)
    }

    pub fn overrides(&self) -> impl Iterator<Item = &Override> {
        self.environments.iter().flat_map(|field| &field.value)
    }

    /// The settings in force in `environment`.
    #[must_use]
    pub fn resolve(&self, environment: &str) -> Settings {
        self.overrides()
            .find(|over| *over.environment.value == *environment)
            .map_or_else(
                || self.base.clone(),
                |over| self.base.overridden_by(&over.settings),
            )
    }
}

#[cfg(test)]
mod tests;
