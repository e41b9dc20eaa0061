//! Mistakes in variants, their weights and values, and in what names them.

use hoist::model::{Percent, Settings, Variant};

use super::super::site::{Place, Site};
use super::Mistakes;

impl<'a> Mistakes<'a> {
    pub(super) fn weights(&mut self) {
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

    pub(super) fn variants(&mut self) {
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
            let inherits = !prefix.is_empty() && flag.base.control.is_some();
            if let Some(site) = self.flag.get(&format!("{prefix}control"))
                && !with_control
                && !inherits
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

    pub(super) fn values(&mut self) {
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

    pub(super) fn names(&mut self) {
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
}
