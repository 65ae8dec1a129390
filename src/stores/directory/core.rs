//! What the store, the journal thread and the checkpointer share: the published state, kept up with what
//! other processes commit.

use super::backlog::Backlog;
use super::load::{Loaded, load_again};
use super::members::Internal;
use super::names::Names;
use super::watch::Watchers;
use crate::fs::{FileSystem, LockFile};
use crate::kv::{Change, Entry, Moment, Prepared, Sequence, Space};
use crate::stores::journal::{Followed, Follower, History, JournalPage, Place, decode_commit};
use crate::stores::memory::{Snapshot, State};
use crate::{Error, ErrorKind, Result};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Commits that become visible under one lock. Readers wait no longer than that takes.
const COMMITS_PER_LOCK: usize = 32;

pub(super) struct Core {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) directory: PathBuf,
    /// What the directory is, whatever its name.
    identity: Option<u128>,
    pub(super) internal: Internal,
    pub(super) page: JournalPage,
    pub(super) backlog: Backlog,
    pub(super) watchers: Arc<Watchers>,
    /// Held while files are written, by whoever does that in this process.
    pub(super) checkpointing: Mutex<Box<dyn LockFile>>,
    /// `None` once closed.
    state: RwLock<Option<State>>,
    /// Whoever publishes holds it, so that commits come in order.
    follower: Mutex<Follower>,
    names: Mutex<Names>,
    /// Files under another name than ours, until the document is written for the first time.
    strays: Mutex<HashMap<Box<[u8]>, String>>,
}

/// What a core is made of besides what was loaded.
pub(super) struct Parts {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) directory: PathBuf,
    pub(super) identity: Option<u128>,
    pub(super) internal: Internal,
    pub(super) page: JournalPage,
    pub(super) checkpointing: Box<dyn LockFile>,
}

impl Core {
    pub(super) fn new(parts: Parts, loaded: Loaded) -> Self {
        let Parts { fs, directory, identity, internal, page, checkpointing } = parts;
        let follower = Follower::new(Arc::clone(&fs), &internal.path, loaded.place);
        let core = Self {
            fs,
            directory,
            identity,
            internal,
            page,
            backlog: Backlog::default(),
            watchers: Arc::default(),
            checkpointing: Mutex::new(checkpointing),
            state: RwLock::new(Some(loaded.state)),
            follower: Mutex::new(follower),
            names: Mutex::new(loaded.names),
            strays: Mutex::new(loaded.strays),
        };
        // Also without keys: a checkpoint may cover a journal that is still there.
        if loaded.place.sequence > 0 {
            core.backlog.add(loaded.place.sequence, loaded.recovered);
        }
        core
    }

    /// Reads the published state; first what other processes have published since.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T> {
        let newest = self.page.sequence();
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match state.as_ref() {
            None => Err(Error::closed()),
            Some(state) if state.sequence() >= newest => Ok(read(state)),
            Some(_) if self.page.is_retired() => Err(Error::closed()),
            Some(_) => {
                drop(state);
                self.catch_up(newest)?;
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                state.as_ref().map(read).ok_or_else(Error::closed)
            }
        }
    }

    /// The entry as far as we have caught up: for those who write, and so have.
    pub(super) fn current(&self, space: Space, key: &[u8]) -> Option<Entry> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref()?.get(space, key).cloned()
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        self.read(State::snapshot)
    }

    /// The published state, and the moment that it shows.
    pub(super) fn moment(&self) -> Result<(Snapshot, Moment)> {
        self.read(|_| ())?;
        // Whoever holds it, nothing is published.
        let follower = lock(&self.follower);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let snapshot = state.as_ref().map(State::snapshot).ok_or_else(Error::closed)?;
        Ok((snapshot, History::moment(&self.page, follower.place())))
    }

    /// Makes our own commits visible, in order, each as a whole, here and to other processes. The journal
    /// ends at `end` now.
    pub(super) fn publish(&self, commits: Vec<Prepared>, end: Place) {
        let mut follower = lock(&self.follower);
        self.apply(commits, |sequence| self.page.publish(sequence));
        follower.skip_to(end);
    }

    /// Makes the commits up to `through` visible here, which were published by other processes.
    pub(super) fn catch_up(&self, through: Sequence) -> Result<()> {
        let mut follower = lock(&self.follower);
        let mut commits = Vec::new();
        let reached = follower.read_through(through, |sequence, payload| {
            let changes = decode_commit(sequence, payload)?;
            commits.push(Prepared { sequence, versions: Vec::new(), changes });
            Ok(())
        });
        // What could be read counts, whatever came then: the follower is behind it.
        self.apply(commits, |_| {});
        match reached? {
            Followed::Through => Ok(()),
            Followed::Removed => self.reload(&mut follower),
        }
    }

    /// Reads everything again: the journal does not reach back to where we are.
    fn reload(&self, follower: &mut Follower) -> Result<()> {
        let before = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            state.as_ref().map(State::snapshot).ok_or_else(Error::closed)?
        };
        let changed = load_again(&self.fs, &self.directory, &self.internal, &self.page, &before)?;
        *lock(&self.strays) = changed.strays;
        self.backlog.prune(self.page.checkpoint());
        let sequence = changed.place.sequence;
        // First, so that nobody notes a checkpoint for commits of which only the journal knows.
        self.backlog.add(sequence, changed.recovered);
        self.apply(vec![Prepared { sequence, versions: Vec::new(), changes: changed.changes }], |_| {});
        *follower = Follower::new(Arc::clone(&self.fs), &self.internal.path, changed.place);
        Ok(())
    }

    /// Publishes commits, tells `published` how far under the same lock, and notes what files have to follow.
    fn apply(&self, commits: Vec<Prepared>, published: impl Fn(Sequence)) {
        let Some(last) = commits.last().map(|commit| commit.sequence) else { return };
        let mut names = lock(&self.names);
        let mut keys = Vec::with_capacity(commits.len());
        for Prepared { sequence, changes, .. } in &commits {
            for Change { key, entry, .. } in changes {
                if entry.is_some() {
                    names.note(key);
                }
                keys.push((Arc::clone(key), *sequence));
            }
        }
        drop(names);
        let mut commits = commits.into_iter().peekable();
        while commits.peek().is_some() {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let Some(state) = state.as_mut() else { return };
            for commit in commits.by_ref().take(COMMITS_PER_LOCK) {
                state.publish(commit);
            }
            published(state.sequence());
        }
        self.backlog.add(last, keys);
    }

    /// Fails if the path of the directory does not lead to it any more: files must not be written elsewhere.
    pub(super) fn check_place(&self) -> Result<()> {
        let now = self.fs.identity(&self.directory);
        if now.map_err(|error| Error::io("look at", &self.directory, error))? == self.identity {
            return Ok(());
        }
        let directory = self.directory.display();
        let message = format!("{directory} was moved or removed while the datastore in it was open");
        Err(Error::new(ErrorKind::Storage, message))
    }

    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        lock(&self.names)
    }

    pub(super) fn strays(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, String>> {
        lock(&self.strays)
    }

    /// Frees the documents; every later read answers `Closed`.
    pub(super) fn clear(&self) {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(state);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
