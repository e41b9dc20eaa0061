//! Unleash's exports: <https://docs.getunleash.io/reference/import-export>.
//!
//! Strategies are alternatives: whoever fits one of them has the flag. So one that cannot be carried
//! over takes the flag from some, and gives it to nobody.

use serde_json::{Value, json};

use super::intent::{Intent, List, Split};
use super::logic::Who;
use super::{Imported, below};
use crate::model::{Percent, is_date};

/// The variant of those who do not have the flag.
const DISABLED: &str = "disabled";

pub(super) fn read(root: &Value, imported: &mut Imported) {
    let known = [
        "features",
        "featureStrategies",
        "featureEnvironments",
        "featureTags",
        "contextFields",
        "segments",
        "tagTypes",
        "dependencies",
        "links",
        "version",
    ];
    imported.lose_unknown("", "", root, &known);
    let export = Export { root };
    for (at, feature) in export.list("features") {
        let path = format!("features[{at}]");
        match feature.get("name").and_then(Value::as_str) {
            Some(key) => export.feature(key, &path, feature, imported),
            None => imported.leave_out("", path, "it has no name"),
        }
    }
}

struct Export<'r> {
    root: &'r Value,
}

impl<'r> Export<'r> {
    fn list(&self, name: &str) -> impl Iterator<Item = (usize, &'r Value)> + use<'r> {
        let list = self.root.get(name).and_then(Value::as_array);
        list.into_iter().flatten().enumerate()
    }

    /// What a list has of the feature, each with its path.
    fn of(&self, name: &'static str, key: &str) -> Vec<(String, &'r Value)> {
        let owner = |item: &Value| {
            let name = item.get("featureName").or(item.get("feature"));
            name.and_then(Value::as_str) == Some(key)
        };
        self.list(name)
            .filter(|(_, item)| owner(item))
            .map(|(at, item)| (format!("{name}[{at}]"), item))
            .collect()
    }

    fn feature(&self, key: &str, path: &str, feature: &Value, imported: &mut Imported) {
        let is_true = |field: &str| feature.get(field) == Some(&Value::Bool(true));
        if is_true("archived") || feature.get("archivedAt").is_some_and(|at| !at.is_null()) {
            imported.leave_out(key, path, "it is archived");
            return;
        }
        let mut intent = Intent {
            key: key.to_owned(),
            path: path.to_owned(),
            ..Intent::default()
        };
        self.about(feature, path, &mut intent, imported);
        for (path, _) in self.of("dependencies", key) {
            imported.lose(key, path, "flags do not depend on each other here");
            intent.withheld = true;
        }
        let environment = self.environment(key, path, &mut intent, imported);
        let mut drawn = Drawn::default();
        let strategies = self.of("featureStrategies", key);
        let none = strategies.is_empty();
        for (path, strategy) in strategies {
            drawn.strategy(&path, strategy, &mut intent, imported);
        }
        if none {
            drawn.share = Some((Percent::HUNDRED, path.to_owned(), true));
        }
        let variants = drawn.variants.take().or_else(|| {
            let (path, environment) = environment?;
            let list = environment
                .get("variants")
                .filter(|list| !super::is_nothing(list))?;
            Some((below(&path, "variants"), list))
        });
        match variants {
            None => drawn.switch(&mut intent),
            Some((path, list)) => drawn.experiment(&path, list, &mut intent, imported),
        }
        if let Some(draft) = intent.settle(imported) {
            imported.flags.push(draft);
        }
    }

    /// Description, day of creation, and tags: the feature's own, its type and its project.
    fn about(&self, feature: &Value, path: &str, intent: &mut Intent, imported: &mut Imported) {
        let known = [
            "name",
            "description",
            "type",
            "project",
            "archived",
            "archivedAt",
            "createdAt",
            "lastSeenAt",
            "stale",
            "impressionData",
            "createdByUserId",
            "createdBy",
        ];
        imported.lose_unknown(&intent.key, path, feature, &known);
        let text = |field: &str| feature.get(field).and_then(Value::as_str);
        for (field, reason) in [
            ("stale", "that a flag is stale is found, not noted"),
            ("impressionData", "hoist exports no events"),
        ] {
            if feature.get(field) == Some(&Value::Bool(true)) {
                imported.lose(&intent.key, below(path, field), reason);
            }
        }
        if let Some(description) = text("description").filter(|text| !text.is_empty()) {
            intent
                .fields
                .insert("description".into(), description.into());
        }
        let created = text("createdAt").and_then(|at| at.get(..10));
        if let Some(day) = created.filter(|day| is_date(day)) {
            intent.fields.insert("created".into(), day.into());
        }
        let mut tags: Vec<String> = Vec::new();
        let own = self
            .of("featureTags", &intent.key)
            .into_iter()
            .filter_map(|(_, tag)| {
                let value = tag.get("tagValue")?.as_str()?;
                let kind = tag.get("tagType").and_then(Value::as_str);
                Some(match kind.filter(|kind| *kind != "simple") {
                    Some(kind) => format!("{kind}:{value}"),
                    None => value.to_owned(),
                })
            });
        let kind = text("type").map(str::to_owned);
        let project = text("project").filter(|project| *project != "default");
        let project = project.map(|project| format!("project:{project}"));
        for tag in own.chain(kind).chain(project) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if !tags.is_empty() {
            intent.fields.insert("tags".into(), tags.into());
        }
    }

    /// What the export has for an environment: it is made for one.
    fn environment(
        &self,
        key: &str,
        path: &str,
        intent: &mut Intent,
        imported: &mut Imported,
    ) -> Option<(String, &'r Value)> {
        let mut all = self.of("featureEnvironments", key).into_iter();
        let first = all.next();
        match &first {
            Some((_, first)) => intent.enabled = first.get("enabled") == Some(&Value::Bool(true)),
            None => imported.lose(key, path, "it is switched off: no environment has it"),
        }
        for (path, other) in all {
            let name = other
                .get("environment")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let reason =
                format!("environment `{name}` is left out: an export is read for one, the first");
            imported.lose(key, path, reason);
        }
        first
    }
}

/// What the strategies of a feature come to.
#[derive(Default)]
struct Drawn<'r> {
    /// The largest share, where it stands, and whether it is of everyone for sure.
    share: Option<(Percent, String, bool)>,
    variants: Option<(String, &'r Value)>,
}

impl<'r> Drawn<'r> {
    fn strategy(
        &mut self,
        path: &str,
        strategy: &'r Value,
        intent: &mut Intent,
        imported: &mut Imported,
    ) {
        let known = [
            "id",
            "name",
            "title",
            "featureName",
            "featureId",
            "parameters",
            "constraints",
            "segments",
            "variants",
            "disabled",
            "sortOrder",
            "milestoneId",
        ];
        imported.lose_unknown(&intent.key, path, strategy, &known);
        if strategy.get("disabled") == Some(&Value::Bool(true)) {
            imported.lose(&intent.key, path, "a strategy that is disabled is not kept");
            return;
        }
        if strategy
            .get("segments")
            .is_some_and(|segments| !super::is_nothing(segments))
        {
            let path = below(path, "segments");
            imported.lose(
                &intent.key,
                path,
                "an export does not say who is in a segment",
            );
            return;
        }
        let constraints = strategy.get("constraints").and_then(Value::as_array);
        let constraints = constraints.map(Vec::as_slice).unwrap_or_default();
        let parameter = |name: &str| strategy.get("parameters")?.get(name);
        let number = |name: &str| match parameter(name)? {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        };
        let share = match strategy.get("name").and_then(Value::as_str) {
            Some("default") => Some(100.0),
            Some("flexibleRollout") => {
                let by = parameter("stickiness")
                    .and_then(Value::as_str)
                    .unwrap_or("default");
                if matches!(by, "default" | "userId") {
                    number("rollout")
                } else {
                    let path = below(path, "parameters.stickiness");
                    imported.lose(&intent.key, path, "shares are shares of users here");
                    return;
                }
            }
            Some("gradualRolloutUserId") => number("percentage"),
            Some("userWithId") if !constraints.is_empty() => {
                let path = below(path, "constraints");
                let reason = "of a list of users, these constraints keep some out";
                imported.lose(&intent.key, path, reason);
                return;
            }
            Some("userWithId") => {
                let users = parameter("userIds")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let users = users
                    .split(',')
                    .map(str::trim)
                    .filter(|user| !user.is_empty());
                self.listed(path, users.map(str::to_owned).collect(), intent);
                return;
            }
            _ => {
                let path = below(path, "name");
                imported.lose(&intent.key, path, "there is no strategy like this one here");
                return;
            }
        };
        let Some(share) = share.and_then(Percent::nearest) else {
            imported.lose(
                &intent.key,
                path,
                "it does not say for which share of users",
            );
            return;
        };
        match constraints {
            [] => self.widen(share, path, strategy, intent, imported),
            [one] if share == Percent::HUNDRED && users_of(one).is_some() => {
                self.listed(path, users_of(one).unwrap_or_default(), intent);
            }
            _ => imported.lose(
                &intent.key,
                below(path, "constraints"),
                "these constraints cannot be said with a list of users",
            ),
        }
    }

    fn listed(&self, path: &str, users: Vec<String>, intent: &mut Intent) {
        if !users.is_empty() {
            intent.lists.push(List {
                who: Who::Users(users),
                variant: "true".into(),
                path: path.to_owned(),
            });
        }
    }

    fn widen(
        &mut self,
        share: Percent,
        path: &str,
        strategy: &'r Value,
        intent: &Intent,
        imported: &mut Imported,
    ) {
        if let Some((before, other, _)) = &self.share {
            let reason = "a flag has one share of users: the largest is kept";
            let wins = share > *before;
            let lost = if wins { other.as_str() } else { path };
            imported.lose(&intent.key, lost, reason);
            if !wins {
                return;
            }
        }
        self.share = Some((share, path.to_owned(), share == Percent::HUNDRED));
        let variants = strategy
            .get("variants")
            .filter(|list| !super::is_nothing(list));
        self.variants = variants.map(|list| (below(path, "variants"), list));
    }

    fn switch(self, intent: &mut Intent) {
        intent.variants = vec![("true".into(), json!(true)), ("false".into(), json!(false))];
        let (share, path, everyone) = self.share.unwrap_or_default();
        let on = share.as_f64();
        intent.split = Split {
            shares: vec![("true".into(), on), ("false".into(), 100.0 - on)],
            path,
            same_people: everyone,
        };
    }

    /// Variants are drawn among those who have the flag; the others get one called `disabled`.
    fn experiment(self, path: &str, list: &Value, intent: &mut Intent, imported: &mut Imported) {
        imported.lose(
            &intent.key,
            path,
            "a flag with variants gives a variant and nothing else: who does not have it gets `disabled`",
        );
        for list in std::mem::take(&mut intent.lists) {
            let reason = "an experiment lists users for each variant, not for all of them";
            imported.lose(&intent.key, list.path, reason);
        }
        let variants: Vec<&Value> = list.as_array().into_iter().flatten().collect();
        let name = |variant: &Value| {
            let name = variant.get("name").and_then(Value::as_str);
            name.unwrap_or_default().to_owned()
        };
        for (at, variant) in variants.iter().enumerate() {
            let path = format!("{path}[{at}]");
            if variant
                .get("payload")
                .is_some_and(|payload| !super::is_nothing(payload))
            {
                let reason = "`disabled` has no payload, and values are of one kind: what code gets is the name";
                imported.lose(&intent.key, below(&path, "payload"), reason);
            }
            let by = variant.get("stickiness").and_then(Value::as_str);
            if !matches!(by, None | Some("default" | "userId" | "random")) {
                let reason = "variants are drawn by user here";
                imported.lose(&intent.key, below(&path, "stickiness"), reason);
            }
            let overrides = variant.get("overrides").and_then(Value::as_array);
            for (number, over) in overrides.into_iter().flatten().enumerate() {
                let path = format!("{path}.overrides[{number}]");
                match users_of(over) {
                    Some(users) => intent.lists.push(List {
                        who: Who::Users(users),
                        variant: name(variant),
                        path,
                    }),
                    None => {
                        imported.lose(&intent.key, path, "only users are forced into a variant")
                    }
                }
            }
        }
        let names = variants.iter().map(|variant| name(variant));
        let names = names.chain([DISABLED.to_owned()]);
        intent.variants = names.map(|name| (name.clone(), name.into())).collect();
        intent.fallback = Some(DISABLED.to_owned());
        let weight = |variant: &Value| variant.get("weight").and_then(Value::as_f64);
        let shares = variants
            .iter()
            .map(|variant| (name(variant), weight(variant).unwrap_or_default()));
        let (share, _, _) = self.share.unwrap_or_default();
        intent.share = Some(share);
        intent.split = Split {
            shares: shares.collect(),
            path: path.to_owned(),
            same_people: false,
        };
    }
}

/// The users that a constraint or an override names; `None` where it is about anything else.
fn users_of(constraint: &Value) -> Option<Vec<String>> {
    let text = |field: &str| constraint.get(field).and_then(Value::as_str);
    let inverted = constraint.get("inverted") == Some(&Value::Bool(true));
    let plain = matches!(text("operator"), None | Some("IN")) && !inverted;
    if text("contextName")? != "userId" || !plain {
        return None;
    }
    let values = constraint.get("values")?.as_array()?;
    let users = values.iter().map(|user| Some(user.as_str()?.to_owned()));
    let users: Vec<String> = users.collect::<Option<_>>()?;
    users.iter().all(|user| !user.is_empty()).then_some(users)
}
