//! Moments: what a sequence number means beyond one opening of a store.

use super::Sequence;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

/// The state of a store behind one commit. Numbers of commits begin again in a new history; a moment tells
/// whose number it is, as long as the store can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Which history. Only the store understands these numbers: one history may go by several.
    pub history: [u64; 2],
    /// The last commit.
    pub sequence: Sequence,
}

impl Moment {
    /// A part of a name that no other history has, except by chance. Never 0.
    pub fn random_name() -> u64 {
        RandomState::new().hash_one((SystemTime::now(), std::process::id())) | 1
    }
}
