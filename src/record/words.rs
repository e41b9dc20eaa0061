//! Parts of records, in words.

use serde_json::Value;

/// A stage of `rollout_stages`: `5 % for 4h`, or `100 %` for one that holds.
#[must_use]
pub fn stage_in_words(stage: &Value) -> String {
    let percentage = stage.get("percentage").map(ToString::to_string);
    let percentage = percentage.unwrap_or_default();
    match stage.get("duration_hours").and_then(Value::as_f64) {
        Some(hours) => format!("{percentage} % for {}", duration(hours)),
        None => format!("{percentage} %"),
    }
}

/// Hours as flag files write them: `30m`, `2h`, `7d`.
fn duration(hours: f64) -> String {
    let minutes = (hours * 60.0).round();
    if minutes % 1440.0 == 0.0 {
        format!("{}d", minutes / 1440.0)
    } else if minutes % 60.0 == 0.0 {
        format!("{}h", minutes / 60.0)
    } else {
        format!("{minutes}m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stages_read_as_flag_files_write_them() {
        for (stage, text) in [
            (json!({"percentage": 5, "duration_hours": 4}), "5 % for 4h"),
            (
                json!({"percentage": 0.5, "duration_hours": 0.5}),
                "0.5 % for 30m",
            ),
            (
                json!({"percentage": 50, "duration_hours": 168}),
                "50 % for 7d",
            ),
            (json!({"percentage": 100, "duration_hours": null}), "100 %"),
            (json!({"percentage": "\u{1b}"}), "\"\\u001b\" %"),
            (json!(3), " %"),
        ] {
            assert_eq!(stage_in_words(&stage), text);
        }
    }
}
