//! The files of a directory as the base of a store: all documents are in memory too.

use super::file_name::file_name;
use super::load::{Changed, LoadedFiles, load, load_again};
use super::materialise::{Change, materialise, remove_temporaries};
use super::names::Names;
use crate::fs::FileSystem;
use crate::kv::{Batch, Changes, Entry, KeyRange, Prepared, Scan, Sequence, Space, Write};
use crate::stores::disk::{DATA_FILE, has_data_file, missing_data_file};
use crate::stores::durable::{
    Base, Internal, Keys, Loaded, News, OnDamage, OpenOptions, Published, Reloaded, Renewal,
};
use crate::stores::journal::{Form, JournalPage};
use crate::stores::memory::{Memory, Snapshot, State};
use crate::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files that share one flush.
pub(super) const FILES_PER_FLUSH: usize = 4_096;

/// The JSON files of a directory.
pub struct Files {
    fs: Arc<dyn FileSystem>,
    directory: PathBuf,
    names: Mutex<Names>,
    /// Files under another name than ours, until the document is written for the first time.
    strays: Mutex<HashMap<Box<[u8]>, String>>,
}

impl Base for Files {
    type State = State;
    const RESIDENT: bool = true;
    /// They are in memory anyway.
    const MAX_BACKLOG_BYTES: usize = usize::MAX;

    fn open(internal: &Internal, directory: &Path, _options: &OpenOptions) -> Result<Self> {
        refuse_data_file(internal, directory)?;
        Ok(Self {
            fs: Arc::clone(&internal.fs),
            directory: directory.to_owned(),
            names: Mutex::default(),
            strays: Mutex::default(),
        })
    }

    fn form(&self) -> Form {
        Form::FILES
    }

    /// Files do not tell which commits are in them.
    fn through(&self) -> Result<Sequence> {
        Ok(0)
    }

    fn load(&self, internal: &Internal, page: &JournalPage, damage: OnDamage) -> Result<Loaded<State>> {
        let loaded = load(&self.fs, &self.directory, internal, page, damage)?;
        let LoadedFiles { tree, place, names, strays, recovered, quarantined } = loaded;
        *lock(&self.names) = names;
        *lock(&self.strays) = strays;
        let state = State::new(BTreeMap::from([(Space::DOCUMENTS, tree)]), place.sequence);
        Ok(Loaded { state, place, recovered, quarantined })
    }

    fn reload(&self, internal: &Internal, page: &JournalPage, before: &Snapshot) -> Result<Reloaded<State>> {
        let Changed { changes, place, strays, recovered } =
            load_again(&self.fs, &self.directory, internal, page, before)?;
        *lock(&self.strays) = strays;
        Ok(Reloaded { news: News::Changes(changes), place, recovered })
    }

    /// Every new key must have a file name of its own.
    fn check(&self, batch: &Batch, exists: &dyn Fn(Space, &[u8]) -> Result<bool>) -> Result<()> {
        // What the operations before leave: whether there is a document.
        let mut names = lock(&self.names);
        let mut batch_leaves: HashMap<&[u8], bool> = HashMap::new();
        for operation in &batch.operations {
            if operation.space != Space::DOCUMENTS {
                return Err(Error::assertion("A directory of files holds documents only"));
            }
            let exists =
                |key: &[u8]| batch_leaves.get(key).copied().map_or_else(|| exists(Space::DOCUMENTS, key), Ok);
            let is_put = matches!(operation.write, Write::Put(..));
            if is_put && !exists(operation.key())? {
                let name = file_name(operation.key())?;
                names.claim(operation.key(), &name, |key| exists(key).unwrap_or(true))?;
            }
            if batch.operations.len() > 1 {
                batch_leaves.insert(operation.key(), is_put);
            }
        }
        Ok(())
    }

    fn note(&self, commits: &[Prepared]) {
        let mut names = lock(&self.names);
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            if change.entry.is_some() {
                names.note(&change.key);
            }
        }
    }

    fn clear_unfinished(&self) -> Result<()> {
        remove_temporaries(&*self.fs, &self.directory)
    }

    fn write(&self, snapshot: &Snapshot, keys: &Keys, through: Sequence) -> Result<Sequence> {
        let mut changes: Vec<Change> = keys
            .keys()
            .map(|(space, key)| Change {
                key: Arc::clone(key),
                entry: snapshot.get(*space, key).cloned(),
                stray: lock(&self.strays).get(&**key).cloned(),
            })
            .collect();
        // Removing comes first, over all chunks: where names differ only in case, a removed document may have
        // made room for a written one. Then by key, so that each run does the same.
        changes.sort_unstable_by(|a, b| (a.entry.is_some(), &a.key).cmp(&(b.entry.is_some(), &b.key)));
        for changes in changes.chunks(FILES_PER_FLUSH) {
            materialise(&*self.fs, &self.directory, changes)?;
            let mut strays = lock(&self.strays);
            for change in changes {
                strays.remove(&*change.key);
            }
        }
        Ok(through)
    }

    fn renew(&self, _snapshot: &Snapshot) -> Result<Renewal<Infallible>> {
        Ok(Renewal::Current)
    }

    fn close(&self) {}
}

impl Published for State {
    type Snapshot = Snapshot;
    type Notes = ();
    /// It holds everything itself.
    type Ground = Infallible;

    fn sequence(&self) -> Sequence {
        self.sequence()
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Entry>> {
        Ok(self.get(space, key).cloned())
    }

    fn range(&self, space: Space, scan: &Scan) -> Result<Vec<Entry>> {
        Ok(self.range(space, scan))
    }

    fn count(&self, space: Space, range: &KeyRange) -> Result<u64> {
        Ok(self.count(space, range))
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    fn changes_between(&self, space: Space, since: Sequence, through: Sequence) -> Changes {
        self.changes_between(space, since, through)
    }

    fn prepare(&self, _commit: &Prepared, (): &mut ()) -> Result<()> {
        Ok(())
    }

    fn publish(&mut self, commit: Prepared, (): &()) {
        self.publish(commit);
    }

    fn stand_on(&mut self, ground: Infallible) -> Result<()> {
        match ground {}
    }

    fn memory(&self, space: Space) -> Memory {
        self.now().memory(space)
    }
}

/// A directory has one form only. That of a data file shows even where the file is missing.
pub(super) fn refuse_data_file(internal: &Internal, directory: &Path) -> Result<()> {
    let form = internal.form()?;
    if !has_data_file(&*internal.fs, directory)? {
        if form.needs_data_file() {
            return Err(missing_data_file(directory));
        }
        return Ok(());
    }
    form.check(Form::FILES, directory)?;
    let directory = directory.display();
    let message = format!("{directory} holds a data file, {DATA_FILE}. Open it with {{ storage: 'disk' }}");
    Err(Error::assertion(message).with_expected("a directory of JSON files"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
