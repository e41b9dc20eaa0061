//! hoist: feature flags that live as YAML in git and run from Redis.
//!
//! The modules stand here in the order in which data flows through them, last to first; a module
//! imports only from those below it. The modules from `plan` down are pure: they know no file,
//! clock, environment variable, network or terminal, and are given time and text as arguments.

pub mod commands;

pub mod cli;
pub mod config;
pub mod report;
pub mod source;

pub mod git;

pub mod store;

pub mod plan;

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
