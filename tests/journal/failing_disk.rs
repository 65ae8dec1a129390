//! A file system on real files whose calls fail when told to. Flushes are counted, and not passed on: what
//! was written is there for the next reader anyway, and tests make very many.

use kixx_datastore::fs::{
    DirectoryEntry, File, FileSystem, LockFile, OpenMode, OsFileSystem, Page, PageAccess, RangeLocks,
};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::SystemTime;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Open,
    Write,
    SetLength,
    Sync,
    SyncDirectory,
    Remove,
}

pub const CALLS: [Call; 6] =
    [Call::Open, Call::Write, Call::SetLength, Call::Sync, Call::SyncDirectory, Call::Remove];

#[derive(Clone, Default)]
pub struct FailingDisk {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// All calls that change something, in order.
    calls: Vec<Call>,
    rules: Vec<Rule>,
    /// How many bytes files may still grow by.
    space: Option<u64>,
    /// While set, `Sync` calls wait.
    held: bool,
    /// How many calls are waiting.
    waiting: usize,
}

/// Which call fails.
struct Rule {
    call: Call,
    /// How many of that kind pass before.
    passing: usize,
    /// How many bytes of a failing write arrive.
    arriving: usize,
    /// Whether those after it fail too.
    stays: bool,
}

impl FailingDisk {
    /// Fails the call of this kind after `passing` others; of a write, `arriving` bytes still arrive.
    pub fn fail(&self, call: Call, passing: usize, arriving: usize) {
        self.add(Rule { call, passing, arriving, stays: false });
    }

    /// Fails all calls of this kind.
    pub fn fail_all(&self, call: Call) {
        self.add(Rule { call, passing: 0, arriving: 0, stays: true });
    }

    /// Fails no more calls.
    pub fn heal(&self) {
        self.shared.state.lock().unwrap().rules.clear();
    }

    /// Whether the failure that was asked for has come.
    pub fn has_failed(&self) -> bool {
        self.shared.state.lock().unwrap().rules.is_empty()
    }

    fn add(&self, rule: Rule) {
        self.shared.state.lock().unwrap().rules.push(rule);
    }

    pub fn set_space(&self, bytes: u64) {
        self.shared.state.lock().unwrap().space = Some(bytes);
    }

    pub fn count(&self, call: Call) -> usize {
        self.shared.state.lock().unwrap().calls.iter().filter(|other| **other == call).count()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.state.lock().unwrap().calls.clone()
    }

    pub fn forget_calls(&self) {
        self.shared.state.lock().unwrap().calls.clear();
    }

    /// Keeps `Sync` calls waiting until [`FailingDisk::release_syncs`].
    pub fn hold_syncs(&self) {
        self.shared.state.lock().unwrap().held = true;
    }

    pub fn release_syncs(&self) {
        self.shared.state.lock().unwrap().held = false;
        self.shared.changed.notify_all();
    }

    /// Blocks until a `Sync` call is held.
    pub fn wait_for_held_sync(&self) {
        let state = self.shared.state.lock().unwrap();
        drop(self.shared.changed.wait_while(state, |state| state.waiting == 0).unwrap());
    }

    /// Blocks until there were so many calls of this kind.
    pub fn wait_for(&self, call: Call, count: usize) {
        let state = self.shared.state.lock().unwrap();
        let enough = |state: &mut State| state.calls.iter().filter(|other| **other == call).count() < count;
        drop(self.shared.changed.wait_while(state, enough).unwrap());
    }

    fn enter(&self, call: Call) -> Result<(), usize> {
        let mut state = self.shared.state.lock().unwrap();
        state.calls.push(call);
        state.waiting += 1;
        self.shared.changed.notify_all();
        state = self.shared.changed.wait_while(state, |state| state.held && call == Call::Sync).unwrap();
        state.waiting -= 1;
        let Some(index) = state.rules.iter().position(|rule| rule.call == call) else { return Ok(()) };
        let rule = &mut state.rules[index];
        if rule.passing > 0 {
            rule.passing -= 1;
            return Ok(());
        }
        let arriving = rule.arriving;
        if !rule.stays {
            state.rules.remove(index);
        }
        Err(arriving)
    }

    fn run<T>(&self, call: Call, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.enter(call).map_err(|_| broken())?;
        run()
    }

    /// How many of `bytes` more there is space for.
    fn take_space(&self, bytes: u64) -> u64 {
        let mut state = self.shared.state.lock().unwrap();
        let Some(space) = state.space else { return bytes };
        let taken = bytes.min(space);
        state.space = Some(space - taken);
        taken
    }

    fn give_space(&self, bytes: u64) {
        let mut state = self.shared.state.lock().unwrap();
        state.space = state.space.map(|space| space + bytes);
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk is broken")
}

impl FileSystem for FailingDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.create_directory(path)
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        OsFileSystem::PRIVATE.read_directory(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        OsFileSystem::PRIVATE.read(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        if mode == OpenMode::Read {
            return OsFileSystem::PRIVATE.open(path, mode);
        }
        let file = self.run(Call::Open, || OsFileSystem::PRIVATE.open(path, mode))?;
        Ok(Box::new(FailingFile { file, disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        self.run(Call::Remove, || OsFileSystem::PRIVATE.remove_file(path))?;
        self.give_space(length);
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.remove_directory(path)
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        self.run(Call::SyncDirectory, || Ok(()))
    }

    fn sync_files(&self, _directory: &Path, _paths: &[PathBuf]) -> io::Result<()> {
        self.run(Call::Sync, || Ok(()))
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        OsFileSystem::PRIVATE.open_lock(path)
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        OsFileSystem::PRIVATE.find_lock(path)
    }

    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        OsFileSystem::PRIVATE.range_locks(path)
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        OsFileSystem::PRIVATE.create_page(path)
    }

    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
        OsFileSystem::PRIVATE.open_page(path, access)
    }

    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>> {
        OsFileSystem::PRIVATE.network_kind(directory)
    }

    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>> {
        OsFileSystem::PRIVATE.modified(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        OsFileSystem::PRIVATE.identity(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsFileSystem::PRIVATE.exists(path)
    }

    fn is_case_insensitive(&self, directory: &Path) -> io::Result<bool> {
        OsFileSystem::PRIVATE.is_case_insensitive(directory)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        OsFileSystem::PRIVATE.canonicalize(path)
    }
}

struct FailingFile {
    file: Box<dyn File>,
    disk: FailingDisk,
}

impl File for FailingFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Err(arriving) = self.disk.enter(Call::Write) {
            self.file.write_at(offset, &bytes[..arriving.min(bytes.len())])?;
            return Err(broken());
        }
        let growth = (offset + bytes.len() as u64).saturating_sub(self.file.length()?);
        let missing = growth - self.disk.take_space(growth);
        self.file.write_at(offset, &bytes[..bytes.len() - missing as usize])?;
        if missing > 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let before = self.file.length()?;
        self.disk.run(Call::SetLength, || self.file.set_length(length))?;
        self.disk.give_space(before.saturating_sub(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.run(Call::Sync, || Ok(()))
    }
}
