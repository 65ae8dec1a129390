//! What checkpoints did: counted, and told to those who watch.

use super::core::lock;
use crate::Error;
use crate::kv::Sequence;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// What one checkpoint of this process did.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// How many documents were to be written to their files.
    pub documents: usize,
    /// The files hold all commits up to here, unless it failed.
    pub through: Sequence,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed, if it did. It is tried again.
    pub failure: Option<Error>,
    /// Whether the user is to be warned: of the first failure, by one thread.
    pub warn: bool,
}

/// What all checkpoints did since the directory was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckpointTotals {
    /// How many went well.
    pub done: u64,
    /// How many did not.
    pub failed: u64,
    /// How many documents those that went well wrote to their files.
    pub documents: u64,
    /// How long all of them took.
    pub duration: Duration,
}

/// Tells a watcher; false if it is gone. The thread that made the checkpoint calls it, and must not wait.
pub type Notify = Box<dyn Fn(&Checkpoint) -> bool + Send>;

/// Ends the watching when it is dropped.
pub struct Watch {
    watchers: Arc<Watchers>,
    id: u64,
}

#[derive(Default)]
pub(super) struct Watchers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watchers: Vec<Watcher>,
    last_id: u64,
    warned: bool,
    totals: CheckpointTotals,
}

struct Watcher {
    id: u64,
    thread: ThreadId,
    notify: Notify,
}

impl Watchers {
    /// Tells `notify` about every checkpoint from now on, unless an older watcher of this thread is told.
    pub(super) fn add(watchers: &Arc<Self>, notify: Notify) -> Watch {
        let mut state = lock(&watchers.state);
        state.last_id += 1;
        let id = state.last_id;
        state.watchers.push(Watcher { id, thread: thread::current().id(), notify });
        Watch { watchers: Arc::clone(watchers), id }
    }

    pub(super) fn totals(&self) -> CheckpointTotals {
        lock(&self.state).totals
    }

    /// Counts a checkpoint, and tells every thread that watches once.
    pub(super) fn tell(&self, mut checkpoint: Checkpoint) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.totals.add(&checkpoint);
        let mut told = Vec::new();
        for watcher in &state.watchers {
            if told.contains(&watcher.thread) {
                continue;
            }
            checkpoint.warn = checkpoint.failure.is_some() && !state.warned;
            if (watcher.notify)(&checkpoint) {
                state.warned |= checkpoint.warn;
                told.push(watcher.thread);
            }
        }
    }
}

impl CheckpointTotals {
    fn add(&mut self, checkpoint: &Checkpoint) {
        self.duration += checkpoint.duration;
        if checkpoint.failure.is_some() {
            self.failed += 1;
        } else {
            self.done += 1;
            self.documents += checkpoint.documents as u64;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.watchers.state).watchers.retain(|watcher| watcher.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    fn checkpoint(failure: Option<Error>) -> Checkpoint {
        Checkpoint { documents: 3, through: 7, duration: Duration::from_millis(5), failure, warn: false }
    }

    /// A watcher of this thread, and whether it was to warn, for each time it was told.
    fn watch(watchers: &Arc<Watchers>, is_there: bool) -> (Watch, Receiver<bool>) {
        let (sender, receiver) = channel();
        let notify = move |checkpoint: &Checkpoint| sender.send(checkpoint.warn).is_ok() && is_there;
        (Watchers::add(watchers, Box::new(notify)), receiver)
    }

    fn told(receiver: &Receiver<bool>) -> Vec<bool> {
        receiver.try_iter().collect()
    }

    #[test]
    fn each_thread_is_told_once() {
        let watchers = Arc::new(Watchers::default());
        let (first, first_told) = watch(&watchers, true);
        let (_second, second_told) = watch(&watchers, true);
        let other = Arc::clone(&watchers);
        let (_elsewhere, elsewhere_told) =
            thread::spawn(move || watch(&other, true)).join().expect("it ends");
        watchers.tell(checkpoint(None));
        assert_eq!((told(&first_told), told(&second_told)), (vec![false], vec![]));
        assert_eq!(told(&elsewhere_told), [false]);
        drop(first);
        watchers.tell(checkpoint(None));
        assert_eq!((told(&first_told), told(&second_told)), (vec![], vec![false]));
    }

    #[test]
    fn one_is_to_warn_once_and_must_be_there() {
        let watchers = Arc::new(Watchers::default());
        let (_gone, gone_told) = watch(&watchers, false);
        let (_there, there_told) = watch(&watchers, true);
        for _ in 0..2 {
            watchers.tell(checkpoint(Some(Error::closed())));
        }
        assert_eq!((told(&gone_told), told(&there_told)), (vec![true, false], vec![true, false]));
    }

    #[test]
    fn totals_count_with_and_without_watchers() {
        let watchers = Arc::new(Watchers::default());
        watchers.tell(checkpoint(None));
        watchers.tell(checkpoint(Some(Error::closed())));
        let expected =
            CheckpointTotals { done: 1, failed: 1, documents: 3, duration: Duration::from_millis(10) };
        assert_eq!(watchers.totals(), expected);
    }
}
