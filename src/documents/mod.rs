//! Documents over any store: what a page of keys is. Revisions are the versions of the store.
//!
//! A document is stored as its JSON text without `_rev`, under its key as [`key`] encodes it.

pub mod backup;
pub mod key;
mod page;

pub use page::{Page, PageQuery, page};

use crate::{Error, Result};

/// Whether documents may be stored under `bytes`, an encoded key. Stores may refuse more.
pub fn assert_storable(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Err(
            Error::assertion("A document key must be a non-empty string").with_expected("a non-empty string")
        );
    }
    if !key::is_well_formed(bytes) {
        let message = "A document key must be well-formed Unicode: this one holds half of a surrogate pair";
        return Err(Error::assertion(message).with_key(key::decode(bytes)));
    }
    Ok(())
}
