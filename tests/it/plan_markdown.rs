//! `hoist plan --format markdown`: what a reviewer reads on a pull request.

use crate::support::program::Project;

const BEFORE: &str = "flags:
  gone: { enabled: true, expires: never }
  new_search:
    description: Route search traffic
    owner: search-team
    enabled: true
    percentage: 10
    expires: never
  pricing_page:
    enabled: true
    expires: never
    variants: { control: 34, higher_price: 33, lower_price: 33 }
  stays: { enabled: true, expires: never }
";

const AFTER: &str = "flags:
  born:
    description: \"</details> @everyone | [x](javascript:alert(1)) #1 `tick` <script>\"
    owner: \"| evil |\"
    enabled: true
    percentage: 1
    allowed_groups: [\"```\", \"a|b\"]
    expires: never
  new_search:
    description: Route all search traffic
    owner: ranking-team
    enabled: true
    percentage: 85
    expires: never
  pricing_page:
    enabled: true
    expires: never
    variants: { higher_price: 33, control: 34, lower_price: 33 }
  stays: { enabled: true, expires: never }
";

fn project() -> Project {
    let project = Project::with_flags(BEFORE);
    project.write(
        "hoist.toml",
        "[environments.development]\nstore = \"sqlite:flags.db\"\nmax_moved = 50\n",
    );
    project.expect(0, &["apply", "--allow-moved"]);
    project.expect(0, &["kill", "stays", "--reason", "@ana: errors | #12"]);
    project.write("flags/flags.yaml", AFTER);
    project
}

fn markdown(project: &Project, args: &[&str]) -> String {
    let all = [&["plan", "-q", "--format", "markdown"], args].concat();
    project.expect(0, &all).stdout
}

#[test]
fn a_reviewer_sees_risks_first() {
    let links = "https://github.com/acme/shop/blob/4f1c2ad";
    let document = markdown(&project(), &["--links", links]);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"since \d{4}-\d\d-\d\d \d\d:\d\d UTC", "since [time]");
    settings.bind(|| insta::assert_snapshot!("plan_markdown", document));
}

/// What is neither in a block of code nor between backticks.
fn outside_of_code(document: &str) -> String {
    let mut outside = String::new();
    let mut fence: Option<&str> = None;
    for line in document.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 => fence = Some(ticks),
            None => {
                outside += line;
                outside.push('\n');
            }
        }
    }
    let mut rest = outside.replace("\\`", "'");
    let mut text = String::new();
    while let Some(at) = rest.find('`') {
        text += &rest[..at];
        let length = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let behind = rest[at + length..].split_once(&"`".repeat(length));
        rest = behind.expect("an end").1.to_owned();
    }
    text + &rest
}

#[test]
fn nothing_of_others_means_anything() {
    let document = markdown(&project(), &[]);
    let outside = outside_of_code(&document);
    for evil in ["@everyone", "@ana", "#12", "<script", "](java"] {
        assert!(!outside.contains(evil), "{evil} in {document}");
    }
    // The one that folds the details, and no other.
    assert_eq!(outside.matches("</details>").count(), 1, "{document}");
    assert!(!document.contains("](http"), "{document}");
}

#[test]
fn ci_systems_say_where_files_are() {
    for (variables, link) in [
        (
            [
                ("GITHUB_SERVER_URL", "https://github.example.com"),
                ("GITHUB_REPOSITORY", "acme/shop"),
                ("GITHUB_SHA", "4f1c"),
            ],
            "(https://github.example.com/acme/shop/blob/4f1c/flags/flags.yaml#L2)",
        ),
        (
            [
                ("CI_PROJECT_URL", "https://gitlab.example.com/acme/shop"),
                ("CI_COMMIT_SHA", "4f1c"),
                ("GITHUB_SHA", ""),
            ],
            "(https://gitlab.example.com/acme/shop/-/blob/4f1c/flags/flags.yaml#L2)",
        ),
    ] {
        let project = variables
            .iter()
            .fold(project(), |project, (name, value)| project.env(name, value));
        let document = markdown(&project, &[]);
        assert!(document.contains(link), "{link} in {document}");
    }
}

#[test]
fn a_comment_is_never_too_long() {
    let mut flags = String::from("flags:\n");
    for number in 0..3000 {
        flags += &format!("  flag_{number:04}: {{ owner: web, enabled: true, expires: never }}\n");
    }
    let project = Project::with_flags(&flags);
    project.write(
        "hoist.toml",
        "[environments.a]\nstore = \"sqlite:a.db\"\n[environments.b]\nstore = \"sqlite:b.db\"\nprefix = \"b\"\n[environments.away]\nstore = \"redis://127.0.0.1:1\"\n",
    );
    let one = markdown(&project, &["--env", "a"]);
    assert!((55_000..65_000).contains(&one.len()), "{}", one.len());
    let counted = one
        .lines()
        .filter(|line| line.starts_with("… and "))
        .count();
    assert_eq!(counted, 2, "table and details: {one}");
    assert!(one.ends_with("</details>\n"));
    let all = ["plan", "-q", "--format", "markdown", "--all-envs"];
    let all = project.expect(2, &all).stdout;
    assert!((25_000..65_000).contains(&all.len()), "{}", all.len());
    assert_eq!(all.matches("\n### Plan for ").count() + 1, 2, "{all}");
    assert!(
        all.contains("\n**3 environments:** 2 with changes, 1 failed\n\n- `a`: 3000 to create"),
        "{all}"
    );
    assert!(
        all.contains("\n- `away`: failed: cannot connect to "),
        "{all}"
    );
}

#[test]
fn nothing_to_change_is_a_line() {
    let project =
        Project::with_flags("flags:\n  a: { enabled: true, percentage: 1, expires: never }\n");
    project.expect(0, &["apply"]);
    assert_eq!(
        markdown(&project, &[]),
        "### Plan for `development`: nothing to change; 1 unchanged\n\n`sqlite:.hoist/flags.db` (prefix `ff`, generation 1)\n\n"
    );
}
