//! The list of managed flags as a large commit leaves it, laid aside before its transaction.
//!
//! A hash of the commit's own takes a copy of the list and all that changes in it, in pieces, so that
//! the transaction only has to put it in the place of the other: a server that writes as many fields
//! within a transaction serves nobody else meanwhile. Each piece leaves a mark, by which the transaction
//! tells that all of them are there, and gives the hash an end of its own: whatever becomes of the commit,
//! nothing of it stays behind.

use std::time::Duration;

use ::redis::Value;

use crate::plan::Commit;
use crate::store::effects;
use crate::store::{Error, Moved};

use super::commands::PIECE;
use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// How long it waits for its commit. Records and history have to be sent meanwhile: 40 MB for 100,000 flags.
const LASTING: Duration = Duration::from_mins(15);

/// What a mark holds. Its name begins with a colon, which no flag has.
const LAID: &str = "laid";

/// What is on its way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Laid {
    /// None where the commit changes nothing of the list.
    pub pieces: usize,
    /// The number of answers to come.
    pub answers: usize,
}

/// What one piece does.
enum Piece<'a> {
    Set(&'a [(&'a str, &'a str)]),
    Remove(&'a [&'a str]),
}

impl Redis {
    /// Queues what lays the list aside. The server works on it while the rest is still being sent.
    pub(super) fn lay_aside(&self, wire: &mut Wire, commit: &Commit) -> Laid {
        let set: Vec<_> = effects::specs_set(commit).collect();
        let removed: Vec<_> = effects::specs_removed(commit).collect();
        let removing = removed.chunks(PIECE).map(Piece::Remove);
        let pieces = set.chunks(PIECE).map(Piece::Set).chain(removing);
        let key = self.names.aside(&commit.id);
        let mut laid = Laid::default();
        for piece in pieces {
            let mut commands = 0;
            let mut command = |wire: &mut Wire, words: &[&str]| {
                wire.command(words);
                commands += 1;
            };
            command(wire, &["MULTI"]);
            if laid.pieces == 0 {
                command(wire, &["HMGET", &self.names.meta, "lineage", "generation"]);
                // An earlier attempt may have left one.
                command(wire, &["UNLINK", &key]);
                command(wire, &["COPY", &self.names.specs, &key]);
            }
            laid.pieces += 1;
            let mark = format!(":{}", laid.pieces);
            if let Piece::Remove(flags) = piece {
                let words = ["HDEL", &key].into_iter().chain(flags.iter().copied());
                command(wire, &words.collect::<Vec<_>>());
            }
            let fields = match piece {
                Piece::Set(fields) => fields,
                Piece::Remove(_) => &[],
            };
            let fields = fields.iter().copied().chain([(&*mark, LAID)]);
            let words = fields.flat_map(|(name, value)| [name, value]);
            command(
                wire,
                &["HSET", &key].into_iter().chain(words).collect::<Vec<_>>(),
            );
            let lasting = LASTING.as_millis().to_string();
            command(wire, &["PEXPIRE", &key, &lasting]);
            command(wire, &["EXEC"]);
            laid.answers += commands;
        }
        wire.hand_over();
        laid
    }

    /// Takes the answers to [`Self::lay_aside`]: what the copy was made of must be what `commit` is for.
    pub(super) fn was_laid(
        &self,
        commit: &Commit,
        answers: Vec<Value>,
    ) -> Result<Vec<Moved>, Error> {
        if let Some(error) = first_refusal(&answers) {
            return Err(self.endpoint.refused(error));
        }
        let mut head = None;
        for answer in answers {
            if let Value::Array(results) = answer {
                if let Some(error) = first_refusal(&results) {
                    return Err(self.endpoint.refused(error));
                }
                head = head.or_else(|| results.into_iter().next());
            }
        }
        let Some(head) = head else {
            return Ok(Vec::new());
        };
        let [lineage, generation] = self.exactly(value::list(head).unwrap_or_default())?;
        let lineage = value::text(lineage);
        let generation = self.parse_generation(value::text(generation), lineage.is_some())?;
        Ok(effects::store_moved(commit, lineage.as_deref(), generation))
    }

    /// Takes away what was laid aside for a commit that is not to be, where the connection still works:
    /// else it expires. False where the connection is of no further use.
    pub(super) fn sweep(&self, wire: &mut Wire, commit: &Commit) -> bool {
        wire.command(&["UNLINK", &self.names.aside(&commit.id)]);
        wire.answers().is_ok()
    }
}
