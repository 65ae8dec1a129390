//! Pages: a few words of memory that all processes share.

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

/// The size of a page: what every system can map.
pub const PAGE_BYTES: usize = 4_096;
/// The words of a page.
pub const PAGE_WORDS: usize = PAGE_BYTES / size_of::<AtomicU64>();

/// How long a sleeper sleeps at most where nobody can wake it.
const NAP: Duration = Duration::from_micros(200);

/// A page of memory. What one process stores all others see at once.
pub trait Page: Send + Sync {
    /// The words, all of them zero in a new page.
    fn words(&self) -> &[AtomicU64; PAGE_WORDS];

    /// Sleeps for `time`, or until [`Page::wake`] is called for `word`, or until the lower half of `word` is
    /// not `seen` any more; sometimes for no reason.
    fn wait(&self, word: usize, seen: u32, time: Duration) {
        let _ = (word, seen);
        thread::sleep(time.min(NAP));
    }

    /// Wakes all who wait for `word`.
    fn wake(&self, word: usize) {
        let _ = word;
    }
}

/// A page that only this process has.
pub struct PrivatePage(Box<[AtomicU64; PAGE_WORDS]>);

impl Default for PrivatePage {
    fn default() -> Self {
        Self(Box::new([const { AtomicU64::new(0) }; PAGE_WORDS]))
    }
}

impl Page for PrivatePage {
    fn words(&self) -> &[AtomicU64; PAGE_WORDS] {
        &self.0
    }
}
