//! One connection: commands go out as they are written, answers come back in a batch.

use std::io::Write;
use std::mem;
use std::time::Duration;

use ::redis::{RedisError, RedisResult, ServerError, Value};

use crate::store::Error;

use super::endpoint::Endpoint;
use super::network::{Dial, Link, Network};
use super::stream::Address;
use super::value::Page;

/// Commands are sent in pieces of about this many bytes, so that a large commit is in memory once.
const PIECE: usize = 256 * 1024;

/// A connection to a server. After any error it is of no further use.
pub(super) struct Wire {
    link: Box<dyn Link>,
    endpoint: Endpoint,
    address: Address,
    /// How long one answer may take.
    limit: Duration,
    unsent: Vec<u8>,
    /// Commands whose answers have not been read.
    waiting: usize,
    /// The commands that log in, until their answers have been read.
    login: Vec<Login>,
    send_error: Option<RedisError>,
    answered: bool,
}

#[derive(Clone, Copy)]
enum Login {
    Auth,
    Select,
    Greet,
}

impl Wire {
    /// Connects. The login goes out along with the first commands, so that it costs no round trip.
    pub fn open(
        network: &dyn Network,
        endpoint: Endpoint,
        address: Address,
        dial: &Dial,
    ) -> Result<Self, Error> {
        let link = network
            .connect(&address, dial)
            .map_err(|error| endpoint.not_connected(&error, &address, dial.connect))?;
        let mut wire = Self {
            link,
            endpoint,
            address,
            limit: dial.answer,
            unsent: Vec::new(),
            waiting: 0,
            login: Vec::new(),
            send_error: None,
            answered: false,
        };
        wire.log_in();
        Ok(wire)
    }

    /// Changes how long one answer may take.
    pub fn allow(&mut self, limit: Duration) -> Result<(), Error> {
        self.limit = limit;
        let set = self.link.allow(limit);
        set.map_err(|error| self.broken(&error))
    }

    /// The server in words.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Where the server is.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    fn log_in(&mut self) {
        let endpoint = self.endpoint.clone();
        if let Some(password) = &endpoint.password {
            match &endpoint.user {
                Some(user) => self.command(&["AUTH", user, password]),
                None => self.command(&["AUTH", password]),
            }
            self.login.push(Login::Auth);
        }
        if endpoint.database != 0 {
            self.command(&["SELECT", &endpoint.database.to_string()]);
            self.login.push(Login::Select);
        }
        // Answered with what kind of server it is. One that refuses to say is taken as it is.
        self.command(&["HELLO", "2", "SETNAME", "hoist"]);
        self.login.push(Login::Greet);
    }

    /// Whether an answer has come over this connection: before that, it may never have worked.
    pub fn has_answered(&self) -> bool {
        self.answered
    }

    /// Queues a command.
    pub fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        self.begin(args.len());
        for arg in args {
            self.arg(arg);
        }
    }

    /// Queues the head of a command; `args` calls of [`Self::arg`] must follow, its name the first.
    pub fn begin(&mut self, args: usize) {
        self.head(b'*', args);
        self.waiting += 1;
    }

    fn head(&mut self, kind: u8, count: usize) {
        self.unsent.push(kind);
        // Writing to memory has no way to fail.
        let _ = write!(self.unsent, "{count}\r\n");
    }

    pub fn arg(&mut self, arg: impl AsRef<[u8]>) {
        let arg = arg.as_ref();
        self.head(b'$', arg.len());
        if arg.len() < PIECE {
            self.unsent.extend_from_slice(arg);
        } else {
            self.send();
            self.send_bytes(arg);
        }
        self.unsent.extend_from_slice(b"\r\n");
        if self.unsent.len() >= PIECE {
            self.send();
        }
    }

    fn send(&mut self) {
        let unsent = mem::take(&mut self.unsent);
        self.send_bytes(&unsent);
        self.unsent = unsent;
        self.unsent.clear();
    }

    fn send_bytes(&mut self, bytes: &[u8]) {
        if self.send_error.is_none()
            && let Err(error) = self.link.send(bytes)
        {
            self.send_error = Some(error);
        }
    }

    /// Sends what is queued, so that the server has something to do until it is asked for answers.
    pub fn hand_over(&mut self) {
        self.send();
    }

    /// Sends what is queued and waits for every answer, refusals of single commands among them.
    pub fn answers(&mut self) -> Result<Vec<Value>, Error> {
        self.next_answers(self.waiting - self.login.len())
    }

    /// The same of the `count` oldest commands: the others stay on their way.
    pub fn next_answers(&mut self, count: usize) -> Result<Vec<Value>, Error> {
        self.send();
        for step in mem::take(&mut self.login) {
            let answer = self.answer()?;
            match (step, answer) {
                // It hangs up after that.
                (_, Value::ServerError(error)) if error.code() == "DENIED" => {
                    return Err(self.endpoint.refused(&error));
                }
                (Login::Auth, Value::ServerError(error)) => {
                    return Err(self.endpoint.login_refused(&error));
                }
                // What follows would be done to another database.
                (Login::Select, Value::ServerError(error)) => {
                    return Err(self.endpoint.select_refused(&error));
                }
                (Login::Greet, greeting) => self.endpoint.check_mode(greeting)?,
                (Login::Auth | Login::Select, _) => {}
            }
        }
        let mut answers = Vec::with_capacity(count);
        for _ in 0..count {
            answers.push(self.answer()?);
        }
        Ok(answers)
    }

    /// Like [`Self::answers`], where a refusal of any command is an error.
    pub fn good_answers(&mut self) -> Result<Vec<Value>, Error> {
        let answers = self.answers()?;
        match first_refusal(&answers) {
            Some(error) => Err(self.endpoint.refused(error)),
            None => Ok(answers),
        }
    }

    /// Sends a command whose answer [`Self::overhear`] takes among everything else.
    pub fn say<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<(), Error> {
        self.command(args);
        self.waiting = self.waiting.saturating_sub(1);
        self.send();
        match self.send_error.take() {
            Some(error) => Err(self.broken(&error)),
            None => Ok(()),
        }
    }

    /// Waits for what the server says of its own accord.
    pub fn overhear(&mut self) -> Result<Value, Error> {
        self.answer()
    }

    /// The next answer, which should be a list of texts.
    pub fn next_page(&mut self) -> Result<Page, Error> {
        self.next_answers(0)?;
        let page = self.link.receive_page();
        self.came(page, |page| match page {
            Page::Other(answer) => refusal(answer),
            Page::Texts(_) => None,
        })
    }

    fn answer(&mut self) -> Result<Value, Error> {
        let answer = self.link.receive();
        self.came(answer, refusal)
    }

    fn came<A>(
        &mut self,
        answer: RedisResult<A>,
        refusal: impl Fn(&A) -> Option<&ServerError>,
    ) -> Result<A, Error> {
        let result = match (self.send_error.take(), answer) {
            (Some(broken), Ok(answer)) => match refusal(&answer) {
                // A server that hangs up says why before it does, at times.
                Some(error) => return Err(self.endpoint.refused(error)),
                None => Err(broken),
            },
            (Some(broken), Err(_)) => Err(broken),
            (None, answer) => answer,
        };
        let answer = result.map_err(|error| self.broken(&error))?;
        self.answered = true;
        self.waiting = self.waiting.saturating_sub(1);
        Ok(answer)
    }

    fn broken(&self, error: &RedisError) -> Error {
        let fresh = !self.answered;
        self.endpoint
            .broken(error, &self.address, fresh, self.limit)
    }
}

/// The first of `answers` that is a refusal.
pub(super) fn first_refusal(answers: &[Value]) -> Option<&ServerError> {
    answers.iter().find_map(refusal)
}

fn refusal(answer: &Value) -> Option<&ServerError> {
    match answer {
        Value::ServerError(error) => Some(error),
        _ => None,
    }
}
