//! Times in which nothing is applied.

use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// A time in which nothing is applied, in one time zone: a part of every week, or from one day to
/// another.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    /// As it was written.
    text: String,
    zone: TimeZone,
    window: Window,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Window {
    /// From a time of the week to a time of the same or the next one.
    Weekly {
        from: (Weekday, Time),
        to: (Weekday, Time),
    },
    /// Up to the second moment, without it.
    Once { from: DateTime, to: DateTime },
}

/// One end of a window.
enum End {
    Weekly(Weekday, Time),
    At(Date, Option<Time>),
}

impl Freeze {
    /// Reads `Fri 16:00/Mon 08:00 Europe/Berlin` or `2026-12-23 18:00/2027-01-02 UTC`. A last day
    /// without a time counts whole; without a zone it is UTC. `zone` finds a time zone by name.
    ///
    /// # Errors
    /// What is wrong with it, to follow the text in a sentence.
    pub fn parse(
        text: &str,
        zone: impl Fn(&str) -> Option<TimeZone>,
    ) -> Result<Self, &'static str> {
        const SHAPE: &str = "is no window such as \"Fri 16:00/Mon 08:00 Europe/Berlin\" or \
                             \"2026-12-23/2027-01-02 UTC\"";
        let (from, rest) = text.split_once('/').ok_or(SHAPE)?;
        let mut words: Vec<&str> = rest.split_whitespace().collect();
        let named = words
            .last()
            .filter(|word| words.len() > 1 && !word.starts_with(|c: char| c.is_ascii_digit()));
        let zone = match named.copied() {
            Some(name) => {
                words.pop();
                zone(name).ok_or("names a time zone that is not known")?
            }
            None => TimeZone::UTC,
        };
        let from: Vec<&str> = from.split_whitespace().collect();
        let window = match (end(&from).ok_or(SHAPE)?, end(&words).ok_or(SHAPE)?) {
            (End::Weekly(day, time), End::Weekly(last, until)) => Window::Weekly {
                from: (day, time),
                to: (last, until),
            },
            (End::At(day, time), End::At(last, until)) => Window::Once {
                from: day.to_datetime(time.unwrap_or(Time::midnight())),
                to: match until {
                    Some(until) => last.to_datetime(until),
                    None => last
                        .tomorrow()
                        .map_err(|_| SHAPE)?
                        .to_datetime(Time::midnight()),
                },
            },
            _ => return Err("mixes a day of the week with a date"),
        };
        match window {
            Window::Weekly { from, to } if from == to => Err("ends when it starts"),
            Window::Once { from, to } if to <= from => Err("ends before it starts"),
            window => Ok(Self {
                text: text.to_owned(),
                zone,
                window,
            }),
        }
    }

    /// Where `now` lies in the window: when that ends, in the window's own time zone.
    #[must_use]
    pub fn ends(&self, now: Timestamp) -> Option<Zoned> {
        let now = now.to_zoned(self.zone.clone()).datetime();
        let (from, to) = match self.window {
            Window::Once { from, to } => (from, to),
            Window::Weekly { from, to } => {
                let last = latest(now, from)?;
                (last, next(last, to)?)
            }
        };
        let end = to.to_zoned(self.zone.clone()).ok()?;
        (from <= now && now < to).then_some(end)
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn end(words: &[&str]) -> Option<End> {
    match words {
        [day, time] => match weekday(day) {
            Some(day) => Some(End::Weekly(day, clock(time)?)),
            None => Some(End::At(date(day)?, Some(clock(time)?))),
        },
        [day] => Some(End::At(date(day)?, None)),
        _ => None,
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let word = word.to_lowercase();
    let named = |name: &str| word == name || name.get(..3) == Some(word.as_str());
    DAYS.iter()
        .find_map(|(name, day)| named(name).then_some(*day))
}

/// `08:00`.
fn clock(word: &str) -> Option<Time> {
    let (hour, minute) = word.split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| plain)
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// `2026-12-24`.
fn date(word: &str) -> Option<Date> {
    word.parse().ok().filter(|_| word.len() == 10)
}

/// The last moment up to `now` at which it was that time of the week.
fn latest(now: DateTime, (day, time): (Weekday, Time)) -> Option<DateTime> {
    let ago = now.weekday().since(day);
    let there = now.date().checked_sub(i64::from(ago).days()).ok()?;
    let there = there.to_datetime(time);
    if there <= now {
        Some(there)
    } else {
        there.checked_sub(1.week()).ok()
    }
}

/// The first moment after `from` at which it is that time of the week.
fn next(from: DateTime, (day, time): (Weekday, Time)) -> Option<DateTime> {
    let ahead = day.since(from.weekday());
    let there = from.date().checked_add(i64::from(ahead).days()).ok()?;
    let there = there.to_datetime(time);
    if there > from {
        Some(there)
    } else {
        there.checked_add(1.week()).ok()
    }
}

/// `2d 3h`, `20m`: the time from `now` to `end`, in minutes begun. Where it is weeks, the date alone
/// says more.
pub(super) fn left(now: Timestamp, end: &Zoned) -> Option<String> {
    let seconds = end.timestamp().as_second().saturating_sub(now.as_second());
    let minutes = (seconds + 59) / 60;
    if minutes >= 14 * 1440 {
        return None;
    }
    let parts = [
        (minutes / 1440, "d"),
        (minutes / 60 % 24, "h"),
        (minutes % 60, "m"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0).take(2);
    let words: Vec<String> = parts
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(text: &str) -> Freeze {
        Freeze::parse(text, |name| TimeZone::get(name).ok()).unwrap()
    }

    fn ends(freeze: &Freeze, now: &str) -> Option<String> {
        let end = freeze.ends(now.parse().unwrap())?;
        Some(end.strftime("%a %F %H:%M").to_string())
    }

    #[test]
    fn a_weekend_is_frozen_every_week() {
        let weekend = freeze("Fri 16:00/Mon 08:00 Europe/Berlin");
        for (now, end) in [
            // 2026-11-20 is a Friday; Berlin is an hour ahead of UTC.
            ("2026-11-20T14:59:59Z", None),
            ("2026-11-20T15:00:00Z", Some("Mon 2026-11-23 08:00")),
            ("2026-11-22T12:00:00Z", Some("Mon 2026-11-23 08:00")),
            ("2026-11-23T06:59:59Z", Some("Mon 2026-11-23 08:00")),
            ("2026-11-23T07:00:00Z", None),
            ("2026-11-25T07:00:00Z", None),
            // Two hours ahead in summer.
            ("2026-07-17T13:59:59Z", None),
            ("2026-07-17T14:00:00Z", Some("Mon 2026-07-20 08:00")),
        ] {
            assert_eq!(ends(&weekend, now).as_deref(), end, "{now}");
        }
    }

    #[test]
    fn windows_may_lie_within_a_day_or_span_nearly_a_week() {
        let lunch = freeze("wednesday 12:00/Wed 13:30");
        for (now, frozen) in [
            ("2026-11-25T11:59:00Z", false),
            ("2026-11-25T12:00:00Z", true),
            ("2026-11-25T13:29:59Z", true),
            ("2026-11-25T13:30:00Z", false),
        ] {
            assert_eq!(ends(&lunch, now).is_some(), frozen, "{now}");
        }
        let week = freeze("Wed 13:30/Wed 12:00");
        for (now, frozen) in [
            ("2026-11-25T11:59:00Z", true),
            ("2026-11-25T12:30:00Z", false),
            ("2026-11-25T13:30:00Z", true),
            ("2026-11-30T00:00:00Z", true),
        ] {
            assert_eq!(ends(&week, now).is_some(), frozen, "{now}");
        }
    }

    #[test]
    fn dates_freeze_once_and_a_last_day_counts_whole() {
        let holidays = freeze("2026-12-23 18:00/2027-01-02 America/New_York");
        for (now, end) in [
            ("2026-12-23T22:59:00Z", None),
            ("2026-12-23T23:00:00Z", Some("Sun 2027-01-03 00:00")),
            ("2027-01-03T04:59:59Z", Some("Sun 2027-01-03 00:00")),
            ("2027-01-03T05:00:00Z", None),
        ] {
            assert_eq!(ends(&holidays, now).as_deref(), end, "{now}");
        }
        let exact = freeze("2026-12-23/2026-12-24 12:00 UTC");
        assert!(ends(&exact, "2026-12-24T11:59:59Z").is_some());
        assert!(ends(&exact, "2026-12-24T12:00:00Z").is_none());
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for (text, part) in [
            ("", "is no window"),
            ("Fri 16:00", "is no window"),
            ("Fri/Mon", "is no window"),
            ("Fri 16:00/Mon 8:00", "is no window"),
            ("Fri 16:00/Mon 24:00", "is no window"),
            ("Fri 16:00/Mon 08:00:00", "is no window"),
            (
                "Fri 16:00/2026-12-24",
                "mixes a day of the week with a date",
            ),
            ("Fri 16:00/Mon 08:00 Europe/Atlantis", "time zone"),
            ("Fri 16:00/Fri 16:00", "ends when it starts"),
            ("2026-12-24/2026-12-23", "ends before it starts"),
            ("2026-12-24/9999-12-31", "is no window"),
        ] {
            let wrong = Freeze::parse(text, |name| TimeZone::get(name).ok()).unwrap_err();
            assert!(wrong.contains(part), "{text}: {wrong}");
        }
    }

    #[test]
    fn what_is_left_is_told_in_two_units() {
        let weekend = freeze("Fri 16:00/Mon 08:00");
        for (now, expected) in [
            ("2026-11-20T16:00:00Z", "2d 16h"),
            ("2026-11-22T20:30:00Z", "11h 30m"),
            ("2026-11-23T07:59:30Z", "1m"),
        ] {
            let now: Timestamp = now.parse().unwrap();
            let left = left(now, &weekend.ends(now).unwrap());
            assert_eq!(left.as_deref(), Some(expected));
        }
    }
}
