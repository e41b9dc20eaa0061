//! A proxy that breaks off after a chosen byte of the conversation.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Both ends see the connection end.
    Close,
    /// Nothing arrives any more, and nobody hangs up.
    Stall,
}

/// Where the conversation ends: after so many bytes of one direction, over all connections.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub way: Way,
    pub after: usize,
    pub how: How,
    /// Whether connections that are made later work.
    pub heals: bool,
}

/// Between clients and a server, for as many conversations as one likes.
pub struct Cutter {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    happened: bool,
    /// Counts conversations: what is left of an earlier one no longer matters.
    conversation: usize,
    /// What went to the server, and what to the client.
    passed: [Vec<u8>; 2],
    /// Directions of connections that have not come to their end, over all conversations.
    open: usize,
}

impl Cutter {
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (conversation, is_later) = {
                    let state = lock(&shared);
                    if state.happened && state.cut.is_some_and(|cut| !cut.heals) {
                        continue;
                    }
                    (state.conversation, state.happened)
                };
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let _ = server.set_nodelay(true);
                let _ = client.set_nodelay(true);
                let ends = Ends {
                    client,
                    server,
                    conversation,
                    is_later,
                };
                lock(&shared).open += 2;
                for way in [Way::ToServer, Way::ToClient] {
                    let (ends, state) = (ends.twin(), Arc::clone(&shared));
                    thread::spawn(move || {
                        pass(&ends, way, &state);
                        lock(&state).open -= 1;
                    });
                }
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A new conversation, which is cut off in this way.
    pub fn arm(&self, cut: Option<Cut>) {
        let mut state = lock(&self.state);
        state.cut = cut;
        state.happened = false;
        state.conversation += 1;
        state.passed = Default::default();
    }

    /// Whether the conversation has come to where it is cut off.
    pub fn has_cut(&self) -> bool {
        lock(&self.state).happened
    }

    /// Waits until every connection has come to its end, on both sides. What a client sent before it
    /// died is still on its way to the server, and is carried out.
    pub fn settle(&self) {
        // Connections are taken in the order in which they were made: after this one, none is left.
        if let Ok(mut last) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = last.shutdown(Shutdown::Write);
            let _ = last.read_to_end(&mut Vec::new());
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while lock(&self.state).open > 0 {
            assert!(Instant::now() < deadline, "a connection does not end");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// What has passed since the conversation began, in one direction.
    pub fn passed(&self, way: Way) -> Vec<u8> {
        lock(&self.state).passed[way as usize].clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection through the proxy.
struct Ends {
    client: TcpStream,
    server: TcpStream,
    conversation: usize,
    /// Whether it was made after the conversation was cut off.
    is_later: bool,
}

impl Ends {
    fn twin(&self) -> Self {
        let twin = |stream: &TcpStream| stream.try_clone().expect("a second handle");
        Self {
            client: twin(&self.client),
            server: twin(&self.server),
            ..*self
        }
    }

    /// What was passed on still arrives before the end does.
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Write);
        let _ = self.server.shutdown(Shutdown::Write);
    }
}

fn pass(ends: &Ends, way: Way, state: &Mutex<State>) {
    let (mut from, mut to) = match way {
        Way::ToServer => (&ends.client, &ends.server),
        Way::ToClient => (&ends.server, &ends.client),
    };
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..length];
        let mut state = lock(state);
        if state.conversation != ends.conversation {
            break;
        }
        if state.happened && !ends.is_later {
            // Nothing passes any more on a connection that was open when it happened.
            continue;
        }
        let cut = state.cut.filter(|_| !ends.is_later);
        let passed = &mut state.passed[way as usize];
        let left = match cut {
            Some(cut) if cut.way == way => cut.after.saturating_sub(passed.len()),
            _ => usize::MAX,
        };
        let part = &bytes[..length.min(left)];
        passed.extend_from_slice(part);
        let happened = left <= length;
        state.happened |= happened;
        drop(state);
        let arrived = to.write_all(part).is_ok();
        if happened && cut.is_some_and(|cut| cut.how == How::Close) {
            ends.close();
        }
        if !arrived {
            break;
        }
    }
    ends.close();
}
