//! `hoist serve`

mod files;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::SIGHUP;
use tokio::runtime::Runtime;
use tokio::time::sleep;
use tracing_subscriber::filter::LevelFilter;

use super::signals::Interrupt;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Global, Serve as Args};
use crate::client::Client;
use crate::config::Environment;
use crate::report::text::visible;
use crate::server::{
    Changes, Identity, Limits, Options, Origins, ReadHistory, Reloader, Server, Tokens,
};
use crate::store;

/// How often files and signals are looked at.
const TICK: Duration = Duration::from_millis(50);
const RELOAD: Duration = Duration::from_secs(1);

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environment = workspace.environment()?;
    log(global);
    let changes = Changes::default();
    let source = if args.files {
        Source {
            client: files::serve(&workspace, environment, args.watch, &changes, colors)?,
            origin: "the flag files".to_owned(),
            history: None,
        }
    } else {
        of_store(&workspace, environment, args, &changes)?
    };
    let client = source.client.clone();
    let options = options(args, &environment.name, source)?;
    if !global.quiet {
        warn(args);
    }
    let interrupt = Interrupt::listen()?;
    let runtime = Runtime::new()
        .map_err(|error| Failure::impossible("cannot start threads").because(error))?;
    runtime.block_on(serve(args, client, &changes, options, interrupt))?;
    // Nothing that still runs has anything to finish.
    runtime.shutdown_background();
    Ok(Ending::Done)
}

/// Where flags come from.
struct Source {
    client: Client,
    /// For people.
    origin: String,
    history: Option<Box<ReadHistory>>,
}

async fn serve(
    args: &Args,
    client: Client,
    changes: &Changes,
    options: Options,
    interrupt: Interrupt,
) -> Result<(), Failure> {
    let scheme = match options.identity {
        Some(_) => "https",
        None => "http",
    };
    let what = format!("{} by {}", options.environment, options.origin);
    let bound = Server::bind(args.listen, client, changes, options).await;
    let cannot = |error: io::Error| {
        Failure::impossible(format!("cannot listen at {}", args.listen))
            .because(error)
            .hint("`--listen ADDRESS` names another place, such as 127.0.0.1:0 for any free port")
    };
    let server = bound.map_err(cannot)?;
    let address = server.address().map_err(cannot)?;
    print(|out| writeln!(out, "Serving {} on {scheme}://{address}", visible(&what)))?;
    tokio::spawn(reload(server.reloader()));
    server
        .run(async {
            while !interrupt.is_asked() {
                sleep(TICK).await;
            }
        })
        .await;
    Ok(())
}

/// Reads tokens and certificate anew once they have changed, or somebody asks for it.
async fn reload(reloader: Reloader) {
    let asked = Arc::new(AtomicBool::new(false));
    // Without it the files are still looked at.
    let _ = signal_hook::flag::register(SIGHUP, Arc::clone(&asked));
    let reloader = Arc::new(reloader);
    // The same mistake is told once.
    let mut told = String::new();
    loop {
        sleep(RELOAD).await;
        let (force, reloader) = (asked.swap(false, Ordering::SeqCst), Arc::clone(&reloader));
        let done = tokio::task::spawn_blocking(move || reloader.reload(force));
        for read in done.await.unwrap_or_default() {
            let said = match read {
                Ok(file) => format!("read `{}` anew", file.display()),
                Err(error) => format!("{error}; what was read before still counts"),
            };
            if said != told || force {
                tell(&said);
                told = said;
            }
        }
    }
}

/// Says something on standard error.
fn tell(what: &str) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(io::stderr(), "{}", visible(what));
}

fn of_store(
    workspace: &Workspace<'_>,
    environment: &Environment,
    args: &Args,
    changes: &Changes,
) -> Result<Source, Failure> {
    let (url, options) = workspace.address(environment)?;
    let past = store::Options {
        // Whoever looks at the page sees what is wrong.
        on_wait: |_| (),
        ..options.clone()
    };
    let past = Mutex::new(store::open(&url, &environment.prefix, &past)?);
    let client = Client::builder(&url)
        .prefix(&environment.prefix)
        .options(options)
        .check_every(args.check_every)
        .on_change(changes.teller())
        .connect();
    match client {
        Ok(client) => Ok(Source {
            client,
            origin: store::shown(&url),
            history: Some(Box::new(move |limit| {
                let mut past = past.lock().unwrap_or_else(PoisonError::into_inner);
                past.history(limit).map_err(|error| error.to_string())
            })),
        }),
        Err(crate::client::Error::Store(error)) => Err(error.into()),
        Err(error @ crate::client::Error::Thread(_)) => {
            Err(Failure::impossible("cannot follow the store").because(error))
        }
    }
}

fn options(args: &Args, environment: &str, source: Source) -> Result<Options, Failure> {
    let tokens = args.tokens.as_ref().map(Tokens::read).transpose();
    let tokens = tokens.map_err(|error| {
        Failure::impossible("nobody could be let in")
            .because(error)
            .hint("one token a line, at least 16 characters; `openssl rand -hex 32` makes one")
    })?;
    let origins = Origins::new(args.origins.iter().map(String::as_str)).map_err(|error| {
        Failure::impossible(error.to_string())
            .hint("write it as browsers do: scheme, host, and the port where it is not the usual one, as in https://app.example")
    })?;
    let identity = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(Identity::read(cert, key).map_err(|error| {
            Failure::impossible(error.to_string())
                .hint("certificate and key are PEM files, the key without a password")
        })?),
        _ => None,
    };
    Ok(Options {
        environment: environment.to_owned(),
        origin: source.origin,
        history: source.history,
        tokens,
        origins,
        identity,
        limits: Limits {
            connections: args.max_connections as usize,
            ..Limits::default()
        },
    })
}

/// Says what is unsafe about where it listens.
fn warn(args: &Args) {
    if args.listen.ip().is_loopback() {
        return;
    }
    let address = args.listen;
    if args.tokens.is_none() {
        tell(&format!(
            "warning: whoever can reach {address} may read the flags: `--tokens FILE` keeps strangers out"
        ));
    } else if args.tls_cert.is_none() {
        tell(&format!(
            "warning: tokens cross the network to {address} in the open: `--tls-cert` and `--tls-key` hide them, or a \
             proxy that does"
        ));
    }
}

/// Sends what the parts have to say to standard error.
fn log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, true) => LevelFilter::INFO,
        (false, false) => LevelFilter::WARN,
    };
    // A second one in one process would be a test's.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(false)
        .try_init();
}
