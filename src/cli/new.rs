use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::OperatorFormat;
use crate::model::{Expiry, Percent, parse_duration};

/// Write a new flag into the flag files
///
/// The flag is off, and well-formed: with an owner, a day on which it was added and one by which it is to
/// be gone. It goes into the file that is named; else into the one where most flags begin like it
/// (`payments.` or `payments_`); else, if only one file has several flags, into that; else into a file of
/// its own, flags/FLAG.yaml.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist new search_ranking --description \"Rank results by the new model\"
  hoist new checkout_v2 --rollout
  hoist new checkout_v2 --rollout=5:4h,25:1d,100
  hoist new price_test --variants control,higher,lower --percentage 20
  hoist new search_ranking --dry-run")]
pub struct New {
    /// Key of the flag
    #[arg(value_name = "FLAG")]
    pub flag: String,
    /// What it changes for users [default: the words of the key]
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Who decides about it [default: user.name of git]
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Day by which it is to be gone, or `never` [default: as long from today as a flag should live]
    #[arg(long, value_name = "DATE", value_parser = expiry)]
    pub expires: Option<Expiry>,
    /// Share of users who get it once it is on; in an experiment the share that takes part
    #[arg(long, value_name = "P", value_parser = super::percent, conflicts_with = "rollout")]
    pub percentage: Option<Percent>,
    /// Roll it out in stages, each a percentage and how long it lasts [default: 1:2h,10:1d,50:1d,100,
    /// with stages between where the linter asks for them]
    #[arg(
        long,
        value_name = "STAGES",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["experiment", "variants"],
        value_parser = stages,
    )]
    pub rollout: Option<Option<Stages>>,
    /// Compare `control` with `treatment`, half of the users each
    #[arg(long, conflicts_with = "variants")]
    pub experiment: bool,
    /// Compare these variants, with equal shares
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub variants: Vec<String>,
    /// File below the flags directory to write it into
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take the key although a flag that was removed had it
    #[arg(long)]
    pub reuse: bool,
    /// Show what would be written as a diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}

/// Stages of a rollout, with durations as flag files write them.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages(pub Vec<(Percent, Option<String>)>);

fn stages(text: &str) -> Result<Stages, String> {
    let wrong = || "write percentages with durations, for example 5:4h,25:1d,100".to_owned();
    let stage = |text: &str| {
        let (share, duration) = match text.split_once(':') {
            Some((share, duration)) => (share, Some(duration.trim())),
            None => (text, None),
        };
        let share = share.trim().parse().ok().and_then(Percent::from_f64)?;
        let known = duration.is_none_or(|duration| parse_duration(duration).is_some());
        known.then(|| (share, duration.map(str::to_owned)))
    };
    let stages: Option<Vec<_>> = text.split(',').map(stage).collect();
    stages.map(Stages).ok_or_else(wrong)
}

fn expiry(text: &str) -> Result<Expiry, String> {
    let date = |text| super::date(text).map(Expiry::On);
    match text {
        "never" => Ok(Expiry::Never),
        text => date(text).map_err(|_: String| wrong_date()),
    }
}

fn wrong_date() -> String {
    "write it as YYYY-MM-DD, or `never`".to_owned()
}

impl New {
    /// The day by which it is to be gone where none is named: as policy has it, from `today`.
    #[must_use]
    pub fn expiry(&self, today: Date, days: u32) -> Expiry {
        let latest = || today.saturating_add(jiff::Span::new().days(i64::from(days)));
        self.expires.unwrap_or_else(|| Expiry::On(latest()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read() {
        let percent = |share| Percent::from_f64(share).expect("a share");
        assert_eq!(
            stages("5:4h, 25.5:1d,100"),
            Ok(Stages(vec![
                (percent(5.0), Some("4h".into())),
                (percent(25.5), Some("1d".into())),
                (percent(100.0), None),
            ]))
        );
        for text in ["", "5:", "5:4", "5:4h,", "101", "x", "5:4h:1d", "-1"] {
            assert!(stages(text).is_err(), "{text}");
        }
        assert_eq!(expiry("never"), Ok(Expiry::Never));
        assert!(expiry("tomorrow").is_err());
    }
}
