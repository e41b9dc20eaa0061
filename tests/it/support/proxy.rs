//! Things that stand where a Redis should be: a proxy that breaks at a chosen moment, and servers
//! that say only one thing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What happens the first time that a client sends a certain word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before the server gets to see it.
    Lose,
    /// The server gets it, and the client never the answer.
    LoseAnswer,
    /// The client sees the connection break, and the server gets it a while later.
    DeliverLate,
    /// Just before the server gets it, somebody else sets [`Proxy::MEDDLED`].
    Meddle,
    /// Just before the server gets it, somebody else commits another digest of `flag8`.
    Commit,
    /// Just before the server gets it, the server is short of memory and deletes what would expire anyway.
    Forget,
}

/// Between a client and a server.
pub struct Proxy {
    pub port: u16,
    exchanges: Arc<AtomicUsize>,
}

impl Proxy {
    pub const LATE: Duration = Duration::from_millis(400);
    pub const MEDDLED: &str = "ff:meddled";

    /// Passes everything on, until a client first sends `word`.
    pub fn start(server: u16, fault: Option<(Fault, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let exchanges = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&exchanges);
        let spent = Arc::new(AtomicBool::new(fault.is_none()));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let (to_client, from_server) = (twin(&client), twin(&server));
                let muted = Arc::new(AtomicBool::new(false));
                let deaf = Arc::clone(&muted);
                thread::spawn(move || pass_on(from_server, to_client, &deaf));
                let (spent, counted) = (Arc::clone(&spent), Arc::clone(&counted));
                thread::spawn(move || watch(client, server, fault, &spent, &counted, &muted));
            }
        });
        Self { port, exchanges }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many batches of commands clients have sent.
    pub fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::SeqCst)
    }
}

fn twin(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second handle")
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, muted: &AtomicBool) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !muted.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn watch(
    mut client: TcpStream,
    mut server: TcpStream,
    fault: Option<(Fault, &str)>,
    spent: &AtomicBool,
    exchanges: &AtomicUsize,
    muted: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        exchanges.fetch_add(1, Ordering::SeqCst);
        let bytes = &buffer[..length];
        if let Some((fault, word)) = fault
            && String::from_utf8_lossy(bytes).contains(word)
            && !spent.swap(true, Ordering::SeqCst)
        {
            let mut all = bytes.to_vec();
            collect_rest(&mut client, &mut all);
            let meddling = match fault {
                Fault::Meddle => Some(format!("SET {} 1\r\n", Proxy::MEDDLED)),
                Fault::Commit => Some(format!("EVAL \"{COMMITTING}\" 0\r\n")),
                Fault::Forget => Some(format!("EVAL \"{FORGETTING}\" 0\r\n")),
                Fault::Lose | Fault::LoseAnswer | Fault::DeliverLate => None,
            };
            if let Some(meddling) = meddling {
                meddle(&server, &meddling);
                let _ = client.set_read_timeout(None);
                if server.write_all(&all).is_ok() {
                    continue;
                }
                break;
            }
            muted.store(true, Ordering::SeqCst);
            return break_down(fault, &client, server, &all);
        }
        if server.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// What the client sends until it waits for an answer.
fn collect_rest(client: &mut TcpStream, all: &mut Vec<u8>) {
    let _ = client.set_read_timeout(Some(Duration::from_millis(100)));
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        all.extend_from_slice(&buffer[..length]);
    }
}

const COMMITTING: &str = "redis.call('HSET', 'hoist:{ff}:specs', 'flag8', 'another') \
    redis.call('HINCRBY', 'hoist:{ff}', 'generation', 1) return {ok='OK'}";

/// Deletes all keys that expire.
const FORGETTING: &str = "for _, key in ipairs(redis.call('KEYS', '*')) do \
    if redis.call('PTTL', key) > 0 then redis.call('DEL', key) end end return {ok='OK'}";

fn meddle(server: &TcpStream, command: &str) {
    let address = server.peer_addr().expect("an address");
    let mut meddler = TcpStream::connect(address).expect("a connection");
    meddler.write_all(command.as_bytes()).expect("a command");
    let mut answer = [0; 5];
    meddler.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"+OK\r\n");
}

fn break_down(fault: Fault, client: &TcpStream, mut server: TcpStream, bytes: &[u8]) {
    if fault == Fault::LoseAnswer {
        // Hanging up earlier would let the client find that nothing has arrived yet.
        let _ = server.write_all(bytes);
        thread::sleep(Proxy::LATE);
    }
    let _ = client.shutdown(Shutdown::Both);
    if fault == Fault::DeliverLate {
        thread::sleep(Proxy::LATE);
        let _ = server.write_all(bytes);
        thread::sleep(Proxy::LATE);
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// A server that answers whatever it is sent with `answer` and hangs up; with no answer it stays
/// silent. Gives its port.
pub fn parrot(answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                let _ = client.read(&mut buffer);
                match answer {
                    Some(answer) => {
                        let _ = client.write_all(answer.as_bytes());
                        let _ = client.shutdown(Shutdown::Write);
                    }
                    None => thread::sleep(Duration::from_secs(60)),
                }
                // Hanging up with bytes unread would take the answer back.
                while let Ok(1..) = client.read(&mut buffer) {}
            });
        }
    });
    port
}
