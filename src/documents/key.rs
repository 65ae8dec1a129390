//! How the keys of documents are stored: bytes that sort as JavaScript compares strings.
//!
//! Bounds of ranges may be any string, also one with lone surrogates; the key of a document may not.

pub use crate::json::utf16::{decode, encode as encode_str, encode_units as encode_utf16, is_well_formed};
