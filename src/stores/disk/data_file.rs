//! The file as the base of a store.

use super::layers::{DiskState, Ground, Layers};
use super::pages::{Notes, Pages};
use super::view::{FORM, FORMAT, NUMBERS, View, caught, failed, failed_to, through};
use super::write::{FORMAT_NUMBER, make_tables, write};
use super::{DATA_FILE, REPAIRED_FILE};
use crate::fs::{DirectoryEntry, FileSystem, OpenMode};
use crate::kv::{Batch, Prepared, Read, Sequence, Space};
use crate::stores::durable::{
    Base, Due, INTERNAL_DIRECTORY, Internal, Keys, Loaded, News, OnDamage, OpenOptions, Published, Reloaded,
    Renewal,
};
use crate::stores::journal::{Form, JournalPage, Log, Place, decode_commit, form_of};
use crate::{Error, ErrorKind, Result};
use redb::{ConcurrencyMode, Database, ReadableDatabase, ReadableTable, TableError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The file while it is being made.
pub(super) const NEW_FILE: &str = ".data.redb-new";

/// The file of a store on disk.
pub struct DataFile {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    /// What the file is, whatever its name.
    identity: Option<u128>,
    form: Form,
    settings: Settings,
    /// `None` once closed.
    opened: Mutex<Option<Opened>>,
    /// The notes of what is opened, to be read while somebody works on it. Locked last, and never for long.
    notes: Mutex<Arc<Notes>>,
}

/// How the file is used.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    pub(super) cache_bytes: usize,
    /// How long to wait for other processes.
    pub(super) patience: Duration,
}

pub(super) struct Opened {
    /// `None` only while it is dropped.
    database: Option<Database>,
    /// Counts how often the file was opened.
    opening: u64,
    notes: Arc<Notes>,
}

impl Opened {
    pub(super) fn database(&self) -> Result<&Database> {
        self.database.as_ref().ok_or_else(Error::closed)
    }

    pub(super) fn database_mut(&mut self) -> Result<&mut Database> {
        self.database.as_mut().ok_or_else(Error::closed)
    }
}

impl Drop for Opened {
    /// The library tidies up in the file when it is closed, and stops short where that is damaged.
    fn drop(&mut self) {
        let database = self.database.take();
        let _ = caught(|| {
            drop(database);
            Ok(())
        });
    }
}

impl DataFile {
    /// Works on the file, which is opened again if an operation on it has failed.
    fn with<T>(&self, work: impl FnOnce(&Opened) -> Result<T>) -> Result<T> {
        let mut opened = lock(&self.opened);
        let current = opened.as_mut().ok_or_else(Error::closed)?;
        if current.notes.has_failed.load(Ordering::Acquire) {
            self.check_place()?;
            *current = open(&*self.fs, &self.path, self.settings, current.opening + 1)?;
            *lock(&self.notes) = Arc::clone(&current.notes);
        }
        // Nobody knows what an error left in the memory of the library.
        caught(|| work(current)).inspect_err(|_| current.notes.has_failed.store(true, Ordering::Release))
    }

    /// Fails if the path does not lead to the file any more: what is written to it would be lost.
    fn check_place(&self) -> Result<()> {
        if identity(&*self.fs, &self.path)? == self.identity {
            return Ok(());
        }
        let path = self.path.display();
        let message = format!("{path} was removed or replaced while the datastore was open");
        Err(Error::new(ErrorKind::Storage, message))
    }

    fn view(&self) -> Result<View> {
        self.with(|opened| {
            let transaction = opened.database()?.begin_read().map_err(failed)?;
            View::new(&transaction, opened.opening)
        })
    }

    /// The newest view and what the journal has behind it.
    fn load_all(&self, internal: &Internal, page: &JournalPage) -> Result<(DiskState, Place, Vec<Due>)> {
        loop {
            // In this order: the journal keeps what is behind the view, and all it holds was published.
            let mut state = DiskState::new(self.view()?);
            let through = state.sequence();
            let newest = page.sequence();
            if page.is_retired() {
                return Err(Error::closed());
            }
            let log = Log::read_through(Arc::clone(&self.fs), &internal.path, through, newest)?;
            // Unless others have written to the file meanwhile, it is an older one.
            if log.checkpoint() > through && log.checkpoint() > self.through()? {
                return Err(self.outdated(through, log.checkpoint()));
            }
            let mut recovered = Vec::new();
            log.replay(through, |sequence, payload| {
                let changes = decode_commit(sequence, payload)?;
                let commit = Prepared { sequence, versions: Vec::new(), changes };
                let mut notes = <DiskState as Published>::Notes::default();
                state.prepare(&commit, &mut notes)?;
                recovered.extend(
                    commit.changes.iter().map(|change| ((change.space, Arc::clone(&change.key)), sequence)),
                );
                state.publish(commit, &notes);
                Ok(())
            })?;
            // Else somebody wrote the first segment just now.
            if let Some(place) = log.end().or_else(|| Place::of_page(page, newest)) {
                return Ok((state, place, recovered));
            }
        }
    }

    fn outdated(&self, through: Sequence, checkpoint: Sequence) -> Error {
        let path = self.path.display();
        Error::corrupt(format!(
            "{path} is older than the journal: it ends with commit {through}, and had {checkpoint} once. Put \
             back the newer file, or a whole backup. Nothing was changed"
        ))
    }
}

impl Base for DataFile {
    type State = DiskState;
    const RESIDENT: bool = false;
    /// It is all in memory, twice while it is being written.
    const MAX_BACKLOG_BYTES: usize = 64 << 20;

    fn open(internal: &Internal, directory: &Path, options: &OpenOptions) -> Result<Self> {
        let (fs, path) = (Arc::clone(&internal.fs), directory.join(DATA_FILE));
        let settings = Settings { cache_bytes: options.cache_bytes, patience: options.lock_timeout };
        settle(&*fs, directory)?;
        if !fs.exists(&path).map_err(|error| Error::io("look at", &path, error))? {
            refuse_leavings(internal, directory, options.form)?;
            create(&*fs, directory, &path, (settings, options.form), |_| Ok(()))?;
        }
        form_of(&*fs, &internal.path)?.check(options.form, directory)?;
        let opened = open(&*fs, &path, settings, 0)?;
        let found = form(opened.database()?)?;
        found.check(options.form, directory)?;
        let form = if found == Form::UNKNOWN { options.form } else { found };
        let identity = identity(&*fs, &path)?;
        let notes = Mutex::new(Arc::clone(&opened.notes));
        let opened = Mutex::new(Some(opened));
        Ok(Self { fs, path, identity, form, settings, opened, notes })
    }

    fn form(&self) -> Form {
        self.form
    }

    fn through(&self) -> Result<Sequence> {
        Ok(self.view()?.through)
    }

    fn load(&self, internal: &Internal, page: &JournalPage, _damage: OnDamage) -> Result<Loaded<DiskState>> {
        let (state, place, recovered) = self.load_all(internal, page)?;
        Ok(Loaded { state, place, recovered, quarantined: Vec::new() })
    }

    fn reload(
        &self,
        internal: &Internal,
        page: &JournalPage,
        _before: &Layers,
    ) -> Result<Reloaded<DiskState>> {
        let (state, place, recovered) = self.load_all(internal, page)?;
        Ok(Reloaded { news: News::Everything(state), place, recovered })
    }

    fn check(&self, _batch: &Batch, _exists: &dyn Fn(Space, &[u8]) -> Result<bool>) -> Result<()> {
        Ok(())
    }

    fn note(&self, _commits: &[Prepared]) {}

    /// A transaction that was interrupted never happened.
    fn clear_unfinished(&self) -> Result<()> {
        Ok(())
    }

    /// All of the overlay, which may be more than `keys`: so that the file shows one moment.
    fn write(&self, snapshot: &Layers, _keys: &Keys, _through: Sequence) -> Result<Sequence> {
        let through = snapshot.sequence();
        if through == snapshot.view.through {
            return Ok(through);
        }
        self.check_place()?;
        self.with(|opened| write(opened.database()?, &snapshot.overlay, snapshot.view.through, through))?;
        Ok(through)
    }

    fn renew(&self, snapshot: &Layers) -> Result<Renewal<Ground>> {
        let view = self.with(|opened| {
            let transaction = opened.database()?.begin_read().map_err(failed)?;
            let old = (snapshot.view.through, snapshot.view.opening);
            let is_newer = (through(&transaction)?, opened.opening) != old;
            is_newer.then(|| View::new(&transaction, opened.opening)).transpose()
        })?;
        match view {
            None => Ok(Renewal::Current),
            Some(view) if view.through <= snapshot.sequence() => {
                Ok(Renewal::Ground(Ground::new(snapshot, view)?))
            }
            Some(view) if view.opening == snapshot.view.opening => Ok(Renewal::Ahead(view.through)),
            Some(_) => Ok(Renewal::Anew),
        }
    }

    /// Reckoned: the library counts it only at a price for every look-up.
    fn cached_bytes(&self) -> usize {
        let moved = lock(&self.notes).moved_bytes.load(Ordering::Relaxed);
        usize::try_from(moved).unwrap_or(usize::MAX).min(self.settings.cache_bytes)
    }

    fn close(&self) {
        let opened = lock(&self.opened).take();
        drop(opened);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory has one form only, and a data file that was there is not made anew.
fn refuse_leavings(internal: &Internal, directory: &Path, wanted: Form) -> Result<()> {
    let entries = internal.fs.read_directory(directory);
    let entries = entries.map_err(|error| Error::io("read the directory", directory, error))?;
    let is_document = |entry: &DirectoryEntry| Path::new(&entry.name).extension() == Some("json".as_ref());
    let form = internal.form()?;
    if form.needs_data_file() {
        return Err(missing_data_file(directory));
    }
    form.check(wanted, directory)?;
    if entries.iter().any(is_document) {
        return Form::FILES.check(wanted, directory);
    }
    if Log::read(Arc::clone(&internal.fs), &internal.path)?.is_empty() {
        return Ok(());
    }
    let shown = directory.display();
    let message = format!(
        "{shown} holds a journal and no {DATA_FILE}. If the file was removed, put it back; if the \
         journal is that of JSON files, open the directory with {{ storage: 'files' }}"
    );
    Err(Error::assertion(message).with_expected("an empty directory, or one with a data file"))
}

/// Where the journal is that of a data file, most entries are only there.
pub(in crate::stores) fn missing_data_file(directory: &Path) -> Error {
    let path = directory.join(DATA_FILE);
    Error::corrupt(format!(
        "{} is missing, and what else lies in its directory does not hold all. Put it back, or restore a \
         backup. To give up what was in it, remove {INTERNAL_DIRECTORY} there too. Nothing was changed",
        path.display()
    ))
}

/// Makes the file under another name first: a crash may leave it half made.
pub(super) fn create(
    fs: &dyn FileSystem,
    directory: &Path,
    path: &Path,
    (settings, form): (Settings, Form),
    fill: impl FnOnce(&Database) -> Result<()>,
) -> Result<()> {
    let new = directory.join(NEW_FILE);
    fs.open(&new, OpenMode::CreateNew).map_err(|error| Error::io("create", &new, error))?;
    let opened = open_any(fs, &new, settings, 0)?;
    make_tables(opened.database()?, form)?;
    fill(opened.database()?)?;
    drop(opened);
    let renamed = fs.sync_files(directory, std::slice::from_ref(&new)).and_then(|()| fs.rename(&new, path));
    renamed.map_err(|error| Error::io("create", path, error))?;
    fs.sync_directory(directory).map_err(|error| Error::io("flush the directory", directory, error))
}

/// Puts the file in place that a repair has made, or removes what a crash left of one.
pub(super) fn settle(fs: &dyn FileSystem, directory: &Path) -> Result<()> {
    remove_unfinished(fs, &directory.join(NEW_FILE))?;
    let (path, repaired) = (directory.join(DATA_FILE), directory.join(REPAIRED_FILE));
    let there = |path: &Path| fs.exists(path).map_err(|error| Error::io("look at", path, error));
    if there(&path)? {
        return remove_unfinished(fs, &repaired);
    }
    if !there(&repaired)? {
        return Ok(());
    }
    fs.rename(&repaired, &path).map_err(|error| Error::io("rename", &repaired, error))?;
    fs.sync_directory(directory).map_err(|error| Error::io("flush the directory", directory, error))
}

fn remove_unfinished(fs: &dyn FileSystem, new: &Path) -> Result<()> {
    match fs.remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", new, error)),
        _ => Ok(()),
    }
}

/// What tells the file from others.
fn identity(fs: &dyn FileSystem, path: &Path) -> Result<Option<u128>> {
    fs.identity(path).map_err(|error| Error::io("look at", path, error))
}

pub(super) fn open(fs: &dyn FileSystem, path: &Path, settings: Settings, opening: u64) -> Result<Opened> {
    let length = fs.open(path, OpenMode::Read).and_then(|file| file.length());
    // The library would make a new one of it.
    if length.map_err(|error| Error::io("open", path, error))? == 0 {
        return Err(Error::corrupt(format!("{} is empty. Restore a backup", path.display())));
    }
    caught(|| {
        let opened = open_any(fs, path, settings, opening)?;
        check_format(opened.database()?, path)?;
        Ok(opened)
    })
}

fn open_any(fs: &dyn FileSystem, path: &Path, settings: Settings, opening: u64) -> Result<Opened> {
    let notes = Arc::<Notes>::default();
    let pages = Pages::open(fs, path, settings.patience, Arc::clone(&notes))
        .map_err(|error| Error::io("open", path, error))?;
    let database = Database::builder()
        .set_cache_size(settings.cache_bytes)
        .set_concurrency_mode(ConcurrencyMode::MultiWriter)
        .create_with_backend(pages)
        .map_err(|error| failed_to("open", path, error))?;
    Ok(Opened { database: Some(database), opening, notes })
}

fn check_format(database: &Database, path: &Path) -> Result<()> {
    let transaction = database.begin_read().map_err(failed)?;
    let format = match transaction.open_table(NUMBERS) {
        Err(TableError::TableDoesNotExist(_)) => None,
        table => table.map_err(failed)?.get(FORMAT).map_err(failed)?.map(|format| format.value()),
    };
    if format == Some(FORMAT_NUMBER) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::corrupt(format!(
        "{path} has the form {format:?}, which a newer version wrote, or is not ours"
    )))
}

fn form(database: &Database) -> Result<Form> {
    let transaction = database.begin_read().map_err(failed)?;
    let numbers = transaction.open_table(NUMBERS).map_err(failed)?;
    let code = numbers.get(FORM).map_err(failed)?.map_or(0, |code| code.value());
    Ok(Form::of_code(u8::try_from(code).unwrap_or(u8::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::simulated::SimulatedDisk;
    use crate::stores::durable::INTERNAL_DIRECTORY;

    #[test]
    fn what_the_cache_takes_is_told_while_the_file_is_being_written() {
        let fs: Arc<dyn FileSystem> = Arc::new(SimulatedDisk::new());
        let directory = Path::new("data");
        let path = directory.join(INTERNAL_DIRECTORY);
        fs.create_directory(directory).unwrap();
        fs.create_directory(&path).unwrap();
        let internal = Internal { fs, path, timeout: Duration::ZERO };
        let options = OpenOptions { form: Form::DISK, ..OpenOptions::default() };
        let file = DataFile::open(&internal, directory, &options).unwrap();
        let told = file.with(|_| Ok(file.cached_bytes())).unwrap();
        assert!(told > 0);
        assert_eq!(file.cached_bytes(), told);
    }
}
