//! A process that can be killed: whatever it does to files, locks and pages is a step, and may be its last.

use kixx_datastore::fs::{
    ByteRange, DirectoryEntry, File, FileSystem, LockFile, LockKind, OpenMode, OsFileSystem, PAGE_WORDS,
    Page, PageAccess, RangeLocks,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// What a process is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Look,
    Open(OpenMode),
    Read,
    Write,
    Flush,
    Rename,
    Remove,
    Lock,
    Unlock,
    /// Only noted: a lock that falls.
    Fall,
    Page,
}

/// Called before each step while the process lives; an error is what the step answers.
type Hook = dyn Fn(Step, &Path) -> io::Result<()> + Send + Sync;
type Held<T> = Mutex<Option<Box<T>>>;

/// A file system as one process sees it. Flushes are left out: no test here cuts the power.
#[derive(Clone)]
pub(crate) struct Process(Arc<Inner>);

struct Inner {
    fate: Mutex<Fate>,
    dead: AtomicBool,
    hook: Mutex<Option<Arc<Hook>>>,
}

#[derive(Default)]
struct Fate {
    steps: usize,
    dies_at: Option<usize>,
    locks: Vec<Weak<Held<dyn LockFile>>>,
    ranges: Vec<Weak<Held<dyn RangeLocks>>>,
    pages: Vec<Weak<MortalPage>>,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { fate: Mutex::default(), dead: AtomicBool::new(false), hook: Mutex::new(None) }))
    }

    pub(crate) fn fs(&self) -> Arc<dyn FileSystem> {
        Arc::new(self.clone())
    }

    /// Kills it in its step with this number, counted from 1.
    pub(crate) fn die_at(&self, step: usize) {
        lock(&self.0.fate).dies_at = Some(step);
    }

    pub(crate) fn steps(&self) -> usize {
        lock(&self.0.fate).steps
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::SeqCst)
    }

    pub(crate) fn kill(&self) {
        self.die(&mut lock(&self.0.fate));
    }

    /// From now on `hook` is called before each step.
    pub(crate) fn watch(&self, hook: impl Fn(Step, &Path) -> io::Result<()> + Send + Sync + 'static) {
        *lock(&self.0.hook) = Some(Arc::new(hook));
    }

    pub(crate) fn unwatch(&self) {
        *lock(&self.0.hook) = None;
    }

    fn die(&self, fate: &mut Fate) {
        self.0.dead.store(true, Ordering::SeqCst);
        for page in fate.pages.drain(..).filter_map(|page| page.upgrade()) {
            page.let_go();
        }
        for held in fate.locks.drain(..).filter_map(|held| held.upgrade()) {
            drop(lock(&held).take());
        }
        for held in fate.ranges.drain(..).filter_map(|held| held.upgrade()) {
            drop(lock(&held).take());
        }
    }

    /// Does a step, which `torn` does half if it is the last one.
    fn step<T>(
        &self,
        step: Step,
        path: &Path,
        whole: impl FnOnce() -> io::Result<T>,
        torn: impl FnOnce(),
    ) -> io::Result<T> {
        if self.is_dead() {
            return Err(gone());
        }
        let hook = lock(&self.0.hook).clone();
        if let Some(hook) = hook {
            hook(step, path)?;
        }
        let mut fate = lock(&self.0.fate);
        fate.steps += 1;
        if self.is_dead() {
            return Err(gone());
        }
        if fate.dies_at == Some(fate.steps) {
            torn();
            self.die(&mut fate);
            return Err(gone());
        }
        whole()
    }

    fn whole<T>(&self, step: Step, path: &Path, whole: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.step(step, path, whole, || {})
    }

    fn hold(&self, path: &Path, inner: Box<dyn LockFile>) -> Box<dyn LockFile> {
        let held = Arc::new(Mutex::new(Some(inner)));
        lock(&self.0.fate).locks.push(Arc::downgrade(&held));
        Box::new(MortalLock { process: self.clone(), path: path.to_owned(), held })
    }

    fn see(&self, path: &Path, inner: Arc<dyn Page>) -> Arc<dyn Page> {
        let page = MortalPage {
            process: self.clone(),
            path: path.to_owned(),
            inner,
            remains: [const { AtomicU64::new(0) }; PAGE_WORDS],
        };
        let page = Arc::new(page);
        lock(&self.0.fate).pages.push(Arc::downgrade(&page));
        page
    }
}

impl FileSystem for Process {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.whole(Step::Open(OpenMode::CreateNew), path, || std::fs::create_dir_all(path))
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        self.whole(Step::Look, path, || OsFileSystem::PRIVATE.read_directory(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.whole(Step::Read, path, || OsFileSystem::PRIVATE.read(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let inner = self.whole(Step::Open(mode), path, || OsFileSystem::PRIVATE.open(path, mode))?;
        Ok(Box::new(MortalFile { process: self.clone(), path: path.to_owned(), inner }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(Step::Rename, to, || OsFileSystem::PRIVATE.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.whole(Step::Remove, path, || OsFileSystem::PRIVATE.remove_file(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.whole(Step::Remove, path, || OsFileSystem::PRIVATE.remove_directory(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.whole(Step::Flush, path, || Ok(()))
    }

    fn sync_files(&self, directory: &Path, _paths: &[PathBuf]) -> io::Result<()> {
        self.whole(Step::Flush, directory, || Ok(()))
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        let inner =
            self.whole(Step::Open(OpenMode::Write), path, || OsFileSystem::PRIVATE.open_lock(path))?;
        Ok(self.hold(path, inner))
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        let inner = self.whole(Step::Look, path, || OsFileSystem::PRIVATE.find_lock(path))?;
        Ok(inner.map(|inner| self.hold(path, inner)))
    }

    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        let inner = self.whole(Step::Look, path, || OsFileSystem::PRIVATE.range_locks(path))?;
        let held = Arc::new(Mutex::new(Some(inner)));
        lock(&self.0.fate).ranges.push(Arc::downgrade(&held));
        Ok(Box::new(MortalRanges { process: self.clone(), path: path.to_owned(), held }))
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        let inner =
            self.whole(Step::Open(OpenMode::CreateNew), path, || OsFileSystem::PRIVATE.create_page(path))?;
        Ok(self.see(path, inner))
    }

    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
        let inner = self.whole(Step::Look, path, || OsFileSystem::PRIVATE.open_page(path, access))?;
        Ok(self.see(path, inner))
    }

    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>> {
        OsFileSystem::PRIVATE.network_kind(directory)
    }

    fn is_case_insensitive(&self, directory: &Path) -> io::Result<bool> {
        self.whole(Step::Look, directory, || Ok(false))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        OsFileSystem::PRIVATE.canonicalize(path)
    }

    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>> {
        self.whole(Step::Look, path, || OsFileSystem::PRIVATE.modified(path))
    }

    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        self.whole(Step::Look, path, || OsFileSystem::PRIVATE.identity(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.whole(Step::Look, path, || OsFileSystem::PRIVATE.exists(path))
    }
}

struct MortalFile {
    process: Process,
    path: PathBuf,
    inner: Box<dyn File>,
}

impl File for MortalFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let half = || drop(self.inner.write_at(offset, &bytes[..bytes.len() / 2]));
        self.process.step(Step::Write, &self.path, || self.inner.write_at(offset, bytes), half)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.process.whole(Step::Read, &self.path, || self.inner.read_at(offset, buffer))
    }

    fn length(&self) -> io::Result<u64> {
        self.process.whole(Step::Look, &self.path, || self.inner.length())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.process.whole(Step::Write, &self.path, || self.inner.set_length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.process.whole(Step::Flush, &self.path, || Ok(()))
    }
}

struct MortalLock {
    process: Process,
    path: PathBuf,
    /// Empty once the process is dead.
    held: Arc<Held<dyn LockFile>>,
}

impl MortalLock {
    fn with<T>(&self, step: Step, act: impl FnOnce(&dyn LockFile) -> io::Result<T>) -> io::Result<T> {
        self.process.whole(step, &self.path, || lock(&self.held).as_deref().map_or(Err(gone()), act))
    }
}

impl LockFile for MortalLock {
    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.with(Step::Lock, |lock| lock.try_lock(kind))
    }

    fn unlock(&self) -> io::Result<()> {
        self.with(Step::Unlock, |lock| lock.unlock())
    }

    fn is_current(&self) -> io::Result<bool> {
        self.with(Step::Look, |lock| lock.is_current())
    }

    fn write_note(&self, note: &str) -> io::Result<()> {
        self.with(Step::Write, |lock| lock.write_note(note))
    }

    fn read_note(&self) -> String {
        lock(&self.held).as_deref().map(LockFile::read_note).unwrap_or_default()
    }
}

impl Drop for MortalLock {
    fn drop(&mut self) {
        drop(lock(&self.held).take());
        let _ = self.process.whole(Step::Fall, &self.path, || Ok(()));
    }
}

struct MortalRanges {
    process: Process,
    path: PathBuf,
    /// Empty once the process is dead.
    held: Arc<Held<dyn RangeLocks>>,
}

impl MortalRanges {
    fn with<T>(&self, step: Step, act: impl FnOnce(&dyn RangeLocks) -> io::Result<T>) -> io::Result<T> {
        self.process.whole(step, &self.path, || self.act(act))
    }

    fn act<T>(&self, act: impl FnOnce(&dyn RangeLocks) -> io::Result<T>) -> io::Result<T> {
        lock(&self.held).as_deref().map_or(Err(gone()), act)
    }
}

impl RangeLocks for MortalRanges {
    fn try_lock(&self, range: ByteRange, kind: LockKind) -> io::Result<bool> {
        self.with(Step::Lock, |locks| locks.try_lock(range, kind))
    }

    /// However long it waits, it can be killed.
    fn unlock(&self, range: ByteRange) -> io::Result<()> {
        self.with(Step::Unlock, |locks| locks.unlock(range))
    }

    fn is_held(&self, range: ByteRange) -> io::Result<bool> {
        self.with(Step::Look, |locks| locks.is_held(range))
    }
}

struct MortalPage {
    process: Process,
    path: PathBuf,
    inner: Arc<dyn Page>,
    /// What a dead process still sees and stores to.
    remains: [AtomicU64; PAGE_WORDS],
}

impl MortalPage {
    fn let_go(&self) {
        for (at, word) in self.inner.words().iter().enumerate() {
            self.remains[at].store(word.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }
}

impl Page for MortalPage {
    fn words(&self) -> &[AtomicU64; PAGE_WORDS] {
        match self.process.whole(Step::Page, &self.path, || Ok(self.inner.words())) {
            Ok(words) => words,
            Err(_) => &self.remains,
        }
    }

    fn wait(&self, word: usize, seen: u32, time: Duration) {
        if !self.process.is_dead() {
            self.inner.wait(word, seen, time);
        }
    }

    fn wake(&self, word: usize) {
        if !self.process.is_dead() {
            self.inner.wake(word);
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the process was killed")
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
