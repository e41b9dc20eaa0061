pub mod backend;
pub mod commits;
pub mod extent;
pub mod flagsets;
pub mod program;
pub mod proxy;
pub mod redis;
pub mod repository;
