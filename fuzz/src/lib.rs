//! The properties that the fuzz targets check, each a function over any bytes that panics where it does not
//! hold. `tests/fuzz_corpus.rs` replays the corpora with the same functions.

#![allow(unreachable_pub, reason = "a library for the fuzz targets, a module for the replay")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a property fails by panicking")]
#![allow(clippy::missing_panics_doc, reason = "the same")]

pub mod collation;
pub mod file_name;
pub mod journal;
pub mod json;

mod damage;
mod forge;
mod input;
