//! Threads that nobody waits for.

use crate::{Error, ErrorKind, Result};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Those that were started, until it is known that they have ended. To let go of one while it ends is a use
/// after free in many versions of glibc (its bug 19951).
static STARTED: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Runs `work` on a thread of its own. `Storage` if none can be started.
pub fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = Builder::new().name(name.to_owned()).spawn(work).map_err(|error| {
        Error::new(ErrorKind::Storage, format!("Could not start a thread: {error}")).with_source(error)
    })?;
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let ended: Vec<_> = started.extract_if(.., |thread| thread.is_finished()).collect();
    started.push(thread);
    drop(started);
    // A panic was told on its way out.
    for thread in ended {
        let _ = thread.join();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[test]
    fn many_end_while_they_are_started() {
        static RUN: AtomicUsize = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel::<()>();
        for _ in 0..20_000 {
            let sender = sender.clone();
            start("test", move || {
                RUN.fetch_add(1, Ordering::Relaxed);
                drop(sender);
            })
            .unwrap();
        }
        drop(sender);
        assert!(receiver.recv().is_err(), "the last one has ended");
        assert_eq!(RUN.load(Ordering::Relaxed), 20_000);
        start("test", || {}).unwrap();
        assert!(STARTED.lock().unwrap().len() < 1_000);
    }
}
