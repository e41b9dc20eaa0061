//! Mistakes that the schema does not know of, each made in the flag that is at hand.

mod experiments;
mod exposure;

use hoist::model::{Expiry, Flag, Settings};
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
        let late_rule: &'static [&'static str] = match is_experiment {
            true => &["long-experiment"],
            false => &["distant-expiry"],
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
