pub mod backend;
pub mod commits;
pub mod proxy;
pub mod redis;
