//! Which form a directory has: told apart, so that nobody takes the files of one form for those of another.

use crate::{Error, Result};
use std::path::Path;

/// What the files of a store are, besides its journal. Segments, pages and data files carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form(u8);

impl Form {
    /// It was not said: by an older version, or by one that takes what there is.
    pub const UNKNOWN: Self = Self(0);
    /// JSON files.
    pub const FILES: Self = Self(1);
    /// A data file of a datastore.
    pub const DISK: Self = Self(2);
    /// A data file of a key-value store.
    pub const KEY_VALUES: Self = Self(3);

    /// As it is stored; never to be changed.
    pub fn code(self) -> u8 {
        self.0
    }

    /// From how it is stored.
    pub fn of_code(code: u8) -> Self {
        Self(code)
    }

    /// Whether nothing is there without a data file.
    pub fn needs_data_file(self) -> bool {
        self != Self::UNKNOWN && self != Self::FILES
    }

    /// `Assertion` if `directory` has this form and is wanted in another one.
    pub fn check(self, wanted: Self, directory: &Path) -> Result<()> {
        if self == wanted || self == Self::UNKNOWN || wanted == Self::UNKNOWN {
            return Ok(());
        }
        let what = match self {
            Self::FILES => "is of JSON files. Open it with { storage: 'files' }, or convert it first",
            Self::DISK => "is a datastore with a data file. Open it with { storage: 'disk' }",
            Self::KEY_VALUES => "is a key-value store. Open it through a Distributor",
            Self(_) => "has a form that this version does not know. Update kixx-datastore",
        };
        let message = format!("{} {what}", directory.display());
        Err(Error::assertion(message).with_expected("a directory of the same form, or an empty one"))
    }
}
