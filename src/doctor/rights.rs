//! What the user may do, and what it should.

use super::facts::{Extent, Rights};
use super::words::{list, quoted};
use super::{Finding, Level};

const CHECK: &str = "rights";
/// The user that commands make where there is none but the default one.
const NEW_USER: &str = "hoist";

/// Too few, too many, or just what it takes.
pub(super) fn examine(rights: &Rights) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = rights.user.as_deref().unwrap_or("default");
    let lacking = rights.lacking.join(" ");
    let new = |level, found: String| Finding::new(CHECK, level, found);
    match rights.extent {
        Extent::All => {}
        Extent::Operating => findings.push(new(
            Level::Note,
            format!("`{name}` may stop, restore and move flags, and not apply"),
        )),
        Extent::Looking => findings.push(new(
            Level::Note,
            format!("`{name}` may look at everything, and write nothing"),
        )),
        Extent::Part => findings.push(
            new(Level::Error, format!("`{name}` lacks {lacking}"))
                .redis(format!("ACL SETUSER {} {lacking}", quoted(name))),
        ),
    }
    if !rights.beyond.is_empty() {
        findings.push(too_many(rights));
    }
    if findings.is_empty() {
        let found = format!("`{name}` may do what hoist does, and nothing far beyond it");
        findings.push(new(Level::Ok, found));
    }
    findings
}

fn too_many(rights: &Rights) -> Finding {
    let beyond = list(&rights.beyond);
    let advice = "SECURITY.md has the least rights of each role";
    match rights.user.as_deref().filter(|user| *user != "default") {
        Some(user) => Finding::new(
            CHECK,
            Level::Warning,
            format!("`{user}` may do far more than hoist needs: {beyond}"),
        )
        .advise(advice)
        .redis(format!(
            "ACL SETUSER {} resetkeys resetchannels -@all {}",
            quoted(user),
            rights.rules
        )),
        None => Finding::new(
            CHECK,
            Level::Warning,
            format!("the default user may do far more than hoist needs: {beyond}"),
        )
        .advise(format!(
            "with a password of your own; then {NEW_USER}:PASSWORD@ stands before the host of the store. {}",
            advice
        ))
        .redis(format!("ACL SETUSER {NEW_USER} on >PASSWORD {}", rights.rules)),
    }
}
