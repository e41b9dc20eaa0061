//! Status carried forward: what a sync must not lose when it writes a spec.

use jiff::Timestamp;

use super::StopWrite;
use crate::model::Percent;
use crate::operate;
use crate::record::{Kind, Record, Spec, Stop};

/// The record of a flag that has no status yet. A rollout begins at its first stage.
fn fresh(spec: &Spec, now: f64) -> Record {
    let mut record = Record {
        spec: spec.clone(),
        ..Record::default()
    };
    if spec.kind() == Kind::Rollout {
        begin(&mut record, now);
    }
    record
}

/// The record of a flag of which there is none, or none that can be read. The bookkeeping alone knows
/// of a stop then, `noted`, and it holds until git switches the flag off.
pub(super) fn anew(
    wanted: &Spec,
    applied: Option<&str>,
    noted: Option<&Stop>,
    now: f64,
) -> (Record, Vec<String>) {
    let mut record = fresh(wanted, now);
    let Some(stop) = noted else {
        return (record, Vec::new());
    };
    let was_on = applied.is_none_or(|applied| wanted.with_enabled(true).digest() == applied);
    if !wanted.enabled() && was_on {
        return (record, vec![ended_note(stop)]);
    }
    operate::mark(&mut record.status, stop, now);
    record.spec = wanted.with_enabled(false);
    (record, vec![holding_note(stop, wanted)])
}

/// What becomes of the stop in the bookkeeping, `noted`, where `after` is written.
pub(super) fn stop_write(after: &Record, noted: Option<&Stop>) -> StopWrite {
    match (after.stop(), noted) {
        (Some(stop), Some(noted)) if stop.is_same(noted) => StopWrite::Keep,
        (Some(stop), _) => StopWrite::Set(stop),
        (None, Some(_)) => StopWrite::Clear,
        (None, None) => StopWrite::Keep,
    }
}

/// Puts a rollout at its first stage, from now on.
fn begin(record: &mut Record, now: f64) {
    record.percentage = record.spec.stages().first().copied().unwrap_or_default();
    record.status.set("rollout_started", now);
    record.status.set("stage_started", now);
    record.status.set("current_stage", 0);
}

/// `live` with the spec `wanted`: stages reached, stops and foreign fields stay. Gives what there
/// is to say about it too. `applied` is the digest of the spec that hoist last applied.
pub(super) fn carry(
    wanted: &Spec,
    live: &Record,
    applied: Option<&str>,
    now: f64,
) -> (Record, Vec<String>) {
    let mut notes = Vec::new();
    let mut after = Record {
        spec: wanted.clone(),
        status: live.status.clone(),
        percentage: live.percentage,
        other: live.other.clone(),
    };
    if wanted.kind() == Kind::Rollout {
        carry_stage(&mut after, live, applied, now, &mut notes);
    } else {
        leave_rollout(&mut after, live, now);
    }
    if let Some(stop) = live.stop() {
        carry_stop(&stop, &mut after, live, applied, &mut notes);
    } else if live.status.0.contains_key("rolled_back_at") {
        // Another client has switched the flag on again and left this behind. With git's next
        // `enabled: false` it would look like a stop.
        after.status.clear("rolled_back_at");
        if !after.status.0.contains_key("paused_at") {
            after.status.clear("note");
        }
    }
    (after, notes)
}

/// Where a rollout goes on.
fn carry_stage(
    after: &mut Record,
    live: &Record,
    applied: Option<&str>,
    now: f64,
    notes: &mut Vec<String>,
) {
    let stages = after.spec.stages();
    let clean = applied.is_some_and(|applied| live.has_spec(applied));
    if clean && live.spec.kind() != Kind::Rollout {
        begin(after, now);
        let first = after.percentage;
        notes.push(format!(
            "becomes a rollout: it begins at stage 1 of {} ({first} %), from {} % now",
            stages.len(),
            live.percentage
        ));
        return;
    }
    let same_stages =
        live.spec.as_json().get("rollout_stages") == after.spec.as_json().get("rollout_stages");
    let known = live
        .status
        .current_stage()
        .filter(|stage| *stage < stages.len());
    match known {
        Some(_) if same_stages => {}
        _ => {
            let stage = stages
                .iter()
                .rposition(|stage| *stage <= live.percentage)
                .unwrap_or(0);
            move_to_stage(after, stage, &stages, now);
            notes.push(stage_note(stage, &stages, live, same_stages));
        }
    }
    for field in ["rollout_started", "stage_started"] {
        if after.status.seconds(field).is_none() {
            after.status.set(field, now);
        }
    }
    if after.spec.enabled() && !live.spec.enabled() && !live.is_rolled_back() {
        // A rollout that never was on has not begun: its first stage lasts from when it is.
        let untouched =
            live.status.seconds("rollout_started") == live.status.seconds("stage_started");
        if untouched && after.status.current_stage() == Some(0) {
            after.status.set("rollout_started", now);
            after.status.set("stage_started", now);
        } else if clean {
            // Nobody has seen the stage while git had it off.
            after.status.set("stage_started", now);
        }
    }
}

fn move_to_stage(after: &mut Record, stage: usize, stages: &[Percent], now: f64) {
    let percentage = stages.get(stage).copied().unwrap_or_default();
    after.status.set("current_stage", stage);
    if percentage != after.percentage {
        after.status.set("stage_started", now);
    }
    after.percentage = percentage;
}

fn stage_note(stage: usize, stages: &[Percent], live: &Record, same_stages: bool) -> String {
    let percentage = stages.get(stage).copied().unwrap_or_default();
    let cause = match live.spec.kind() {
        Kind::Rollout if same_stages => "its `current_stage` is none of its stages",
        Kind::Rollout => "its stages changed",
        Kind::Boolean | Kind::Experiment => "the live record is no rollout",
    };
    let reason = if percentage > live.percentage {
        "since all are above"
    } else {
        "the last one not above"
    };
    format!(
        "{cause}: it goes on at stage {} of {} ({percentage} %), {reason} the live {} %",
        stage + 1,
        stages.len(),
        live.percentage
    )
}

/// A flag that is no rollout (any more) has no stage, but since when it stands where it stands
/// remains known.
fn leave_rollout(after: &mut Record, live: &Record, now: f64) {
    after.status.clear("current_stage");
    after.percentage = after
        .spec
        .as_json()
        .get("percentage")
        .and_then(serde_json::Value::as_f64)
        .and_then(Percent::from_f64)
        .unwrap_or(Percent::HUNDRED);
    if after.status.seconds("stage_started").is_some() && after.percentage != live.percentage {
        after.status.set("stage_started", now);
    }
    if after.status.0.contains_key("paused_at") {
        after.status.clear("paused_at");
        if !live.is_rolled_back() {
            after.status.clear("note");
        }
    }
}

/// A stop holds whatever is applied, until it is ended by name, or git itself switches the flag
/// off: from then on git decides again.
fn carry_stop(
    stop: &Stop,
    after: &mut Record,
    live: &Record,
    applied: Option<&str>,
    notes: &mut Vec<String>,
) {
    // Where the record was edited too, git's own switch still shows if nothing else changed in git.
    let was_on = applied.is_some_and(|applied| {
        live.was_enabled(applied) || after.spec.with_enabled(true).digest() == applied
    });
    if !after.spec.enabled() && was_on {
        after.status.clear("rolled_back_at");
        if !after.status.0.contains_key("paused_at") {
            after.status.clear("note");
        }
        notes.push(ended_note(stop));
        return;
    }
    notes.push(holding_note(stop, &after.spec));
    after.spec = after.spec.with_enabled(false);
}

pub(super) fn ended_note(stop: &Stop) -> String {
    let stop = stop_note(stop);
    format!("{stop}; git switches it off now, so the stop ends and git decides again")
}

fn holding_note(stop: &Stop, wanted: &Spec) -> String {
    let stop = stop_note(stop);
    if wanted.enabled() {
        format!(
            "{stop}; it stays off until an operator restores it, or git says `enabled: false` and later `enabled: true`"
        )
    } else {
        stop
    }
}

/// "rolled back since 2026-11-22 03:12 UTC by ana (error rate)".
pub(super) fn stop_note(stop: &Stop) -> String {
    let mut text = "rolled back".to_owned();
    // No clock shows a time of which there is no timestamp.
    if let Some(since) = stop
        .since
        .and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
    {
        text += &since.strftime(" since %Y-%m-%d %H:%M UTC").to_string();
    }
    if let Some(actor) = &stop.actor {
        text += &format!(" by {actor}");
    }
    if let Some(reason) = &stop.reason {
        text += &format!(" ({reason})");
    }
    text
}
