//! The contract of flag files: compiles `schema/flags.schema.json` and turns what it finds into
//! diagnostics at the exact key or value, in words a person would use.

use crate::diagnostic::{Diagnostic, FileId};
use crate::yaml::{NodeId, Tree};

/// The schema, as `hoist schema` prints it.
pub const SCHEMA: &str = include_str!("../schema/flags.schema.json");

/// Validates one document. Diagnostics carry the rules `schema` and `unknown-field`.
#[must_use]
pub fn validate(_file: FileId, _tree: &Tree<'_>, _document: NodeId) -> Vec<Diagnostic> {
    todo!()
}
