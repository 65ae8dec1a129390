//! The newest sequence number, readable without a lock.

use super::Sequence;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The sequence number of the newest commit. Clones are the same number. It is set after the commit can be
/// read, so whoever sees a number and then reads the store sees at least that commit.
#[derive(Clone)]
pub struct Head(Arc<dyn AsRef<AtomicU64> + Send + Sync>);

impl Head {
    /// A number in memory of its own.
    pub fn new(sequence: Sequence) -> Self {
        Self::at(Arc::new(Own(AtomicU64::new(sequence))))
    }

    /// A number that lies somewhere else.
    pub fn at(place: Arc<dyn AsRef<AtomicU64> + Send + Sync>) -> Self {
        Self(place)
    }

    /// The newest commit.
    pub fn get(&self) -> Sequence {
        self.atomic().load(Ordering::Acquire)
    }

    /// Makes `sequence` the newest commit.
    pub fn set(&self, sequence: Sequence) {
        self.atomic().store(sequence, Ordering::Release);
    }

    /// Where the number lies.
    pub fn atomic(&self) -> &AtomicU64 {
        (*self.0).as_ref()
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Head").field(&self.get()).finish()
    }
}

struct Own(AtomicU64);

impl AsRef<AtomicU64> for Own {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0
    }
}
