//! What a process has open under a name: opened once, closed with its last handle.

use crate::Result;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is open, by name.
pub(super) struct Registry<N, T> {
    slots: Mutex<HashMap<N, Slot<T>>>,
    changed: Condvar,
}

enum Slot<T> {
    /// Being opened or closed by some thread. Others wait.
    Busy,
    Open {
        thing: T,
        handles: usize,
    },
}

impl<N: Clone + Eq + Hash, T: Clone> Registry<N, T> {
    /// What is open under `name`; if nothing is, what `open` opens, which others wait for. Balance with
    /// [`Registry::release`].
    pub(super) fn acquire(&self, name: &N, open: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(thing) = self.share_or_reserve(name) {
            return Ok(thing);
        }
        let mut reservation = Reservation { registry: self, name, outcome: None };
        let thing = open()?;
        reservation.outcome = Some(Slot::Open { thing: thing.clone(), handles: 1 });
        Ok(thing)
    }

    /// Lets go of one handle; the last one closes what is open.
    pub(super) fn release(&self, name: &N, close: impl FnOnce(T) -> Result<()>) -> Result<()> {
        let mut slots = self.lock();
        let Some(Slot::Open { handles, .. }) = slots.get_mut(name) else { return Ok(()) };
        *handles -= 1;
        if *handles > 0 {
            return Ok(());
        }
        let last = slots.insert(name.clone(), Slot::Busy);
        drop(slots);
        let _reservation = Reservation { registry: self, name, outcome: None };
        match last {
            Some(Slot::Open { thing, .. }) => close(thing),
            _ => Ok(()),
        }
    }

    /// What is open, and how many handles each has.
    pub(super) fn list(&self) -> Vec<(N, T, usize)> {
        let slots = self.lock();
        let open = slots.iter().filter_map(|(name, slot)| match slot {
            Slot::Busy => None,
            Slot::Open { thing, handles } => Some((name.clone(), thing.clone(), *handles)),
        });
        open.collect()
    }

    /// What is open under `name`; or nothing, and then the caller has to open it and settle the slot.
    fn share_or_reserve(&self, name: &N) -> Option<T> {
        let mut slots = self.lock();
        loop {
            match slots.get_mut(name) {
                None => {
                    slots.insert(name.clone(), Slot::Busy);
                    return None;
                }
                Some(Slot::Busy) => {
                    slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Slot::Open { thing, handles }) => {
                    *handles += 1;
                    return Some(thing.clone());
                }
            }
        }
    }
}

impl<N, T> Registry<N, T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<N, Slot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<N, T> Default for Registry<N, T> {
    fn default() -> Self {
        Self { slots: Mutex::default(), changed: Condvar::new() }
    }
}

/// A busy slot. Dropping it, even in a panic, puts `outcome` in its place.
struct Reservation<'a, N: Clone + Eq + Hash, T> {
    registry: &'a Registry<N, T>,
    name: &'a N,
    outcome: Option<Slot<T>>,
}

impl<N: Clone + Eq + Hash, T> Drop for Reservation<'_, N, T> {
    fn drop(&mut self) {
        let mut slots = self.registry.lock();
        match self.outcome.take() {
            Some(slot) => slots.insert(self.name.clone(), slot),
            None => slots.remove(self.name),
        };
        self.registry.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn many_threads_open_one_thing_and_the_last_closes_it() {
        let registry = Registry::default();
        let (opened, closed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        for round in 1..=20 {
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let thing =
                            registry.acquire(&"a", || Ok(opened.fetch_add(1, Ordering::SeqCst))).unwrap();
                        let others = registry.list();
                        assert_eq!(others.len(), 1);
                        assert_eq!(others[0].1, thing);
                    });
                }
            });
            assert_eq!((opened.load(Ordering::SeqCst), registry.list()[0].2), (round, 8));
            for left in (0..8).rev() {
                let close = |_| {
                    closed.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                };
                registry.release(&"a", close).unwrap();
                assert_eq!(registry.list().len(), left.min(1));
            }
            assert_eq!(closed.load(Ordering::SeqCst), round);
        }
    }

    #[test]
    fn what_fails_to_open_or_close_leaves_nothing() {
        let registry: Registry<&str, u32> = Registry::default();
        registry.acquire(&"a", || Err(Error::closed())).unwrap_err();
        assert_eq!(registry.acquire(&"a", || Ok(1)).unwrap(), 1);
        registry.release(&"a", |_| Err(Error::closed())).unwrap_err();
        assert_eq!(registry.acquire(&"a", || Ok(2)).unwrap(), 2);
    }
}
