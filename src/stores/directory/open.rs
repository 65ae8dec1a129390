//! Opening a directory: lock, read files, recover the journal.

use super::INTERNAL_DIRECTORY;
use super::core::Core;
use super::file_name::file_name;
use super::files::{self, BadFile, Loaded};
use super::materialise::remove_temporaries;
use super::names::Names;
use super::quarantine::quarantine;
use crate::fs::{FileSystem, Lock, LockGuard};
use crate::kv::{Entry, Space};
use crate::stores::journal::{self, Log, Writer, decode_commit};
use crate::stores::memory::State;
use crate::stores::memory::tree::Tree;
use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

const LOCK_FILE: &str = "lock";
/// Bounds the retries while others come and go.
const ENTER_ATTEMPTS: u32 = 100;

/// What loading found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// How many documents there were.
    pub documents: u64,
    /// The names of the files that were moved aside.
    pub quarantined: Vec<String>,
}

/// What to do with files that are not documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// Fail, and change nothing.
    Refuse,
    /// Move them to `.datastore/quarantine/`, and go on.
    Quarantine,
}

/// A directory that is ready to be used.
pub(super) struct Opened {
    pub(super) core: Core,
    pub(super) names: Names,
    pub(super) writer: Writer,
    pub(super) lock: Box<dyn LockGuard>,
    pub(super) report: LoadReport,
}

/// The newest state of each key that the journal knows.
type Recovered = BTreeMap<Arc<[u8]>, Option<Entry>>;

pub(super) fn open(fs: &Arc<dyn FileSystem>, directory: &Path, damage: OnDamage) -> Result<Opened> {
    let internal = directory.join(INTERNAL_DIRECTORY);
    let lock = enter(&**fs, directory, &internal)?;
    match load(fs, directory, &internal, damage) {
        Ok((core, names, writer, report)) => Ok(Opened { core, names, writer, lock, report }),
        Err(error) => {
            // Leave everything as it was found. What else lies there keeps the directory.
            if lock.remove().is_ok() {
                let _ = fs.remove_directory(&internal);
            }
            Err(error)
        }
    }
}

/// Makes our own directory and takes its lock. Another process that closes the datastore removes both, maybe
/// between our two steps.
fn enter(fs: &dyn FileSystem, directory: &Path, internal: &Path) -> Result<Box<dyn LockGuard>> {
    let path = internal.join(LOCK_FILE);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let may_retry = |error: &io::Error, kind| attempts < ENTER_ATTEMPTS && error.kind() == kind;
        match fs.create_directory(internal) {
            // It was there, and then it was not.
            Err(error) if may_retry(&error, io::ErrorKind::AlreadyExists) => continue,
            result => result.map_err(|error| Error::io("create the directory", internal, error))?,
        }
        return match fs.lock(&path, &std::process::id().to_string()) {
            Ok(Lock::Acquired(guard)) => Ok(guard),
            Ok(Lock::Held(holder)) => Err(locked(directory, &holder)),
            Err(error) if may_retry(&error, io::ErrorKind::NotFound) => continue,
            Err(error) => Err(Error::io("lock", &path, error)),
        };
    }
}

fn locked(directory: &Path, holder: &str) -> Error {
    let message = format!(
        "{} is open in another process, with process id {holder}. Close it there first",
        directory.display()
    );
    Error::new(ErrorKind::Locked, message).with_expected("a directory that no other process has open")
}

fn load(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    internal: &Path,
    damage: OnDamage,
) -> Result<(Core, Names, Writer, LoadReport)> {
    let log = Log::read(Arc::clone(fs), internal)?;
    let recovered = replay(&log)?;
    let (loaded, quarantined) = load_files(&**fs, directory, internal, damage, &recovered)?;
    // Everything is known to be good; from here on things are changed.
    remove_temporaries(&**fs, directory)?;
    let sequence = log.last_sequence();
    if log.is_empty() {
        // The removal of the journal before may not be durable, and a new one must not meet it.
        fs.sync_directory(internal).map_err(|error| Error::io("flush the directory", internal, error))?;
    }
    let writer = Writer::new(log.repair()?, journal::Options::default());

    let keys: Vec<Arc<[u8]>> = recovered.keys().cloned().collect();
    let tree = Tree::from_sorted(merge(loaded.entries, recovered));
    let names = names(&**fs, directory, &tree)?;
    let report = LoadReport { documents: tree.len() as u64, quarantined };
    let state = State::new(BTreeMap::from([(Space::DOCUMENTS, tree)]), sequence);
    let core = Core::new(Arc::clone(fs), directory.to_owned(), state, loaded.strays);
    // Also without keys: a checkpoint may cover a journal that is still there.
    if sequence > 0 {
        core.backlog.add(sequence, keys);
    }
    Ok((core, names, writer, report))
}

fn replay(log: &Log) -> Result<Recovered> {
    let mut recovered = Recovered::new();
    log.replay(|sequence, payload| {
        for change in decode_commit(sequence, payload)? {
            recovered.insert(change.key, change.entry);
        }
        Ok(())
    })?;
    Ok(recovered)
}

/// Reads the files. A bad one does not count where the journal has the newer document: it was being written.
fn load_files(
    fs: &dyn FileSystem,
    directory: &Path,
    internal: &Path,
    damage: OnDamage,
    recovered: &Recovered,
) -> Result<(Loaded, Vec<String>)> {
    let is_damage = |file: &BadFile| file.key.as_deref().is_none_or(|key| !recovered.contains_key(key));
    let loaded = files::load(fs, directory)?;
    let bad: Vec<BadFile> = loaded.bad.iter().filter(|file| is_damage(file)).cloned().collect();
    match damage {
        _ if bad.is_empty() => Ok((loaded, Vec::new())),
        OnDamage::Refuse => Err(files::corrupt(directory, &bad)),
        OnDamage::Quarantine => {
            let moved = quarantine(fs, directory, internal, &bad)?;
            Ok((files::load(fs, directory)?, moved))
        }
    }
}

/// The files' documents and over them the journal's, in the order of their keys.
fn merge(files: Vec<Entry>, journal: Recovered) -> Vec<Entry> {
    if journal.is_empty() {
        return files;
    }
    let mut merged: Vec<Entry> =
        files.into_iter().filter(|entry| !journal.contains_key(entry.key())).collect();
    merged.extend(journal.into_values().flatten());
    // Two sorted runs, which a stable sort merges in linear time.
    merged.sort_by(|a, b| a.key().cmp(b.key()));
    merged
}

fn names(fs: &dyn FileSystem, directory: &Path, tree: &Tree) -> Result<Names> {
    let insensitive =
        fs.is_case_insensitive(directory).map_err(|error| Error::io("look into", directory, error))?;
    if !insensitive {
        return Ok(Names::case_sensitive());
    }
    let taken: Result<Vec<(Box<[u8]>, String)>> =
        tree.iter().map(|entry| Ok((entry.key().into(), file_name(entry.key())?))).collect();
    Ok(Names::case_insensitive(taken?))
}
