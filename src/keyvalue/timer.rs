//! One thread for all stores of the process, which removes what has expired. It sleeps until something is
//! due, and ends when nothing is.

use super::{Clock, KeyValues, Millis, SystemClock};
use crate::threads;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// When which store is due.
#[derive(Default)]
pub(super) struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due: BTreeMap<(Millis, StoreId), Weak<KeyValues>>,
    is_running: bool,
}

/// Tells stores apart.
pub(super) type StoreId = u64;

impl Timer {
    /// The timer of this process.
    pub(super) fn global() -> &'static Self {
        static GLOBAL: LazyLock<Timer> = LazyLock::new(Timer::default);
        &GLOBAL
    }

    /// Sweeps the store at that time.
    pub(super) fn add(&'static self, at: Millis, id: StoreId, store: Weak<KeyValues>) {
        let mut state = self.lock();
        state.due.insert((at, id), store);
        if !state.is_running {
            let spawned = threads::start("kixx-expiry", || self.run());
            // Without a thread nothing is removed, and reading stays exact; the next one to be due tries
            // again.
            state.is_running = spawned.is_ok();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Forgets a store that is closed.
    pub(super) fn remove(&self, id: StoreId) {
        let mut state = self.lock();
        state.due.retain(|(_, due), _| *due != id);
        drop(state);
        self.changed.notify_one();
    }

    fn run(&self) {
        let mut state = self.lock();
        while let Some((&(at, id), _)) = state.due.first_key_value() {
            let now = SystemClock.now();
            if at > now {
                let wait = Duration::from_millis(at - now);
                let woken = self.changed.wait_timeout(state, wait);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let store = state.due.remove(&(at, id)).and_then(|store| store.upgrade());
            drop(state);
            if let Some(store) = store {
                // A panic must not take the timer from the other stores.
                let _ = catch_unwind(AssertUnwindSafe(|| store.when_due(at)));
            }
            state = self.lock();
        }
        state.is_running = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
