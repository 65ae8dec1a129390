//! A disk in memory that knows what a power cut may leave: of each file, sector by sector, any state since it
//! was last flushed; of each name, any state since its directory was.

use crate::support::Random;
use kixx_datastore::fs::{
    DirectoryEntry, EntryKind, File, FileSystem, LockFile, OpenMode, Page, PageAccess, RangeLocks,
};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Default)]
pub struct CrashingDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: Vec<History<Vec<u8>>>,
    names: BTreeMap<PathBuf, History<Option<usize>>>,
    /// What power cuts would have left, one for each call.
    images: Vec<BTreeMap<PathBuf, Vec<u8>>>,
    random: Option<Random>,
    /// Which write fails from now on, and how many bytes of it arrive.
    failing_write: Option<(usize, usize)>,
}

/// All states since the last flush; the first is durable, the last is what readers see.
struct History<T> {
    states: Vec<T>,
}

impl<T: Clone> History<T> {
    fn new(state: T) -> Self {
        Self { states: vec![state] }
    }

    fn last(&self) -> &T {
        self.states.last().unwrap()
    }

    fn push(&mut self, state: T) {
        self.states.push(state);
    }

    fn flush(&mut self) {
        self.states = vec![self.last().clone()];
    }

    fn any(&self, random: &mut Random) -> &T {
        &self.states[random.below(self.states.len())]
    }
}

impl CrashingDisk {
    /// A disk that holds `files`, all durable, and takes an image at every call.
    pub fn new(files: &BTreeMap<PathBuf, Vec<u8>>, seed: u64) -> Self {
        let mut state = State { random: Some(Random(seed)), ..State::default() };
        for (path, bytes) in files {
            state.names.insert(path.clone(), History::new(Some(state.files.len())));
            state.files.push(History::new(bytes.clone()));
        }
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Fails a write after `passing` others; `arriving` bytes of it still arrive.
    pub fn fail_write(&self, passing: usize, arriving: usize) {
        self.lock().failing_write = Some((passing, arriving));
    }

    /// Fails no write any more.
    pub fn heal(&self) {
        self.lock().failing_write = None;
    }

    /// What power cuts would have left at the calls since this was asked last, and now.
    pub fn take_images(&self) -> Vec<BTreeMap<PathBuf, Vec<u8>>> {
        let mut state = self.lock();
        state.take_image();
        std::mem::take(&mut state.images)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Begins a call that changes something: the power may be cut before it.
    fn change(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.take_image();
        state
    }
}

impl State {
    fn take_image(&mut self) {
        let Some(mut random) = self.random.take() else { return };
        let mut image = BTreeMap::new();
        for (path, name) in &self.names {
            if let Some(file) = *name.any(&mut random) {
                image.insert(path.clone(), tear(&self.files[file], &mut random));
            }
        }
        self.random = Some(random);
        self.images.push(image);
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).and_then(|name| *name.last()).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// Each sector from any of the states, cut or filled up with zeros to the length of any of them.
fn tear(file: &History<Vec<u8>>, random: &mut Random) -> Vec<u8> {
    let mut torn = file.any(random).clone();
    if file.states.len() == 1 {
        return torn;
    }
    for (index, sector) in torn.chunks_mut(SECTOR_BYTES).enumerate() {
        let start = index * SECTOR_BYTES;
        let from = file.any(random);
        let there = from.get(start..).unwrap_or_default();
        let length = there.len().min(sector.len());
        sector[..length].copy_from_slice(&there[..length]);
        sector[length..].fill(0);
    }
    torn
}

impl FileSystem for CrashingDisk {
    fn create_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read_directory(&self, _path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let state = self.lock();
        let there = state.names.iter().filter(|name| name.1.last().is_some());
        Ok(there
            .map(|(path, _)| DirectoryEntry { name: path.file_name().unwrap().into(), kind: EntryKind::File })
            .collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.lock();
        Ok(state.files[state.file(path)?].last().clone())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let mut state = self.change();
        let file = match (mode, state.file(path)) {
            (OpenMode::Read | OpenMode::Write, file) => file?,
            (OpenMode::CreateNew, Err(_)) => {
                let file = state.files.len();
                state.files.push(History::new(Vec::new()));
                state.names.entry(path.into()).or_insert_with(|| History::new(None)).push(Some(file));
                file
            }
            _ => return Err(ErrorKind::AlreadyExists.into()),
        };
        drop(state);
        Ok(Box::new(CrashingFile { disk: self.clone(), file }))
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change();
        state.file(path)?;
        state.names.get_mut(path).unwrap().push(None);
        Ok(())
    }

    fn remove_directory(&self, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        self.change().names.values_mut().for_each(History::flush);
        Ok(())
    }

    fn sync_files(&self, _directory: &Path, _paths: &[PathBuf]) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn open_lock(&self, _path: &Path) -> io::Result<Box<dyn LockFile>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn find_lock(&self, _path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn range_locks(&self, _path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn create_page(&self, _path: &Path) -> io::Result<Arc<dyn Page>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn open_page(&self, _path: &Path, _access: PageAccess) -> io::Result<Arc<dyn Page>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn network_kind(&self, _directory: &Path) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn modified(&self, _path: &Path) -> io::Result<Option<SystemTime>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn identity(&self, _path: &Path) -> io::Result<Option<u128>> {
        Ok(None)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.lock().file(path).is_ok())
    }

    fn is_case_insensitive(&self, _directory: &Path) -> io::Result<bool> {
        Ok(false)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.into())
    }
}

struct CrashingFile {
    disk: CrashingDisk,
    file: usize,
}

impl File for CrashingFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.change();
        let (arriving, result) = match state.failing_write.take() {
            Some((0, arriving)) => (arriving.min(bytes.len()), Err(io::Error::other("the disk is broken"))),
            Some((passing, arriving)) => {
                state.failing_write = Some((passing - 1, arriving));
                (bytes.len(), Ok(()))
            }
            None => (bytes.len(), Ok(())),
        };
        let start = offset as usize;
        let mut content = state.files[self.file].last().clone();
        content.resize(content.len().max(start + arriving), 0);
        content[start..start + arriving].copy_from_slice(&bytes[..arriving]);
        state.files[self.file].push(content);
        result
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        let rest = state.files[self.file].last().get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.lock().files[self.file].last().len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.change();
        let mut content = state.files[self.file].last().clone();
        content.resize(length as usize, 0);
        state.files[self.file].push(content);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.change().files[self.file].flush();
        Ok(())
    }
}
