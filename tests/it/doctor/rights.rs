//! Users who may do too little, or far too much.

use hoist::store::rights::{FOR_THE_DOCTOR, Role, allowing};
use serde_json::Value;

use super::{World, findings, fixes, least};

#[test]
fn rights_are_found_and_mended() {
    let world = World::new(&[]);
    let more = allowing(&FOR_THE_DOCTOR);
    // Each right by itself: a trouble that the printed command ends.
    for lacking in Role::Sync.commands() {
        world.make_user(&format!("{} {more} -{lacking}", least()));
        let trouble = world.trouble(1);
        let rights = trouble.iter().find(|finding| finding["check"] == "rights");
        let rights = rights.unwrap_or_else(|| panic!("{lacking}: {trouble:#?}"));
        assert_eq!(rights["severity"], "error");
        assert!(
            rights["found"]
                .as_str()
                .expect("a text")
                .contains(&format!("+{lacking}")),
            "{rights:#?}"
        );
        world.mend(rights);
        assert_eq!(world.trouble(0), Vec::<Value>::new(), "{lacking}");
    }
    // Keys and the channel.
    for (rules, lacks) in [
        (least().replace("~ff:* ", ""), "~ff:*"),
        (
            least().replace("&hoist:{ff}:changes ", "resetchannels "),
            "&hoist:{ff}:changes",
        ),
    ] {
        world.make_user(&format!("{rules} {more}"));
        let trouble = world.trouble(1);
        let rights = trouble.iter().find(|finding| finding["check"] == "rights");
        let rights = rights.unwrap_or_else(|| panic!("{lacks}: {trouble:#?}"));
        assert!(
            rights["found"].as_str().expect("a text").contains(lacks),
            "{rights:#?}"
        );
        world.mend(rights);
        assert_eq!(world.trouble(0), Vec::<Value>::new(), "{lacks}");
    }
    // Roles with less are no trouble.
    for (role, besides, found) in [
        (Role::Operator, "", "may stop, restore and move flags"),
        (Role::Operator, "+scan", "may stop, restore and move flags"),
        (
            Role::Viewer,
            "",
            "may look at everything, and write nothing",
        ),
    ] {
        let rules = role.rules("ff").expect("a fine prefix");
        world.make_user(&format!("{rules} {more} {besides}"));
        let trouble = world.trouble(0);
        let rights = trouble.iter().find(|finding| finding["check"] == "rights");
        let rights = rights.unwrap_or_else(|| panic!("{role:?}: {trouble:#?}"));
        assert_eq!(rights["severity"], "note");
        assert!(
            rights["found"].as_str().expect("a text").contains(found),
            "{rights:#?}"
        );
    }
}

#[test]
fn too_many_rights_are_found_and_mended() {
    let world = World::new(&[]);
    world.make_user("+@all ~* &*");
    let trouble = world.the_trouble(0);
    assert_eq!(
        trouble["found"],
        "`hoist` may do far more than hoist needs: `FLUSHALL`, `CONFIG SET`, `ACL`, `keys of others`"
    );
    world.mend(&trouble);
    // What only the doctor takes is gone, too, and it says so.
    let trouble = world.trouble(0);
    assert!(
        trouble
            .iter()
            .all(|finding| finding["severity"] == "unknown"),
        "{trouble:#?}"
    );
    // The default user gets one of hoist's own.
    let open = world.server.tcp_url();
    let trouble = findings(&world.project, &["--store", &open], 0);
    let rights = trouble
        .iter()
        .find(|finding| finding["check"] == "rights")
        .expect("a finding");
    let (_, command) = fixes(rights).remove(0);
    world.run("ACL DELUSER hoist");
    world.run(&command.replace("PASSWORD", "pw"));
    world
        .project
        .expect(0, &["plan", "-q", "--exit-code", "--store", &world.url]);
}

#[test]
fn what_may_not_be_looked_at_is_said() {
    let world = World::new(&[]);
    world.make_user(&least());
    let trouble = world.trouble(0);
    for (check, right) in [
        ("server", "+info"),
        ("eviction", "+info"),
        ("memory", "+info"),
        ("expiry", "+pttl"),
        ("persistence", "+info"),
    ] {
        let finding = trouble.iter().find(|finding| finding["check"] == check);
        let finding = finding.unwrap_or_else(|| panic!("{check}: {trouble:#?}"));
        assert_eq!(finding["severity"], "unknown");
        assert_eq!(fixes(finding)[0].1, format!("ACL SETUSER hoist {right}"));
        world.mend(finding);
    }
    // What INFO says is enough here.
    assert_eq!(world.trouble(0), Vec::<Value>::new());
    world.run("CONFIG SET appendonly no");
    let trouble = world.the_trouble(0);
    assert_eq!(trouble["severity"], "unknown");
    assert_eq!(fixes(&trouble)[0].1, "ACL SETUSER hoist +config|get");
    world.mend(&trouble);
    assert_eq!(
        world.the_trouble(1)["found"],
        "nothing is kept on a disk: a restart loses all flags, stops and the history"
    );
}
