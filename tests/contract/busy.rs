//! A store on disk that makes a checkpoint after every commit and before it.

use kixx_datastore::Result;
use kixx_datastore::kv::{
    Answer, Batch, Capability, Changes, Committed, Entry, KeyRange, Moment, Read, Scan, Sequence, Space,
    Store,
};
use kixx_datastore::stores::disk::DiskStore;
use kixx_datastore::stores::durable::Durable;
use std::sync::Arc;

pub(crate) struct Busy(DiskStore);

impl Busy {
    pub(crate) fn new(store: DiskStore) -> Self {
        Self(store)
    }

    fn committed(&self, batch: Batch) -> Result<Committed> {
        self.0.checkpoint().wait()?;
        let committed = self.0.commit(batch).wait();
        self.0.checkpoint().wait()?;
        committed
    }
}

impl Read for Busy {
    fn sequence(&self) -> Sequence {
        self.0.sequence()
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.0.get(space, key)
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.0.range(space, scan)
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.0.count(space, range)
    }
}

impl Store for Busy {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        self.0.snapshot()
    }

    fn commit(&self, batch: Batch) -> Answer<Committed> {
        self.committed(batch).into()
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
        self.0.changes(space, since)
    }

    fn moment(&self) -> Answer<(Arc<dyn Read>, Moment)> {
        self.0.moment()
    }

    fn changes_between(&self, space: Space, from: Moment, to: Moment) -> Answer<Changes> {
        self.0.changes_between(space, from, to)
    }

    fn capability(&self) -> Capability {
        self.0.capability()
    }

    fn flush(&self) -> Answer<()> {
        self.0.flush()
    }

    fn close(&self) -> Answer<()> {
        self.0.close()
    }
}
