//! The seam between store and disk: a gate that holds writes, and the seeded bugs.

use crate::bugs::Bug;
use crate::driver::DIRECTORY;
use crate::seam_file::{Origin, SeamFile, Unflushed};
use kixx_datastore::fs::simulated::SimulatedDisk;
use kixx_datastore::fs::{
    DirectoryEntry, File, FileSystem, LockFile, LockKind, OpenMode, Page, PageAccess, RangeLocks,
};
use kixx_datastore::stores::disk::DATA_FILE;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// How long the store has to come to the gate.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Seam {
    disk: SimulatedDisk,
    bug: Option<Bug>,
    pub(crate) gate: Gate,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    /// With [`Bug::CheckpointEarly`]: what has to be done to documents.
    deferred: Vec<Deferred>,
    /// Whether the last change of the journal's directory was the removal of a segment.
    removed: bool,
}

enum Deferred {
    SyncFiles(Vec<PathBuf>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncDirectory(PathBuf),
}

impl Seam {
    pub(crate) fn new(disk: SimulatedDisk, bug: Option<Bug>) -> Self {
        Self { disk, bug, gate: Gate::default(), memory: Arc::default() }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Does what [`Bug::CheckpointEarly`] put off.
    pub(crate) fn catch_up(&self) -> io::Result<()> {
        let deferred = std::mem::take(&mut self.memory().deferred);
        deferred.into_iter().try_for_each(|action| match action {
            Deferred::SyncFiles(paths) => self.disk.sync_files(Path::new(DIRECTORY), &paths),
            Deferred::Rename(from, to) => self.disk.rename(&from, &to),
            Deferred::Remove(path) => match self.disk.remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result,
            },
            Deferred::SyncDirectory(path) => self.disk.sync_directory(&path),
        })
    }

    /// Whether this is put off until the checkpoint is there.
    fn defers(&self) -> bool {
        !self.memory().deferred.is_empty()
    }

    fn put_off(&self, action: Deferred) {
        self.memory().deferred.push(action);
    }

    /// With [`Bug::RemoveSegmentsEarly`]: all segments but the newest go.
    fn remove_segments(&self) -> io::Result<()> {
        let internal = Path::new(DIRECTORY).join(".datastore");
        let mut segments: Vec<PathBuf> = self
            .disk
            .read_directory(&internal)?
            .into_iter()
            .map(|entry| internal.join(entry.name))
            .filter(|path| is_segment(path))
            .collect();
        segments.sort();
        segments.pop();
        segments.iter().try_for_each(|path| self.disk.remove_file(path))?;
        self.disk.sync_directory(&internal)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }
}

impl FileSystem for Seam {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.disk.create_directory(path)
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        self.disk.read_directory(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = self.disk.read(path)?;
        if self.has(Bug::IgnoreChecksum) && is_segment(path) {
            correct_checksums(&mut bytes);
        }
        Ok(bytes)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let file = self.disk.open(path, mode)?;
        if self.has(Bug::SkipDataFlush) && path.ends_with(DATA_FILE) {
            return Ok(Box::new(Unflushed(file)));
        }
        if !is_segment(path) {
            return Ok(file);
        }
        self.memory().removed = false;
        let origin = if mode == OpenMode::CreateNew { Origin::Created } else { Origin::Found };
        Ok(Box::new(SeamFile::new(self.clone(), file, origin)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.has(Bug::WriteInPlace) {
            let content = self.disk.read(from)?;
            self.disk.open(to, OpenMode::Truncate)?.write_at(0, &content)?;
            return self.disk.remove_file(from);
        }
        if self.defers() {
            self.put_off(Deferred::Rename(from.to_owned(), to.to_owned()));
            return Ok(());
        }
        self.disk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if is_segment(path) {
            self.memory().removed = true;
        } else if self.defers() && path.parent() == Some(Path::new(DIRECTORY)) {
            self.put_off(Deferred::Remove(path.to_owned()));
            return Ok(());
        }
        match self.disk.remove_file(path) {
            Err(_) if self.has(Bug::RemoveSegmentsEarly) && is_segment(path) => Ok(()),
            result => result,
        }
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let internal = path != Path::new(DIRECTORY);
        let skipped = match self.bug {
            Some(Bug::SkipJournalDirectoryFlush) => internal,
            Some(Bug::SkipDocumentDirectoryFlush) => !internal,
            Some(Bug::RemovalsShareOneFlush) => internal && self.memory().removed,
            _ => false,
        };
        if skipped {
            return Ok(());
        }
        if self.defers() && !internal {
            self.put_off(Deferred::SyncDirectory(path.to_owned()));
            return Ok(());
        }
        self.disk.sync_directory(path)?;
        self.catch_up()
    }

    fn sync_files(&self, directory: &Path, paths: &[PathBuf]) -> io::Result<()> {
        match self.bug {
            Some(Bug::SkipFileFlush) => Ok(()),
            Some(Bug::CheckpointEarly) => {
                self.put_off(Deferred::SyncFiles(paths.to_vec()));
                Ok(())
            }
            Some(Bug::RemoveSegmentsEarly) => {
                self.remove_segments()?;
                self.disk.sync_files(directory, paths)
            }
            _ => self.disk.sync_files(directory, paths),
        }
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        let lock = self.disk.open_lock(path)?;
        Ok(if self.has(Bug::IgnoreLock) { Box::new(NoLock(lock)) } else { lock })
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        self.disk.find_lock(path)
    }

    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        self.disk.range_locks(path)
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        self.disk.create_page(path)
    }

    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
        self.disk.open_page(path, access)
    }

    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>> {
        self.disk.network_kind(directory)
    }

    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>> {
        self.disk.modified(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        self.disk.identity(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.disk.exists(path)
    }

    fn is_case_insensitive(&self, directory: &Path) -> io::Result<bool> {
        self.disk.is_case_insensitive(directory)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.disk.canonicalize(path)
    }
}

/// A lock that keeps nobody out.
struct NoLock(Box<dyn LockFile>);

impl LockFile for NoLock {
    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.0.try_lock(kind).map(|_| true)
    }

    fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }

    fn is_current(&self) -> io::Result<bool> {
        self.0.is_current()
    }

    fn write_note(&self, note: &str) -> io::Result<()> {
        self.0.write_note(note)
    }

    fn read_note(&self) -> String {
        self.0.read_note()
    }
}

/// Holds whoever writes to a segment, so that others can queue up behind.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: bool,
}

impl Gate {
    pub(crate) fn close(&self) {
        *self.state.0.lock().unwrap() = GateState { closed: true, waiting: false };
    }

    pub(crate) fn open(&self) {
        self.state.0.lock().unwrap().closed = false;
        self.state.1.notify_all();
    }

    /// Waits until somebody is held. Opens, and answers false, if nobody comes.
    pub(crate) fn wait_for_somebody(&self) -> bool {
        let state = self.state.0.lock().unwrap();
        let waited = self.state.1.wait_timeout_while(state, PATIENCE, |state| !state.waiting).unwrap();
        let came = waited.0.waiting;
        drop(waited);
        if !came {
            self.open();
        }
        came
    }

    pub(crate) fn pass(&self) {
        let mut state = self.state.0.lock().unwrap();
        if state.closed {
            state.waiting = true;
            self.state.1.notify_all();
            drop(self.state.1.wait_while(state, |state| state.closed).unwrap());
        }
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

/// Makes the checksums of a segment match whatever is there, as far as the lengths of records make sense.
fn correct_checksums(bytes: &mut [u8]) {
    const SALT_AT: usize = 24;
    let Some(salt) = bytes.get(SALT_AT..SALT_AT + 8).map(<[u8]>::to_vec) else { return };
    let mut at = 64;
    while let Some(header) = bytes.get(at..at + 32) {
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let known = header[24] == 1 && (header[25] == 1 || header[25] == 2);
        if !known || at + 32 + length > bytes.len() {
            return;
        }
        let seed = crc32c::crc32c_append(crc32c::crc32c(&salt), &(at as u64).to_le_bytes());
        let payload = crc32c::crc32c_append(seed, &bytes[at + 32..at + 32 + length]);
        bytes[at + 4..at + 8].copy_from_slice(&payload.to_le_bytes());
        let header = crc32c::crc32c_append(seed, &bytes[at..at + 28]);
        bytes[at + 28..at + 32].copy_from_slice(&header.to_le_bytes());
        at += (32 + length).next_multiple_of(8);
    }
}
