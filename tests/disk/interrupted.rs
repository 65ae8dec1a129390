//! A store in which somebody else does something at the worst moment.

use kixx_datastore::kv::{
    Answer, Batch, Capability, Changes, Committed, Entry, KeyRange, Moment, Read, Scan, Sequence, Space,
    Store,
};
use kixx_datastore::stores::disk::DiskStore;
use std::sync::{Arc, Mutex};

pub(crate) struct Interrupted {
    inner: Arc<DiskStore>,
    planned: Mutex<Option<(At, Work)>>,
}

type Work = Box<dyn FnOnce() + Send>;

enum At {
    Snapshot,
    Commits(usize),
}

impl Interrupted {
    pub(crate) fn new(inner: Arc<DiskStore>) -> Self {
        Self { inner, planned: Mutex::default() }
    }

    /// Does `work` before the next snapshot.
    pub(crate) fn before_snapshot(&self, work: impl FnOnce() + Send + 'static) {
        self.planned.lock().unwrap().replace((At::Snapshot, Box::new(work)));
    }

    /// Does `work` behind so many commits.
    pub(crate) fn after_commits(&self, commits: usize, work: impl FnOnce() + Send + 'static) {
        self.planned.lock().unwrap().replace((At::Commits(commits), Box::new(work)));
    }

    /// Whether the work was done.
    pub(crate) fn is_done(&self) -> bool {
        self.planned.lock().unwrap().is_none()
    }

    fn take_if(&self, is_reached: impl FnOnce(&mut At) -> bool) -> Option<Work> {
        self.planned.lock().unwrap().take_if(|(at, _)| is_reached(at)).map(|(_, work)| work)
    }
}

impl Read for Interrupted {
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

impl Store for Interrupted {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        if let Some(work) = self.take_if(|at| matches!(at, At::Snapshot)) {
            work();
        }
        self.inner.snapshot()
    }

    fn commit(&self, batch: Batch) -> Answer<Committed> {
        let committed = self.inner.commit(batch).wait();
        let is_last = |at: &mut At| match at {
            At::Snapshot => false,
            At::Commits(left) => {
                *left -= 1;
                *left == 0
            }
        };
        if let Some(work) = self.take_if(is_last) {
            work();
        }
        committed.into()
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
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
