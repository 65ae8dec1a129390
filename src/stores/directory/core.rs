//! What the store, the journal thread and the checkpointer share.

use super::INTERNAL_DIRECTORY;
use super::backlog::Backlog;
use crate::fs::{FileSystem, LockGuard};
use crate::kv::{Entry, Prepared, Space};
use crate::stores::memory::{Snapshot, State};
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Commits that become visible under one lock. Readers wait no longer than that takes.
const COMMITS_PER_LOCK: usize = 32;

pub(super) struct Core {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) directory: PathBuf,
    pub(super) backlog: Backlog,
    /// `None` once closed.
    state: RwLock<Option<State>>,
    head: Arc<AtomicU64>,
    /// Files under another name than ours, until the document is written for the first time.
    strays: Mutex<HashMap<Box<[u8]>, String>>,
}

impl Core {
    pub(super) fn new(
        fs: Arc<dyn FileSystem>,
        directory: PathBuf,
        state: State,
        strays: HashMap<Box<[u8]>, String>,
    ) -> Self {
        Self {
            fs,
            directory,
            backlog: Backlog::default(),
            head: state.head(),
            state: RwLock::new(Some(state)),
            strays: Mutex::new(strays),
        }
    }

    pub(super) fn head(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.head)
    }

    /// Reads the published state.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().map(read).ok_or_else(Error::closed)
    }

    pub(super) fn get(&self, space: Space, key: &[u8]) -> Option<Entry> {
        self.read(|state| state.get(space, key).cloned()).ok().flatten()
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        self.read(State::snapshot)
    }

    /// Makes commits visible, in order, each as a whole.
    pub(super) fn publish(&self, commits: Vec<Prepared>) {
        let mut commits = commits.into_iter().peekable();
        while commits.peek().is_some() {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let Some(state) = state.as_mut() else { return };
            for commit in commits.by_ref().take(COMMITS_PER_LOCK) {
                state.publish(commit);
            }
        }
    }

    pub(super) fn strays(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, String>> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the documents; every later read answers `Closed`.
    pub(super) fn clear(&self) {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(state);
    }

    /// Removes our own directory, but not what else lies in it.
    pub(super) fn leave(&self, lock: Box<dyn LockGuard>) -> Result<()> {
        let internal = self.directory.join(INTERNAL_DIRECTORY);
        // The lock file goes first, while we hold it: whoever waits for it then makes a new one. The
        // directory goes only if it is empty, so not under somebody's new lock.
        lock.remove().map_err(|error| Error::io("remove the lock in", &internal, error))?;
        let _ = self.fs.remove_directory(&internal);
        Ok(())
    }
}
