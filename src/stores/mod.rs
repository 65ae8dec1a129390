//! The stores: each fulfils the contract of [`crate::kv`], and none knows what its values mean.

pub mod directory;
pub mod disk;
pub mod durable;
pub mod journal;
pub mod maintenance;
pub mod memory;
