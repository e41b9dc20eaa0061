//! Noticing that a file has changed.

use std::thread;
use std::time::{Duration, Instant};

use crate::store::{Error, Heard, Listener};

use super::Sqlite;

/// How often a file is looked at. A look takes microseconds: SQLite counts the commits of others in
/// memory that all who have the file open share.
const TICK: Duration = Duration::from_millis(50);

/// Looks at a file again and again.
pub(in crate::store) struct Pulse {
    file: Sqlite,
    last: Option<i64>,
}

impl Pulse {
    pub fn new(file: Sqlite) -> Self {
        Self { file, last: None }
    }

    /// A number that is another one after every commit of another connection; none where there is
    /// nothing to read.
    fn version(&mut self) -> Result<Option<i64>, Error> {
        let Some(connection) = self.file.existing()? else {
            return Ok(None);
        };
        let version = connection.pragma_query_value(None, "data_version", |row| row.get(0));
        self.file.explained(version).map(Some)
    }
}

impl Listener for Pulse {
    fn begin(&mut self) -> Result<(), Error> {
        self.last = self.version()?;
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Heard, Error> {
        let end = Instant::now() + limit;
        loop {
            let version = self.version()?;
            if version != self.last {
                self.last = version;
                return Ok(Heard::Something);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Heard::Nothing);
            }
            thread::sleep(left.min(TICK));
        }
    }
}
