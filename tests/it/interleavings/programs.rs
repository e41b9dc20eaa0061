//! Where programs stand: a tree of the answers that each has got, and what it does after them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::actors::{Actor, Ended};
use super::intern::{FastMap, Id, Interner};
use super::judge::Commits;
use super::replay::{self, Input, Read, Setting, Stop};
use super::world::Tables;

/// What a program has heard of a batch of commands; [`Input`] with numbered answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heard {
    pub answers: Vec<Id>,
    /// Whether the connection broke after them.
    pub breaks: bool,
}

/// A program after certain answers, in a certain attempt.
pub struct Node {
    pub attempt: u8,
    pub next: Next,
    /// What was read on the way here from the node above.
    pub read: Option<Arc<Read>>,
    actor: usize,
    above: Option<(Id, Id)>,
    /// The number of its connection, to tell a new one from the one before.
    link: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    Sends { batch: Arc<[Id]>, is_new_link: bool },
    Ends(Ended),
}

pub struct Programs {
    actors: Vec<Actor>,
    setting: Setting,
    inputs: Interner<Heard>,
    nodes: Vec<Node>,
    roots: FastMap<(usize, u8), Id>,
    children: FastMap<(Id, Id), Id>,
    /// What was read decides what follows, however it was read: those are one node.
    merged: FastMap<(usize, u8, String, Next), Id>,
    /// Every commit that was begun.
    pub commits: Commits,
}

impl Programs {
    pub fn new(actors: Vec<Actor>, setting: Setting) -> Self {
        Self {
            actors,
            setting,
            inputs: Interner::default(),
            nodes: Vec::new(),
            roots: FastMap::default(),
            children: FastMap::default(),
            merged: FastMap::default(),
            commits: Commits::new(),
        }
    }

    pub fn count(&self) -> usize {
        self.actors.len()
    }

    pub fn node(&self, node: Id) -> &Node {
        &self.nodes[node as usize]
    }

    pub fn name(&self, actor: usize) -> String {
        let kind = match self.actors[actor] {
            Actor::Sync(_) => "sync",
            Actor::Watch(_) => "watch",
            Actor::Kill(_) => "kill",
            Actor::Advance(_) => "advance",
            Actor::Client(..) => "client",
        };
        format!("{kind}{actor}")
    }

    /// Where an attempt begins.
    pub fn root(&mut self, tables: &mut Tables, actor: usize, attempt: u8) -> Id {
        if let Some(root) = self.roots.get(&(actor, attempt)) {
            return *root;
        }
        let root = self.evaluate(tables, actor, attempt, None);
        self.roots.insert((actor, attempt), root);
        root
    }

    /// Where a program comes to that hears this.
    pub fn child(&mut self, tables: &mut Tables, node: Id, heard: Heard) -> Id {
        let heard = self.inputs.add(heard);
        if let Some(child) = self.children.get(&(node, heard)) {
            return *child;
        }
        let Node { actor, attempt, .. } = *self.node(node);
        let child = self.evaluate(tables, actor, attempt, Some((node, heard)));
        self.children.insert((node, heard), child);
        child
    }

    /// Runs the program up to where it waits again.
    fn evaluate(
        &mut self,
        tables: &mut Tables,
        actor: usize,
        attempt: u8,
        above: Option<(Id, Id)>,
    ) -> Id {
        let name = self.name(actor);
        let inputs = self.inputs(tables, above);
        let program = &self.actors[actor];
        let run = replay::run(inputs, &self.setting, |desk| {
            program.attempt(desk, &name, attempt)
        });
        if let Some(commit) = run.commit {
            let known = self.commits.entry(commit.id.clone());
            known.or_insert_with(|| Arc::new(commit));
        }
        let link_above = above.map_or(0, |(node, _)| self.node(node).link);
        let read = run.read.filter(|_| !self.has_read(above)).map(Arc::new);
        let (link, next) = match run.stop {
            Stop::Ends(ended) => (link_above, Next::Ends(ended)),
            Stop::Waits(link, commands) => {
                let batch = tables.batch(commands);
                let is_new_link = link != link_above;
                (link, Next::Sends { batch, is_new_link })
            }
        };
        let id = Id::try_from(self.nodes.len()).expect("fewer than four thousand million");
        if let Some(read) = &read {
            let key = (
                actor,
                attempt,
                format!("{:?}", in_order(read)),
                next.clone(),
            );
            let same = *self.merged.entry(key).or_insert(id);
            if same != id {
                return same;
            }
        }
        self.nodes.push(Node {
            attempt,
            next,
            read,
            actor,
            above,
            link,
        });
        id
    }

    /// Everything that was heard on the way.
    fn inputs(&self, tables: &Tables, mut above: Option<(Id, Id)>) -> Vec<Input> {
        let mut inputs = Vec::new();
        while let Some((node, heard)) = above {
            let heard = self.inputs.get(heard);
            let answers = heard.answers.iter();
            let answers = answers
                .map(|id| (**tables.answers.get(*id)).clone())
                .collect();
            inputs.push(match heard.breaks {
                true => Input::Break(answers),
                false => Input::Answers(answers),
            });
            above = self.node(node).above;
        }
        inputs.reverse();
        inputs
    }

    fn has_read(&self, mut above: Option<(Id, Id)>) -> bool {
        while let Some((node, _)) = above {
            let node = self.node(node);
            if node.read.is_some() {
                return true;
            }
            above = node.above;
        }
        false
    }
}

/// The same text for the same snapshot.
fn in_order(read: &Read) -> impl Debug {
    let snapshot = &read.snapshot;
    let stops: BTreeMap<_, _> = snapshot.stops.iter().collect();
    let specs: BTreeMap<_, _> = snapshot.specs.iter().collect();
    let removed = snapshot
        .removed
        .iter()
        .map(|(flag, removed)| (flag, removed.generation));
    format!(
        "{:?} {} {:?} {:?} {specs:?} {stops:?} {:?}",
        snapshot.lineage,
        snapshot.generation,
        snapshot.digest,
        snapshot.records,
        removed.collect::<BTreeMap<_, _>>()
    )
}
