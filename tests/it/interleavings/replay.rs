//! Running hoist's own code up to the point where it waits for a server.
//!
//! A program talks to a store over a network that answers from a list. Where the list ends, the run
//! is given up, and what it has sent is known: the next step. So the list is all there is to the
//! state of a program that waits, and any number of continuations can be tried from it.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoist::plan::{Commit, Snapshot};
use hoist::store::{Address, Dial, Link, Network, Options, Store, open_over};
use redis::{RedisError, RedisResult, Value};

use super::keyspace::{Answer, Bytes};
use super::mutant::Mutant;
use super::world::META;

/// What happened to a batch of commands, from the client's point of view.
#[derive(Clone, Debug)]
pub enum Input {
    Answers(Vec<Answer>),
    /// The connection broke after so many answers.
    Break(Vec<Answer>),
}

/// What a program has come to.
pub struct Run<T> {
    pub stop: Stop<T>,
    /// What it has read last.
    pub read: Option<Read>,
    /// What it has begun to commit.
    pub commit: Option<Commit>,
}

/// What was read, and which flags of it where those were named.
pub struct Read {
    pub snapshot: Snapshot,
    pub flags: Option<Vec<String>>,
}

pub enum Stop<T> {
    /// Waits for the answers to these commands, over the connection of this number.
    Waits(usize, Vec<Vec<Bytes>>),
    Ends(T),
}

/// How the store of a program is set up.
#[derive(Clone, Debug)]
pub struct Setting {
    pub options: Options,
    pub mutant: Option<Mutant>,
}

/// Runs `program` with these inputs.
pub fn run<T>(inputs: Vec<Input>, setting: &Setting, program: impl FnOnce(&Desk) -> T) -> Run<T> {
    let desk = Desk {
        tape: Tape(Arc::new(Mutex::new(Inner {
            inputs: inputs.into(),
            ..Inner::default()
        }))),
        setting: setting.clone(),
    };
    let result = catch_unwind(AssertUnwindSafe(|| program(&desk)));
    let mut inner = desk.tape.lock();
    let stop = match result {
        Ok(end) => Stop::Ends(end),
        Err(payload) if is_waiting(&*payload) => {
            Stop::Waits(inner.links, commands(&mem::take(&mut inner.sent)))
        }
        Err(payload) => resume_unwind(payload),
    };
    Run {
        stop,
        read: inner.read.take(),
        commit: inner.commit.take(),
    }
}

/// What a program works at.
pub struct Desk {
    tape: Tape,
    setting: Setting,
}

impl Desk {
    pub fn store(&self) -> Box<dyn Store> {
        let network = Box::new(Wires(self.tape.clone(), self.setting.mutant));
        open_over(network, "redis://model", "ff", &self.setting.options).expect("a fine URL")
    }

    /// Sends a command over a connection past hoist.
    pub fn ask(&self, link: &mut dyn Link, words: &[&[u8]]) -> RedisResult<Value> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).into_bytes());
            bytes.extend([word, b"\r\n".as_slice()].concat());
        }
        link.send(&bytes)?;
        link.receive()
    }

    pub fn link(&self) -> Box<dyn Link> {
        self.tape.connect(None)
    }

    /// `flags` where only those were read.
    pub fn has_read(&self, snapshot: &Snapshot, flags: Option<&[&str]>) {
        let flags = flags.map(|flags| flags.iter().map(|flag| (*flag).to_owned()).collect());
        self.tape.lock().read = Some(Read {
            snapshot: snapshot.clone(),
            flags,
        });
    }

    pub fn commits(&self, commit: &Commit) {
        self.tape.lock().commit = Some(commit.clone());
    }

    pub fn mutant(&self) -> Option<Mutant> {
        self.setting.mutant
    }
}

/// What a program that waits for more than there is unwinds with.
struct Waiting;

fn is_waiting(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Waiting>()
}

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    inputs: VecDeque<Input>,
    /// Connections made so far.
    links: usize,
    /// What went out since the last input.
    sent: Vec<u8>,
    /// Commands that are being answered.
    asked: VecDeque<Vec<Bytes>>,
    answers: VecDeque<Answer>,
    /// Whether the connection breaks once the answers are read.
    breaks: bool,
    /// The generation that the present read began with.
    first: Option<Answer>,
    read: Option<Read>,
    commit: Option<Commit>,
}

impl Tape {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self, mutant: Option<Mutant>) -> Box<dyn Link> {
        let mut inner = self.lock();
        inner.links += 1;
        inner.breaks = false;
        inner.sent.clear();
        inner.asked.clear();
        inner.answers.clear();
        Box::new(Thread {
            tape: self.clone(),
            mutant,
        })
    }
}

struct Wires(Tape, Option<Mutant>);

impl Network for Wires {
    fn connect(&self, _: &Address, _: &Dial) -> io::Result<Box<dyn Link>> {
        Ok(self.0.connect(self.1))
    }

    fn pause(&self, _: Duration) {}
}

/// One connection of a program.
struct Thread {
    tape: Tape,
    mutant: Option<Mutant>,
}

impl Link for Thread {
    fn send(&mut self, bytes: &[u8]) -> RedisResult<()> {
        let mut inner = self.tape.lock();
        if inner.breaks {
            return Err(broken());
        }
        inner.sent.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&mut self) -> RedisResult<Value> {
        let mut inner = self.tape.lock();
        if inner.answers.is_empty() && !inner.breaks {
            inner.asked = commands(&inner.sent).into();
            let Some(input) = inner.inputs.pop_front() else {
                drop(inner);
                resume_unwind(Box::new(Waiting));
            };
            inner.sent.clear();
            inner.breaks = matches!(input, Input::Break(_));
            let (Input::Answers(answers) | Input::Break(answers)) = input;
            inner.answers = answers.into();
        }
        let (Some(answer), Some(command)) = (inner.answers.pop_front(), inner.asked.pop_front())
        else {
            return Err(broken());
        };
        Ok(inner.heard(&command, answer, self.mutant).value())
    }
}

impl Inner {
    fn heard(&mut self, command: &[Bytes], answer: Answer, mutant: Option<Mutant>) -> Answer {
        if let (b"HGETALL", Answer::List(words)) = (&*command[0], &answer)
            && &*command[1] == META
        {
            let field = |name: &[u8]| {
                let at = words
                    .iter()
                    .step_by(2)
                    .position(|word| *word == Answer::Text(name.into()));
                at.map_or(Answer::Nothing, |at| words[2 * at + 1].clone())
            };
            self.first = Some(Answer::List(vec![field(b"generation"), field(b"lineage")]));
        }
        let misheard = mutant.and_then(|mutant| {
            mutant.misheard(command, &answer, self.commit.as_ref(), self.first.as_ref())
        });
        misheard.unwrap_or(answer)
    }
}

fn broken() -> RedisError {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection broke").into()
}

/// Whole commands in the protocol of Redis.
fn commands(mut bytes: &[u8]) -> Vec<Vec<Bytes>> {
    let mut commands = Vec::new();
    while !bytes.is_empty() {
        let count = header(&mut bytes, b'*');
        let args = (0..count).map(|_| {
            let length = header(&mut bytes, b'$');
            let (arg, rest) = bytes.split_at(length);
            bytes = rest.strip_prefix(b"\r\n").expect("the end of an argument");
            Bytes::from(arg)
        });
        commands.push(args.collect());
    }
    commands
}

fn header(bytes: &mut &[u8], kind: u8) -> usize {
    assert_eq!(bytes.first(), Some(&kind), "not the protocol of Redis");
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\r')
        .expect("the end of a line");
    let number = std::str::from_utf8(&bytes[1..end]).expect("a number");
    *bytes = &bytes[end + 2..];
    number.parse().expect("a number")
}
