//! Waiting for replicas.

use crate::store::Error;

use super::{Redis, value};

impl Redis {
    /// Waits until as many replicas as were asked for have everything that was written over this
    /// connection, the commit of `generation` at last; gives how many have it.
    ///
    /// It must be the connection that committed, or one that wrote after it: a server counts what
    /// each client wrote.
    pub(super) fn wait(&mut self, generation: u64) -> Result<usize, Error> {
        let wanted = self.options.wait_replicas;
        let (within, store) = (self.options.timeout, self.endpoint.store());
        let unsure = |reason: String| Error::Replication {
            store,
            generation,
            wanted,
            reason,
        };
        let Some(mut wire) = self.wire.take() else {
            return Err(unsure("the connection is gone".to_owned()));
        };
        let millis = within.as_millis().max(1).to_string();
        wire.command(&["WAIT", &wanted.to_string(), &millis]);
        // The server takes the time that it is given: its answer comes after that.
        let answers = wire
            .allow(2 * within)
            .and_then(|()| wire.good_answers())
            .and_then(|answers| wire.allow(within).map(|()| answers));
        let answer = answers.map_err(|error| match error {
            Error::Disconnected { .. } | Error::Timeout { .. } => {
                "the connection was lost".to_owned()
            }
            other => other.to_string(),
        });
        let confirmed = match answer {
            Ok(answers) => answers.first().and_then(value::integer),
            Err(reason) => return Err(unsure(reason)),
        };
        let confirmed = confirmed.and_then(|count| usize::try_from(count).ok());
        let confirmed = confirmed.unwrap_or_default();
        self.wire = Some(wire);
        if confirmed < wanted {
            let have = if confirmed == 1 { "has" } else { "have" };
            let seconds = within.as_secs_f64();
            return Err(unsure(format!("{confirmed} {have} it after {seconds} s")));
        }
        Ok(confirmed)
    }
}
