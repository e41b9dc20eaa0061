pub mod backend;
pub mod commits;
pub mod extent;
pub mod flagsets;
pub mod program;
pub mod promises;
pub mod proxy;
pub mod redis;
