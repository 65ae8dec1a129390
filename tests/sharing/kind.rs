//! The stores under test: what there is before the first open, and after the last close.

use crate::process::Process;
use crate::support::{Documents, as_files, documents, listing, listing_names, open};
use kixx_datastore::kv::{Batch, Check, Operation, Space, Store};
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::disk::{DATA_FILE, DataFile};
use kixx_datastore::stores::durable::Base;
use std::path::Path;

pub(crate) trait Kind: Base {
    /// One in so many steps is tried as the last one.
    const KILL_EVERY: usize;

    /// Leaves the document `file` in its 7th version in `directory`.
    fn prepare(directory: &Path);

    /// What of `directory` is not as the last process has to leave it.
    fn check_closed(directory: &Path, documents: &[&Documents]) -> Result<(), String>;
}

impl Kind for Files {
    const KILL_EVERY: usize = 1;

    fn prepare(directory: &Path) {
        std::fs::write(directory.join("file.json"), r#"{"_rev":7}"#).unwrap();
    }

    fn check_closed(directory: &Path, documents: &[&Documents]) -> Result<(), String> {
        let found = listing(directory);
        if documents.iter().any(|documents| as_files(documents) == found) {
            return Ok(());
        }
        Err(format!("there are files {found:?}, not {documents:?}"))
    }
}

impl Kind for DataFile {
    const KILL_EVERY: usize = 4;

    fn prepare(directory: &Path) {
        let store = open::<Self>(&Process::new(), directory).unwrap();
        let operation = Operation::put_exact(Space::DOCUMENTS, b"file", Check::Any, b"{}", 7);
        store.commit(Batch::of(operation)).wait().unwrap();
        store.close().wait().unwrap();
    }

    fn check_closed(directory: &Path, expected: &[&Documents]) -> Result<(), String> {
        let names = listing_names(directory);
        if names != [DATA_FILE] {
            return Err(format!("not only the data file is left: {names:?}"));
        }
        let again = open::<Self>(&Process::new(), directory).map_err(|error| format!("at last: {error}"))?;
        let found = documents(&again).map_err(|error| format!("at last: {error}"))?;
        if expected.contains(&&found) {
            return Ok(());
        }
        Err(format!("the file holds {found:?}, not {expected:?}"))
    }
}
