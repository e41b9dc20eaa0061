//! The page for people: what the flags of this environment do, who changed them, and what a user would
//! get. Read-only, written out here, and of use without a script.

mod draw;
mod flag;
mod html;
mod list;
mod past;
mod view;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{self, HeaderName, HeaderValue};
use jiff::Zoned;

use super::State;
use super::body::{Answer, answer};
use super::route::decoded;
use crate::client::{self, Context, Flags};
use crate::report::words;

use html::Html;

pub(super) use past::Kept;
use past::Past;
pub use past::ReadHistory;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// Nothing but the files of this server, and no frame around it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// What of the page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'p> {
    List,
    Flag(&'p str),
    Style,
    Script,
}

impl<'p> Part<'p> {
    pub fn of(path: &'p str) -> Option<Self> {
        Some(match path {
            "/" => Self::List,
            "/page.css" => Self::Style,
            "/page.js" => Self::Script,
            _ => Self::Flag(
                path.strip_prefix("/flags/")
                    .filter(|key| !key.contains('/'))?,
            ),
        })
    }
}

/// Everything that a page is made of.
struct Scene<'s> {
    state: &'s State,
    flags: Arc<Flags>,
    past: Arc<Past>,
    query: Query,
    /// Seconds since the epoch.
    now: f64,
    today: jiff::civil::Date,
}

/// What somebody has typed into the forms.
#[derive(Debug, Default, PartialEq)]
struct Query {
    /// Words to look for.
    words: String,
    /// What flags do that are shown.
    doing: String,
    user: String,
    groups: String,
    /// From 1.
    page: usize,
}

impl Query {
    fn read(query: &str) -> Self {
        let mut read = Self {
            page: 1,
            ..Self::default()
        };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(value) = decoded(&value.replace('+', " ")) else {
                continue;
            };
            match name {
                "q" => read.words = value,
                "show" => read.doing = value,
                "user" => read.user = value,
                "groups" => read.groups = value,
                "page" => read.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        read
    }

    /// The same query, at another page, and without what is empty.
    fn at(&self, page: usize) -> String {
        let page = match page {
            1 => String::new(),
            page => page.to_string(),
        };
        let pairs = [
            ("q", &self.words),
            ("show", &self.doing),
            ("user", &self.user),
            ("groups", &self.groups),
            ("page", &page),
        ];
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={}", html::encoded(value)))
            .collect();
        match pairs.is_empty() {
            true => String::new(),
            false => format!("?{}", pairs.join("&")),
        }
    }

    /// Who is asked about; none where nobody is.
    fn context(&self) -> Option<Context> {
        let groups = self.groups.split(',').map(str::trim);
        let groups: Vec<&str> = groups.filter(|group| !group.is_empty()).collect();
        let user = self.user.trim();
        if user.is_empty() && groups.is_empty() {
            return None;
        }
        let context = match user {
            "" => Context::nobody(),
            user => Context::user(user),
        };
        Some(context.with_groups(groups))
    }
}

/// Shows a part of the page.
pub(super) async fn show(state: &Arc<State>, part: Part<'_>, query: &str) -> Answer {
    let mut answer = match part {
        Part::Style => answer(StatusCode::OK, CSS, include_str!("page/page.css")),
        Part::Script => answer(StatusCode::OK, SCRIPT, include_str!("page/page.js")),
        Part::List => written(state, query, None).await,
        Part::Flag(key) => written(state, query, Some(decoded(key).unwrap_or_default())).await,
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ] {
        headers.insert(name, value);
    }
    answer
}

async fn written(state: &Arc<State>, query: &str, key: Option<String>) -> Answer {
    let (state, query) = (Arc::clone(state), Query::read(query));
    // Reading the history, and a page of many flags, take longer than others should wait.
    let page = tokio::task::spawn_blocking(move || {
        let flags = state.client.flags();
        let past = match &state.options.history {
            Some(read) => state.past.at(flags.generation(), read),
            None => Arc::default(),
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let scene = Scene {
            state: &state,
            flags,
            past,
            query,
            now: since.unwrap_or(Duration::ZERO).as_secs_f64(),
            today: Zoned::now().date(),
        };
        match key {
            None => (StatusCode::OK, list::page(&scene)),
            Some(key) => flag::page(&scene, &key),
        }
    });
    match page.await {
        Ok((status, page)) => answer(status, HTML, page),
        Err(_) => super::body::failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the page could not be written",
        ),
    }
}

/// A whole page around what `live` writes, which is replaced whenever flags have changed.
fn frame(
    scene: &Scene<'_>,
    title: &str,
    form: impl FnOnce(&mut Html),
    live: impl FnOnce(&mut Html),
) -> String {
    let options = &scene.state.options;
    let mut html = Html::default();
    html.raw("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
        .text(format_args!("{title} · {}", options.environment))
        .raw("</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/page.css\">")
        .raw("<script src=\"/page.js\" defer></script></head><body>")
        .raw("<a class=\"skip\" href=\"#live\">To the flags</a><header><h1>")
        .text(title)
        .raw("</h1>");
    html.element(
        "p",
        "dim",
        format_args!("{} by {}", options.environment, options.origin),
    );
    form(&mut html);
    html.raw("<p id=\"away\" class=\"notice\" role=\"status\" hidden>")
        .raw("The connection to the server is lost: what is shown may have changed.</p></header>")
        .raw("<main id=\"live\" tabindex=\"-1\"")
        .attribute("data-mark", super::ofrep::mark(&scene.flags))
        .raw(">");
    notice(scene, &mut html);
    live(&mut html);
    html.raw("</main></body></html>\n");
    html.finish()
}

/// Says so where the flags may not be those of the store.
fn notice(scene: &Scene<'_>, html: &mut Html) {
    let said = match scene.state.client.state() {
        client::State::Ready => return,
        client::State::NotReady { error } => match error {
            Some(error) => format!("Nothing has been read yet: {error}"),
            None => "Nothing has been read yet".to_owned(),
        },
        client::State::Stale { since, error } => {
            let since = since.duration_since(SystemTime::UNIX_EPOCH);
            let since = words::time(since.unwrap_or_default().as_secs_f64());
            format!("As of {}: {error}", since.unwrap_or_default())
        }
    };
    html.raw("<p class=\"notice\" role=\"alert\">")
        .text(said)
        .raw("</p>");
}

/// Fields to ask what a user would get.
fn fields_of_user(scene: &Scene<'_>, html: &mut Html) {
    html.raw("<label>What would this user get?<input name=\"user\" autocomplete=\"off\"")
        .attribute("value", &scene.query.user)
        .raw("></label><label>who is in the groups<input name=\"groups\" autocomplete=\"off\" placeholder=\"a, b\"")
        .attribute("value", &scene.query.groups)
        .raw("></label><button>Show</button></form>");
}

/// What a user would get, and why.
fn answer_for(scene: &Scene<'_>, view: &view::View<'_>, html: &mut Html) {
    let Some(context) = scene.query.context() else {
        return;
    };
    let view::Kind::Fine { record, .. } = &view.kind else {
        return;
    };
    let groups: Vec<&str> = context.groups().iter().map(|group| &**group).collect();
    let explained = crate::eval::Explained::new(view.key, record, None, context.user_id(), &groups);
    html.raw("<p class=\"gets\">gets <span class=\"answer\">");
    match &explained.variant {
        Some(variant) => html.text(format_args!("{variant} = {}", explained.value)),
        None => html.text(&explained.value),
    };
    html.raw("</span> <span class=\"why\">")
        .text(&explained.why)
        .raw("</span></p>");
}

/// The picture of who gets a flag.
fn picture(view: &view::View<'_>, html: &mut Html) {
    let view::Kind::Fine {
        evaluator, rollout, ..
    } = &view.kind
    else {
        return;
    };
    let is_on = evaluator.is_enabled();
    html.raw("<div class=\"picture\">");
    if let Some(rollout) = rollout {
        draw::ramp(html, rollout, is_on);
    } else if evaluator.control().is_some() {
        let variants = evaluator.variants().map(|(name, _, end)| (name, end));
        draw::variants(html, variants, is_on);
        if evaluator.share() != crate::model::Percent::HUNDRED {
            draw::share(html, evaluator.share(), is_on);
        }
    } else {
        draw::share(html, evaluator.share(), is_on);
    }
    html.raw("</div>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_and_written() {
        let query =
            Query::read("q=new+search&show=rollout&user=a%26b&groups=x%2C+y&page=3&other=1");
        let expected = Query {
            words: "new search".to_owned(),
            doing: "rollout".to_owned(),
            user: "a&b".to_owned(),
            groups: "x, y".to_owned(),
            page: 3,
        };
        assert_eq!(query, expected);
        assert_eq!(Query::read(query.at(3).trim_start_matches('?')), expected);
        assert_eq!(Query::read("page=0&q=%ff").at(1), "");
        let context = Context::user("a&b").with_groups(["x", "y"]);
        assert_eq!(expected.context(), Some(context));
        assert_eq!(Query::read("user=+&groups=,").context(), None);
    }

    #[test]
    fn paths_lead_to_parts() {
        for (path, part) in [
            ("/", Some(Part::List)),
            ("/page.css", Some(Part::Style)),
            ("/flags/new_search", Some(Part::Flag("new_search"))),
            ("/flags/a/b", None),
            ("/flags", None),
        ] {
            assert_eq!(Part::of(path), part, "{path}");
        }
    }
}
