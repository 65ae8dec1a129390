//! A disk in memory that knows what a crash may leave of it.
//!
//! What was written and what is durable are kept apart. Of a file, a crash leaves any prefix or subset of the
//! changes since its last flush, torn into blocks of 512 or 4,096 bytes; blocks may be stale or zeros, and a
//! size may come without its data. Of a directory it leaves any prefix, subset or mixture of the names that
//! were made, changed and removed since its last flush.
//!
//! The disk records its operations, so that [`History`] can give crash images after each of them.

mod choices;
mod faults;
mod history;
mod locks;
mod outcome;
mod state;

pub use choices::{Choices, Exhaustive, Seeded};
pub use faults::{Call, Failure, Fault};
pub use history::History;

use self::locks::{LockTable, SimulatedLock, SimulatedRanges};
use self::state::{Change, DirectoryNode, Event, FileNode, Id, Node, ROOT, State};
use super::{
    DirectoryEntry, EntryKind, File, FileSystem, LockFile, OpenMode, Page, PageAccess, PrivatePage,
    RangeLocks,
};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A file system in memory; clones are the same disk. Relative paths begin at its root.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    state: State,
    /// Where the recording began.
    start: State,
    events: Vec<Event>,
    fault: Option<Fault>,
    struck: usize,
    /// Locks and pages are no files here: whatever a crash leaves of them is of no use.
    locks: LockTable,
    pages: BTreeMap<PathBuf, Arc<PrivatePage>>,
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations changed or flushed something.
    pub fn operations(&self) -> usize {
        self.lock_inner().events.len()
    }

    /// All operations so far.
    pub fn history(&self) -> History {
        let inner = self.lock_inner();
        History::new(inner.start.clone(), inner.events.clone())
    }

    /// Calls fail from now on; replaces the fault before.
    pub fn fail(&self, fault: Fault) {
        self.lock_inner().fault = Some(fault);
    }

    /// No call fails any more. Answers how many have failed since this was asked last.
    pub fn heal(&self) -> usize {
        let mut inner = self.lock_inner();
        inner.fault = None;
        std::mem::take(&mut inner.struck)
    }

    /// Every file as it reads now.
    pub fn files(&self) -> BTreeMap<PathBuf, Arc<Vec<u8>>> {
        let inner = self.lock_inner();
        let mut files = BTreeMap::new();
        let mut waiting = vec![(PathBuf::new(), ROOT)];
        while let Some((path, id)) = waiting.pop() {
            match &inner.state.nodes[id] {
                Node::File(file) => {
                    files.insert(path, Arc::clone(&file.current));
                }
                Node::Directory(directory) => {
                    waiting.extend(directory.current.iter().map(|(name, id)| (path.join(name), *id)));
                }
            }
        }
        files
    }

    /// A disk on which all of `state` is durable.
    fn with_state(state: State) -> Self {
        let inner = Inner { start: state.clone(), state, ..Inner::default() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock_inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn record(&mut self, event: Event) {
        self.state.apply(&event);
        self.events.push(event);
    }

    /// Fails if this call has to.
    fn call(&mut self, call: Call) -> io::Result<()> {
        match self.fault.as_mut().and_then(|fault| fault.strike(call)) {
            Some(error) => {
                self.struck += 1;
                Err(error)
            }
            None => Ok(()),
        }
    }

    fn create(&mut self, path: &Path, node: Node) -> io::Result<Id> {
        let (directory, name) = self.state.place(path)?;
        self.record(Event::Create { directory, name, node });
        Ok(self.state.nodes.len() - 1)
    }

    fn sync_file(&mut self, file: Id) -> io::Result<()> {
        let failed = self.call(Call::SyncFile);
        self.record(match &failed {
            Ok(()) => Event::SyncFile(file),
            Err(_) => Event::LoseFlush { file, seed: self.events.len() as u64 },
        });
        failed
    }

    fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        self.call(Call::SyncDirectory)?;
        let directory = self.state.find(path)?;
        self.record(Event::SyncDirectory(directory));
        Ok(())
    }

    fn remove(&mut self, path: &Path, kind: EntryKind) -> io::Result<()> {
        let found = self.state.find(path)?;
        match (kind, self.state.names(found)) {
            (EntryKind::Directory, Some(names)) if !names.is_empty() => {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            (EntryKind::Directory, Some(_)) | (EntryKind::File, None) => {}
            (EntryKind::Directory, None) => return Err(ErrorKind::NotADirectory.into()),
            _ => return Err(ErrorKind::IsADirectory.into()),
        }
        let (directory, name) = self.state.place(path)?;
        self.record(Event::Unlink { directory, name });
        Ok(())
    }

    fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<Id> {
        self.call(Call::Open)?;
        let found = self.state.find(path);
        match (mode, found) {
            (OpenMode::CreateNew, Ok(_)) => Err(ErrorKind::AlreadyExists.into()),
            (_, Ok(id)) if self.state.file(id).is_none() => Err(ErrorKind::IsADirectory.into()),
            (OpenMode::Truncate, Ok(file)) => {
                self.record(Event::Change { file, change: Change::SetLength(0) });
                Ok(file)
            }
            (OpenMode::Read | OpenMode::Write | OpenMode::ReadWrite, found) => found,
            (_, Err(error)) if error.kind() == ErrorKind::NotFound => {
                self.create(path, Node::File(FileNode::default()))
            }
            (_, Err(error)) => Err(error),
        }
    }

    fn write(&mut self, file: Id, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge)?;
        let failed = self.call(Call::Write);
        let arriving = match (&failed, &self.fault) {
            (Err(_), Some(fault)) => fault.arriving.min(bytes.len()),
            _ => bytes.len(),
        };
        if arriving > 0 {
            let change = Change::Write { offset, bytes: bytes[..arriving].into() };
            self.record(Event::Change { file, change });
        }
        failed
    }
}

impl FileSystem for SimulatedDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        self.create_directory(parent)?;
        let mut inner = self.lock_inner();
        match inner.state.find(path) {
            Ok(found) if inner.state.names(found).is_some() => {}
            Ok(_) => return Err(ErrorKind::AlreadyExists.into()),
            Err(_) => {
                inner.create(path, Node::Directory(DirectoryNode::default()))?;
            }
        }
        inner.sync_directory(parent)
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let inner = self.lock_inner();
        let names = inner.state.names(inner.state.find(path)?).ok_or(ErrorKind::NotADirectory)?;
        let kind = |id: Id| match inner.state.file(id) {
            Some(_) => EntryKind::File,
            None => EntryKind::Directory,
        };
        Ok(names.iter().map(|(name, id)| DirectoryEntry { name: name.clone(), kind: kind(*id) }).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inner = self.lock_inner();
        let file = inner.state.file(inner.state.find(path)?).ok_or(ErrorKind::IsADirectory)?;
        let content = Arc::clone(&file.current);
        drop(inner);
        Ok((*content).clone())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let file = self.lock_inner().open(path, mode)?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock_inner();
        inner.call(Call::Rename)?;
        inner.state.find(from)?;
        let (from, to): ((Id, OsString), (Id, OsString)) = (inner.state.place(from)?, inner.state.place(to)?);
        inner.record(Event::Rename { from, to });
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock_inner();
        inner.call(Call::Remove)?;
        if inner.pages.remove(path).is_some() {
            return Ok(());
        }
        inner.remove(path, EntryKind::File)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.lock_inner().remove(path, EntryKind::Directory)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.lock_inner().sync_directory(path)
    }

    fn sync_files(&self, _directory: &Path, paths: &[PathBuf]) -> io::Result<()> {
        let mut inner = self.lock_inner();
        paths.iter().try_for_each(|path| {
            let file = inner.state.find(path)?;
            inner.sync_file(file)
        })
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        let mut inner = self.lock_inner();
        inner.call(Call::Open)?;
        let handle = inner.locks.open();
        drop(inner);
        Ok(Box::new(SimulatedLock { disk: self.clone(), path: path.to_owned(), handle }))
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        self.open_lock(path).map(Some)
    }

    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        let handle = self.lock_inner().locks.open();
        Ok(Box::new(SimulatedRanges { disk: self.clone(), path: path.to_owned(), handle }))
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        let mut inner = self.lock_inner();
        inner.call(Call::Open)?;
        let page = Arc::<PrivatePage>::default();
        inner.pages.insert(path.to_owned(), Arc::clone(&page));
        Ok(page)
    }

    fn open_page(&self, path: &Path, _access: PageAccess) -> io::Result<Arc<dyn Page>> {
        let page = self.lock_inner().pages.get(path).map(Arc::clone);
        page.map(|page| page as _).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn network_kind(&self, _directory: &Path) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn is_case_insensitive(&self, _directory: &Path) -> io::Result<bool> {
        Ok(false)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.lock_inner().state.find(path).map(|_| path.to_owned())
    }

    fn modified(&self, _path: &Path) -> io::Result<Option<SystemTime>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        Ok(self.lock_inner().state.find(path).ok().map(|id| id as u128))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let inner = self.lock_inner();
        Ok(inner.pages.contains_key(path) || inner.state.find(path).is_ok())
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    file: Id,
}

impl File for SimulatedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.lock_inner().write(self.file, offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inner = self.disk.lock_inner();
        let file = inner.state.file(self.file).ok_or(ErrorKind::IsADirectory)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| file.current.get(offset..)).unwrap_or(&[]);
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn length(&self) -> io::Result<u64> {
        let inner = self.disk.lock_inner();
        Ok(inner.state.file(self.file).map_or(0, |file| file.current.len() as u64))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?;
        let mut inner = self.disk.lock_inner();
        inner.call(Call::SetLength)?;
        inner.record(Event::Change { file: self.file, change: Change::SetLength(length) });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.lock_inner().sync_file(self.file)
    }
}

#[cfg(test)]
mod tests;
