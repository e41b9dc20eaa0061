//! A web application whose handlers ask for flags. Who asks stands in the headers `X-User-ID` and
//! `X-User-Groups`, which a gateway in front of it sets.
//!
//! ```sh
//! hoist apply
//! cargo run --example axum --features middleware -- sqlite:.hoist/flags.db
//! curl -H 'X-User-ID: ana' -H 'X-User-Groups: employees' 'localhost:3000/search?q=shoes'
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program says where it listens"
)]

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use hoist::client::{self, Client};
use hoist::middleware::{FlagsLayer, RequestFlags};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Search {
    q: String,
}

/// Two ways to search; which one is for the flag to say.
async fn search(flags: RequestFlags, Query(search): Query<Search>) -> Json<Value> {
    let by = if flags.is_enabled("new_search") {
        "the new ranking"
    } else {
        "the old ranking"
    };
    Json(json!({"q": search.q, "found_by": by}))
}

/// An experiment: the variant goes into the statistics along with the price.
async fn price(flags: RequestFlags) -> Json<Value> {
    let details = flags.string_details("pricing_page", "control");
    let price = match details.value {
        "higher_price" => 12,
        "lower_price" => 8,
        _ => 10,
    };
    Json(json!({"price": price, "variant": details.variant, "reason": details.reason.as_str()}))
}

/// An application that answers from memory is fit to serve even while the store is away.
async fn health(State(client): State<Client>) -> impl IntoResponse {
    match client.state() {
        client::State::NotReady { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        client::State::Stale { .. } => (StatusCode::OK, "stale"),
        client::State::Ready => (StatusCode::OK, "ready"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let store = args.next().unwrap_or("redis://localhost:6379".to_owned());
    let address = args.next().unwrap_or("127.0.0.1:3000".to_owned());

    let client = Client::connect(store)?;
    // Without flags there are defaults, so that this is no reason not to start.
    if let Err(late) = client.wait_ready(Duration::from_secs(2)) {
        eprintln!("{late}");
    }
    let app = Router::new()
        .route("/search", get(search))
        .route("/price", get(price))
        .layer(FlagsLayer::new(client.clone()))
        .route("/health", get(health))
        .with_state(client);
    let listener = TcpListener::bind(address).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
