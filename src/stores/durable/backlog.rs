//! The backlog: what the journal holds and the base does not yet.

use super::base::{Due, Keys};
use crate::kv::Sequence;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Writers wait when so many entries are not yet in the base.
const MAX_BACKLOG_ENTRIES: usize = 50_000;
/// So many counts of bytes are kept apart.
const MAX_SIZES: usize = 1_024;
/// Entries that change often within this time are written once.
const CHECKPOINT_DELAY: Duration = Duration::from_secs(1);
/// Start at once when so many entries are waiting ...
const EAGER_ENTRIES: usize = 10_000;
/// ... or when there is this part of the bytes that may be waiting.
const EAGER_ONE_IN: usize = 4;
/// How long to wait after a checkpoint failed, or while another process makes one.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The same while writers wait for it.
const EAGER_RETRY_DELAY: Duration = Duration::from_millis(20);

/// Shared by those who add what was committed, here or in other processes, and the checkpointer, which takes.
pub(super) struct Backlog {
    max_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    keys: Keys,
    /// At most so many bytes of keys and values ...
    bytes: usize,
    /// ... and which commits they came with: up to which one how many, in order.
    sizes: VecDeque<(Sequence, usize)>,
    /// Every commit up to here has its keys in `keys`, in the batch being written, or in the base.
    through: Sequence,
    /// When the checkpointer should start, if there is something to do.
    due: Option<Instant>,
    /// Why the last checkpoint failed. Cleared by a success.
    failure: Option<Error>,
    /// How many entries somebody here writes to the base now.
    writing: usize,
    /// Whether another process keeps us from writing to the base ...
    kept: bool,
    /// ... and since when writers have to wait for that.
    full_since: Option<Instant>,
    closing: bool,
}

/// What has to be written. Whoever takes it says how that went: [`Backlog::succeeded`] or
/// [`Backlog::failed`].
#[derive(Default)]
pub(super) struct Work {
    pub(super) keys: Keys,
    bytes: usize,
    pub(super) through: Sequence,
}

/// Why the checkpointer is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Entries are due.
    Due,
    /// The time is over for which it wanted to sleep.
    Slept,
    /// It is over.
    Closing,
}

impl Work {
    /// Nothing is left to be written.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.bytes = 0;
    }
}

impl Backlog {
    /// Writers wait when keys and values of so many bytes are not yet in the base.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds what the commits up to `through` changed, keys and values of so many bytes.
    pub(super) fn add(&self, through: Sequence, keys: impl IntoIterator<Item = Due>, bytes: usize) {
        let mut state = self.lock();
        state.keys.extend(keys);
        state.bytes = state.bytes.saturating_add(bytes);
        match state.sizes.pop_back() {
            Some((_, more)) if state.sizes.len() + 1 == MAX_SIZES => {
                state.sizes.push_back((through, more.saturating_add(bytes)));
            }
            last => state.sizes.extend(last.into_iter().chain([(through, bytes)])),
        }
        state.through = through;
        let many = state.keys.len() >= EAGER_ENTRIES || state.bytes >= self.max_bytes / EAGER_ONE_IN;
        if many && !state.kept {
            state.due = Some(Instant::now());
            self.changed.notify_all();
        } else if state.due.is_none() {
            state.due = Some(Instant::now() + CHECKPOINT_DELAY);
            self.changed.notify_all();
        }
    }

    /// Forgets what the base holds: all commits up to `checkpoint`.
    pub(super) fn prune(&self, checkpoint: Sequence) {
        let mut state = self.lock();
        state.keys.retain(|_, sequence| *sequence > checkpoint);
        while let Some((through, bytes)) = state.sizes.front().copied()
            && through <= checkpoint
        {
            state.sizes.pop_front();
            state.bytes = state.bytes.saturating_sub(bytes);
        }
    }

    /// Whether the base holds everything, since it holds all commits up to `checkpoint`. Then nothing is
    /// due. After a failure only a success says so: the journal may not have forgotten yet.
    pub(super) fn is_done(&self, checkpoint: Sequence) -> bool {
        self.prune(checkpoint);
        let mut state = self.lock();
        let done = state.keys.is_empty() && state.through <= checkpoint && state.failure.is_none();
        if done {
            (state.due, state.kept, state.full_since) = (None, false, None);
        }
        done
    }

    /// Whether writers have to wait until entries are in the base. Not while that fails: then
    /// [`Backlog::check`] says why.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        self.has_no_room(&state) && state.failure.is_none()
    }

    /// Why there is no room for another write, if that is so.
    pub(super) fn check(&self) -> Result<()> {
        let state = self.lock();
        match &state.failure {
            Some(failure) if self.has_no_room(&state) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until something is due, or for `time`.
    pub(super) fn wait(&self, time: Duration) -> Wake {
        let until = Instant::now() + time;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if state.closing {
                return Wake::Closing;
            }
            if state.due.is_some_and(|due| due <= now) {
                return Wake::Due;
            }
            if until <= now {
                return Wake::Slept;
            }
            let end = state.due.map_or(until, |due| due.min(until));
            state = self.changed.wait_timeout(state, end - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes everything, due or not.
    pub(super) fn take(&self) -> Work {
        let mut state = self.lock();
        (state.due, state.kept, state.full_since) = (None, false, None);
        state.writing = state.keys.len();
        let (keys, bytes) = (std::mem::take(&mut state.keys), std::mem::take(&mut state.bytes));
        state.sizes.clear();
        Work { keys, bytes, through: state.through }
    }

    /// Says that what was taken is in the base now.
    pub(super) fn succeeded(&self) {
        self.lock().failure = None;
    }

    /// Says that nobody here writes to the base any more, and others may.
    pub(super) fn rest(&self) {
        self.lock().writing = 0;
    }

    /// Puts back what could not be written; it is tried again later.
    pub(super) fn failed(&self, work: Work, error: Error) {
        let mut state = self.lock();
        for (key, sequence) in work.keys {
            let newest = state.keys.entry(key).or_insert(sequence);
            *newest = sequence.max(*newest);
        }
        state.bytes = state.bytes.saturating_add(work.bytes);
        state.sizes.push_front((work.through, work.bytes));
        (state.failure, state.writing) = (Some(error), 0);
        state.due = Some(Instant::now() + RETRY_DELAY);
    }

    /// Another process writes to the base: look again later. When it has kept writers waiting for `patience`,
    /// they get `error`.
    pub(super) fn postpone(&self, patience: Duration, error: impl FnOnce() -> Error) {
        let now = Instant::now();
        let mut state = self.lock();
        state.kept = !state.keys.is_empty();
        let full = self.has_no_room(&state);
        let delay = if full { EAGER_RETRY_DELAY } else { RETRY_DELAY };
        state.due = state.kept.then(|| now + delay);
        if !full {
            (state.full_since, state.failure) = (None, None);
        } else if now >= *state.full_since.get_or_insert(now) + patience {
            state.failure = Some(error());
        }
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

    /// How many entries are not yet in the base.
    pub(super) fn len(&self) -> usize {
        let state = self.lock();
        state.keys.len() + state.writing
    }

    fn has_no_room(&self, state: &State) -> bool {
        state.keys.len() >= MAX_BACKLOG_ENTRIES || state.bytes >= self.max_bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Space;
    use std::sync::Arc;

    fn due(key: &str, sequence: Sequence) -> [Due; 1] {
        [((Space::DOCUMENTS, Arc::from(key.as_bytes())), sequence)]
    }

    #[test]
    fn bytes_that_another_process_wrote_make_room() {
        let backlog = Backlog::new(100);
        backlog.add(1, due("a", 1), 60);
        backlog.add(2, due("b", 2), 60);
        assert!(backlog.is_full());
        backlog.prune(1);
        assert!(!backlog.is_full());
        let work = backlog.take();
        backlog.add(3, due("c", 3), 60);
        assert!(!backlog.is_full());
        backlog.failed(work, Error::closed());
        assert!(backlog.check().is_err(), "what was put back counts again");
        backlog.prune(2);
        assert!(backlog.check().is_ok());
    }

    #[test]
    fn a_key_that_changes_for_ever_takes_no_more_memory() {
        let backlog = Backlog::new(usize::MAX);
        for sequence in 1..5_000 {
            backlog.add(sequence, due("a", sequence), 1);
        }
        assert_eq!(backlog.lock().sizes.len(), MAX_SIZES);
        backlog.prune(4_999);
        assert_eq!(backlog.lock().bytes, 0);
    }
}
