//! The backlog: documents that the journal holds and their files do not yet.

use crate::kv::Sequence;
use crate::{Error, Result};
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Writers wait when so many documents are not yet in their files.
pub(super) const MAX_BACKLOG_DOCUMENTS: usize = 50_000;
/// Documents that change often within this time are written once.
const CHECKPOINT_DELAY: Duration = Duration::from_secs(1);
/// Start at once when so many documents are waiting.
const EAGER_DOCUMENTS: usize = 10_000;
/// How long to wait after a checkpoint failed.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Shared by the journal thread, which adds, and the checkpointer, which takes.
#[derive(Default)]
pub(super) struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    keys: HashSet<Arc<[u8]>>,
    /// Every commit up to here has its keys in `keys`, in the batch being written, or in files.
    through: Sequence,
    /// When the checkpointer should start, if there is something to do.
    due: Option<Instant>,
    /// Why the last checkpoint failed. Cleared by a success.
    failure: Option<Error>,
    /// Whether somebody writes what they took. Nobody else may take meanwhile: their files would be complete
    /// up to a commit whose keys the other has.
    writing: bool,
    closing: bool,
}

/// What has to be written. Whoever takes it says how that went: [`Backlog::succeeded`] or
/// [`Backlog::failed`].
pub(super) struct Work {
    pub(super) keys: HashSet<Arc<[u8]>>,
    pub(super) through: Sequence,
}

impl Backlog {
    /// Adds what a commit changed.
    pub(super) fn add(&self, through: Sequence, keys: impl IntoIterator<Item = Arc<[u8]>>) {
        let mut state = self.lock();
        state.keys.extend(keys);
        state.through = through;
        if state.keys.len() >= EAGER_DOCUMENTS {
            state.due = Some(Instant::now());
            self.changed.notify_all();
        } else if state.due.is_none() {
            state.due = Some(Instant::now() + CHECKPOINT_DELAY);
            self.changed.notify_all();
        }
    }

    /// Whether writers have to wait until documents are in their files. Not while that fails: then
    /// [`Backlog::check`] says why.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        state.keys.len() >= MAX_BACKLOG_DOCUMENTS && state.failure.is_none()
    }

    /// Why there is no room for another write, if that is so.
    pub(super) fn check(&self) -> Result<()> {
        let state = self.lock();
        match &state.failure {
            Some(failure) if state.keys.len() >= MAX_BACKLOG_DOCUMENTS => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until something is due and takes it; `None` once closing.
    pub(super) fn take_due(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if state.closing {
                return None;
            }
            let now = Instant::now();
            state = match state.due.filter(|_| !state.writing) {
                Some(due) if due <= now => return Some(state.take()),
                Some(due) => {
                    self.changed.wait_timeout(state, due - now).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Takes everything, due or not. Waits while others write what they took.
    pub(super) fn take_all(&self) -> Work {
        let mut state = self.lock();
        while state.writing {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.take()
    }

    /// Says that what was taken is in files now.
    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        state.failure = None;
        state.writing = false;
        self.changed.notify_all();
    }

    /// Puts back what could not be written; it is tried again later.
    pub(super) fn failed(&self, work: Work, error: Error) {
        let mut state = self.lock();
        state.keys.extend(work.keys);
        state.failure = Some(error);
        state.writing = false;
        state.due = Some(Instant::now() + RETRY_DELAY);
        self.changed.notify_all();
    }

    /// Ends the checkpointer's waiting.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    /// Why the last checkpoint failed, if it did.
    pub(super) fn failure(&self) -> Option<Error> {
        self.lock().failure.clone()
    }

    /// How many documents are waiting.
    pub(super) fn len(&self) -> usize {
        self.lock().keys.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Work {
        self.due = None;
        self.writing = true;
        Work { keys: std::mem::take(&mut self.keys), through: self.through }
    }
}
