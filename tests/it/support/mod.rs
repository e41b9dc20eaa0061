pub mod backend;
pub mod commits;
pub mod redis;
