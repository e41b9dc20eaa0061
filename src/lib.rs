//! hoist: feature flags that live as YAML in git and run from Redis.
//!
//! The modules stand here in the order in which data flows through them, last to first; a module
//! imports only from those below it. The modules from `doctor` down are pure: they know no file,
//! clock, environment variable, network or terminal, and are given time and text as arguments.

#[cfg(feature = "cli")]
pub mod commands;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "serve")]
pub mod server;

#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod watch;

#[cfg(feature = "middleware")]
pub mod middleware;

pub mod client;

#[cfg(feature = "cli")]
pub mod source;

#[cfg(feature = "cli")]
pub mod git;

pub mod store;

pub mod doctor;

pub mod plan;

pub mod amend;
pub mod fix;
pub mod rules;

pub mod stale;

pub mod operate;

pub mod impact;

pub mod eval;

pub mod bucket;

pub mod record;

pub mod model;
pub mod schema;
pub mod yaml;

pub mod diagnostic;

pub mod secret;

pub use client::Client;
