//! Documents as lines of JSON: out of a snapshot, and back as one batch.

mod export;
mod import;
mod line;

pub use export::Export;
pub use import::{Import, OnConflict, Part, commit};
