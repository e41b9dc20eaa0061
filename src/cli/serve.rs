use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;

/// Serve flags over HTTP, for OpenFeature SDKs and for people
///
/// Speaks OFREP, which the OpenFeature SDKs of most languages have a provider for. Answers come from
/// memory: from the environment's store, followed as it changes, or with `--files` from the flag
/// files, as they are for the environment.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist serve --files --watch
  hoist serve --env production --listen 0.0.0.0:8080 --tokens /run/secrets/hoist-tokens
  hoist serve --env production --cors-origin https://app.example
  curl -X POST localhost:8080/ofrep/v1/evaluate/flags/new_search -d '{\"context\":{\"targetingKey\":\"ana\"}}'

SIGTERM and Ctrl-C end it once requests under way are answered; SIGHUP reads tokens and certificate anew.")]
pub struct Serve {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Serve the flag files instead of the environment's store
    #[arg(long)]
    pub files: bool,
    /// Read the flag files anew whenever one is saved
    #[arg(long, requires = "files")]
    pub watch: bool,
    /// How long between two looks for changes in the store that nobody announces
    #[arg(long, value_name = "DURATION", default_value = "30s", conflicts_with = "files", value_parser = duration)]
    pub check_every: Duration,
    /// Only answer those who show a token of this file, one a line
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// A site whose scripts may ask, such as https://app.example; may be given several times
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// Certificate (PEM) to serve with TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Connections at a time; further ones wait
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,
}
