//! JSON text: documents and their revisions, and the order of view keys.
//!
//! Text stays text: numbers and strings keep the bytes they were written with. Nothing here recurses
//! without a bound, so no depth of nesting can overflow the stack.

mod collate;
mod error;
mod flat;
mod strings;
mod terminated;
mod text;
mod tokens;
pub mod utf16;

pub use collate::{collate, collate_into};
pub use error::JsonError;
pub use flat::{FlatBatch, FlatKind, FlatReader, Flattener, MAX_VALUES, Structures};
pub(crate) use strings::push_string;
pub(crate) use terminated::{push_terminated, read_terminated};
pub use text::{Document, MAX_REVISION, body_of_normalized, split_revision, write_document};
pub(crate) use tokens::{Kind, Token, Tokens};
