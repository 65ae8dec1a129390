//! A store that forgets its history, or fails, when told to.

use kixx_datastore::kv::{
    Answer, Batch, Capability, Changes, Committed, Entry, KeyRange, Moment, Read, Scan, Sequence, Space,
    Store,
};
use kixx_datastore::stores::memory::MemoryStore;
use kixx_datastore::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[derive(Default)]
pub(crate) struct MoodyStore {
    inner: MemoryStore,
    forget: AtomicBool,
    commits_to_fail: AtomicU32,
}

impl MoodyStore {
    /// The next question for changes is answered with "too old".
    pub(crate) fn forget(&self) {
        self.forget.store(true, Ordering::SeqCst);
    }

    /// The next commits fail.
    pub(crate) fn fail_commits(&self, count: u32) {
        self.commits_to_fail.store(count, Ordering::SeqCst);
    }
}

impl Read for MoodyStore {
    fn sequence(&self) -> Sequence {
        self.inner.sequence()
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.inner.get(space, key)
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.inner.range(space, scan)
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.inner.count(space, range)
    }
}

impl Store for MoodyStore {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: Batch) -> Answer<Committed> {
        let fails =
            self.commits_to_fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match fails {
            Ok(_) => Err(Error::new(ErrorKind::Storage, "told to fail")).into(),
            Err(_) => self.inner.commit(batch),
        }
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
        if self.forget.swap(false, Ordering::SeqCst) {
            return Ok(Changes::TooOld).into();
        }
        self.inner.changes(space, since)
    }

    fn moment(&self) -> Answer<(Arc<dyn Read>, Moment)> {
        self.inner.moment()
    }

    fn changes_between(&self, space: Space, from: Moment, to: Moment) -> Answer<Changes> {
        self.inner.changes_between(space, from, to)
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    fn flush(&self) -> Answer<()> {
        self.inner.flush()
    }

    fn close(&self) -> Answer<()> {
        self.inner.close()
    }
}
