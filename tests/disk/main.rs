//! The store on disk, over real files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compaction;
mod damage;
mod interrupted;
mod model;
mod snapshots;
mod support;
mod views;
