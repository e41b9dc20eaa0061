use clap::{Args, ValueEnum};

/// Show who changed what in a store
///
/// One entry a commit, the newest first: generation, time by the store's clock, what made it, who,
/// from which git commit and why, and the fields that changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist history --env production
  hoist history new_checkout --since 7d
  hoist history --limit 1 --format json")]
pub struct History {
    /// Only commits that touched one of these flags
    #[arg(value_name = "FLAG")]
    pub flags: Vec<String>,
    /// Only commits since this date (UTC), point in time, or so long ago: 2026-11-20,
    /// 2026-11-20T03:12:00Z, 12h, 7d
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// Show at most N commits
    #[arg(long, value_name = "N", default_value = "20", value_parser = super::number)]
    pub limit: usize,
    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: HistoryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    Human,
    Json,
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Since {
    /// Seconds since the epoch.
    At(f64),
    /// Seconds before now.
    Ago(f64),
}

impl Since {
    /// Seconds since the epoch; `now` likewise.
    #[must_use]
    pub fn seconds(self, now: f64) -> f64 {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

fn since(text: &str) -> Result<Since, String> {
    if let Some(seconds) = crate::model::parse_duration(text) {
        return Ok(Since::Ago(seconds as f64));
    }
    let start_of_day = || {
        let date = super::date(text).ok()?;
        let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(start.timestamp())
    };
    let at: Option<jiff::Timestamp> = text.parse().ok().or_else(start_of_day);
    at.map(|at| Since::At(at.as_millisecond() as f64 / 1000.0))
        .ok_or_else(|| "write a date, a point in time or a duration, for example 2026-11-20, 2026-11-20T03:12:00Z or 12h".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_understood() {
        for (text, expected) in [
            ("12h", Since::Ago(43_200.0)),
            ("2026-11-20", Since::At(1_795_132_800.0)),
            ("2026-11-20T03:12:00Z", Since::At(1_795_144_320.0)),
            ("2026-11-20T04:12:00+01:00", Since::At(1_795_144_320.0)),
        ] {
            assert_eq!(since(text), Ok(expected), "{text}");
        }
        for text in ["", "yesterday", "2026-11-20T03:12:00", "2026-13-01", "12"] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
