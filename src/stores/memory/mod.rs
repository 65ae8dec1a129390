//! A store in memory, and the parts that a store with files builds on: the tree, the state of all
//! spaces, and the preparation of batches.

mod changes;
mod hash_index;
mod snapshot;
mod state;
pub mod tree;

pub(super) use changes::ChangeLog;
pub use snapshot::Snapshot;
pub use state::State;
pub use tree::Memory;

use crate::kv::{
    Answer, Batch, Capability, Changes, Committed, Decide, Durability, Entry, Head, KeyRange, Look,
    MAX_KEY_BYTES, MAX_VALUE_BYTES, Moment, Read, Scan, Sequence, Space, Store, prepare,
};
use crate::{Error, Result};
use std::sync::{Arc, PoisonError, RwLock};

/// A store that is lost with the process. Every answer is ready at once.
pub struct MemoryStore {
    /// `None` once closed.
    state: RwLock<Option<State>>,
    head: Head,
    /// The name of its history.
    history: [u64; 2],
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::of(State::default())
    }

    /// An empty store that does not remember what changed, which saves memory and time: changes are `TooOld`
    /// once there was one.
    pub fn without_history() -> Self {
        Self::of(State::without_history())
    }

    /// An empty store with a hash index of `space`: single keys are found faster.
    pub fn with_index(space: Space) -> Self {
        Self::of(State::with_index(space))
    }

    fn of(state: State) -> Self {
        let history = [Moment::random_name(), 0];
        Self { state: RwLock::new(Some(state)), head: Head::new(0), history }
    }

    /// The sequence number of the newest commit, to be read without a lock.
    pub fn head(&self) -> Head {
        self.head.clone()
    }

    /// What `space` takes of memory.
    pub fn memory(&self, space: Space) -> Result<Memory> {
        self.read(|state| Ok(state.memory(space)))
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().map_or_else(|| Err(Error::closed()), read)
    }

    fn write<T>(&self, write: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let state = state.as_mut().ok_or_else(Error::closed)?;
        let result = write(state);
        self.head.set(state.sequence());
        result
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Read for MemoryStore {
    fn sequence(&self) -> Sequence {
        self.head.get()
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.read(|state| Ok(state.get(space, key).cloned())).into()
    }

    fn look_at_once(&self, space: Space, key: &[u8], look: &mut Look<'_>) -> Option<Result<()>> {
        Some(self.read(|state| {
            look(state.get(space, key));
            Ok(())
        }))
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.read(|state| Ok(state.range(space, scan))).into()
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.read(|state| Ok(state.count(space, range))).into()
    }
}

impl Store for MemoryStore {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        self.read(|state| Ok(Arc::new(state.snapshot()) as Arc<dyn Read>)).into()
    }

    fn commit(&self, mut batch: Batch) -> Answer<Committed> {
        let commit = |state: &mut State| {
            let current = |space, key: &[u8]| Ok(state.get(space, key).cloned());
            let prepared = prepare(&mut batch, state.sequence() + 1, current)?;
            Ok(state.publish(prepared))
        };
        self.write(commit).into()
    }

    fn commit_each(&self, batches: Vec<Batch>) -> Answer<Vec<Result<Committed>>> {
        let committed = batches.into_iter().map(|batch| self.commit(batch).wait()).collect();
        Ok(committed).into()
    }

    fn commit_at_once(
        &self,
        space: Space,
        key: &[u8],
        decide: &mut Decide<'_>,
    ) -> Option<Result<Option<Committed>>> {
        Some(self.write(|state| {
            let found = state.get(space, key).cloned();
            let Some(mut batch) = decide(found.as_ref())? else { return Ok(None) };
            // Looked up once.
            let current = |other, other_key: &[u8]| {
                let is_found = (other, other_key) == (space, key);
                Ok(if is_found { found.clone() } else { state.get(other, other_key).cloned() })
            };
            let prepared = prepare(&mut batch, state.sequence() + 1, current)?;
            Ok(Some(state.publish(prepared)))
        }))
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
        self.read(|state| Ok(state.changes(space, since))).into()
    }

    fn moment(&self) -> Answer<(Arc<dyn Read>, Moment)> {
        let moment = |state: &State| {
            let moment = Moment { history: self.history, sequence: state.sequence() };
            Ok((Arc::new(state.snapshot()) as Arc<dyn Read>, moment))
        };
        self.read(moment).into()
    }

    fn changes_between(&self, space: Space, from: Moment, to: Moment) -> Answer<Changes> {
        if from.history != self.history || from.sequence > to.sequence {
            return Ok(Changes::TooOld).into();
        }
        self.read(|state| Ok(state.changes_between(space, from.sequence, to.sequence))).into()
    }

    fn capability(&self) -> Capability {
        Capability {
            resident: true,
            durability: Durability::Volatile,
            max_key_bytes: MAX_KEY_BYTES,
            max_value_bytes: MAX_VALUE_BYTES,
            max_batch_bytes: usize::MAX,
        }
    }

    fn flush(&self) -> Answer<()> {
        self.read(|_| Ok(())).into()
    }

    fn close(&self) -> Answer<()> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner).take();
        // Dropped only here, where the lock is free again.
        state.map(drop).ok_or_else(Error::closed).into()
    }
}
