//! The contract that every store fulfils: ordered maps from byte keys to versioned values.
//!
//! A store holds *spaces* (the documents, the rows of a view, ...). Each is a map ordered by the
//! bytes of its keys. Writes come as a [`Batch`]: every operation carries a check against the current
//! entry, and either all of them happen or none does. The version of an entry is the only concurrency
//! mechanism: compare-and-swap, set-if-absent and updates are all "check, then put".
//!
//! Every method answers with an [`Answer`], a future. A resident store answers reads at once, so a caller
//! that polls once needs no thread.

mod answer;
mod batch;
mod entry;
mod gather;
mod head;
mod moment;
mod prepare;
mod range;

pub use answer::{Answer, block_on};
pub use batch::{Batch, Check, Operation, Versioning, Write};
pub use entry::{Entry, Sequence, Space, Version, allocated_bytes};
pub use gather::{Part, gather};
pub use head::Head;
pub use moment::Moment;
pub use prepare::{Change, Overlay, Prepared, prepare};
pub use range::{Direction, KeyRange, Scan};

use crate::Result;
use std::sync::Arc;

/// Longest key in bytes that any store has to take.
pub const MAX_KEY_BYTES: usize = 64 * 1024;
/// Longest value in bytes that any store has to take.
pub const MAX_VALUE_BYTES: usize = 512 * 1024 * 1024;
/// What an operation counts in a batch besides its key and value: see [`Capability::max_batch_bytes`].
pub const OPERATION_BYTES: usize = 32;

/// Reads at one moment. A [`Store`] reads its newest state, a snapshot stays where it was taken.
pub trait Read: Send + Sync {
    /// The sequence number of the last commit that these reads see.
    fn sequence(&self) -> Sequence;

    /// The entry at `key`.
    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>>;

    /// Calls `look` with the entry at `key`, without cloning it. `None` if that can't be done at once.
    fn look_at_once(&self, _space: Space, _key: &[u8], _look: &mut Look<'_>) -> Option<Result<()>> {
        None
    }

    /// The entries of `scan`, in its direction.
    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>>;

    /// How many entries lie in `range`.
    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64>;
}

/// A store. All methods may be called from any thread.
pub trait Store: Read {
    /// A view of the store that later commits do not change.
    fn snapshot(&self) -> Answer<Arc<dyn Read>>;

    /// Applies `batch` as a whole, or answers `Conflict` and changes nothing. The answer comes once the
    /// batch is as durable as [`Capability::durability`] says, and from then on every read sees it.
    fn commit(&self, batch: Batch) -> Answer<Committed>;

    /// Commits batches that have nothing to do with each other, each as [`Store::commit`] does and in this
    /// order. The answer comes when all have theirs.
    fn commit_each(&self, batches: Vec<Batch>) -> Answer<Vec<Result<Committed>>> {
        let answers: Vec<_> = batches.into_iter().map(|batch| self.commit(batch)).collect();
        Answer::later(async move {
            let mut results = Vec::with_capacity(answers.len());
            for answer in answers {
                results.push(answer.await);
            }
            Ok(results)
        })
    }

    /// Commits what `decide` makes of the entry at `key`, if it makes something, with nobody in between.
    /// `None` from a store that can't do that at once: read then, decide, and commit under a check.
    fn commit_at_once(
        &self,
        _space: Space,
        _key: &[u8],
        _decide: &mut Decide<'_>,
    ) -> Option<Result<Option<Committed>>> {
        None
    }

    /// The keys of `space` that changed after `since`.
    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes>;

    /// As [`Store::snapshot`], and the moment that it shows.
    fn moment(&self) -> Answer<(Arc<dyn Read>, Moment)>;

    /// The keys of `space` that changed behind `from` and up to `to`, a moment of this store. `TooOld` also
    /// when `from` is of another history.
    fn changes_between(&self, space: Space, from: Moment, to: Moment) -> Answer<Changes>;

    /// What this store can do.
    fn capability(&self) -> Capability;

    /// Answers when everything acknowledged so far would survive a power cut.
    fn flush(&self) -> Answer<()>;

    /// Finishes what is under way and lets go of all resources. Later calls answer `Closed`.
    fn close(&self) -> Answer<()>;
}

/// Looks at what there is at a key. Must neither ask the store nor take long.
pub type Look<'a> = dyn FnMut(Option<&Entry>) + 'a;

/// Makes a batch of what there is at a key, or nothing. Must not ask the store.
pub type Decide<'a> = dyn FnMut(Option<&Entry>) -> Result<Option<Batch>> + 'a;

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The place of the commit in the history of the store.
    pub sequence: Sequence,
    /// One per operation: the version that a put got, or `None` for a delete and for what was left out.
    pub versions: Vec<Option<Version>>,
}

/// What changed in a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These keys, each once, in no order. They may have been put or deleted.
    Keys(Vec<Arc<[u8]>>),
    /// Too long ago to tell: compare the sequence numbers of all entries.
    TooOld,
}

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Never on disk: lost with the process.
    Volatile,
    /// After the operating system has it: survives the process, not a power cut. Made durable every
    /// flush interval.
    Batched,
    /// After the operating system has it: survives the process, not a power cut.
    Os,
    /// After it is on stable storage: survives a power cut.
    Sync,
}

/// What a store can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Whether reads are always ready at once.
    pub resident: bool,
    /// When commits are acknowledged.
    pub durability: Durability,
    /// Longest key in bytes.
    pub max_key_bytes: usize,
    /// Longest value in bytes.
    pub max_value_bytes: usize,
    /// Most bytes of a batch: its keys and values, and [`OPERATION_BYTES`] for each operation.
    pub max_batch_bytes: usize,
}
