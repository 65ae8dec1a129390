//! Stores of processes, and what they hold.

use crate::process::Process;
use kixx_datastore::Result;
use kixx_datastore::kv::{
    Batch, Check, Committed, Durability, KeyRange, Operation, Read, Scan, Space, Store,
};
use kixx_datastore::stores::directory::ReadOnlyStore;
use kixx_datastore::stores::durable::{Base, DurableStore, OpenOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Key to (version, body).
pub(crate) type Documents = BTreeMap<String, (u64, String)>;

/// Nobody is ever in the way for so long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn options() -> OpenOptions {
    OpenOptions { durability: Durability::Sync, lock_timeout: LOCK_TIMEOUT, ..OpenOptions::default() }
}

pub(crate) fn open<B: Base>(process: &Process, directory: &Path) -> Result<DurableStore<B>> {
    DurableStore::open(&process.fs(), directory, &options())
}

pub(crate) fn open_reader(process: &Process, directory: &Path) -> Result<ReadOnlyStore> {
    ReadOnlyStore::open(&process.fs(), directory, &options())
}

pub(crate) fn put(key: &str, body: &str) -> Operation {
    Operation::put(Space::DOCUMENTS, key.as_bytes(), Check::Any, body.as_bytes())
}

pub(crate) fn delete(key: &str) -> Operation {
    Operation::delete(Space::DOCUMENTS, key.as_bytes(), Check::Any)
}

pub(crate) fn commit(store: &dyn Store, operations: &[Operation]) -> Result<Committed> {
    store.commit(Batch { operations: operations.to_vec() }).wait()
}

pub(crate) fn documents(store: &dyn Read) -> Result<Documents> {
    let entries = store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)).wait()?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok(entries.iter().map(|entry| (text(entry.key()), (entry.version(), text(entry.value())))).collect())
}

/// A document that fills more than half of a segment.
pub(crate) fn large() -> String {
    format!("{{\"x\":\"{}\"}}", "x".repeat(9 << 20))
}

/// Name to content of what lies in a directory, directories as `name/`.
pub(crate) fn listing(directory: &Path) -> BTreeMap<String, String> {
    let mut listing = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            listing.insert(format!("{name}/"), String::new());
        } else {
            listing.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    listing
}

/// The names in a directory.
pub(crate) fn listing_names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What plain files of these documents look like.
pub(crate) fn as_files(documents: &Documents) -> BTreeMap<String, String> {
    let text = |revision: u64, body: &str| match body {
        "{}" => format!("{{\"_rev\":{revision}}}"),
        _ => format!("{{\"_rev\":{revision},{}", &body[1..]),
    };
    documents.iter().map(|(key, (rev, body))| (format!("{key}.json"), text(*rev, body))).collect()
}
