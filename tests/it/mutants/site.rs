//! Where the fields of flags stand in a text, and how one is replaced, put in or taken out.

use std::ops::Range;

use hoist::diagnostic::{FileId, LineIndex, Span};
use hoist::model::{self, Flag};
use hoist::yaml::{self, Entry, NodeId, Tree, Value};

/// A change of a text.
#[derive(Clone, Debug)]
pub struct Edit {
    pub range: Range<usize>,
    pub text: String,
}

/// Where a finding is expected.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// At that byte of the text before it was changed.
    Old(usize),
    /// At that byte of what the first edit put in.
    New(usize),
}

/// The value of a field or the item of a list.
#[derive(Clone, Debug)]
pub struct Site {
    /// Below the flag: `environments/staging/percentage`; empty for the flag itself.
    pub path: String,
    /// The same with `*` for every name that is not a field's, and for the places in lists.
    pub pattern: String,
    pub name: String,
    /// `None` for the item of a list.
    pub key: Option<Range<usize>>,
    pub value: Range<usize>,
    /// The collection that it is part of is written with brackets or braces.
    in_flow: bool,
    /// Of what precedes and follows it in its collection.
    before: Option<Range<usize>>,
    after: Option<Range<usize>>,
}

/// A flag, and all that is written in it.
#[derive(Clone, Debug)]
pub struct FlagSites {
    pub flag: Flag,
    pub sites: Vec<Site>,
}

impl FlagSites {
    pub fn get(&self, path: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.path == path)
    }

    /// The flag itself.
    pub fn whole(&self) -> &Site {
        &self.sites[0]
    }

    /// The fields of the flag, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Site> {
        let own = |site: &&Site| !site.path.is_empty() && !site.path.contains('/');
        self.sites.iter().filter(own)
    }

    pub fn key(&self) -> &str {
        &self.flag.key.value
    }
}

/// Every flag of a text.
pub fn flags(text: &str) -> Vec<FlagSites> {
    let (tree, found) = yaml::parse(FileId(0), text);
    assert!(found.is_empty(), "{found:?}");
    let lines = LineIndex::new(text);
    let document = tree.documents()[0];
    let mut walk = Walk {
        tree: &tree,
        sites: Vec::new(),
    };
    let Value::Mapping(root) = tree.value(document) else {
        panic!("no map: {text}");
    };
    let Value::Mapping(entries) = tree.value(root[0].value) else {
        panic!("no flags: {text}");
    };
    let flags = model::flags(FileId(0), &tree, &lines, document);
    assert_eq!(flags.len(), entries.len(), "{text}");
    let spans = whole(&tree, entries);
    let mut all = Vec::new();
    for (at, (flag, entry)) in flags.into_iter().zip(entries).enumerate() {
        walk.entry(entry, &spans, at, false, "", "");
        let mut sites = std::mem::take(&mut walk.sites);
        sites[0].name = flag.key.value.to_string();
        for site in &mut sites {
            // The key of the flag is no part of the paths in it.
            let below = |path: &str| {
                path.split_once('/')
                    .map_or(String::new(), |(_, below)| below.into())
            };
            (site.path, site.pattern) = (below(&site.path), below(&site.pattern));
        }
        all.push(FlagSites { flag, sites });
    }
    all
}

struct Walk<'t> {
    tree: &'t Tree<'t>,
    sites: Vec<Site>,
}

impl Walk<'_> {
    fn entry(
        &mut self,
        entry: &Entry,
        siblings: &[Range<usize>],
        at: usize,
        in_flow: bool,
        path: &str,
        pattern: &str,
    ) {
        let name = self.tree.key_text(entry.key).unwrap();
        // What stands below these are names that the user chose.
        let is_chosen = matches!(
            pattern.rsplit('/').next(),
            Some("" | "variants" | "forced" | "environments")
        );
        let step = if is_chosen { "*" } else { name };
        let site = Site {
            path: join(path, name),
            pattern: join(pattern, step),
            name: name.to_owned(),
            key: Some(self.tree.span(entry.key).range()),
            value: self.tree.span(entry.value).range(),
            in_flow,
            before: at.checked_sub(1).map(|at| siblings[at].clone()),
            after: siblings.get(at + 1).cloned(),
        };
        self.below(entry.value, site);
    }

    /// Adds `site` and what is written in it.
    fn below(&mut self, node: NodeId, site: Site) {
        let (path, pattern) = (site.path.clone(), site.pattern.clone());
        self.sites.push(site);
        let text = self.tree.text().get(self.tree.span(node).range()).unwrap();
        let in_flow = text.starts_with(['{', '[']);
        match self.tree.value(node) {
            // What an alias stands for is written elsewhere; what is in a value is anything.
            _ if text.starts_with('*') => {}
            _ if pattern.ends_with("/value") || pattern.ends_with("/expect") => {}
            Value::Mapping(entries) => {
                let spans = whole(self.tree, entries);
                for (at, entry) in entries.iter().enumerate() {
                    self.entry(entry, &spans, at, in_flow, &path, &pattern);
                }
            }
            Value::Sequence(items) => {
                let spans: Vec<_> = items
                    .iter()
                    .map(|item| self.tree.span(*item).range())
                    .collect();
                for (at, item) in items.iter().enumerate() {
                    let site = Site {
                        path: join(&path, &at.to_string()),
                        pattern: join(&pattern, "*"),
                        name: at.to_string(),
                        key: None,
                        value: spans[at].clone(),
                        in_flow,
                        before: at.checked_sub(1).map(|at| spans[at].clone()),
                        after: spans.get(at + 1).cloned(),
                    };
                    self.below(*item, site);
                }
            }
            _ => {}
        }
    }
}

fn whole(tree: &Tree<'_>, entries: &[Entry]) -> Vec<Range<usize>> {
    let span = |entry: &Entry| -> Span { tree.span(entry.key).to(tree.span(entry.value)) };
    entries.iter().map(|entry| span(entry).range()).collect()
}

fn join(path: &str, step: &str) -> String {
    if path.is_empty() {
        step.to_owned()
    } else {
        format!("{path}/{step}")
    }
}

impl Site {
    /// Where it begins: its key, or the item.
    pub fn start(&self) -> usize {
        self.key.as_ref().unwrap_or(&self.value).start
    }

    /// Another value in the place of this one, all on the line of the key.
    pub fn replaced(&self, text: &str, value: &str) -> Edit {
        match &self.key {
            None => Edit {
                range: self.value.clone(),
                text: value.to_owned(),
            },
            Some(key) => {
                let colon = key.end + text[key.end..].find(':').unwrap() + 1;
                Edit {
                    range: colon..self.value.end.max(colon),
                    text: format!(" {value}"),
                }
            }
        }
    }

    /// Another key.
    pub fn renamed(&self, name: &str) -> Edit {
        Edit {
            range: self.key.clone().unwrap(),
            text: name.to_owned(),
        }
    }

    /// Another entry before this one.
    pub fn preceded(&self, text: &str, entry: &str) -> Edit {
        let start = self.start();
        let behind = if self.in_flow {
            ", ".to_owned()
        } else {
            let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
            format!("\n{}", " ".repeat(start - line))
        };
        Edit {
            range: start..start,
            text: format!("{entry}{behind}"),
        }
    }

    /// Another item behind this one, and where in the edit it begins.
    pub fn followed(&self, text: &str, item: &str) -> (Edit, Place) {
        let before = if self.in_flow {
            ", ".to_owned()
        } else {
            let line = text[..self.value.start].rfind('\n').map_or(0, |at| at + 1);
            let dash = text[line..].find('-').unwrap();
            format!("\n{}- ", " ".repeat(dash))
        };
        let edit = Edit {
            range: self.value.end..self.value.end,
            text: format!("{before}{item}"),
        };
        (edit, Place::New(before.len()))
    }

    /// Nothing in the place of it; `None` where nothing else is in its collection.
    pub fn removed(&self) -> Option<Edit> {
        let start = self.start();
        let range = match (&self.before, &self.after) {
            (Some(before), _) => before.end..self.value.end,
            (None, Some(after)) if self.key.is_some() || self.in_flow => start..after.start,
            _ => return None,
        };
        Some(Edit {
            range,
            text: String::new(),
        })
    }
}
