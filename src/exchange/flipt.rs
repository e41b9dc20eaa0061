//! Flipt's exports and feature files: <https://docs.flipt.io/configuration/storage>.

use serde_json::{Value, json};

use super::intent::{Intent, List, Split, part};
use super::logic::{GROUPS, Who};
use super::{Imported, below, metadata, strings};

pub(super) fn read(root: &Value, imported: &mut Imported) {
    imported.lose_unknown("", "", root, &["version", "namespace", "flags", "segments"]);
    let namespace = root.get("namespace");
    let named = namespace.map(|namespace| namespace.get("key").unwrap_or(namespace));
    if let Some(name) = named
        .and_then(Value::as_str)
        .filter(|name| *name != "default")
    {
        let reason =
            format!("keys have no namespaces here: those of `{name}` stand beside all others");
        imported.lose("", "namespace", reason);
    }
    let flags = root.get("flags").and_then(Value::as_array);
    for (at, flag) in flags.into_iter().flatten().enumerate() {
        let path = format!("flags[{at}]");
        match flag.get("key").and_then(Value::as_str) {
            Some(key) => one(key, &path, flag, root, imported),
            None => imported.leave_out("", path, "it has no key"),
        }
    }
}

const KNOWN: [&str; 9] = [
    "key",
    "name",
    "type",
    "description",
    "enabled",
    "metadata",
    "variants",
    "rules",
    "rollouts",
];

fn one(key: &str, path: &str, flag: &Value, root: &Value, imported: &mut Imported) {
    imported.lose_unknown(key, path, flag, &KNOWN);
    let text = |field: &str| flag.get(field).and_then(Value::as_str);
    let mut intent = Intent {
        key: key.to_owned(),
        path: path.to_owned(),
        enabled: flag.get("enabled") == Some(&Value::Bool(true)),
        ..Intent::default()
    };
    if let Some((metadata, path)) = part(flag, path, "metadata") {
        intent.fields = metadata::read(imported, key, &path, metadata);
    }
    let name = text("name").filter(|name| *name != key && !name.is_empty());
    match (text("description").filter(|text| !text.is_empty()), name) {
        (Some(description), name) => {
            intent
                .fields
                .shift_insert(0, "description".into(), description.into());
            if name.is_some_and(|name| name != description) {
                imported.lose(
                    key,
                    below(path, "name"),
                    "a flag has a key and no other name",
                );
            }
        }
        (None, Some(name)) => {
            intent
                .fields
                .shift_insert(0, "description".into(), name.into());
        }
        (None, None) => {}
    }
    let mut reader = Reader {
        root,
        intent,
        imported,
    };
    let read = match text("type") {
        Some("BOOLEAN_FLAG_TYPE") => {
            reader.boolean(flag, path);
            true
        }
        _ => reader.variants(flag, path),
    };
    let Reader {
        intent, imported, ..
    } = reader;
    if read && let Some(draft) = intent.settle(imported) {
        imported.flags.push(draft);
    }
}

const ROLLOUT: [&str; 3] = ["segment", "threshold", "rank"];
const RULE: [&str; 5] = ["segment", "segments", "operator", "distributions", "rank"];

fn is_true(rollout: &Value) -> bool {
    rollout.get("value") == Some(&Value::Bool(true))
}

struct Reader<'r> {
    root: &'r Value,
    intent: Intent,
    imported: &'r mut Imported,
}

impl Reader<'_> {
    fn lose(&mut self, path: impl Into<String>, reason: &str) {
        self.imported.lose(&self.intent.key, path, reason);
    }

    /// `enabled` is what those get whom no rollout is about; so the flag as such is on.
    fn boolean(&mut self, flag: &Value, path: &str) {
        let otherwise = self.intent.enabled;
        self.intent.enabled = true;
        self.intent.variants = vec![("true".into(), json!(true)), ("false".into(), json!(false))];
        // What those get who are not drawn, and where that is said.
        let mut rest = (otherwise, below(path, "enabled"));
        let mut drawn: Option<(bool, f64, String)> = None;
        let mut is_over = false;
        let rollouts = flag.get("rollouts").and_then(Value::as_array);
        for (at, rollout) in rollouts.into_iter().flatten().enumerate() {
            let path = format!("{path}.rollouts[{at}]");
            if is_over {
                self.lose(path, "a rollout before it is about everyone");
                continue;
            }
            self.imported
                .lose_unknown(&self.intent.key, &path, rollout, &ROLLOUT);
            let leaves_out = drawn.as_ref().is_some_and(|(value, _, _)| !value);
            if let Some((segment, path)) = part(rollout, &path, "segment") {
                let value = is_true(segment);
                if self.is_everyone(segment) {
                    rest = (value, path);
                    is_over = true;
                } else if value && leaves_out {
                    self.lose(path, "a share before it leaves some of them out");
                } else {
                    self.listed(segment, &path, &value.to_string(), !value);
                }
            } else if let Some((threshold, path)) = part(rollout, &path, "threshold") {
                let value = is_true(threshold);
                if drawn.is_some() {
                    self.lose(path, "a flag has one share of users");
                    self.intent.withheld |= !value;
                    continue;
                }
                let share = threshold.get("percentage").and_then(Value::as_f64);
                drawn = Some((value, share.unwrap_or_default(), path));
            }
        }
        let (rest, path) = rest;
        self.intent.split = match drawn {
            None => Split {
                shares: vec![(rest.to_string(), 1.0)],
                path,
                same_people: true,
            },
            Some((value, share, path)) => Split {
                shares: vec![
                    (value.to_string(), share),
                    (rest.to_string(), 100.0 - share),
                ],
                path,
                same_people: false,
            },
        };
    }

    /// False where there is no variant to give.
    fn variants(&mut self, flag: &Value, path: &str) -> bool {
        let variants: Vec<&Value> = flag
            .get("variants")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        self.values(&variants, path);
        let default = variants
            .iter()
            .find(|variant| variant.get("default") == Some(&Value::Bool(true)));
        let default = default
            .and_then(|variant| variant.get("key"))
            .and_then(Value::as_str);
        self.intent.fallback = default.map(str::to_owned);
        let rules = flag.get("rules").and_then(Value::as_array);
        for (at, rule) in rules.into_iter().flatten().enumerate() {
            self.rule(rule, &format!("{path}.rules[{at}]"));
        }
        if self.intent.split.shares.is_empty() {
            let first = self.intent.variants.first().map(|(name, _)| name.clone());
            let everyone = self.intent.fallback.clone().or(first);
            if default.is_none() && everyone.is_some() {
                self.lose(
                    path,
                    "without a default variant it has no answer for some: here they get the control",
                );
            }
            self.intent.split = Split {
                shares: everyone.map(|name| (name, 1.0)).into_iter().collect(),
                path: path.to_owned(),
                same_people: true,
            };
        }
        if variants.is_empty() {
            let reason = "it has no variants";
            self.imported.leave_out(&self.intent.key, path, reason);
        }
        !variants.is_empty()
    }

    /// Attachments are the values where every variant has one of the same kind.
    fn values(&mut self, variants: &[&Value], path: &str) {
        let value = |variant: &Value| match variant.get("attachment") {
            // Older exports have JSON as text.
            Some(Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
            }
            Some(value) => value.clone(),
            None => Value::Null,
        };
        let values: Vec<Value> = variants.iter().map(|variant| value(variant)).collect();
        let fits = values.iter().all(Value::is_object)
            || values.iter().all(Value::is_string)
            || values.iter().all(Value::is_number);
        for (at, (variant, value)) in variants.iter().zip(values).enumerate() {
            let path = format!("{path}.variants[{at}]");
            let known = ["default", "key", "name", "description", "attachment"];
            self.imported
                .lose_unknown(&self.intent.key, &path, variant, &known);
            let text = |field: &str| variant.get(field).and_then(Value::as_str);
            let key = text("key").unwrap_or_default();
            for field in ["name", "description"] {
                if text(field).is_some_and(|text| text != key && !text.is_empty()) {
                    self.lose(
                        below(&path, field),
                        "a variant has a name and a value, no words about it",
                    );
                }
            }
            if !fits && !value.is_null() {
                let reason = "values are of one kind in all variants, and none is left without";
                self.lose(below(&path, "attachment"), reason);
            }
            let value = if fits { value } else { key.into() };
            self.intent.variants.push((key.to_owned(), value));
        }
    }

    fn rule(&mut self, rule: &Value, path: &str) {
        if !self.intent.split.shares.is_empty() {
            self.lose(path, "a rule before it is about everyone");
            return;
        }
        self.imported
            .lose_unknown(&self.intent.key, path, rule, &RULE);
        let Some(segment) = rule.get("segment").or(rule.get("segments")) else {
            self.lose(path, "it has no segment");
            return;
        };
        let shares: Vec<(String, f64)> = rule
            .get("distributions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|share| {
                let weight = share.get("rollout").and_then(Value::as_f64);
                Some((
                    share.get("variant")?.as_str()?.to_owned(),
                    weight.unwrap_or_default(),
                ))
            })
            .collect();
        if self.is_everyone(segment) {
            let mut shares = shares;
            let rest = 100.0 - shares.iter().map(|(_, weight)| weight).sum::<f64>();
            if let Some(fallback) = self.intent.fallback.clone().filter(|_| rest > 0.001) {
                shares.push((fallback, rest));
            }
            self.intent.split = Split {
                shares,
                path: path.to_owned(),
                same_people: false,
            };
            return;
        }
        // The operator stands beside the segments, or beside their list.
        let all = [rule, segment].iter().any(|place| {
            place.get("operator").and_then(Value::as_str) == Some("AND_SEGMENT_OPERATOR")
        });
        match shares.as_slice() {
            _ if all && keys(segment).len() > 1 => {
                self.lose(path, "a list has whoever is in one of them, not in all");
            }
            [(variant, weight)] if *weight >= 100.0 => {
                self.listed(segment, path, &variant.clone(), false);
            }
            _ => self.lose(
                path,
                "those who are listed get one variant here, they are not drawn",
            ),
        }
    }

    fn segment(&self, key: &str) -> Option<(usize, &Value)> {
        let segments = self.root.get("segments").and_then(Value::as_array);
        let mut segments = segments.into_iter().flatten().enumerate();
        segments.find(|(_, segment)| segment.get("key").and_then(Value::as_str) == Some(key))
    }

    /// A segment without constraints has everyone in it.
    fn is_everyone(&self, reference: &Value) -> bool {
        let free = |key: &&str| {
            let found = self.segment(key);
            found.is_some_and(|(_, segment)| {
                segment.get("constraints").is_none_or(super::is_nothing)
            })
        };
        let keys = keys(reference);
        !keys.is_empty() && keys.iter().all(free)
    }

    /// Gives `variant` to whom the segments are about. `keeps_out` where that takes something away.
    fn listed(&mut self, reference: &Value, path: &str, variant: &str, keeps_out: bool) {
        let keys = keys(reference);
        let all = reference.get("operator").and_then(Value::as_str) == Some("AND_SEGMENT_OPERATOR");
        let who: Option<Vec<Who>> = match all && keys.len() > 1 {
            true => None,
            false => {
                let each = keys.iter().map(|key| members(self.segment(key)?.1));
                each.collect::<Option<Vec<_>>>().map(|each| each.concat())
            }
        };
        match who.filter(|who| !who.is_empty()) {
            Some(who) => self.intent.lists.extend(who.into_iter().map(|who| List {
                who,
                variant: variant.to_owned(),
                path: path.to_owned(),
            })),
            None => {
                self.lose(
                    path,
                    "this segment cannot be said with lists of users and groups",
                );
                self.intent.withheld |= keeps_out;
            }
        }
    }
}

/// The segments that a rule names, in any of the ways in which it may.
fn keys(reference: &Value) -> Vec<&str> {
    match reference {
        Value::String(key) => vec![key],
        Value::Array(_) => strings(Some(reference)),
        reference => match reference.get("key").and_then(Value::as_str) {
            Some(key) => vec![key],
            None => strings(reference.get("keys")),
        },
    }
}

/// The users and groups of a segment; `None` where it is about anything else.
fn members(segment: &Value) -> Option<Vec<Who>> {
    let constraints = segment.get("constraints")?.as_array()?;
    // It has everyone in it.
    if constraints.is_empty() {
        return None;
    }
    let any = segment.get("match_type").and_then(Value::as_str) == Some("ANY_MATCH_TYPE");
    if !any && constraints.len() > 1 {
        return None;
    }
    let each = constraints.iter().map(|constraint| {
        let text = |field: &str| constraint.get(field).and_then(Value::as_str);
        let names: Vec<String> = match text("operator")? {
            "eq" => vec![text("value")?.to_owned()],
            "isoneof" => serde_json::from_str(text("value")?).ok()?,
            _ => return None,
        };
        if names.iter().any(String::is_empty) {
            return None;
        }
        match (text("type")?, text("property")) {
            ("ENTITY_ID_COMPARISON_TYPE", _) => Some(Who::Users(names)),
            ("STRING_COMPARISON_TYPE", Some(GROUPS | "group")) => Some(Who::Groups(names)),
            _ => None,
        }
    });
    each.collect()
}
