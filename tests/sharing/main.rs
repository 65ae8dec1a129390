//! Several processes on one directory: each is a store over a file system of its own, which can be killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod goodbyes;
mod kills;
mod kind;
mod process;
mod readers;
mod reload;
mod scene;
mod support;
mod trouble;
