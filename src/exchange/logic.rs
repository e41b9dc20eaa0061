//! The part of JsonLogic that lists of users and groups need, and shares of users.

use serde_json::{Map, Value, json};

/// The attribute that has a user's groups.
pub(super) const GROUPS: &str = "groups";
/// The attribute that says who asks.
pub(super) const USER: &str = "targetingKey";

/// Who a condition is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Users(Vec<String>),
    Groups(Vec<String>),
    /// Whoever does not say who asks.
    Nobody,
    /// No one, ever: `false`.
    Never,
}

/// What a condition says, as a list of which one has to hold; `None` where it says anything else.
pub(super) fn who(rule: &Value) -> Option<Vec<Who>> {
    if rule == &Value::Bool(false) {
        return Some(vec![Who::Never]);
    }
    let (operator, arguments) = operation(rule)?;
    match operator {
        "or" => {
            let each = arguments.as_array()?.iter().map(who);
            Some(each.collect::<Option<Vec<_>>>()?.concat())
        }
        "in" => membership(pair(arguments)?).map(|who| vec![who]),
        "==" | "===" => equality(pair(arguments)?).map(|who| vec![who]),
        "!" => {
            let one = match arguments {
                Value::Array(list) => list.first().filter(|_| list.len() == 1)?,
                one => one,
            };
            (variable(one)? == USER).then(|| vec![Who::Nobody])
        }
        "some" => {
            let (of, test) = pair(arguments)?;
            let (operator, within) = operation(test)?;
            let (item, list) = pair(within)?;
            let groups = names(list)?;
            let fits = operator == "in" && variable(of)? == GROUPS && variable(item)?.is_empty();
            fits.then(|| vec![Who::Groups(groups)])
        }
        _ => None,
    }
}

fn membership((item, list): (&Value, &Value)) -> Option<Who> {
    match item {
        Value::String(group) => {
            (variable(list)? == GROUPS).then(|| Who::Groups(vec![group.clone()]))
        }
        item => {
            let users = names(list)?;
            (variable(item)? == USER).then_some(Who::Users(users))
        }
    }
}

fn equality((one, other): (&Value, &Value)) -> Option<Who> {
    let (variable, constant) = match variable(one) {
        Some(name) => (name, other),
        None => (variable(other)?, one),
    };
    match (variable, constant) {
        (USER, Value::Null) => Some(Who::Nobody),
        (USER, Value::String(user)) => Some(Who::Users(vec![user.clone()])),
        _ => None,
    }
}

/// Strings, none of them empty; `None` where anything else is among them.
fn names(list: &Value) -> Option<Vec<String>> {
    let named = |item: &Value| {
        let name = item.as_str().filter(|name| !name.is_empty())?;
        Some(name.to_owned())
    };
    list.as_array()?.iter().map(named).collect()
}

/// A map with one entry: an operator and what it is applied to.
pub(super) fn operation(rule: &Value) -> Option<(&str, &Value)> {
    let map: &Map<String, Value> = rule.as_object()?;
    let (operator, arguments) = map.iter().next().filter(|_| map.len() == 1)?;
    Some((operator, arguments))
}

/// The name of a variable that is read without a default.
pub(super) fn variable(rule: &Value) -> Option<&str> {
    match operation(rule)? {
        ("var", Value::String(name)) => Some(name),
        ("var", Value::Array(list)) if list.len() == 1 => list.first()?.as_str(),
        _ => None,
    }
}

fn pair(arguments: &Value) -> Option<(&Value, &Value)> {
    match arguments.as_array()?.as_slice() {
        [one, other] => Some((one, other)),
        _ => None,
    }
}

/// A split of users.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fractional {
    /// What stands before the user in the text that is hashed; `None` where that is anything else.
    pub prefix: Option<String>,
    /// What each share gets, and its weight.
    pub shares: Vec<(String, f64)>,
}

/// flagd's `fractional`; `None` where it is none, or shares are computed.
pub(super) fn fractional(rule: &Value) -> Option<Fractional> {
    let ("fractional", arguments) = operation(rule)? else {
        return None;
    };
    let (first, rest) = arguments.as_array()?.split_first()?;
    let (by, shares) = match first {
        Value::Array(_) => (None, arguments.as_array()?.as_slice()),
        by => (Some(by), rest),
    };
    let share = |share: &Value| {
        let share = share.as_array()?;
        let weight = match share.get(1) {
            None => 1.0,
            Some(weight) => weight.as_f64()?,
        };
        Some((outcome(share.first()?)?, weight))
    };
    Some(Fractional {
        prefix: by.and_then(prefix),
        shares: shares.iter().map(share).collect::<Option<Vec<_>>>()?,
    })
}

/// The text before the user in `{"cat": [text, user]}`.
fn prefix(by: &Value) -> Option<String> {
    let ("cat", parts) = operation(by)? else {
        return None;
    };
    let (text, user) = pair(parts)?;
    (variable(user)? == USER).then(|| text.as_str().map(str::to_owned))?
}

/// The name of a variant: a string, or a boolean that stands for one.
pub(super) fn outcome(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Bool(name) => Some(name.to_string()),
        _ => None,
    }
}

pub(super) fn one_of_users(users: &[&str]) -> Value {
    json!({"in": [{"var": USER}, users]})
}

pub(super) fn in_a_group(groups: &[&str]) -> Value {
    json!({"some": [{"var": GROUPS}, {"in": [{"var": ""}, groups]}]})
}

pub(super) fn nobody() -> Value {
    json!({"==": [{"var": USER}, null]})
}

/// A split by the hash of `prefix` and the user, with weights in thousandths of a percent.
pub(super) fn split<'s>(prefix: &str, shares: impl IntoIterator<Item = (&'s str, u32)>) -> Value {
    let by = json!({"cat": [prefix, {"var": USER}]});
    let shares = shares
        .into_iter()
        .map(|(name, weight)| json!([name, weight]));
    json!({"fractional": std::iter::once(by).chain(shares).collect::<Vec<_>>()})
}
