//! The flag files, as they are and as they last were good.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::commands::flagset::wanted;
use crate::commands::workspace::Workspace;
use crate::config::Environment;
use crate::diagnostic::{Diagnostic, FileId, Files, Severity};
use crate::eval::cases;
use crate::model::Flag;
use crate::plan::{Target, Wanted};
use crate::report;
use crate::rules::{self, Checked, Settings};
use crate::source::{Cache, Error};
use crate::watch::Touched;

/// From so many changed flags on the target is sorted anew, instead of being changed in place.
const MANY: usize = 64;

/// What was made of one file.
#[derive(Debug, Default)]
struct Looked {
    /// Whether nothing may be applied of it.
    is_bad: bool,
    /// Tests of its flags that fail, as findings.
    failed: Vec<Diagnostic>,
}

/// Every flag file with what was found in it, and the target that the last good state of all makes.
pub(super) struct Set {
    cache: Cache<Checked>,
    /// By [`FileId`].
    looked: Vec<Looked>,
    pub settings: Settings,
    environment: String,
    /// What only all files together show.
    together: Vec<Diagnostic>,
    /// Whether `together` holds all errors of the files as they are.
    is_together: bool,
    /// Changed since the target was made.
    changed: BTreeSet<FileId>,
    /// What the environment is to hold.
    pub target: Target,
    /// Digest of the target, once it is known.
    digest: Option<String>,
    /// What the target's digest will be, should all changed files be taken as they are.
    foretold: Option<Foretold>,
    /// Which file each flag of the target is from.
    owner: HashMap<String, FileId>,
    /// The flags of the target by file.
    flags: HashMap<FileId, Vec<String>>,
    /// What was shown before: rule, file and message.
    shown: HashSet<(&'static str, FileId, String)>,
}

/// The digest of a target in which some flags are others.
#[derive(Debug)]
struct Foretold {
    /// The digests of these flags.
    flags: BTreeMap<String, String>,
    digest: String,
}

/// What is to be made of the files as they are.
pub(super) struct Verdict {
    /// Files that must not be applied as they are.
    pub held: BTreeSet<FileId>,
    /// Whether nothing may be applied, since something could not even be looked at.
    pub is_blind: bool,
}

impl Set {
    /// Reads and checks everything.
    pub(super) fn read(workspace: &Workspace<'_>, environment: &Environment) -> Self {
        let mut set = Self {
            cache: Cache::new(workspace.flags_directory(), workspace.here.clone()),
            looked: Vec::new(),
            settings: workspace.lint_settings(),
            environment: environment.name.clone(),
            together: Vec::new(),
            is_together: false,
            changed: BTreeSet::new(),
            target: Target {
                environment: environment.name.clone(),
                prune: environment.prune,
                flags: Vec::new(),
            },
            digest: None,
            foretold: None,
            owner: HashMap::new(),
            flags: HashMap::new(),
            shown: HashSet::new(),
        };
        set.look(&Touched::everything());
        set
    }

    /// Looks at what was touched; whether anything has changed.
    pub(super) fn look(&mut self, touched: &Touched) -> bool {
        let settings = &self.settings;
        let check = |file, bytes: &[u8]| rules::check_file(file, bytes, settings);
        let changed = if touched.everything {
            self.cache.rescan(check)
        } else {
            self.cache.update(&touched.paths, check)
        };
        self.looked
            .resize_with(self.cache.checked.len(), Looked::default);
        for id in &changed {
            let at = id.0 as usize;
            if let (Some(checked), Some(looked)) =
                (self.cache.checked.get(at), self.looked.get_mut(at))
            {
                *looked = look(checked);
            }
        }
        let any = !changed.is_empty();
        self.is_together &= !any;
        self.changed.extend(changed);
        any
    }

    /// Whether flags of the target stand in no file any more, or files cannot be read: an editor may be
    /// about to put them back.
    pub(super) fn has_gone(&self) -> bool {
        let is_bad = |id: &&FileId| {
            let looked = self.looked.get(id.0 as usize);
            looked.is_some_and(|looked| looked.is_bad)
        };
        if self.changed.iter().any(|id| is_bad(&id)) {
            // Nothing comes of it, and what is wrong is to be said at once.
            return false;
        }
        if !self.cache.found.unread.is_empty() {
            return true;
        }
        let now: HashSet<&str> = self.keys_now(&self.changed).collect();
        let before = self.changed.iter().filter_map(|id| self.flags.get(id));
        before.flatten().any(|key| !now.contains(key.as_str()))
    }

    fn keys_now<'s>(&'s self, ids: &'s BTreeSet<FileId>) -> impl Iterator<Item = &'s str> {
        let checked = ids
            .iter()
            .filter_map(|id| self.cache.checked.get(id.0 as usize));
        checked.flat_map(|checked| checked.flags.iter().map(|flag| &*flag.key.value))
    }

    /// Says which files cannot be applied: as much of what looks at all of them together as that takes.
    pub(super) fn judge(&mut self) -> Verdict {
        self.look_at_all();
        let looked = self.looked.iter().enumerate();
        let bad = looked.filter(|(_, looked)| looked.is_bad);
        let mut held: BTreeSet<FileId> = bad
            .map(|(at, _)| FileId(u32::try_from(at).unwrap_or(u32::MAX)))
            .collect();
        let others = self.together.iter().chain(&self.cache.found.diagnostics);
        for found in others.filter(|found| found.severity == Severity::Error) {
            held.insert(found.location.file);
            held.extend(found.related.iter().map(|related| related.location.file));
        }
        Verdict {
            held,
            is_blind: !self.cache.found.unread.is_empty(),
        }
    }

    /// Looks at all files together, unless it has since one of them changed.
    pub(super) fn look_at_all(&mut self) {
        if self.is_together {
            return;
        }
        let files = &self.cache.found.files;
        self.together = rules::check_set_for_errors(&self.cache.checked, files, &self.settings);
        self.is_together = true;
    }

    /// Does what can be done before it is sure that the files stay as they are: the target does not change.
    /// Gives the flags of it that will, as far as can be told.
    pub(super) fn foretell(&mut self) -> BTreeSet<String> {
        self.look_at_all();
        let before = self.changed.iter().filter_map(|id| self.flags.get(id));
        let before: BTreeSet<&String> = before.flatten().collect();
        let checked = self.changed.iter();
        let checked = checked.filter_map(|id| self.cache.checked.get(id.0 as usize));
        let flags = checked.flat_map(|checked| &checked.flags);
        let flags: BTreeMap<String, String> = flags
            .filter(|flag| flag.complete)
            .map(|flag| wanted(flag, &self.environment, None))
            .map(|wanted| (wanted.flag.clone(), wanted.digest().to_owned()))
            .collect();
        // Flags that come or go are rare, and take their time.
        let is_same = before.into_iter().eq(flags.keys());
        self.foretold = is_same.then(|| Foretold {
            digest: self.target.digest_with(&flags),
            flags,
        });
        let foretold = self.foretold.iter().flat_map(|foretold| &foretold.flags);
        let differ = foretold.filter(|(key, digest)| {
            let wanted = self.wanted(key);
            wanted.is_none_or(|wanted| wanted.digest() != digest.as_str())
        });
        differ.map(|(key, _)| key.clone()).collect()
    }

    /// A flag of the target.
    fn wanted(&self, key: &str) -> Option<&Wanted> {
        let flags = &self.target.flags;
        let place = flags.binary_search_by(|wanted| wanted.flag.as_str().cmp(key));
        flags.get(place.ok()?)
    }

    /// Digest of the target.
    pub(super) fn digest(&self) -> String {
        let known = self.digest.clone();
        known.unwrap_or_else(|| self.target.digest())
    }

    /// Has the target take on all changed files but those of `held`, and gives the flags that are
    /// not what they were. Files that would bring in a flag of one that is held are held too.
    pub(super) fn advance(&mut self, held: &mut BTreeSet<FileId>) -> BTreeSet<String> {
        let mut taken: BTreeSet<FileId> = self.changed.difference(held).copied().collect();
        loop {
            let stays = |key: &str| {
                let owner = self.owner.get(key);
                owner.is_some_and(|owner| !taken.contains(owner))
            };
            let clashes = |id: &&FileId| self.keys_now(&[**id].into()).any(stays);
            let clashing: Vec<FileId> = taken.iter().filter(clashes).copied().collect();
            if clashing.is_empty() {
                break;
            }
            for id in clashing {
                taken.remove(&id);
                held.insert(id);
            }
        }
        self.changed.retain(|id| !taken.contains(id));
        self.take(&taken)
    }

    fn take(&mut self, taken: &BTreeSet<FileId>) -> BTreeSet<String> {
        let mut before: HashSet<String> = HashSet::new();
        for id in taken {
            before.extend(self.flags.remove(id).unwrap_or_default());
        }
        let mut now: HashMap<String, Wanted> = HashMap::new();
        for id in taken {
            let Some(checked) = self.cache.checked.get(id.0 as usize) else {
                continue;
            };
            let name: Arc<str> = self.cache.found.files.name(*id).into();
            let mut keys = Vec::with_capacity(checked.flags.len());
            for flag in &checked.flags {
                let wanted = wanted(flag, &self.environment, Some(&name));
                keys.push(wanted.flag.clone());
                now.insert(wanted.flag.clone(), wanted);
            }
            if !keys.is_empty() {
                self.flags.insert(*id, keys);
            }
        }
        for key in &before {
            self.owner.remove(key);
        }
        for (id, keys) in taken
            .iter()
            .filter_map(|id| Some((*id, self.flags.get(id)?)))
        {
            let owned = keys.iter().map(|key| (key.clone(), id));
            self.owner.extend(owned);
        }
        let is_as_foretold = |foretold: &Foretold| {
            let digest = |key: &String| now.get(key).map(Wanted::digest);
            let mut flags = foretold.flags.iter();
            before.len() == foretold.flags.len()
                && now.len() == foretold.flags.len()
                && flags.all(|(key, of)| before.contains(key) && digest(key) == Some(of))
        };
        let foretold = self.foretold.take().filter(is_as_foretold);
        let differ = self.replace(before, now);
        if !differ.is_empty() {
            self.digest = foretold.map(|foretold| foretold.digest);
        }
        differ
    }

    /// Puts `now` into the target in place of the flags `before`, and gives those that differ.
    fn replace(
        &mut self,
        before: HashSet<String>,
        mut now: HashMap<String, Wanted>,
    ) -> BTreeSet<String> {
        let flags = &mut self.target.flags;
        let mut differ: BTreeSet<String> = BTreeSet::new();
        if before.len() + now.len() > MANY {
            let digests: HashMap<String, String> = flags
                .iter()
                .filter(|wanted| before.contains(&wanted.flag))
                .map(|wanted| (wanted.flag.clone(), wanted.digest().to_owned()))
                .collect();
            let is_new = |(key, wanted): &(&String, &Wanted)| {
                digests.get(*key).map(String::as_str) != Some(wanted.digest())
            };
            differ.extend(now.iter().filter(is_new).map(|(key, _)| key.clone()));
            flags.retain(|wanted| !before.contains(&wanted.flag));
            differ.extend(before.into_iter().filter(|key| !now.contains_key(key)));
            flags.extend(now.into_values());
            flags.sort_unstable_by(|a, b| a.flag.cmp(&b.flag));
            return differ;
        }
        for key in before {
            let place = flags.binary_search_by(|wanted| wanted.flag.cmp(&key));
            match (place, now.remove(&key)) {
                (Ok(at), Some(wanted)) => {
                    if let Some(place) = flags.get_mut(at) {
                        if place.digest() != wanted.digest() {
                            differ.insert(key);
                        }
                        *place = wanted;
                    }
                }
                (Ok(at), None) => {
                    flags.remove(at);
                    differ.insert(key);
                }
                (Err(at), Some(wanted)) => {
                    flags.insert(at, wanted);
                    differ.insert(key);
                }
                (Err(_), None) => {}
            }
        }
        for (key, wanted) in now {
            let place = flags.binary_search_by(|wanted| wanted.flag.cmp(&key));
            flags.insert(place.unwrap_or_else(|at| at), wanted);
            differ.insert(key);
        }
        differ
    }

    /// The part of the target that has `flags`, with or without what is gone being deleted.
    pub(super) fn part(&self, flags: &BTreeSet<String>, prune: bool) -> Target {
        let find = |key: &String| self.wanted(key).cloned();
        Target {
            environment: self.target.environment.clone(),
            prune,
            flags: flags.iter().filter_map(find).collect(),
        }
    }

    /// What is found in all files at present, with the texts to show it in: what is an error, or was not
    /// given before.
    pub(super) fn findings(&mut self) -> Vec<Diagnostic> {
        let found = &self.cache.found;
        self.together = rules::check_set(&self.cache.checked, &found.files, &self.settings);
        let of_files = self
            .cache
            .checked
            .iter()
            .flat_map(|checked| &checked.diagnostics);
        let failed = self.looked.iter().flat_map(|looked| &looked.failed);
        let all: Vec<&Diagnostic> = of_files
            .chain(failed)
            .chain(&self.together)
            .chain(&found.diagnostics)
            .collect();
        let key = |found: &Diagnostic| (found.rule, found.location.file, found.message.clone());
        let news = |found: &&&Diagnostic| {
            found.severity == Severity::Error || !self.shown.contains(&key(found))
        };
        let given: Vec<Diagnostic> = all
            .iter()
            .filter(news)
            .map(|found| (*found).clone())
            .collect();
        self.shown = all.iter().map(|found| key(found)).collect();
        self.cache.found.load_texts(&given);
        given
    }

    /// `diagnostics` as lint has them.
    pub(super) fn report<'s>(&'s self, diagnostics: &'s [Diagnostic]) -> report::Lint<'s> {
        report::Lint {
            files: self.files(),
            checked: self.cache.len(),
            flags: self
                .cache
                .checked
                .iter()
                .map(|checked| checked.flags.len())
                .sum(),
            diagnostics,
            unread: self.unread(),
        }
    }

    pub(super) fn files(&self) -> &Files {
        &self.cache.found.files
    }

    pub(super) fn unread(&self) -> &[Error] {
        &self.cache.found.unread
    }

    /// The names of files, for people.
    pub(super) fn names(&self, ids: &BTreeSet<FileId>) -> Vec<String> {
        let name = |id: &FileId| self.files().name(*id).to_owned();
        let mut names: Vec<String> = ids.iter().map(name).collect();
        names.extend(self.unread().iter().map(|error| error.name().to_owned()));
        names.sort_unstable();
        names
    }

    /// Whether a file is held that never was good: nobody knows which flags it has.
    pub(super) fn is_unknown(&self, held: &BTreeSet<FileId>) -> bool {
        held.iter().any(|id| !self.flags.contains_key(id))
    }

    /// How many errors there are.
    pub(super) fn errors(&self) -> usize {
        let of_files = self
            .cache
            .checked
            .iter()
            .flat_map(|checked| &checked.diagnostics);
        let failed = self.looked.iter().flat_map(|looked| &looked.failed);
        let all = of_files
            .chain(failed)
            .chain(&self.together)
            .chain(&self.cache.found.diagnostics);
        let errors = all.filter(|found| found.severity == Severity::Error);
        errors.count() + self.unread().len()
    }
}

fn look(checked: &Checked) -> Looked {
    let is_error = |found: &Diagnostic| found.severity == Severity::Error;
    let is_whole = |flag: &Flag| flag.complete;
    let mut looked = Looked {
        is_bad: checked.diagnostics.iter().any(is_error) || !checked.flags.iter().all(is_whole),
        failed: Vec::new(),
    };
    // Tests say something about flags that were understood only.
    if !looked.is_bad {
        let cases = checked.flags.iter().flat_map(cases::run);
        let failed = cases.filter(|case| case.failure.is_some());
        looked.failed = failed.map(|case| case.diagnostic()).collect();
        looked.is_bad = !looked.failed.is_empty();
    }
    looked
}
