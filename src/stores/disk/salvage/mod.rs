//! Reading a data file without the library, which trusts what it reads: here every page is compared with the
//! checksum that is stored with the pointer to it, and damage is what is looked for.
//!
//! The form is that of redb 4: a first page with two *commit slots*, each with the root of a tree of tables,
//! and pages of a power of two of 4 KiB. A page is a leaf of pairs or a branch; a branch has the checksum of
//! each child. So a page that is whole says what its children were, and damage does not reach beyond itself.

mod header;
mod image;
mod page;
mod walk;

pub(super) use image::{Image, Pinned, Table};
pub(super) use walk::{Remains, Step};

/// The keys that can lie in a part of a tree: above the first, and up to the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) above: Option<Box<[u8]>>,
    pub(super) through: Option<Box<[u8]>>,
}
