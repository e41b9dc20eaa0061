//! The contract of flag files: compiles `schema/flags.schema.json` and turns what it finds into
//! diagnostics at the exact key or value, in words a person would use.
//!
//! What the schema says about fields that exclude each other, and about values of mixed types, is
//! there for editors: rules report it in better words, so it is left out here.

mod explain;
mod key;
mod place;
mod value;
mod view;
mod words;

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::diagnostic::{Diagnostic, FileId, Location};
use crate::yaml::{NodeId, Tree};
use explain::Explainer;
use view::{Arena, View};

/// The schema, as `hoist schema` prints it.
pub const SCHEMA: &str = include_str!("../schema/flags.schema.json");

/// Rule of what the schema does not allow.
const RULE: &str = "schema";
/// Rule of a field that does not exist.
const UNKNOWN: &str = "unknown-field";
/// Rule of a number that readers of YAML disagree about.
const AMBIGUOUS: &str = "ambiguous-number";
/// What has at most three decimals. The published schema does not say so: most readers of it reckon in floating
/// point, where 6.6 is no multiple of 0.001, and an editor would mark what is right.
const NUMBERS_IN_PERCENT: [&str; 2] = ["/$defs/percent", "/$defs/variant"];
const THOUSANDTH: f64 = 0.001;
/// Mistakes shown of one document: a file made of mistakes alone must not fill the memory.
const LIMIT: usize = 1000;

/// The schema as data, and ready to validate with.
struct Contract {
    schema: Value,
    validator: Validator<Arena>,
}

static CONTRACT: LazyLock<Result<Contract, String>> = LazyLock::new(compile);

fn compile() -> Result<Contract, String> {
    let mut schema: Value = serde_json::from_str(SCHEMA).map_err(|error| error.to_string())?;
    for number in NUMBERS_IN_PERCENT {
        if let Some(Value::Object(number)) = schema.pointer_mut(number) {
            number.insert("multipleOf".to_owned(), THOUSANDTH.into());
        }
    }
    let validator = jsonschema::options_for::<Arena>()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| error.to_string())?;
    Ok(Contract { schema, validator })
}

/// Validates one document. Diagnostics carry the rules `schema`, `unknown-field` and, as a warning,
/// `ambiguous-number`, in the order of the file.
#[must_use]
pub fn validate(file: FileId, tree: &Tree<'_>, document: NodeId) -> Vec<Diagnostic> {
    let contract = match &*CONTRACT {
        Ok(contract) => contract,
        Err(error) => {
            let location = Location {
                file,
                span: tree.span(document),
            };
            let message = format!("the built-in schema does not compile: {error}");
            return vec![Diagnostic::new(RULE, location, message)];
        }
    };
    let view = View::new(tree);
    let valid = contract.validator.is_valid(view.node(document));
    if valid && view.ambiguous().is_empty() {
        return Vec::new();
    }
    let mut explainer = Explainer::new(file, tree, document, &contract.schema);
    if !valid {
        for error in contract.validator.iter_errors(view.node(document)) {
            explainer.mistake(&error);
        }
    }
    explainer.ambiguous_numbers(&view.ambiguous());
    explainer.finish(view.is_cut_short())
}

#[cfg(test)]
mod tests;
