//! Mistakes that the schema does not know of, each made in the flag that is at hand.

use hoist::model::{Expiry, Flag, Percent, Settings, Variant};
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::site::{Edit, FlagSites, Place, Site};
use super::{Mutant, Origin, TODAY};

/// What every kind of mistake makes of a flag.
pub fn all(origin: &Origin<'_>, flag: &FlagSites) -> Vec<Mutant> {
    let mut mistakes = Mistakes {
        origin,
        flag,
        made: Vec::new(),
    };
    mistakes.missing();
    mistakes.keys();
    mistakes.dates();
    mistakes.stages();
    mistakes.weights();
    mistakes.variants();
    mistakes.values();
    mistakes.names();
    mistakes.conflicts();
    mistakes.environments();
    mistakes.lists();
    mistakes.exposure();
    mistakes.texts();
    mistakes.made
}

struct Mistakes<'a> {
    origin: &'a Origin<'a>,
    flag: &'a FlagSites,
    made: Vec<Mutant>,
}

impl<'a> Mistakes<'a> {
    fn add(
        &mut self,
        kind: &'static str,
        rule: &'static [&'static str],
        site: &Site,
        edit: Edit,
        place: Place,
    ) {
        let way = format!("{} {}", rule[0], edit.text.trim());
        let mutant = self.origin.mutant(kind, way, site, edit, rule, place);
        self.made.push(mutant);
    }

    fn replace(
        &mut self,
        kind: &'static str,
        rule: &'static [&'static str],
        site: &Site,
        value: &str,
    ) {
        self.add(
            kind,
            rule,
            site,
            site.replaced(self.origin.text, value),
            Place::New(0),
        );
    }

    fn rename(
        &mut self,
        kind: &'static str,
        rule: &'static [&'static str],
        site: &Site,
        name: &str,
    ) {
        self.add(kind, rule, site, site.renamed(name), Place::New(0));
    }

    /// Puts an entry before `site`, where it is the mistake.
    fn put_in(
        &mut self,
        kind: &'static str,
        rule: &'static [&'static str],
        site: &Site,
        entry: &str,
    ) {
        self.add(
            kind,
            rule,
            site,
            site.preceded(self.origin.text, entry),
            Place::New(0),
        );
    }

    fn remove(
        &mut self,
        kind: &'static str,
        rule: &'static [&'static str],
        site: &Site,
        place: usize,
    ) {
        if let Some(edit) = site.removed() {
            self.add(kind, rule, site, edit, Place::Old(place));
        }
    }

    fn model(&self) -> &'a Flag {
        &self.flag.flag
    }

    fn sites(&self) -> impl Iterator<Item = &'a Site> + use<'a> {
        self.flag.sites.iter()
    }

    /// Where a site begins whose path is known to be there.
    fn start(&self, path: &str) -> usize {
        self.flag.get(path).unwrap().start()
    }

    /// Sites of that pattern: of the flag itself, and of its environments with `environments/NAME/`
    /// in front; and the settings that they belong to.
    fn settings(&self) -> Vec<(String, &'a Settings)> {
        let flag = self.model();
        let over = flag.overrides().map(|over| {
            let prefix = format!("environments/{}/", over.environment.value);
            (prefix, &over.settings)
        });
        let all = std::iter::once((String::new(), &flag.base)).chain(over);
        // What an alias stands for is written elsewhere.
        let written = |(prefix, _): &(String, &Settings)| {
            prefix.is_empty() || self.flag.get(prefix.trim_end_matches('/')).is_some()
        };
        all.filter(written).collect()
    }

    fn missing(&mut self) {
        let key = self.flag.whole().start();
        for (field, rule) in [
            ("owner", &["missing-owner"]),
            ("description", &["missing-description"]),
            ("expires", &["missing-expiry"]),
        ] {
            if let Some(site) = self.flag.get(field) {
                self.remove("lifecycle", rule, site, key);
                if field != "expires" {
                    self.replace("lifecycle", rule, site, "\"\"");
                    self.replace("lifecycle", rule, site, "\"  \"");
                }
            }
        }
        for site in self.sites() {
            match site.pattern.as_str() {
                // The stage or the test begins with its first field.
                "rollout/*/percentage"
                | "environments/*/rollout/*/percentage"
                | "tests/*/expect" => {
                    let (parent, _) = site.path.rsplit_once('/').unwrap();
                    let parent = self.start(parent);
                    // Its own line goes where it is the first.
                    self.remove("required", &["schema"], site, parent);
                }
                "variants/*/weight" | "environments/*/variants/*/weight" => {
                    let (parent, _) = site.path.rsplit_once('/').unwrap();
                    let parent = self.start(parent);
                    self.remove("required", &["schema"], site, parent);
                }
                _ => {}
            }
        }
        if let Some(variants) = self.flag.get("variants") {
            for field in ["control", "forced"] {
                if let Some(site) = self.flag.get(field) {
                    self.remove("required", &["schema"], variants, site.start());
                }
            }
        }
    }

    fn keys(&mut self) {
        let whole = self.flag.whole();
        let key = self.flag.key().to_owned();
        let long = "a".repeat(129);
        let bad = [
            format!("{}{}", key[..1].to_uppercase(), &key[1..]),
            format!("1{key}"),
            format!("_{key}"),
            format!("\"{key} \""),
            format!("\"{key}:x\""),
            format!("{key}é"),
            "\"\"".to_owned(),
            long,
            "12".to_owned(),
        ];
        for name in &bad {
            self.rename("name", &["schema"], whole, name);
        }
        for name in ["test", "tmp", "flag_123", "new_flag", "foo", "feature"] {
            self.rename("name", &["undescriptive-key"], whole, name);
        }
        for name in ["disable_it", "no_ranking", "not_cached"] {
            self.rename("name", &["negative-key"], whole, name);
        }
        for name in [
            key.replace('_', "-") + "-x",
            format!("{key}.x"),
            format!("{key}__x"),
        ] {
            self.rename("name", &["key-style"], whole, &name);
        }
        // The later of the two is told of.
        let similar = if key.contains('_') {
            key.replace('_', "-")
        } else {
            format!("{}_{}", &key[..1], &key[1..])
        };
        let entry = format!("{similar}: {{ description: d, owner: o, expires: never }}");
        let edit = whole.preceded(self.origin.text, &entry);
        self.add(
            "name",
            &["similar-key"],
            whole,
            edit,
            Place::Old(whole.start()),
        );
        // In a document of its own it is no duplicate key.
        let end = self.origin.text.len();
        let text =
            format!("---\nflags:\n  {key}: {{ description: d, owner: o, expires: never }}\n");
        let place = Place::New(text.find(&key).unwrap());
        self.add(
            "duplicate flag",
            &["duplicate-flag"],
            whole,
            Edit {
                range: end..end,
                text,
            },
            place,
        );
    }

    fn dates(&mut self) {
        let flag = self.model();
        let (Some(created), Some(expires)) = (self.flag.get("created"), self.flag.get("expires"))
        else {
            return;
        };
        let day = flag.created.as_ref().unwrap().value;
        self.replace(
            "lifecycle",
            &["expired"],
            expires,
            &day.max(TODAY - 30.days()).to_string(),
        );
        self.replace(
            "order",
            &["date-order"],
            expires,
            &(day - 1.day()).to_string(),
        );
        if let Some(Expiry::On(end)) = flag.expires.as_ref().map(|expires| expires.value) {
            self.replace(
                "order",
                &["date-order"],
                created,
                &(end + 1.day()).to_string(),
            );
        }
        let is_experiment = self
            .settings()
            .iter()
            .any(|(_, settings)| settings.variants.is_some());
        let late = (day + 91.days()).max(TODAY + 1.day());
        let late_rule: &[&str] = if is_experiment {
            &["long-experiment"]
        } else {
            &["distant-expiry"]
        };
        let late_rule: &'static [&'static str] = if late_rule[0] == "long-experiment" {
            &["long-experiment"]
        } else {
            &["distant-expiry"]
        };
        self.replace("lifecycle", late_rule, expires, &late.to_string());
        // On for everyone, with nothing that makes a difference, for long.
        let end = late_date(flag).unwrap_or(TODAY + 30.days());
        let old = format!(
            "{{ description: d, owner: o, created: {}, expires: {end}, enabled: true }}",
            TODAY - 100.days()
        );
        self.replace("lifecycle", &["stale-flag"], self.flag.whole(), &old);
    }

    fn stages(&mut self) {
        for (prefix, settings) in self.settings() {
            let Some(rollout) = &settings.rollout else {
                continue;
            };
            let Some(whole) = self.flag.get(&format!("{prefix}rollout")) else {
                continue;
            };
            for value in [
                "[{ percentage: 100 }]",
                "[{ percentage: 50.001, duration: 1d }, { percentage: 100 }]",
                "[{ percentage: 10, duration: 1d }, { percentage: 60.001, duration: 1d }, { percentage: 100 }]",
            ] {
                self.replace("exposure", &["abrupt-rollout"], whole, value);
            }
            let last = rollout.value.len() - 1;
            for (at, stage) in rollout.value.iter().enumerate() {
                let path = format!("{prefix}rollout/{at}");
                // The stages stand elsewhere, by an alias.
                let Some(percentage) = self.flag.get(&format!("{path}/percentage")) else {
                    break;
                };
                if let Some(before) = at.checked_sub(1).map(|before| &rollout.value[before]) {
                    let reached = before.percentage.value;
                    self.replace("order", &["stage-order"], percentage, &reached.to_string());
                    let lower = Percent(reached.0 / 2);
                    self.replace("order", &["stage-order"], percentage, &lower.to_string());
                }
                let duration = self.flag.get(&format!("{path}/duration"));
                if at < last {
                    if let Some(duration) = duration {
                        self.replace("exposure", &["rushed-stage"], duration, "9m");
                        self.replace("lifecycle", &["rollout-past-expiry"], duration, "99w");
                    } else {
                        self.put_in(
                            "lifecycle",
                            &["rollout-past-expiry"],
                            percentage,
                            "duration: 99w",
                        );
                    }
                } else {
                    self.put_in("exposure", &["idle-duration"], percentage, "duration: 1d");
                    let short = Percent(stage.percentage.value.0 - 1);
                    self.replace(
                        "exposure",
                        &["unfinished-rollout"],
                        percentage,
                        &short.to_string(),
                    );
                    let before = self.start(&format!("{prefix}rollout/{}/percentage", last - 1));
                    let stage = self.flag.get(&path).unwrap();
                    self.remove("exposure", &["unfinished-rollout"], stage, before);
                }
            }
        }
    }

    fn weights(&mut self) {
        for (prefix, settings) in self.settings() {
            let Some(variants) = &settings.variants else {
                continue;
            };
            let place = Place::Old(self.start(&format!("{prefix}variants")));
            for variant in &variants.value {
                let Some(weight) = self.weight(&prefix, variant) else {
                    continue;
                };
                for change in [-1000_i64, -100, -1, 1, 100, 1000] {
                    let changed = i64::from(variant.weight.value.0) + change;
                    let changed = Percent(u32::try_from(changed).unwrap());
                    let edit = weight.replaced(self.origin.text, &changed.to_string());
                    self.add("sum", &["variant-sum"], weight, edit, place);
                }
                if let Some(edit) = self
                    .flag
                    .get(&format!("{prefix}variants/{}", variant.name.value))
                    .and_then(Site::removed)
                {
                    self.add("sum", &["variant-sum"], weight, edit, place);
                }
            }
        }
    }

    fn weight(&self, prefix: &str, variant: &Variant) -> Option<&'a Site> {
        let path = format!("{prefix}variants/{}", variant.name.value);
        self.flag
            .get(&format!("{path}/weight"))
            .or_else(|| self.flag.get(&path))
    }

    fn variants(&mut self) {
        let flag = self.model();
        for (prefix, settings) in self.settings() {
            let Some(variants) = &settings.variants else {
                continue;
            };
            let site = self.flag.get(&format!("{prefix}variants")).unwrap();
            self.replace("experiment", &["lone-variant"], site, "{ control: 100 }");
            let named = flag.base.control.as_ref().or(settings.control.as_ref());
            let key = if prefix.is_empty() {
                self.flag.whole().start()
            } else {
                self.start(prefix.trim_end_matches('/'))
            };
            let with_control = variants
                .value
                .iter()
                .any(|variant| &*variant.name.value == "control");
            if named.is_none() && with_control {
                let control = self.flag.get(&format!("{prefix}variants/control")).unwrap();
                let edit = control.renamed("usual");
                self.add(
                    "experiment",
                    &["missing-control"],
                    control,
                    edit,
                    Place::Old(key),
                );
            }
            if let Some(site) = self.flag.get(&format!("{prefix}control"))
                && !with_control
            {
                self.remove("experiment", &["missing-control"], site, key);
            }
            for name in ["\"a b\"", "-a", "\"\"", "a/b", "é", "_a"] {
                let first = self.flag.get(&format!(
                    "{prefix}variants/{}",
                    variants.value[0].name.value
                ));
                self.rename("name", &["schema"], first.unwrap(), name);
            }
            // A new variant that nobody gets.
            let first = self
                .flag
                .get(&format!(
                    "{prefix}variants/{}",
                    variants.value[0].name.value
                ))
                .unwrap();
            let value = variants.value[0].value.as_ref().map(|value| &value.value);
            let entry = match value {
                Some(value) => format!("left_over: {{ weight: 0, value: {value} }}"),
                None => "left_over: 0".to_owned(),
            };
            self.put_in("experiment", &["zero-weight"], first, &entry);
        }
    }

    fn values(&mut self) {
        for (prefix, settings) in self.settings() {
            let Some(variants) = &settings.variants else {
                continue;
            };
            for variant in &variants.value {
                let path = format!("{prefix}variants/{}", variant.name.value);
                let Some(site) = self.flag.get(&path) else {
                    continue;
                };
                let Some(value) = self.flag.get(&format!("{path}/value")) else {
                    // One value where the others have none: the first of those is told of.
                    let others = variants.value.iter().map(|other| &*other.name.value);
                    let first = others
                        .into_iter()
                        .find(|other| **other != *variant.name.value);
                    let Some(first) = first else { continue };
                    let place = self.start(&format!("{prefix}variants/{first}"));
                    let weight = variant.weight.value;
                    let edit = site.replaced(
                        self.origin.text,
                        &format!("{{ weight: {weight}, value: 1 }}"),
                    );
                    self.add(
                        "mixed values",
                        &["mixed-values"],
                        site,
                        edit,
                        Place::Old(place),
                    );
                    continue;
                };
                let is_text = variant
                    .value
                    .as_ref()
                    .is_some_and(|value| value.value.is_string());
                let other = if is_text { "5" } else { "text" };
                // Of two, the first is taken for the usual one.
                let is_first = variants.value[0].name.value == variant.name.value;
                if is_first && variants.value.len() == 2 {
                    let second = &variants.value[1].name.value;
                    let place = self.start(&format!("{prefix}variants/{second}/value"));
                    let edit = value.replaced(self.origin.text, other);
                    self.add(
                        "mixed values",
                        &["mixed-values"],
                        value,
                        edit,
                        Place::Old(place),
                    );
                } else {
                    self.replace("mixed values", &["mixed-values"], value, other);
                }
                self.remove("mixed values", &["mixed-values"], value, site.start());
            }
        }
    }

    fn names(&mut self) {
        for (prefix, settings) in self.settings() {
            let path = |field: &str| format!("{prefix}{field}");
            if let Some(control) = self.flag.get(&path("control")) {
                self.replace("reference", &["unknown-variant"], control, "nobody_has_it");
            }
            if let Some(forced) = &settings.forced {
                for one in &forced.value {
                    let Some(site) = self
                        .flag
                        .get(&path(&format!("forced/{}", one.variant.value)))
                    else {
                        continue;
                    };
                    self.rename(
                        "reference",
                        &["unknown-variant"],
                        site,
                        &format!("{}x", one.variant.value),
                    );
                    if let Some(user) = self.flag.get(&format!("{}/0", site.path)) {
                        // The later of the two is told of.
                        let name = &one.users[0].value;
                        let entry =
                            format!("{}: [{name}]", self.unforced(settings, &one.variant.value));
                        let edit = site.preceded(self.origin.text, &entry);
                        self.add(
                            "reference",
                            &["forced-twice", "duplicate-key"],
                            user,
                            edit,
                            Place::Old(user.start()),
                        );
                    }
                }
            }
        }
        // A variant that is named elsewhere, and is gone.
        let base = &self.model().base;
        let control = base.control.as_ref().map(|control| &control.value);
        for variant in base.variants.iter().flat_map(|variants| &variants.value) {
            let name = &variant.name.value;
            let site = self.flag.get(&format!("variants/{name}")).unwrap();
            if control == Some(name) {
                let place = Place::Old(self.start("control"));
                self.add(
                    "reference",
                    &["unknown-variant"],
                    site,
                    site.renamed("renamed"),
                    place,
                );
            }
            if let Some(forced) = self.flag.get(&format!("forced/{name}")) {
                let place = Place::Old(forced.start());
                self.add(
                    "reference",
                    &["unknown-variant"],
                    site,
                    site.renamed("renamed"),
                    place,
                );
            }
        }
        for site in self.sites() {
            match site.pattern.as_str() {
                "environments/*" => {
                    self.rename("reference", &["unknown-environment"], site, "nowhere")
                }
                "tests/*/environment" => {
                    self.replace("reference", &["unknown-environment"], site, "nowhere")
                }
                _ => {}
            }
        }
    }

    /// A variant that nobody is forced into yet, or else any other.
    fn unforced(&self, settings: &Settings, but: &str) -> String {
        let variants = settings
            .variants
            .as_ref()
            .or(self.model().base.variants.as_ref());
        let names = || {
            variants
                .iter()
                .flat_map(|variants| &variants.value)
                .map(|variant| &variant.name.value)
        };
        let forced = |name: &str| {
            let forced = settings.forced.iter().flat_map(|forced| &forced.value);
            forced
                .into_iter()
                .any(|forced| &*forced.variant.value == name)
        };
        let free = names().find(|name| !forced(name));
        free.or_else(|| names().find(|name| &***name != but))
            .unwrap()
            .to_string()
    }

    fn conflicts(&mut self) {
        const STAGES: &str = "rollout: [{ percentage: 5, duration: 1d }, { percentage: 50, duration: 1d }, { percentage: 100 }]";
        for (prefix, settings) in self.settings() {
            let path = |field: &str| format!("{prefix}{field}");
            for (field, other) in [
                ("rollout", "percentage: 10"),
                ("rollout", "variants: { control: 50, b: 50 }"),
                ("percentage", STAGES),
                ("variants", STAGES),
                ("variants", "allowed_users: [zoe]"),
                ("variants", "allowed_groups: [employees]"),
                ("allowed_users", "variants: { control: 50, b: 50 }"),
                ("allowed_groups", "variants: { control: 50, b: 50 }"),
            ] {
                // Two of one name would be another mistake.
                let name = other.split(':').next().unwrap();
                if let Some(site) = self.flag.get(&path(field))
                    && self.flag.get(&path(name)).is_none()
                    && !(field == "percentage" && settings.variants.is_some())
                {
                    // The later of the two is told of.
                    let edit = site.preceded(self.origin.text, other);
                    self.add(
                        "conflict",
                        &["conflicting-exposure"],
                        site,
                        edit,
                        Place::Old(site.start()),
                    );
                }
            }
        }
    }

    fn environments(&mut self) {
        let base = &self.model().base;
        let enabled = base.enabled.as_ref().is_some_and(|enabled| enabled.value);
        for over in self.model().overrides() {
            let prefix = format!("environments/{}", over.environment.value);
            let Some(site) = self.flag.get(&prefix) else {
                continue;
            };
            self.replace("environment", &["shadowed-environment"], site, "{}");
            self.replace(
                "environment",
                &["shadowed-environment"],
                site,
                &format!("{{ enabled: {enabled} }}"),
            );
            if let Some(share) = &base.percentage {
                let same = format!("{{ percentage: {} }}", share.value);
                self.replace("environment", &["shadowed-environment"], site, &same);
            }
            for field in ["owner", "expires", "salt", "environments", "tests"] {
                let first = self
                    .sites()
                    .find(|inner| inner.path.starts_with(&format!("{prefix}/")));
                let Some(first) = first else { break };
                self.put_in(
                    "unknown field",
                    &["unknown-field"],
                    first,
                    &format!("{field}: x"),
                );
            }
        }
    }

    fn lists(&mut self) {
        let lists = [
            "tags",
            "allowed_users",
            "allowed_groups",
            "forced/*",
            "tests/*/groups",
        ];
        for site in self.sites() {
            let of_flag = site
                .pattern
                .strip_prefix("environments/*/")
                .unwrap_or(&site.pattern);
            let parent = of_flag.strip_suffix("/*").unwrap_or_default();
            if lists.contains(&parent) && site.key.is_none() {
                let again = self.origin.text[site.value.clone()].to_owned();
                let (edit, place) = site.followed(self.origin.text, &again);
                self.add("duplicate entry", &["duplicate-entry"], site, edit, place);
                for person in ["zoe.doe@acme-mail.com", "\"+44 20 7946 0958\""] {
                    let (edit, place) = site.followed(self.origin.text, person);
                    self.add("privacy", &["personal-data"], site, edit, place);
                }
                let (edit, place) = site.followed(self.origin.text, "AKIAIOSFODNN7EXAMPLE");
                self.add("secret", &["secret-value"], site, edit, place);
            }
            let users = ["allowed_users", "allowed_groups", "forced/*"];
            if users.contains(&of_flag) {
                let many: Vec<String> = (0..101).map(|number| format!("u{number}")).collect();
                let many = format!("[{}]", many.join(", "));
                self.replace("size", &["complex-flag"], site, &many);
            }
            if site.pattern == "allowed_groups/*"
                && &self.origin.text[site.value.clone()] == "employees"
            {
                let rule: &[&str] = if self.origin.uses_of_employees > 2 {
                    &["rare-group"]
                } else {
                    &[]
                };
                if !rule.is_empty() {
                    self.replace("group", &["rare-group"], site, "employes");
                    self.replace("group", &["rare-group"], site, "Employees");
                    self.replace("group", &["rare-group"], site, "empolyeees");
                }
            }
        }
    }

    fn exposure(&mut self) {
        let base = &self.model().base;
        let is_on = base.enabled.as_ref().is_some_and(|enabled| enabled.value);
        let has_lists = base.allowed_users.is_some() || base.allowed_groups.is_some();
        let overrides = self.model().overrides().count();
        if let Some(percentage) = self.flag.get("percentage")
            && is_on
            && overrides == 0
        {
            let forced = base.forced.is_some();
            if !has_lists && !forced {
                self.replace("exposure", &["inert-flag"], percentage, "0");
            }
        }
        // A whole flag in the place of this one.
        let head = "description: d, owner: o, expires: never, enabled: true";
        let whole = self.flag.whole();
        self.replace(
            "exposure",
            &["inert-flag"],
            whole,
            &format!("{{ {head}, percentage: 0 }}"),
        );
        self.replace(
            "exposure",
            &["redundant-list"],
            whole,
            &format!("{{ {head}, allowed_users: [ana] }}"),
        );
        self.replace(
            "exposure",
            &["redundant-list"],
            whole,
            &format!("{{ {head}, percentage: 100, allowed_groups: [employees] }}"),
        );
        let environments: Vec<String> = (0..6)
            .map(|number| format!("e{number}: {{ percentage: {number} }}"))
            .collect();
        self.replace(
            "size",
            &["complex-flag"],
            whole,
            &format!(
                "{{ {head}, percentage: 50, environments: {{ {} }} }}",
                environments.join(", ")
            ),
        );
        let Some(other) = self.origin.other_experiment(self.flag.key()) else {
            return;
        };
        if base.variants.is_some()
            && let Some(first) = self.flag.fields().next()
        {
            self.put_in(
                "experiment",
                &["shared-salt"],
                first,
                &format!("salt: {other}"),
            );
        }
    }

    fn texts(&mut self) {
        let secret = "ghp_a1B2c3D4e5F6g7H8a1B2c3D4e5F6g7H8a1B2";
        let person = "zoe.doe@acme-mail.com";
        for site in self.flag.fields() {
            let value = &self.origin.text[site.value.clone()];
            if matches!(site.name.as_str(), "description" | "salt") {
                self.replace(
                    "secret",
                    &["secret-value"],
                    site,
                    &format!("{value} {secret}"),
                );
                self.replace(
                    "privacy",
                    &["personal-data"],
                    site,
                    &format!("{value} {person}"),
                );
            }
            if !value.contains('\n') {
                let end = self.origin.text[site.value.end..].find('\n').unwrap() + site.value.end;
                for (kind, rule, comment) in [
                    ("secret", &["secret-value"], format!("  # {secret}")),
                    ("privacy", &["personal-data"], format!("  # {person}")),
                    (
                        "suppression",
                        &["unused-ignore"],
                        "  # hoist-ignore: unknown-environment".to_owned(),
                    ),
                    (
                        "suppression",
                        &["unused-ignore"],
                        "  # hoist-ignore: no-such-rule".to_owned(),
                    ),
                    (
                        "suppression",
                        &["unused-ignore"],
                        "  # hoist-ignore: schema".to_owned(),
                    ),
                    (
                        "suppression",
                        &["unused-ignore"],
                        "  # hoist-ignore-file: expired -- why".to_owned(),
                    ),
                ] {
                    // One comment is enough for a line.
                    if !self.origin.text[site.value.end..end].contains('#') {
                        let edit = Edit {
                            range: end..end,
                            text: comment,
                        };
                        self.add(kind, rule, site, edit, Place::New(0));
                    }
                }
            }
            for broken in [
                "a: b: c", "\"a\" b", "[a", "{ a: 1", "@a", "`a`", "%a", "]", "}",
            ] {
                self.replace("syntax", &["yaml-syntax"], site, broken);
            }
            let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
            self.replace("syntax", &["unsafe-yaml"], site, &deep);
            self.replace("syntax", &["unsafe-yaml", "yaml-syntax"], site, "\"a\0b\"");
            self.replace("syntax", &["unsafe-yaml", "yaml-syntax"], site, "*nowhere");
        }
        for variants in self
            .sites()
            .filter(|site| site.pattern == "variants/*/value")
        {
            let inner = format!("{{ api_key: {} }}", &secret[4..24]);
            self.replace("secret", &["secret-value"], variants, &inner);
            self.replace(
                "privacy",
                &["personal-data"],
                variants,
                &format!("{{ to: {person} }}"),
            );
        }
    }
}

/// The day on which a flag expires.
fn late_date(flag: &Flag) -> Option<Date> {
    match flag.expires.as_ref()?.value {
        Expiry::On(date) => Some(date),
        Expiry::Never => None,
    }
}
