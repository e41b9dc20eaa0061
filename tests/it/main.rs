//! All integration tests are one binary: it links once.

mod redis_store;
mod sqlite_store;
mod stores;
mod support;
