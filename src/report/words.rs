//! Times and states in words.

use jiff::Timestamp;

use crate::model::Percent;
use crate::operate::{Draft, Hold, Pause, Rollout, State};
use crate::record::{Kind, Record, Stop};

/// `2026-11-22 03:12 UTC`; none for a time that no clock shows.
#[must_use]
pub fn time(seconds: f64) -> Option<String> {
    let time = Timestamp::from_second(seconds.floor() as i64).ok()?;
    Some(time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// `45s`, `3h 12m`, `2d`: the two largest units.
#[must_use]
pub fn duration(seconds: f64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds.max(0.0) as u64;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        let count = left / size;
        left %= size;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

/// ` since 2026-11-22 03:12 UTC by ana: error rate`, as much of it as is known.
#[must_use]
pub fn since(since: Option<f64>, actor: Option<&str>, reason: Option<&str>) -> String {
    let since = since.and_then(time).map(|time| format!(" since {time}"));
    let actor = actor.map(|actor| format!(" by {actor}"));
    let reason = reason.map(|reason| format!(": {reason}"));
    [since, actor, reason].into_iter().flatten().collect()
}

/// ` since 2026-11-22 03:12 UTC by ana: error rate`.
#[must_use]
pub fn of_stop(stop: &Stop) -> String {
    since(stop.since, stop.actor.as_deref(), stop.reason.as_deref())
}

/// The same of a pause.
#[must_use]
pub fn of_pause(pause: &Pause) -> String {
    since(pause.since, pause.actor.as_deref(), pause.reason.as_deref())
}

/// How long a rollout has been where it is, and what comes next: `stage 2 of 5 for 3h, next in 9h`.
#[must_use]
pub fn progress(rollout: &Rollout, now: f64) -> String {
    let (stage, stages) = (rollout.stage + 1, rollout.stages.len());
    let lasted = rollout
        .since
        .map(|since| format!(" for {}", duration(now - since)));
    let at = format!("stage {stage} of {stages}{}", lasted.unwrap_or_default());
    match &rollout.state {
        State::Stopped(stop) => format!("stopped at stage {stage} of {stages}{}", of_stop(stop)),
        State::Off => format!("off, at stage {stage} of {stages}"),
        State::Paused(pause) => {
            let left = pause.left.map(|left| format!(" ({} left)", duration(left)));
            let left = left.unwrap_or_default();
            format!(
                "paused at stage {stage} of {stages}{left}{}",
                of_pause(pause)
            )
        }
        State::Complete => format!("{at}, complete"),
        State::Holding => format!("{at}, holds until it is advanced by name"),
        State::Running { due: None } => format!("{at}, since when is not known"),
        State::Running { due: Some(due) } if *due <= now => {
            format!("{at}, overdue by {}", duration(now - due))
        }
        State::Running { due: Some(due) } => format!("{at}, next in {}", duration(due - now)),
    }
}

/// What keeps a rollout that is overdue, to go on with: `, held by its gate for 2h: error rate at 3 %`.
#[must_use]
pub fn held(hold: &Hold, now: f64) -> String {
    let last = hold.said.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.map(|last| format!(": {}", last.trim()));
    let lasted = duration(now - hold.since);
    format!(
        ", held by its gate for {lasted}{}",
        last.unwrap_or_default()
    )
}

/// What another client's edits have made of a rollout that its stage does not tell, to go on with;
/// empty where all is as the stage says.
#[must_use]
pub fn oddities(rollout: &Rollout, record: &Record) -> String {
    let mut odd = String::new();
    let stage = rollout.stages.get(rollout.stage);
    if let Some(percentage) = stage.and_then(|stage| stage.percentage)
        && percentage != rollout.percentage
    {
        odd += &format!(", but open to {}", share(rollout.percentage));
    }
    let written = record.status.current_stage();
    if let Some(written) = written.filter(|written| *written >= rollout.stages.len()) {
        odd += &format!(", but its record says stage {}", written + 1);
    }
    odd
}

/// What a move does: `stage 2 → 3 of 5: 5 % → 25 % of users, for 12h`.
#[must_use]
pub fn moved(before: &Rollout, after: &Draft) -> String {
    let (from, stages) = (before.stage + 1, before.stages.len());
    let Some(rollout) = Rollout::of(after.record()) else {
        return String::new();
    };
    let lasts = match rollout.lasts() {
        _ if rollout.is_last(rollout.stage) => ", the last stage".to_owned(),
        Some(seconds) => format!(", for {}", duration(seconds)),
        None => ", until it is advanced by name".to_owned(),
    };
    format!(
        "stage {from} → {} of {stages}: {} % → {} % of users{lasts}",
        rollout.stage + 1,
        before.percentage,
        rollout.percentage
    )
}

/// `everyone`, `25 % of users`.
#[must_use]
pub fn share(percentage: Percent) -> String {
    match percentage {
        Percent::HUNDRED => "everyone".to_owned(),
        percentage => format!("{percentage} % of users"),
    }
}

/// What a flag does now: `on for 25 % of users, stage 3 of 5`.
#[must_use]
pub fn state(record: &Record) -> String {
    if let Some(stop) = record.stop() {
        return format!("stopped{}", of_stop(&stop));
    }
    if !record.spec.enabled() {
        return "off".to_owned();
    }
    let share = share(record.percentage);
    match (Rollout::of(record), record.spec.kind()) {
        (Some(rollout), _) => {
            let paused = match rollout.state {
                State::Paused(_) => ", paused",
                _ => "",
            };
            let (stage, stages) = (rollout.stage + 1, rollout.stages.len());
            format!("on for {share}, stage {stage} of {stages}{paused}")
        }
        (None, Kind::Experiment) => format!("on for {share}, an experiment"),
        (None, Kind::Boolean | Kind::Rollout) => format!("on for {share}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, text) in [
            (-5.0, "0s"),
            (0.4, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (3661.0, "1h 1m"),
            (3601.0, "1h"),
            (90_000.0, "1d 1h"),
            (86_400.0 * 400.0 + 59.0, "400d"),
            (f64::NAN, "0s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_state_is_said_in_a_few_words() {
        let state = |json: &str| state(&Record::parse(json.as_bytes()).unwrap());
        let stages = r#""rollout_stages":[{"percentage":1},{"percentage":100}]"#;
        for (json, text) in [
            (r#"{"enabled":true}"#.to_owned(), "on for everyone"),
            (
                r#"{"enabled":true,"percentage":2.5}"#.to_owned(),
                "on for 2.5 % of users",
            ),
            (r#"{"percentage":10}"#.to_owned(), "off"),
            (
                r#"{"enabled":true,"percentage":50,"variants":{"a":100}}"#.to_owned(),
                "on for 50 % of users, an experiment",
            ),
            (
                format!(r#"{{"enabled":true,"percentage":1,"paused_at":1,{stages}}}"#),
                "on for 1 % of users, stage 1 of 2, paused",
            ),
            (
                r#"{"rolled_back_at":1795317120.9,"note":{"actor":"ana","reason":"errors"}}"#
                    .to_owned(),
                "stopped since 2026-11-22 03:12 UTC by ana: errors",
            ),
            (r#"{"rolled_back_at":1e300}"#.to_owned(), "stopped"),
        ] {
            assert_eq!(state(&json), text);
        }
    }
}
