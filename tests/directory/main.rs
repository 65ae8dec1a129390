//! The directory store: what lies on disk, and what it makes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod crashes;
mod damage;
mod files;
mod folding_fs;
mod hazards;
mod history;
mod repair;
mod sharing;
mod support;
mod verify;
