//! `hoist stale`

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::flagset::FlagSet;
use super::site::Site;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, refs};
use crate::cli::{Global, Stale as Args, StaleFormat};
use crate::plan::{Snapshot, Source, Stored};
use crate::record::Record;
use crate::report::stale::{Item, Searched, Stale, Store};
use crate::report::{self, stale_human, stale_json, stale_markdown};
use crate::stale::{self, Due, Known, Limits, Live};

mod blame;
mod past;

use blame::Blame;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = match Workspace::open(global) {
        Err(_) if args.live && global.store.is_some() => Workspace::without_config(global)?,
        opened => opened?,
    };
    let mut gathered = if args.live {
        Gathered::from_store(Site::for_reading(global, colors)?)?
    } else {
        workspace.refuse_mistakes(colors)?;
        Gathered::from_files(&workspace, colors)?
    };
    let searched = gathered.search(&workspace, args)?;
    gathered.blame(&workspace);
    let (limits, checked) = (gathered.limits(global, args), gathered.known.len());
    let mut due: Vec<Due> = std::mem::take(&mut gathered.known)
        .into_iter()
        .filter_map(|known| stale::judge(known, &limits))
        .collect();
    stale::order(&mut due);
    let items = due.into_iter().map(|due| Item {
        source: gathered.sources.remove(&due.known.flag),
        places: gathered.places.remove(&due.known.flag).unwrap_or_default(),
        due,
    });
    let items: Vec<Item> = items.collect();
    let stale = Stale {
        store: gathered.store.as_ref(),
        limits: &limits,
        searched: searched.as_ref(),
        checked,
        items: &items,
        notes: &gathered.notes,
    };
    print(|out| match args.format {
        StaleFormat::Human => stale_human::write(out, &stale, colors.stdout),
        StaleFormat::Json => report::write_json(out, &stale_json::value(&stale)),
        StaleFormat::Markdown => write!(out, "{}", stale_markdown::document(&stale)),
    })?;
    Ok(if args.fail && !items.is_empty() {
        Ending::No
    } else {
        Ending::Done
    })
}

/// What is known of all flags, and where from.
#[derive(Default)]
struct Gathered {
    known: Vec<Known>,
    sources: HashMap<String, Source>,
    /// The first few places of the code that name a flag.
    places: HashMap<String, Vec<String>>,
    store: Option<Store>,
    /// The store's clock, in seconds since the epoch.
    now: Option<f64>,
    /// With the flag files; none where only the store was read.
    flag_set: Option<FlagSet>,
    /// What could not be known.
    notes: Vec<String>,
}

impl Gathered {
    fn from_store(mut site: Site) -> Result<Self, Failure> {
        let snapshot = site.store.read()?;
        let mut gathered = Self::default();
        for (flag, _) in snapshot.in_order() {
            match live(&snapshot, flag) {
                Some(known) => gathered.known.push(known),
                None => gathered.notes.push(format!(
                    "the key of `{flag}` holds what is no record, so nothing is known of it"
                )),
            }
        }
        past::complete(&mut gathered.known, &mut site, &snapshot)?;
        gathered.take_store(&site, &snapshot);
        Ok(gathered)
    }

    /// The flag files, and the store where one is named.
    fn from_files(workspace: &Workspace<'_>, colors: Colors) -> Result<Self, Failure> {
        let flag_set = FlagSet::load(workspace)?;
        flag_set.refuse_errors(true, colors, "judged")?;
        let global = workspace.global;
        let mut gathered = Self::default();
        let environments: Vec<String> = workspace.config.environments.keys().cloned().collect();
        let mut flags: Vec<_> = flag_set.flags().collect();
        flags.sort_by(|one, other| one.key.value.cmp(&other.key.value));
        for flag in flags {
            let source = Source {
                file: flag_set.found.files.name(flag.file).into(),
                line: flag.line,
            };
            gathered.sources.insert(flag.key.value.to_string(), source);
            gathered.known.push(stale::of_flag(flag, &environments));
        }
        if global.env.is_some() || global.store.is_some() {
            let mut site = Site::for_reading(global, colors)?;
            let snapshot = site.store.read()?;
            for known in &mut gathered.known {
                // A flag that was never applied is on for nobody.
                let live = live(&snapshot, &known.flag).unwrap_or_default();
                known.exposure = live.exposure;
                known.stop = live.stop;
            }
            past::complete(&mut gathered.known, &mut site, &snapshot)?;
            gathered.take_store(&site, &snapshot);
        }
        gathered.flag_set = Some(flag_set);
        Ok(gathered)
    }

    fn take_store(&mut self, site: &Site, snapshot: &Snapshot) {
        self.now = Some(snapshot.now);
        self.store = Some(Store {
            environment: site.environment.clone(),
            info: site.store.info().clone(),
            store: site.store_ref(snapshot),
        });
    }

    /// Looks for the flags in the code, if there is any to look through.
    fn search(
        &mut self,
        workspace: &Workspace<'_>,
        args: &Args,
    ) -> Result<Option<Searched>, Failure> {
        let roots = refs::given_roots(workspace, &args.src);
        if roots.is_empty() {
            return Ok(None);
        }
        let keys: Vec<&str> = self.known.iter().map(|known| known.flag.as_str()).collect();
        let searched = refs::search(workspace, &roots, &keys)?;
        // A flag that is named in a file which cannot be read would pass for unused.
        if let Some(failure) = Failure::unread(&searched.unread) {
            return Err(failure);
        }
        for (index, known) in self.known.iter_mut().enumerate() {
            let named = searched.named(index);
            known.uses = Some(named.count);
            self.places.insert(known.flag.clone(), named.places);
        }
        let display = |root| crate::source::display_name(root, &workspace.here);
        Ok(Some(Searched {
            directories: roots.iter().map(|root| display(root)).collect(),
            files: searched.searched,
        }))
    }

    /// Asks git since when lines say what they say, where that matters and nothing else tells.
    fn blame(&mut self, workspace: &Workspace<'_>) {
        let Some(flag_set) = &self.flag_set else {
            return;
        };
        match Blame::new(workspace, flag_set) {
            Ok(blame) => blame.complete(&mut self.known, &mut self.notes),
            Err(error) if self.known.iter().any(blame::wants) => {
                self.notes
                    .push(format!("git was not asked since when: {error}"));
            }
            Err(_) => {}
        }
    }

    /// The day that was asked for at its end, or else now, by the store's clock where there is one.
    fn limits(&self, global: &Global, args: &Args) -> Limits {
        let given = global.today.and_then(|today| {
            let end = today.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
            Some(end.timestamp().as_second() as f64)
        });
        let now = given.or(self.now);
        Limits {
            days: args.days,
            today: global.today.unwrap_or_else(|| Zoned::now().date()),
            now: now.unwrap_or_else(|| Timestamp::now().as_second() as f64),
        }
    }
}

/// What the store says of a flag; `None` where it has no record that can be read.
fn live(snapshot: &Snapshot, flag: &str) -> Option<Known> {
    let Some(Stored::Value(bytes)) = snapshot.records.get(flag) else {
        return None;
    };
    let record = Record::parse(bytes).ok()?;
    let noted = snapshot.stops.get(flag);
    Some(stale::of_record(
        flag,
        Live {
            record: &record,
            // One that is on was restored by somebody.
            stop: noted.filter(|_| !record.spec.enabled()),
        },
    ))
}
