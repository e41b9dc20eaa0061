//! Pictures of who gets a flag, as SVG. Sizes stand in attributes: the page allows no inline styles.

use crate::model::Percent;
use crate::operate::Rollout;

use super::html::Html;

/// Length of a picture in its own units: percent.
const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 16.0;

/// The share of users that has a flag.
pub(super) fn share(html: &mut Html, share: Percent, is_on: bool) {
    let (percent, class) = (percent(share), if is_on { "on" } else { "idle" });
    open(html, format_args!("{share} % of users"));
    rectangle(html, "ground", 0.0, WIDTH, 0.0);
    rectangle(html, class, 0.0, percent, 0.0);
    html.raw("</svg>");
}

/// The stages of a rollout, one beside the other, each as high as its share; those behind are filled.
pub(super) fn ramp(html: &mut Html, rollout: &Rollout, is_on: bool) {
    let stages = rollout.stages.len();
    let (at, now) = (rollout.stage + 1, rollout.percentage);
    open(
        html,
        format_args!("stage {at} of {stages}, {now} % of users"),
    );
    let width = WIDTH / stages.max(1) as f64;
    for (n, stage) in rollout.stages.iter().enumerate() {
        let share = stage.percentage.map_or(0.0, percent);
        // A stage of 0.1 % is a stage all the same.
        let top = HEIGHT - (HEIGHT * share / WIDTH).max(1.5);
        let class = match n.cmp(&rollout.stage) {
            std::cmp::Ordering::Less => "past",
            std::cmp::Ordering::Equal if is_on => "on",
            std::cmp::Ordering::Equal => "idle",
            std::cmp::Ordering::Greater => "ground",
        };
        rectangle(html, class, n as f64 * width, width - 1.0, top);
    }
    html.raw("</svg>");
}

/// The variants of an experiment by weight: names, and the first bucket behind each.
pub(super) fn variants<'v>(
    html: &mut Html,
    variants: impl Iterator<Item = (&'v str, u32)>,
    is_on: bool,
) {
    const COLOURS: [&str; 6] = ["v0", "v1", "v2", "v3", "v4", "v5"];
    let variants: Vec<(&str, f64)> = variants
        .map(|(name, end)| (name, f64::from(end) / 1000.0))
        .collect();
    let names: Vec<&str> = variants.iter().map(|(name, _)| *name).collect();
    open(html, format_args!("variants {}", names.join(", ")));
    let mut start = 0.0;
    for ((_, end), colour) in variants.iter().zip(COLOURS.iter().cycle()) {
        let class = if is_on { colour } else { "idle" };
        rectangle(html, class, start, (end - start - 0.4).max(0.0), 0.0);
        start = *end;
    }
    html.raw("</svg>");
}

fn percent(share: Percent) -> f64 {
    f64::from(share.0) / 1000.0
}

fn open(html: &mut Html, label: std::fmt::Arguments<'_>) {
    html.raw("<svg role=\"img\" preserveAspectRatio=\"none\"")
        .attribute("viewBox", format_args!("0 0 {WIDTH} {HEIGHT}"))
        .attribute("aria-label", label)
        .raw(">");
}

fn rectangle(html: &mut Html, class: &'static str, x: f64, width: f64, y: f64) {
    html.raw("<rect")
        .attribute("class", class)
        .attribute("x", format_args!("{x:.3}"))
        .attribute("y", format_args!("{y:.2}"))
        .attribute("width", format_args!("{width:.3}"))
        .attribute("height", format_args!("{:.2}", HEIGHT - y))
        .raw("/>");
}
