//! One flag: all that is known of it, and what became of it over time.

use hyper::StatusCode;

use super::html::Html;
use super::list::badges;
use super::past::COMMITS;
use super::view::{Kind, View};
use super::{Scene, answer_for, fields_of_user, frame, picture};
use crate::operate::Rollout;
use crate::plan::FieldChange;
use crate::report::words;

pub(super) fn page(scene: &Scene<'_>, key: &str) -> (StatusCode, String) {
    let view = scene.flags.get(key).map(View::new);
    let status = match view {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    let page = frame(
        scene,
        key,
        |html| {
            html.raw("<p><a href=\"/\">All flags</a></p><form method=\"get\">");
            fields_of_user(scene, html);
        },
        |html| {
            match &view {
                Some(view) => flag(scene, view, html),
                None => {
                    html.element("p", "notice", "There is no such flag here.");
                }
            }
            history(scene, key, html);
        },
    );
    (status, page)
}

fn flag(scene: &Scene<'_>, view: &View<'_>, html: &mut Html) {
    html.raw("<p>").text(view.state(scene.now));
    badges(scene, view, html);
    html.raw("</p>");
    picture(view, html);
    answer_for(scene, view, html);
    html.raw("<dl>");
    let mut row = |name: &'static str, value: &str| {
        html.element("dt", "", name).element("dd", "", value);
    };
    for (name, value) in [
        ("Description", &view.description),
        ("Owner", &view.owner),
        ("Expires", &view.expires),
    ] {
        if let Some(value) = value {
            row(name, value);
        }
    }
    if !view.tags.is_empty() {
        row("Tags", &view.tags.join(", "));
    }
    if let Kind::Fine {
        record,
        evaluator,
        rollout,
    } = &view.kind
    {
        row("Share of users", &format!("{} %", evaluator.share()));
        if let Some(rollout) = rollout {
            row("Stages", &stages(rollout));
        }
        let mut start = 0;
        for (name, value, end) in evaluator.variants() {
            let weight = crate::model::Percent(end.saturating_sub(start));
            row("Variant", &format!("{name}, {weight} %: {value}"));
            start = end;
        }
        if let Some((control, _)) = evaluator.control() {
            row("Control", control);
        }
        for (name, list) in [
            ("Users named", evaluator.named_users()),
            ("Groups named", evaluator.named_groups()),
        ] {
            if !list.is_empty() {
                row(name, &list.join(", "));
            }
        }
        if let Some(salt) = record.spec.as_json().get("salt") {
            row("Salt", &salt.to_string());
        }
    }
    html.raw("</dl>");
}

fn history(scene: &Scene<'_>, key: &str, html: &mut Html) {
    html.raw("<h2>History</h2>");
    if let Some(error) = &scene.past.error {
        html.element("p", "notice", format_args!("It cannot be read: {error}"));
        return;
    }
    if scene.state.options.history.is_none() {
        html.element("p", "dim", "Flag files have none here: `git log` has it.");
        return;
    }
    let touched = scene.past.entries.iter();
    let mut touched = touched
        .filter_map(|entry| Some((entry, entry.records.get(key)?)))
        .peekable();
    if touched.peek().is_none() {
        let nothing = format_args!("Nothing within the last {COMMITS} commits.");
        html.element("p", "dim", nothing);
        return;
    }
    html.raw("<table><thead><tr><th>When</th><th>What</th><th>Who</th><th>Change</th></tr></thead><tbody>");
    for (entry, (before, after)) in touched {
        html.raw("<tr>");
        html.element("td", "", words::time(entry.at).unwrap_or_default());
        html.element(
            "td",
            "",
            format_args!("{}, generation {}", entry.source, entry.generation),
        );
        let commit = entry.commit.as_deref().and_then(|commit| commit.get(..12));
        let who = [entry.actor.as_deref(), commit.map(|_| "at"), commit];
        let who: Vec<&str> = who.into_iter().flatten().collect();
        html.element("td", "", who.join(" "));
        html.raw("<td>");
        if let Some(reason) = &entry.reason {
            html.element("p", "", reason);
        }
        let bytes = |text: &'_ Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
        let (before, after) = (bytes(before), bytes(after));
        match (&before, &after) {
            (None, Some(_)) => html.element("p", "", "created"),
            (Some(_), None) => html.element("p", "", "deleted"),
            _ => html,
        };
        if before.is_some() && after.is_some() {
            for change in FieldChange::between(before.as_deref(), after.as_deref()) {
                html.element("p", "", field(&change));
            }
        }
        html.raw("</td></tr>");
    }
    html.raw("</tbody></table>");
}

/// `1 % for 2h, 10 % for 1d, 100 %`.
fn stages(rollout: &Rollout) -> String {
    let stages = rollout.stages.iter().map(|stage| {
        let share = match stage.percentage {
            Some(share) => format!("{share} %"),
            None => "no share that makes sense".to_owned(),
        };
        match stage.seconds {
            Some(seconds) => format!("{share} for {}", words::duration(seconds)),
            None => share,
        }
    });
    stages.collect::<Vec<_>>().join(", ")
}

/// `percentage 10 → 25`.
fn field(change: &FieldChange) -> String {
    let value = |value: &Option<serde_json::Value>| match value {
        Some(value) => value.to_string(),
        None => "nothing".to_owned(),
    };
    format!(
        "{} {} → {}",
        change.path,
        value(&change.before),
        value(&change.after)
    )
}
