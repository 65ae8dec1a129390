//! What a store over a journal keeps its entries in, besides the journal.

use super::OpenOptions;
use super::members::Internal;
use super::open::OnDamage;
use crate::Result;
use crate::kv::{Batch, Change, Changes, Entry, KeyRange, Prepared, Read, Scan, Sequence, Space};
use crate::stores::journal::{Form, JournalPage, Place};
use crate::stores::memory::Memory;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Files that hold what the journal may forget, and how to read both together.
///
/// A commit reaches the base only after it is durable in the journal. Whatever part of a checkpoint is in it
/// after a crash, replaying the journal over it gives what was acknowledged.
pub trait Base: Send + Sync + Sized + 'static {
    /// What readers see.
    type State: Published;
    /// Whether reads never wait for a disk.
    const RESIDENT: bool;
    /// Writers wait when the journal holds so many bytes of keys and values that the base does not.
    const MAX_BACKLOG_BYTES: usize;

    /// The base in `directory`, not loaded yet. Nobody comes or goes meanwhile.
    fn open(internal: &Internal, directory: &Path, options: &OpenOptions) -> Result<Self>;

    /// What the files are.
    fn form(&self) -> Form;

    /// All commits up to this one are in the base although there may be no journal any more: the next commits
    /// go on from here.
    fn through(&self) -> Result<Sequence>;

    /// Loads the base, and over it what the journal holds. Segments stay meanwhile, and others may write.
    /// `Corrupt` names what is damaged.
    fn load(&self, internal: &Internal, page: &JournalPage, damage: OnDamage) -> Result<Loaded<Self::State>>;

    /// Loads again what others wrote, when the journal does not reach back to what `before` shows. Segments
    /// stay meanwhile.
    fn reload(
        &self,
        internal: &Internal,
        page: &JournalPage,
        before: &Snapshot<Self>,
    ) -> Result<Reloaded<Self::State>>;

    /// Refuses a batch that the base can't take. `exists`: whether there is an entry before the batch.
    fn check(&self, batch: &Batch, exists: &dyn Fn(Space, &[u8]) -> Result<bool>) -> Result<()>;

    /// Hears of every commit before it is published.
    fn note(&self, commits: &[Prepared]);

    /// Removes what an interrupted [`Base::write`] left.
    fn clear_unfinished(&self) -> Result<()>;

    /// Brings `keys` up to date, which changed in the commits up to `through`, to what `snapshot` shows. When
    /// it answers, the base holds, durably, all commits up to the answer. One process at a time writes.
    fn write(&self, snapshot: &Snapshot<Self>, keys: &Keys, through: Sequence) -> Result<Sequence>;

    /// What a state that shows the same as `snapshot` may stand on instead, since others or we have written.
    fn renew(&self, snapshot: &Snapshot<Self>) -> Result<Renewal<<Self::State as Published>::Ground>>;

    /// How many bytes of files it keeps in memory, besides what a state has. Does not wait for writers.
    fn cached_bytes(&self) -> usize {
        0
    }

    /// Lets go of the files.
    fn close(&self);
}

/// What readers of a base see at one moment.
pub type Snapshot<B> = <<B as Base>::State as Published>::Snapshot;

/// The newest published state. The store wraps it in a lock.
pub trait Published: Send + Sync + 'static {
    /// The same, not changed by what is published later.
    type Snapshot: Read + Clone + 'static;
    /// What publishing has to know about changes, and may fail to find out.
    type Notes: Default + Send + 'static;
    /// What a state stands on.
    type Ground;

    /// The last commit that was published.
    fn sequence(&self) -> Sequence;

    /// The entry at `key`.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Entry>>;

    /// The entries of `scan`.
    fn range(&self, space: Space, scan: &Scan) -> Result<Vec<Entry>>;

    /// How many entries lie in `range`.
    fn count(&self, space: Space, range: &KeyRange) -> Result<u64>;

    /// O(1).
    fn snapshot(&self) -> Self::Snapshot;

    /// The keys of `space` that changed after `since` and up to `through`.
    fn changes_between(&self, space: Space, since: Sequence, through: Sequence) -> Changes;

    /// Finds out what [`Published::publish`] needs.
    fn prepare(&self, commit: &Prepared, notes: &mut Self::Notes) -> Result<()>;

    /// Publishes a commit that was prepared against this state.
    fn publish(&mut self, commit: Prepared, notes: &Self::Notes);

    /// Stands on `ground` from now on, unless that is older than what it stands on, and shows the same as
    /// before. An error changes nothing.
    fn stand_on(&mut self, ground: Self::Ground) -> Result<()>;

    /// What `space` takes of memory.
    fn memory(&self, space: Space) -> Memory;
}

/// Keys, each with the last commit that changed it.
pub type Keys = HashMap<(Space, Arc<[u8]>), Sequence>;

/// A key that the base may not hold as it is, and the commit that changed it.
pub type Due = ((Space, Arc<[u8]>), Sequence);

/// A base and its journal, as they were at one commit.
pub struct Loaded<S> {
    /// What there is.
    pub state: S,
    /// Behind that commit.
    pub place: Place,
    /// What the base may not hold.
    pub recovered: Vec<Due>,
    /// The names of the files that were moved aside.
    pub quarantined: Vec<String>,
}

/// What others wrote.
pub struct Reloaded<S> {
    /// How it differs.
    pub news: News<S>,
    /// Behind the last commit of it.
    pub place: Place,
    /// What the base may not hold; also entries that are again as they were.
    pub recovered: Vec<Due>,
}

/// How a state differs from an older one.
pub enum News<S> {
    /// By these changes, which count as made by the newest commit.
    Changes(Vec<Change>),
    /// In a way that is not known: this takes its place.
    Everything(S),
}

/// What a state may stand on.
pub enum Renewal<G> {
    /// What it stands on already.
    Current,
    /// Something that holds this commit, which has to be published first.
    Ahead(Sequence),
    /// Only on what is loaded again: what `snapshot` stands on can't be read any more.
    Anew,
    /// This.
    Ground(G),
}
