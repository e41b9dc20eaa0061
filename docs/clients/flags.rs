//! Reads the flags that hoist puts into Redis, with hoist's own client: it answers from memory, and
//! hears of every change.

use std::error::Error;
use std::time::Duration;

use hoist::client::{Client, Context};

/// A client that has read the flags once. Make one for the whole program.
pub fn connect(url: &str) -> Result<Client, Box<dyn Error>> {
    let client = Client::connect(url)?;
    client.wait_ready(Duration::from_secs(2))?;
    Ok(client)
}

/// What a page needs to know, all of it as of one moment.
pub fn search_page(client: &Client, user: &str, groups: &[&str]) -> (bool, i64, String) {
    let mut who = Context::user(user);
    for group in groups {
        who = who.with_group(*group);
    }
    let flags = client.flags();
    (
        flags.is_enabled("new_search", &who),
        flags.integer("page_size", 20, &who),
        flags.string("colour", "blue", &who).to_owned(),
    )
}
