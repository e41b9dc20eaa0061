//! The least that it can take: wait for a file to be moved into a folder, read it, and send one SET.

use std::io;
use std::path::Path;

use inotify::{Inotify, WatchMask};

use crate::resp::Client;

/// Goes on until it is killed.
pub fn run(folder: &Path, address: &str) -> io::Result<()> {
    let mut inotify = Inotify::init()?;
    inotify.watches().add(folder, WatchMask::MOVED_TO)?;
    let mut client = Client::connect(address)?;
    client.set("least:probe", "")?;
    let mut buffer = [0; 4096];
    loop {
        for event in inotify.read_events_blocking(&mut buffer)? {
            if let Some(name) = event.name {
                let text = std::fs::read_to_string(folder.join(name))?;
                client.set("least:probe", &text)?;
            }
        }
    }
}
