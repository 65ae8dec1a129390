//! Waiting for the next commit.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Wakes those who wait.
#[derive(Default)]
pub(super) struct Changed {
    wakers: Mutex<Vec<Waker>>,
    is_waited_for: AtomicBool,
}

impl Changed {
    /// Makes all look again who wait.
    pub(super) fn notify(&self) {
        // Without anybody who waits this is one load.
        if self.is_waited_for.load(Ordering::SeqCst) && self.is_waited_for.swap(false, Ordering::SeqCst) {
            let wakers = std::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Waits until `condition` holds, which is looked at after each notification.
    pub(super) async fn until(&self, condition: impl Fn() -> bool) {
        poll_fn(|context| {
            if condition() {
                return Poll::Ready(());
            }
            self.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(context.waker().clone());
            self.is_waited_for.store(true, Ordering::SeqCst);
            // It may have come true before anybody could know that somebody waits.
            if condition() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
