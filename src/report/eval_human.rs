//! Answers for people: what a user gets and why, or how many get what.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::text::visible;
use super::{Asked, Counted, Evaluation};
use crate::eval::ratio::Ratio;
use crate::eval::{Reason, Row, grouped};

/// The value alone: text without quotes, anything else as JSON.
///
/// # Errors
/// What `out` fails with.
pub fn value(evaluation: &Evaluation<'_>, out: &mut dyn Write) -> io::Result<()> {
    if evaluation.answer.reason == Reason::Error {
        return Ok(());
    }
    writeln!(out, "{}", plain(&evaluation.answer.value))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        value => visible(&value.to_string()),
    }
}

/// One flag for one user; `origin` says where the flag was taken from.
///
/// # Errors
/// What `out` fails with.
pub fn one(
    evaluation: &Evaluation<'_>,
    origin: &str,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = Paint { color };
    let (answer, bold, dim) = (&evaluation.answer, paint.bold(), paint.dim());
    let style = paint.value(answer.reason, &answer.value);
    let flag = visible(evaluation.flag);
    match answer.reason {
        Reason::Error => writeln!(
            out,
            "{bold}{flag}{bold:#} {style}cannot be evaluated{style:#}"
        )?,
        _ => writeln!(
            out,
            "{bold}{flag}{bold:#} is {style}{}{style:#}",
            plain(&answer.value)
        )?,
    }
    let mut line = |name: &str, text: &str| writeln!(out, "  {dim}{name:<8}{dim:#} {text}");
    if let Some(variant) = answer
        .variant
        .as_ref()
        .filter(|name| answer.value != ***name)
    {
        line("variant", &visible(variant))?;
    }
    line("why", &visible(&answer.why))?;
    line("reason", answer.reason.as_str())?;
    match (answer.bucket, answer.variant_bucket) {
        (Some(bucket), None) => line("bucket", &grouped(bucket))?,
        (Some(bucket), Some(second)) => {
            let (bucket, second) = (grouped(bucket), grouped(second));
            line(
                "bucket",
                &format!("{bucket}, and {second} among the variants"),
            )?;
        }
        (None, _) => {}
    }
    let origin = visible(origin);
    match evaluation.source {
        Some(source) => line(
            "from",
            &format!("{origin}, {}:{}", visible(&source.file), source.line),
        ),
        None => line("from", &origin),
    }
}

/// Every flag for one user, one line each.
///
/// # Errors
/// What `out` fails with.
pub fn every(
    evaluations: &[Evaluation<'_>],
    asked: &Asked<'_>,
    quiet: bool,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = Paint { color };
    if !quiet {
        writeln!(out, "{}\n", visible(&heading(asked)))?;
    }
    let widest = |texts: &mut dyn Iterator<Item = String>| {
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let value = |evaluation: &Evaluation<'_>| shorten(&plain(&evaluation.answer.value));
    let flags = widest(
        &mut evaluations
            .iter()
            .map(|evaluation| visible(evaluation.flag)),
    );
    let values = widest(&mut evaluations.iter().map(value));
    for evaluation in evaluations {
        let (answer, dim) = (&evaluation.answer, paint.dim());
        let style = paint.value(answer.reason, &answer.value);
        let (flag, value) = (visible(evaluation.flag), value(evaluation));
        if quiet {
            writeln!(out, "{flag:<flags$}  {value}")?;
        } else {
            writeln!(
                out,
                "  {flag:<flags$}  {style}{value:<values$}{style:#}  {dim}{:<15}{dim:#}  {}",
                answer.reason.as_str(),
                visible(&answer.why)
            )?;
        }
    }
    Ok(())
}

/// "user ana of employees, in development by the flag files".
fn heading(asked: &Asked<'_>) -> String {
    let who = match asked.user {
        Some(user) => format!("user `{user}`"),
        None => "nobody in particular".into(),
    };
    let of = match asked.groups {
        [] => String::new(),
        groups => format!(" of {}", groups.join(", ")),
    };
    format!("{who}{of}, in {}", asked.origin)
}

/// An object as a value may be long.
fn shorten(text: &str) -> String {
    const WIDTH: usize = 32;
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let start: String = text.chars().take(WIDTH - 1).collect();
    format!("{start}…")
}

/// How many users get what, with a bar for each; `width` is the terminal's, in columns.
///
/// # Errors
/// What `out` fails with.
pub fn many(
    counted: &Counted<'_>,
    width: usize,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = Paint { color };
    let (bold, dim) = (paint.bold(), paint.dim());
    let cyan = paint.style(AnsiColor::Cyan.on_default());
    let tally = counted.tally;
    writeln!(
        out,
        "{bold}{}{bold:#} for {} {}, in {}\n",
        visible(counted.flag),
        grouped(tally.users),
        visible(counted.users),
        visible(counted.origin)
    )?;
    // Nobody can be outside where everybody takes part.
    let rows: Vec<&Row<'_>> = tally
        .rows
        .iter()
        .filter(|row| row.variant.is_none() || row.takes_part || row.users > 0)
        .collect();
    let label = |row: &Row<'_>| label(row);
    let labels = rows
        .iter()
        .map(|row| label(row).chars().count())
        .max()
        .unwrap_or(0);
    let numbers = grouped(tally.users).len();
    let most = rows.iter().map(|row| row.users).max().unwrap_or(0).max(1);
    let bar = width.saturating_sub(labels + numbers + 16).clamp(8, 48);
    for row in rows {
        let share = 100.0 * row.users as f64 / tally.users.max(1) as f64;
        let length = (row.users as f64 / most as f64 * bar as f64).ceil() as usize;
        write!(
            out,
            "  {:<labels$}  {:>numbers$}  {share:>7.3} %",
            label(row),
            grouped(row.users)
        )?;
        match length {
            0 => writeln!(out)?,
            length => writeln!(out, "  {cyan}{}{cyan:#}", "█".repeat(length))?,
        }
    }
    writeln!(out)?;
    let reasons: Vec<String> = tally
        .reasons
        .iter()
        .map(|(reason, users)| format!("{} {}", reason.as_str(), grouped(*users)))
        .collect();
    writeln!(out, "  {dim}reasons{dim:#}       {}", reasons.join(", "))?;
    match tally.ratio() {
        Some(found) => ratio(found, paint, out),
        None => {
            let drawn = tally.rows.iter().any(|row| row.drawn > 0);
            let why = match drawn && tally.is_split() {
                true => "too few users to tell",
                false => "nothing to compare: no bucket decides",
            };
            writeln!(out, "  {dim}sample ratio{dim:#}  {why}")
        }
    }
}

/// A variant with its value where that is another, and who gets the control without taking part.
fn label(row: &Row<'_>) -> String {
    match row.variant {
        None => plain(&row.value),
        Some(name) if !row.takes_part => format!("takes no part ({})", visible(name)),
        Some(name) if row.value == *name => visible(name),
        Some(name) => format!("{} = {}", visible(name), shorten(&plain(&row.value))),
    }
}

fn ratio(ratio: Ratio, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let dim = paint.dim();
    let degrees = match ratio.degrees_of_freedom {
        1 => "1 degree of freedom".to_owned(),
        degrees => format!("{degrees} degrees of freedom"),
    };
    let p = if ratio.p < 0.000_1 {
        "p < 0.0001".to_owned()
    } else {
        format!("p = {:.4}", ratio.p)
    };
    let (style, verdict) = if ratio.is_suspicious() {
        let red = paint.style(AnsiColor::Red.on_default().bold());
        (
            red,
            "this is not chance: these users were not split by the buckets alone",
        )
    } else {
        let green = paint.style(AnsiColor::Green.on_default());
        (green, "as the shares say")
    };
    writeln!(
        out,
        "  {dim}sample ratio{dim:#}  χ² = {:.3} with {degrees}, {p}: {style}{verdict}{style:#}",
        ratio.chi_squared
    )
}

#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn style(self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    fn bold(self) -> Style {
        self.style(Style::new().bold())
    }

    fn dim(self) -> Style {
        self.style(Style::new().dimmed())
    }

    /// Green is on, red an error.
    fn value(self, reason: Reason, value: &Value) -> Style {
        match (reason, value) {
            (Reason::Error, _) => self.style(AnsiColor::Red.on_default().bold()),
            (_, Value::Bool(false)) => self.style(AnsiColor::Yellow.on_default()),
            _ => self.style(AnsiColor::Green.on_default()),
        }
    }
}
