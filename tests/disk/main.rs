//! The store on disk, over real files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compaction;
mod damage;
mod forms;
mod interrupted;
mod model;
mod ruins;
mod repair;
mod salvage;
mod snapshots;
mod support;
mod verify;
mod views;
