//! Entries that were read from the file lately: finding one takes one look-up, where a page takes three.
//!
//! It stands for what one view shows, and moves on to the next one with it. Whoever still reads an older view
//! neither finds nor adds anything.

use crate::kv::{Entry, Space};
use foldhash::fast::{FixedState, RandomState};
use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many threads rarely wait for each other.
const SHARDS: usize = 16;
/// What an entry takes here, above its own allocation: hash, links, its part of the index, and half of that
/// once more for what was evicted lately.
const OVERHEAD_BYTES: usize = 96;
/// To reckon how much of what was evicted is remembered.
const USUAL_BYTES: usize = 256;

pub(super) struct EntryCache {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// Which view a cache stands for: the number of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment(u64);

struct Shard {
    moment: Moment,
    /// By the hash of space and key. Of two that have the same one it holds the later.
    entries: Cache<u64, Cached, Weight, FixedState>,
}

struct Cached {
    space: Space,
    entry: Entry,
}

#[derive(Clone)]
struct Weight;

impl Weighter<u64, Cached> for Weight {
    fn weight(&self, _hash: &u64, cached: &Cached) -> u64 {
        (cached.entry.memory_bytes() + OVERHEAD_BYTES) as u64
    }
}

impl EntryCache {
    /// An empty one of the first moment, which takes no more than so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(bytes / SHARDS)));
        Self { shards: shards.collect(), hasher: RandomState::default() }
    }

    pub(super) fn get(&self, at: Moment, space: Space, key: &[u8]) -> Option<Entry> {
        let hash = self.hash(space, key);
        let shard = self.shard(hash);
        let cached = (shard.moment == at).then(|| shard.entries.get(&hash))??;
        (cached.space == space && cached.entry.key() == key).then(|| cached.entry.clone())
    }

    /// Notes what the view of that moment has.
    pub(super) fn insert(&self, at: Moment, space: Space, entry: Entry) {
        let hash = self.hash(space, entry.key());
        let mut shard = self.shard(hash);
        if shard.moment == at {
            shard.entries.insert(hash, Cached { space, entry });
        }
    }

    /// Stands for the view after that of `from`, which has the same entries but at the keys in `changed`.
    /// None if it stands for another one already.
    pub(super) fn advance<'a>(
        &self,
        from: Moment,
        changed: impl Iterator<Item = (Space, &'a [u8])>,
    ) -> Option<Moment> {
        let next = Moment(from.0 + 1);
        let mut hashes = vec![Vec::new(); SHARDS];
        for (space, key) in changed {
            let hash = self.hash(space, key);
            hashes[index(hash)].push(hash);
        }
        for (shard, hashes) in self.shards.iter().zip(hashes) {
            let mut shard = lock(shard);
            // Who comes first has the first shard, and with it all others.
            if shard.moment != from {
                return None;
            }
            shard.moment = next;
            for hash in hashes {
                shard.entries.remove(&hash);
            }
        }
        Some(next)
    }

    /// What it takes of memory: reckoned.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |shard| usize::try_from(lock(shard).entries.weight()).unwrap_or(usize::MAX);
        self.shards.iter().map(bytes).sum()
    }

    fn hash(&self, space: Space, key: &[u8]) -> u64 {
        self.hasher.hash_one((space, key))
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[index(hash)])
    }
}

impl Shard {
    fn new(bytes: usize) -> Self {
        let lifecycle = DefaultLifecycle::default();
        let hasher = FixedState::default();
        let entries = Cache::with(bytes / USUAL_BYTES, bytes as u64, Weight, hasher, lifecycle);
        Self { moment: Moment::default(), entries }
    }
}

fn index(hash: u64) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default() % SHARDS
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space::DOCUMENTS;
    const ROOMY: usize = 1 << 20;

    fn entry(key: &str, version: u64) -> Entry {
        Entry::new(key.as_bytes(), b"{}", version, 1)
    }

    fn version(cache: &EntryCache, at: Moment, key: &str) -> Option<u64> {
        cache.get(at, SPACE, key.as_bytes()).map(|entry| entry.version())
    }

    fn changed<'a>(keys: &[&'a str]) -> impl Iterator<Item = (Space, &'a [u8])> {
        keys.iter().map(|key| (SPACE, key.as_bytes())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn the_next_view_finds_what_did_not_change() {
        let cache = EntryCache::new(ROOMY);
        let first = Moment::default();
        for key in ["changed", "same"] {
            cache.insert(first, SPACE, entry(key, 1));
        }
        let second = cache.advance(first, changed(&["changed", "unknown"])).unwrap();
        assert_eq!(["changed", "same"].map(|key| version(&cache, second, key)), [None, Some(1)]);
        assert_eq!(cache.get(second, Space(7), b"same"), None);
    }

    #[test]
    fn who_reads_an_older_view_neither_finds_nor_adds_anything() {
        let cache = EntryCache::new(ROOMY);
        let first = Moment::default();
        cache.insert(first, SPACE, entry("a", 1));
        let second = cache.advance(first, changed(&["b"])).unwrap();
        cache.insert(first, SPACE, entry("b", 1));
        cache.insert(second, SPACE, entry("c", 2));
        assert_eq!(["a", "b", "c"].map(|key| version(&cache, first, key)), [None; 3]);
        assert_eq!(["a", "b", "c"].map(|key| version(&cache, second, key)), [Some(1), None, Some(2)]);
        assert_eq!(cache.advance(first, changed(&[])), None, "another view has it");
        assert_eq!(version(&cache, second, "a"), Some(1));
    }

    #[test]
    fn it_takes_no_more_than_it_may() {
        for bytes in [0, 1, 1 << 16, ROOMY] {
            let cache = EntryCache::new(bytes);
            for number in 0..20_000 {
                cache.insert(Moment::default(), SPACE, entry(&number.to_string(), 1));
            }
            cache.insert(Moment::default(), SPACE, Entry::new(b"large", &vec![b' '; bytes], 1, 1));
            assert!(cache.bytes() <= bytes, "{} of {bytes}", cache.bytes());
            assert!(cache.bytes() >= bytes / 2, "{} of {bytes}", cache.bytes());
            assert_eq!(version(&cache, Moment::default(), "large"), None);
        }
    }
}
