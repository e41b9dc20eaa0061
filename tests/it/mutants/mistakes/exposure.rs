//! Mistakes in who gets a flag: shares, stages, lists, environments.

use hoist::model::Percent;

use super::super::site::Place;
use super::Mistakes;

impl Mistakes<'_> {
    pub(super) fn stages(&mut self) {
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

    pub(super) fn conflicts(&mut self) {
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

    pub(super) fn environments(&mut self) {
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

    pub(super) fn lists(&mut self) {
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
                && self.origin.uses_of_employees > 2
            {
                for slip in ["employes", "Employees", "empolyeees"] {
                    self.replace("group", &["rare-group"], site, slip);
                }
            }
        }
    }

    pub(super) fn exposure(&mut self) {
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
}
