//! A key-value store: what all handles of one name share.

use super::rounds::Rounds;
use super::{Clock, Cursor, ENTRIES, Millis, Request, Selection, value};
use crate::kv::{Answer, Batch, Committed, Durability, Entry, KeyRange, Read, Store};
use crate::{ErrorKind, Result};
use std::sync::Arc;

/// A key-value store over any store.
pub struct KeyValues {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl KeyValues {
    /// The entries of `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// What is below.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The time by which entries expire.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Whether everything is lost with the process, and every answer is ready at once.
    pub fn is_volatile(&self) -> bool {
        self.store.capability().durability == Durability::Volatile
    }

    /// The entry at `key`, unless it has expired.
    pub fn get(&self, key: &[u8]) -> Answer<Option<Entry>> {
        match self.store.get(ENTRIES, key) {
            Answer::Ready(Ok(Some(entry))) => Ok(self.live(entry)).into(),
            ready @ Answer::Ready(_) => ready,
            later => {
                let clock = Arc::clone(&self.clock);
                Answer::later(async move {
                    let entry = later.await?;
                    Ok(entry.filter(|entry| value::is_live(entry.value(), clock.now())))
                })
            }
        }
    }

    fn live(&self, entry: Entry) -> Option<Entry> {
        match value::expires(entry.value()) {
            Some(at) if at <= self.now() => None,
            _ => Some(entry),
        }
    }

    /// Answers with the commit; with nothing if what the request asks for does not hold.
    pub fn write(self: &Arc<Self>, request: Request) -> Answer<Option<Committed>> {
        match request.into_blind() {
            Ok(batch) => match self.store.commit(batch) {
                Answer::Ready(result) => Answer::Ready(result.map(Some)),
                later => Answer::later(async move { later.await.map(Some) }),
            },
            Err(request) => {
                let this = Arc::clone(self);
                Answer::later(async move { this.decide(&request).await })
            }
        }
    }

    /// Writes that have nothing to do with each other, those of one key in this order.
    pub fn write_each(self: &Arc<Self>, requests: Vec<Request>) -> Answer<Vec<Result<Option<Committed>>>> {
        let this = Arc::clone(self);
        Answer::later(async move {
            let mut rounds = Rounds::new(requests);
            while let Some(round) = rounds.next() {
                let mut batches = Vec::with_capacity(round.len());
                let mut committing = Vec::with_capacity(round.len());
                for place in round {
                    match this.batch(rounds.request(place)).await {
                        Ok(Some(batch)) => {
                            batches.push(batch);
                            committing.push(place);
                        }
                        Ok(None) => rounds.settle(place, Ok(None)),
                        Err(error) => rounds.settle(place, Err(error)),
                    }
                }
                if batches.is_empty() {
                    continue;
                }
                for (place, result) in committing.into_iter().zip(this.store.commit_each(batches).await?) {
                    match result {
                        Err(error) if error.kind() == ErrorKind::Conflict => rounds.again(place),
                        result => rounds.settle(place, result.map(Some)),
                    }
                }
            }
            Ok(rounds.results())
        })
    }

    async fn batch(&self, request: &Request) -> Result<Option<Batch>> {
        if request.is_blind() {
            return request.decide(None, 0);
        }
        let current = self.store.get(ENTRIES, &request.key).await?;
        request.decide(current.as_ref(), self.now())
    }

    /// Reads, decides and commits, again as long as others come in between.
    async fn decide(&self, request: &Request) -> Result<Option<Committed>> {
        loop {
            let Some(batch) = self.batch(request).await? else { return Ok(None) };
            match self.store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                result => return result.map(Some),
            }
        }
    }

    /// How many entries there are, with those that expired and were not removed yet.
    pub fn size(&self) -> Answer<u64> {
        self.store.count(ENTRIES, &KeyRange::ALL)
    }

    /// Closes what is below. Later calls answer `Closed`.
    pub fn close(&self) -> Answer<()> {
        self.store.close()
    }

    /// The entries as they are now.
    pub fn cursor(&self, selection: Selection) -> Answer<Cursor> {
        let now = self.now();
        let open = move |read: Arc<dyn Read>| Cursor::new(read, selection, now);
        match self.store.snapshot() {
            Answer::Ready(result) => Answer::Ready(result.map(open)),
            later => Answer::later(async move { later.await.map(open) }),
        }
    }
}
