//! All flags, one below the other.

use super::html::{Html, encoded};
use super::view::{Doing, View};
use super::{Scene, answer_for, fields_of_user, frame, picture};
use crate::report::words;

/// Flags of one page.
const FLAGS: usize = 100;

pub(super) fn page(scene: &Scene<'_>) -> String {
    frame(
        scene,
        "Feature flags",
        |html| form(scene, html),
        |html| live(scene, html),
    )
}

fn form(scene: &Scene<'_>, html: &mut Html) {
    html.raw("<form method=\"get\" action=\"/\" role=\"search\"><label>Search")
        .raw("<input type=\"search\" name=\"q\" autocomplete=\"off\" placeholder=\"key, description, owner, tag\"")
        .attribute("value", &scene.query.words)
        .raw("></label><label>Show<select name=\"show\"><option value=\"\">all</option>");
    for doing in Doing::ALL {
        option(html, doing.as_str(), &scene.query.doing);
    }
    option(html, EXPIRED, &scene.query.doing);
    html.raw("</select></label>");
    fields_of_user(scene, html);
}

const EXPIRED: &str = "expired";

fn option(html: &mut Html, name: &'static str, chosen: &str) {
    html.raw("<option");
    if name == chosen {
        html.raw(" selected");
    }
    html.raw(">").text(name).raw("</option>");
}

fn live(scene: &Scene<'_>, html: &mut Html) {
    let query = &scene.query;
    let words = query.words.to_lowercase();
    let doing = Doing::named(&query.doing);
    let mut keys: Vec<&str> = scene.flags.iter().map(|flag| flag.key()).collect();
    keys.sort_unstable();
    let views = keys
        .into_iter()
        .filter_map(|key| scene.flags.get(key))
        .map(View::new);
    let found: Vec<View<'_>> = views
        .filter(|view| view.matches(&words))
        .filter(|view| doing.is_none_or(|doing| view.doing() == doing))
        .filter(|view| query.doing != EXPIRED || view.is_expired(scene.today))
        .collect();
    let pages = found.len().div_ceil(FLAGS).max(1);
    let page = query.page.min(pages);
    html.raw("<p class=\"dim\" role=\"status\">")
        .text(format_args!(
            "{} of {} flags",
            found.len(),
            scene.flags.len()
        ))
        .raw("</p><ul class=\"flags\">");
    for view in found.iter().skip((page - 1) * FLAGS).take(FLAGS) {
        item(scene, view, html);
    }
    html.raw("</ul>");
    if pages > 1 {
        html.raw("<nav aria-label=\"Pages\"><p>");
        if page > 1 {
            link(html, &format!("/{}", query.at(page - 1)), "Before");
        }
        html.text(format_args!(" page {page} of {pages} "));
        if page < pages {
            link(html, &format!("/{}", query.at(page + 1)), "Next");
        }
        html.raw("</p></nav>");
    }
}

fn link(html: &mut Html, to: &str, text: &str) {
    html.raw("<a")
        .attribute("href", to)
        .raw(">")
        .text(text)
        .raw("</a>");
}

fn item(scene: &Scene<'_>, view: &View<'_>, html: &mut Html) {
    html.raw("<li><div class=\"key\">");
    let people = super::Query {
        user: scene.query.user.clone(),
        groups: scene.query.groups.clone(),
        ..super::Query::default()
    };
    link(
        html,
        &format!("/flags/{}{}", encoded(view.key), people.at(1)),
        view.key,
    );
    badges(scene, view, html);
    html.raw("</div>");
    picture(view, html);
    html.element("p", "what", view.state(scene.now));
    if let Some(description) = &view.description {
        html.element("p", "", description);
    }
    answer_for(scene, view, html);
    meta(scene, view, html);
    html.raw("</li>");
}

pub(super) fn badges(scene: &Scene<'_>, view: &View<'_>, html: &mut Html) {
    let doing = view.doing().as_str();
    html.raw("<span")
        .attribute("class", format_args!("badge {doing}"))
        .raw(">")
        .text(doing)
        .raw("</span>");
    if view.is_expired(scene.today) {
        html.element("span", "badge expired", "expired");
    }
}

/// Owner, expiry and last change, as far as they are known.
fn meta(scene: &Scene<'_>, view: &View<'_>, html: &mut Html) {
    let owner = view.owner.as_ref().map(|owner| format!("owner {owner}"));
    let expires = view.expires.as_ref().map(|expires| match expires.as_str() {
        "never" => "never expires".to_owned(),
        date => format!("expires {date}"),
    });
    let changed = scene.past.last(view.key).map(|entry| {
        let time = words::time(entry.at).unwrap_or_default();
        let actor = entry.actor.as_ref().map(|actor| format!(" by {actor}"));
        format!("{} {time}{}", entry.source, actor.unwrap_or_default())
    });
    let tags = (!view.tags.is_empty()).then(|| view.tags.join(", "));
    let parts: Vec<String> = [owner, expires, changed, tags]
        .into_iter()
        .flatten()
        .collect();
    if !parts.is_empty() {
        html.element("p", "meta", parts.join(" · "));
    }
}
