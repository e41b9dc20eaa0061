//! Every order of the steps of several programs on one server.
//!
//! A state is what the server holds, where each program waits, what is under way on each connection,
//! and what is remembered of the past. States are numbered and met once. A step whose place among the
//! others' makes no difference is taken at once: one that concerns its own connection only, and a
//! look at a key that nobody writes.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use hoist::store::Options;
use rayon::ThreadPoolBuilder;

use super::actors::Actor;
use super::connection::{Changing, Connection};
use super::intern::{FastMap, FastSet, Id, Interner};
use super::judge::{self, Past, Verdict};
use super::keyspace::{Answer, Bytes, Keyspace};
use super::mutant::Mutant;
use super::programs::{Heard, Next, Programs};
use super::replay::Setting;
use super::world::Tables;

/// What is looked at.
#[derive(Clone)]
pub struct Scenario {
    pub start: Keyspace,
    pub actors: Vec<Actor>,
    /// How often a connection breaks, a program dies or a key expires, at most.
    pub faults: u8,
    /// Commits of more records than this go through the scripts for large ones.
    pub watch_up_to: usize,
    /// Keys that one SCAN looks at.
    pub page: usize,
    pub mutant: Option<Mutant>,
}

/// What an exploration has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub states: usize,
    pub steps: usize,
    /// Orders of the steps from the start to an end. There are more of them than a `u64` counts.
    pub interleavings: f64,
    /// Distinct contents of the server at an end.
    pub ends: usize,
}

/// What went wrong, and how it came to that.
#[derive(Debug)]
pub struct Violation {
    pub what: String,
    pub path: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    keyspace: Id,
    past: Id,
    faults: u8,
    actors: Vec<Place>,
    /// Connections that nobody listens to any more, in order of their numbers.
    lost: Vec<Id>,
}

impl State {
    /// What states are told apart by: they are too many to be kept. That two of a thousand million
    /// have the same has a chance of one in 10^20.
    fn fingerprint(&self) -> [u64; 2] {
        [0_u8, 1].map(|half| {
            let mut hasher = DefaultHasher::new();
            (half, self).hash(&mut hasher);
            hasher.finish()
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Over,
    Waits { node: Id, connection: Id },
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Step(usize),
    /// A command of a lost connection arrives after all.
    Late(usize),
    /// The client sees its connection break, after one answer or none.
    Break(usize, bool),
    Die(usize),
    /// The server deletes a key that may expire: its time has come, or memory is short.
    Expire(usize),
}

pub struct Explorer {
    scenario: Scenario,
    tables: Tables,
    programs: Programs,
    keyspaces: Interner<Keyspace>,
    pasts: Interner<Past>,
    connections: Interner<Connection>,
    changing: Changing,
    /// The number of ways from each state that was met to an end, by [`State::fingerprint`].
    visited: FastMap<[u64; 2], f64>,
    /// The way to the present state, for a report.
    path: Vec<(State, Move)>,
    /// Writes that were found right: the command, what the server held before and after.
    approved: FastSet<(Id, Id, Id)>,
    /// Contents from which a sync was seen to converge.
    converging: FastSet<Id>,
    steps: usize,
    log: Option<Log>,
    known: Known,
}

/// What was found out before, of what the same things always come to.
#[derive(Default)]
struct Known {
    /// What the next command of a connection does to what the server holds.
    effects: FastMap<(Id, Id), Done>,
    /// Whether that command is one that can be taken at once.
    local: FastMap<(Id, Id), bool>,
    touched: Interner<BTreeSet<Id>>,
    /// A connection once somebody has written keys.
    touching: FastMap<(Id, Id), Id>,
    /// The past after a step of the server's.
    pasts: FastMap<(Id, Id, Id), Id>,
    /// Reads that were found right: the past, what the server held, and where a program stands.
    reads: FastSet<(Id, Id, Id)>,
}

/// What a command has done.
#[derive(Clone, Copy)]
struct Done {
    connection: Id,
    keyspace: Id,
    /// Keys that it has written.
    touched: Option<Id>,
}

/// The commands of one way, in the order in which the server carries them out.
#[derive(Default)]
pub struct Log {
    pub commands: Vec<Logged>,
    /// The number of each actor's connection.
    current: Vec<usize>,
    connections: usize,
}

pub struct Logged {
    /// Counts connections, over all actors.
    pub connection: usize,
    pub command: Arc<Vec<Bytes>>,
    pub answer: Answer,
}

/// That a key changes which nobody was seen to write before.
const NEWS: &str = "begin again";

impl Explorer {
    pub fn new(scenario: Scenario) -> Self {
        let setting = Setting {
            options: Options {
                watch_up_to: scenario.watch_up_to,
                // What a program does must follow from what it hears: it is not to look at the time.
                timeout: Duration::ZERO,
                ..Options::default()
            },
            mutant: scenario.mutant,
        };
        let tables = Tables {
            mutant: scenario.mutant,
            page: scenario.page,
            ..Tables::default()
        };
        Self {
            programs: Programs::new(scenario.actors.clone(), setting),
            scenario,
            tables,
            keyspaces: Interner::default(),
            pasts: Interner::default(),
            connections: Interner::default(),
            changing: Changing::default(),
            visited: FastMap::default(),
            path: Vec::new(),
            approved: FastSet::default(),
            converging: FastSet::default(),
            steps: 0,
            log: None,
            known: Known::default(),
        }
    }

    /// Goes every way there is. An error is the first violation that is met.
    pub fn explore(&mut self) -> Result<Count, Violation> {
        // A thread of the pool that is the only one does all work of the pool itself.
        let pool = ThreadPoolBuilder::new()
            .num_threads(1)
            .stack_size(1 << 28)
            .build();
        pool.expect("a thread").install(|| self.go())
    }

    fn go(&mut self) -> Result<Count, Violation> {
        loop {
            match self.begin().and_then(|start| self.visit(start)) {
                Ok(interleavings) => {
                    return Ok(Count {
                        states: self.visited.len(),
                        steps: self.steps,
                        interleavings,
                        ends: self.converging.len(),
                    });
                }
                Err(what) if what == NEWS => {
                    self.visited.clear();
                    self.known = Known::default();
                    self.path.clear();
                    self.steps = 0;
                }
                Err(what) => {
                    let path = self.path.iter();
                    let path = path
                        .map(|(state, step)| self.describe(state, *step))
                        .collect();
                    return Err(Violation { what, path });
                }
            }
        }
    }

    /// Goes one way: `choose` picks one of so many next steps.
    pub fn walk(&mut self, mut choose: impl FnMut(usize) -> usize) -> (Vec<Logged>, Keyspace) {
        assert_eq!(
            self.scenario.faults, 0,
            "connections are told apart by who uses them"
        );
        loop {
            self.log = Some(Log {
                current: vec![0; self.programs.count()],
                ..Log::default()
            });
            let end = self.begin().and_then(|mut state| {
                while let moves @ [_, ..] = &*self.moves(&state) {
                    self.take(&mut state, moves[choose(moves.len())])?;
                }
                Ok(state.keyspace)
            });
            let log = self.log.take().unwrap_or_default();
            match end {
                Ok(keyspace) => return (log.commands, (**self.keyspaces.get(keyspace)).clone()),
                Err(what) => assert_eq!(what, NEWS),
            }
        }
    }

    fn begin(&mut self) -> Result<State, String> {
        let start = self.scenario.start.clone();
        let past = self.pasts.add(Past::new(&start));
        let mut state = State {
            keyspace: self.keyspaces.add(start),
            past,
            faults: self.scenario.faults,
            actors: vec![Place::Over; self.programs.count()],
            lost: Vec::new(),
        };
        for actor in 0..self.programs.count() {
            let root = self.programs.root(&mut self.tables, actor, 1);
            self.enter(&mut state, actor, root)?;
        }
        self.settle(&mut state)?;
        Ok(state)
    }

    /// The number of ways from `state` to an end.
    fn visit(&mut self, state: State) -> Result<f64, String> {
        let fingerprint = state.fingerprint();
        if let Some(ways) = self.visited.get(&fingerprint) {
            return Ok(*ways);
        }
        let mut ways = 0.0;
        if state.actors.iter().all(|place| *place == Place::Over) {
            self.end(&state)?;
            ways = 1.0;
        }
        for next in self.moves(&state) {
            self.path.push((state.clone(), next));
            let mut after = state.clone();
            self.take(&mut after, next)?;
            self.steps += 1;
            ways += self.visit(after)?;
            self.path.pop();
        }
        self.visited.insert(fingerprint, ways);
        Ok(ways)
    }

    fn moves(&self, state: &State) -> Vec<Move> {
        let mut moves = Vec::new();
        for (actor, place) in state.actors.iter().enumerate() {
            let Place::Waits { connection, .. } = place else {
                continue;
            };
            moves.push(Move::Step(actor));
            let connection = self.connections.get(*connection);
            // Whatever breaks later is the same as breaking now, and the commands arriving late.
            if state.faults > 0 && !connection.begun {
                moves.push(Move::Die(actor));
                moves.push(Move::Break(actor, false));
                if connection.fresh && !connection.answers.is_empty() {
                    moves.push(Move::Break(actor, true));
                }
            }
        }
        moves.extend((0..state.lost.len()).map(Move::Late));
        if state.faults > 0 {
            let expiring = self.keyspaces.get(state.keyspace).expiring.len();
            moves.extend((0..expiring).map(Move::Expire));
        }
        moves
    }

    fn describe(&self, state: &State, next: Move) -> String {
        let command = |connection: Id| {
            let next = self.connections.get(connection).next();
            let words = next.map(|id| Arc::clone(self.tables.command(id)));
            let words = words.iter().flat_map(|words| words.iter().take(5));
            let words: Vec<_> = words.map(|word| String::from_utf8_lossy(word)).collect();
            words.join(" ").chars().take(100).collect::<String>()
        };
        match next {
            Move::Step(actor) => match state.actors[actor] {
                Place::Waits { connection, .. } => {
                    format!("{}: {}", self.programs.name(actor), command(connection))
                }
                Place::Over => String::new(),
            },
            Move::Late(number) => format!("late: {}", command(state.lost[number])),
            Move::Break(actor, _) => format!("{} loses its connection", self.programs.name(actor)),
            Move::Die(actor) => format!("{} dies", self.programs.name(actor)),
            Move::Expire(number) => {
                let expiring = &self.keyspaces.get(state.keyspace).expiring;
                let key = expiring.iter().nth(number);
                format!("{:?} expires", key.map(|key| String::from_utf8_lossy(key)))
            }
        }
    }

    fn take(&mut self, state: &mut State, next: Move) -> Verdict {
        match next {
            Move::Step(actor) => self.serve(state, actor)?,
            Move::Late(number) => {
                let connection = state.lost.remove(number);
                let after = self.execute(state, connection, None)?;
                state.lost.push(after);
            }
            Move::Die(actor) => {
                state.faults -= 1;
                self.lose(state, actor);
                state.actors[actor] = Place::Over;
            }
            Move::Break(actor, after_one) => {
                state.faults -= 1;
                self.break_off(state, actor, after_one)?;
            }
            Move::Expire(number) => {
                state.faults -= 1;
                self.expire(state, number)?;
            }
        }
        self.settle(state)
    }

    fn expire(&mut self, state: &mut State, number: usize) -> Verdict {
        let before = Arc::clone(self.keyspaces.get(state.keyspace));
        let Some(key) = before.expiring.iter().nth(number) else {
            return Ok(());
        };
        let mut after = (*before).clone();
        after.take(key);
        if self.changing.learn(&before, &after) {
            return Err(NEWS.to_owned());
        }
        let touched = BTreeSet::from([self.tables.key(key)]);
        let touched = self.known.touched.add(touched);
        self.touch_others(state, touched);
        let command = vec![Bytes::from(&b"expired"[..]), key.clone()];
        let command = self.tables.commands.add(command);
        let after = self.keyspaces.add(after);
        self.replace(state, command, after)
    }

    fn break_off(&mut self, state: &mut State, actor: usize, after_one: bool) -> Verdict {
        let Place::Waits { node, connection } = state.actors[actor] else {
            return Ok(());
        };
        let answers = &self.connections.get(connection).answers;
        let heard = Heard {
            answers: answers[..usize::from(after_one)].to_vec(),
            breaks: true,
        };
        self.lose(state, actor);
        let node = self.programs.child(&mut self.tables, node, heard);
        self.enter(state, actor, node)
    }

    /// The connection of `actor` is nobody's any more.
    fn lose(&mut self, state: &mut State, actor: usize) {
        if let Place::Waits { connection, .. } = state.actors[actor] {
            let mut connection = (**self.connections.get(connection)).clone();
            connection.lose();
            state.lost.push(self.connections.add(connection));
        }
    }

    /// Carries the next command of `actor` out.
    fn serve(&mut self, state: &mut State, actor: usize) -> Verdict {
        if let Place::Waits { node, connection } = state.actors[actor] {
            // Out of the way: what it writes reaches its own connection in another order.
            state.actors[actor] = Place::Over;
            let connection = self.execute(state, connection, Some(actor))?;
            state.actors[actor] = Place::Waits { node, connection };
        }
        Ok(())
    }

    /// Carries the next command of a connection out.
    fn execute(
        &mut self,
        state: &mut State,
        connection: Id,
        actor: Option<usize>,
    ) -> Result<Id, String> {
        let command = self.connections.get(connection).next();
        let command = command.expect("a command that waits");
        let before = (connection, state.keyspace);
        let done = match self.known.effects.get(&before) {
            Some(done) if self.log.is_none() => *done,
            _ => {
                let done = self.find_out(state.keyspace, connection, command, actor)?;
                self.known.effects.insert(before, done);
                done
            }
        };
        if let Some(touched) = done.touched {
            self.touch_others(state, touched);
        }
        if done.keyspace != state.keyspace {
            self.replace(state, command, done.keyspace)?;
        }
        Ok(done.connection)
    }

    /// What `command`, the next one of a connection, does to what the server holds.
    fn find_out(
        &mut self,
        keyspace: Id,
        connection: Id,
        command: Id,
        actor: Option<usize>,
    ) -> Result<Done, String> {
        let before = Arc::clone(self.keyspaces.get(keyspace));
        let mut connection = (**self.connections.get(connection)).clone();
        let is_local = connection.next_is_local(&self.tables, &before, &self.changing);
        connection.begun = connection.begun || !is_local;
        let effect = connection.step(&mut self.tables, &before);
        if let (Some(log), Some(actor)) = (&mut self.log, actor) {
            log.commands.push(Logged {
                connection: log.current[actor],
                command: Arc::clone(self.tables.command(command)),
                answer: effect.answer,
            });
        }
        let mut done = Done {
            connection: 0,
            keyspace,
            touched: None,
        };
        if !effect.touched.is_empty() {
            let keys = effect.touched.iter();
            let touched: BTreeSet<Id> = keys.map(|key| self.tables.key(key)).collect();
            connection.touch(&touched);
            done.touched = Some(self.known.touched.add(touched));
        }
        if let Some(after) = effect.keyspace
            && after != *before
        {
            if self.changing.learn(&before, &after) {
                return Err(NEWS.to_owned());
            }
            done.keyspace = self.keyspaces.add(after);
        }
        done.connection = self.connections.add(connection);
        Ok(done)
    }

    /// The server holds something else from now on.
    fn replace(&mut self, state: &mut State, command: Id, keyspace: Id) -> Verdict {
        let from = mem::replace(&mut state.keyspace, keyspace);
        let (before, after) = (self.keyspaces.get(from), self.keyspaces.get(keyspace));
        let step = (state.past, from, keyspace);
        state.past = match self.known.pasts.get(&step) {
            Some(past) => *past,
            None => {
                let mut past = (**self.pasts.get(state.past)).clone();
                past.step(before, after)?;
                let past = self.pasts.add(past);
                self.known.pasts.insert(step, past);
                past
            }
        };
        if self.approved.insert((command, from, keyspace)) {
            let name = &self.tables.command(command)[0];
            judge::step(name, before, after, &self.programs.commits)?;
            judge::state(after)?;
        }
        Ok(())
    }

    fn touch_others(&mut self, state: &mut State, touched: Id) {
        let (connections, known) = (&mut self.connections, &mut self.known);
        let mut touch = |id: &mut Id| {
            let after = known.touching.entry((*id, touched)).or_insert_with(|| {
                let mut connection = (**connections.get(*id)).clone();
                connection.touch(known.touched.get(touched));
                connections.add(connection)
            });
            *id = *after;
        };
        for place in &mut state.actors {
            if let Place::Waits { connection, .. } = place {
                touch(connection);
            }
        }
        state.lost.iter_mut().for_each(touch);
    }

    /// Takes every step whose place among the others makes no difference.
    fn settle(&mut self, state: &mut State) -> Verdict {
        for actor in 0..state.actors.len() {
            while let Place::Waits { node, connection } = state.actors[actor] {
                if self.is_local(state, connection) {
                    self.serve(state, actor)?;
                    continue;
                }
                let connection = self.connections.get(connection);
                if connection.next().is_some() {
                    break;
                }
                let heard = Heard {
                    answers: connection.answers.clone(),
                    breaks: false,
                };
                let node = self.programs.child(&mut self.tables, node, heard);
                self.enter(state, actor, node)?;
            }
        }
        let mut lost = Vec::new();
        for mut id in mem::take(&mut state.lost) {
            while self.connections.get(id).can_write(&self.tables) {
                if !self.is_local(state, id) {
                    lost.push(id);
                    break;
                }
                id = self.execute(state, id, None)?;
            }
        }
        lost.sort_unstable();
        state.lost = lost;
        Ok(())
    }

    fn is_local(&mut self, state: &State, connection: Id) -> bool {
        let is_local = self.known.local.entry((connection, state.keyspace));
        *is_local.or_insert_with(|| {
            let keyspace = self.keyspaces.get(state.keyspace);
            let connection = self.connections.get(connection);
            connection.next_is_local(&self.tables, keyspace, &self.changing)
        })
    }

    /// `actor` has come to `node`.
    fn enter(&mut self, state: &mut State, actor: usize, mut node: Id) -> Verdict {
        loop {
            let keyspace = self.keyspaces.get(state.keyspace);
            let here = self.programs.node(node);
            let known = (state.past, state.keyspace, node);
            if let Some(read) = &here.read
                && self.known.reads.insert(known)
            {
                self.pasts.get(state.past).read(read, keyspace)?;
            }
            let (attempt, next) = (here.attempt, here.next.clone());
            match next {
                Next::Sends { batch, is_new_link } => {
                    let connection = self.send(state, actor, batch, is_new_link);
                    state.actors[actor] = Place::Waits { node, connection };
                    return Ok(());
                }
                Next::Ends(ended) => {
                    if ended.claim.is_some() {
                        let mut past = (**self.pasts.get(state.past)).clone();
                        past.end(&ended, keyspace)?;
                        state.past = self.pasts.add(past);
                    }
                    state.actors[actor] = Place::Over;
                    if !ended.again {
                        return Ok(());
                    }
                    node = self.programs.root(&mut self.tables, actor, attempt + 1);
                }
            }
        }
    }

    fn send(&mut self, state: &State, actor: usize, batch: Arc<[Id]>, is_new_link: bool) -> Id {
        let connection = match state.actors[actor] {
            Place::Waits { connection, .. } if !is_new_link => {
                let mut connection = (**self.connections.get(connection)).clone();
                connection.send(batch);
                connection
            }
            _ => {
                if let Some(log) = &mut self.log {
                    log.current[actor] = log.connections;
                    log.connections += 1;
                }
                Connection::new(batch)
            }
        };
        self.connections.add(connection)
    }

    /// Everybody is done: a sync that is alone now must make the store agree, and a second one must
    /// find nothing to do.
    fn end(&mut self, state: &State) -> Verdict {
        if !self.converging.insert(state.keyspace) {
            return Ok(());
        }
        let start = self.keyspaces.get(state.keyspace);
        let is_sync = |actor: &&Actor| matches!(actor, Actor::Sync(_) | Actor::Watch(_));
        for sync in self.scenario.actors.iter().filter(is_sync) {
            let once = alone(start, sync)?;
            let twice = alone(&once, sync)?;
            if once != twice {
                return Err("a second sync still finds something to write".to_owned());
            }
        }
        Ok(())
    }
}

/// What the server holds after `actor` had it to itself.
pub fn alone(start: &Keyspace, actor: &Actor) -> Result<Keyspace, String> {
    let mut explorer = Explorer::new(Scenario {
        start: start.clone(),
        actors: vec![actor.clone()],
        faults: 0,
        watch_up_to: 500,
        page: usize::MAX,
        mutant: None,
    });
    explorer.changing.everything = true;
    let mut state = explorer.begin()?;
    while let [next, ..] = explorer.moves(&state)[..] {
        explorer.take(&mut state, next)?;
    }
    Ok((**explorer.keyspaces.get(state.keyspace)).clone())
}
