//! A key-value store: what all handles of one name share.

use super::changed::Changed;
use super::request::push_write;
use super::rounds::Rounds;
use super::timer::{StoreId, Timer};
use super::{
    Action, Clock, Cursor, DUE, ENTRIES, KeyWrite, Millis, Request, Selection, SystemClock, due,
    prefix_range, value,
};
use crate::kv::{
    Answer, Batch, Check, Committed, Durability, Entry, KeyRange, Look, OPERATION_BYTES, Read, Scan, Store,
    block_on,
};
use crate::{ErrorKind, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A key-value store over any store.
pub struct KeyValues {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    is_volatile: bool,
    /// Who removes what has expired; none where somebody else calls [`KeyValues::sweep`].
    timer: Option<(&'static Timer, StoreId)>,
    /// When the timer comes next.
    due: AtomicU64,
    pub(super) changed: Changed,
}

/// When a sweep is tried again that failed.
const RETRY_MS: Millis = 10_000;

/// How long commits of other processes may take to be seen by those who wait for them.
const LOOK_MS: Millis = 1_000;

/// How often to look for what other processes have left to expire that are gone.
const LEFT_OVER_MS: Millis = 60_000;

impl KeyValues {
    /// The entries of `store`, by the time of `clock`. What has expired is removed by who calls
    /// [`KeyValues::sweep`].
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let is_volatile = store.capability().durability == Durability::Volatile;
        let due = AtomicU64::new(Millis::MAX);
        Self { store, clock, is_volatile, timer: None, due, changed: Changed::default() }
    }

    /// The entries of `store`; what has expired is removed in the background. Blocks while the disk is asked
    /// for what expires next.
    pub fn open(store: Arc<dyn Store>) -> Result<Arc<Self>> {
        static LAST_ID: AtomicU64 = AtomicU64::new(0);
        let id = LAST_ID.fetch_add(1, Ordering::Relaxed);
        let timer = Some((Timer::global(), id));
        let values = Arc::new(Self { timer, ..Self::new(store, Arc::new(SystemClock)) });
        if !values.is_volatile {
            values.schedule(values.now());
        }
        Ok(values)
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
        self.is_volatile
    }

    /// Makes the timer come at `at`, if not before.
    fn schedule(self: &Arc<Self>, at: Millis) {
        if let Some((timer, id)) = self.timer
            && at < self.due.fetch_min(at, Ordering::SeqCst)
        {
            timer.add(at, id, Arc::downgrade(self));
        }
    }

    /// What the timer does at `at`: removes what has expired, and lets those look who wait for commits of
    /// others. Nothing, if it is to come before that by now: each time there would be one more to come.
    pub(super) fn when_due(self: &Arc<Self>, at: Millis) {
        if self.due.compare_exchange(at, Millis::MAX, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return;
        }
        let next = match block_on(self.sweep()) {
            Ok(next) => next,
            Err(error) if error.kind() == ErrorKind::Closed => return,
            Err(_) => Some(self.now().saturating_add(RETRY_MS)),
        };
        self.changed.notify();
        let look = (!self.is_volatile).then(|| self.now().saturating_add(LEFT_OVER_MS));
        if let Some(next) = next.into_iter().chain(look).min() {
            self.schedule(next);
        }
    }

    /// Waits until `condition` holds, which is looked at after each commit of this process and, where other
    /// processes may commit, from time to time.
    pub(super) async fn until(self: &Arc<Self>, condition: impl Fn() -> bool) {
        let condition = || {
            let holds = condition();
            if !holds && !self.is_volatile {
                self.schedule(self.now().saturating_add(LOOK_MS));
            }
            holds
        };
        self.changed.until(condition).await;
    }

    /// The entry at `key`, unless it has expired.
    pub fn get(&self, key: &[u8]) -> Answer<Option<Entry>> {
        match self.store.get(ENTRIES, key) {
            Answer::Ready(Ok(Some(entry))) => Ok(Some(entry).filter(|entry| self.is_live(entry))).into(),
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

    /// Calls `look` with the entry at `key`, unless that has expired. `None` if this can't be done at once.
    pub fn look_at_once(&self, key: &[u8], look: &mut Look<'_>) -> Option<Result<()>> {
        let look = &mut |entry: Option<&Entry>| look(entry.filter(|entry| self.is_live(entry)));
        self.store.look_at_once(ENTRIES, key, look)
    }

    /// Asks for the time only if the entry expires.
    fn is_live(&self, entry: &Entry) -> bool {
        value::expires(entry.value()).is_none_or(|at| at > self.now())
    }

    /// Answers with the commit; with nothing if what the request asks for does not hold.
    pub fn write(self: &Arc<Self>, request: Request) -> Answer<Option<Committed>> {
        let this = Arc::clone(self);
        match request.into_blind() {
            Ok(batch) => self.commit_now(batch),
            Err(request) => match self.write_at_once(&request) {
                Some(result) => result.into(),
                None => Answer::later(async move { this.decide(&request).await }),
            },
        }
    }

    /// All of these writes or none: keys and forms, or nothing to remove the entry. Later ones win.
    pub fn write_batch(self: &Arc<Self>, writes: Vec<KeyWrite>) -> Answer<()> {
        let mut operations = Vec::with_capacity(writes.len());
        for (key, form) in writes {
            push_write(&mut operations, &key, Check::Any, form.as_deref(), None);
        }
        let answer = self.commit_now(Batch { operations });
        match answer {
            Answer::Ready(result) => Answer::Ready(result.map(drop)),
            later => Answer::later(async move { later.await.map(drop) }),
        }
    }

    /// Commits what was not decided by what there is.
    fn commit_now(self: &Arc<Self>, batch: Batch) -> Answer<Option<Committed>> {
        let step = due::first_step(&batch);
        match self.store.commit(batch) {
            Answer::Ready(result) => {
                self.after_commit(step);
                Answer::Ready(result.map(Some))
            }
            later => {
                let this = Arc::clone(self);
                Answer::later(async move {
                    let committed = later.await;
                    this.after_commit(step);
                    committed.map(Some)
                })
            }
        }
    }

    pub(super) async fn commit(self: &Arc<Self>, batch: Batch) -> Result<Committed> {
        let step = due::first_step(&batch);
        let committed = self.store.commit(batch).await;
        self.after_commit(step);
        committed
    }

    /// Tells those who wait, and has the timer come when rows are due that were written just now.
    fn after_commit(self: &Arc<Self>, step: Option<Millis>) {
        self.changed.notify();
        if let Some(step) = step {
            self.schedule(step);
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
                let step = batches.iter().filter_map(due::first_step).min();
                let results = this.store.commit_each(batches).await;
                this.after_commit(step);
                for (place, result) in committing.into_iter().zip(results?) {
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

    /// As [`KeyValues::decide`], where the store can do all of it at once.
    fn write_at_once(self: &Arc<Self>, request: &Request) -> Option<Result<Option<Committed>>> {
        let mut step = None;
        let result = self.store.commit_at_once(ENTRIES, &request.key, &mut |current| {
            let batch = request.decide(current, self.now())?;
            step = batch.as_ref().and_then(due::first_step);
            Ok(batch)
        })?;
        if let Ok(Some(_)) = &result {
            self.after_commit(step);
        }
        Some(result)
    }

    /// Reads, decides and commits, again as long as others come in between.
    async fn decide(self: &Arc<Self>, request: &Request) -> Result<Option<Committed>> {
        loop {
            let Some(batch) = self.batch(request).await? else { return Ok(None) };
            match self.commit(batch).await {
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
        if let Some((timer, id)) = self.timer {
            timer.remove(id);
        }
        self.store.close()
    }

    /// How many entries have keys that begin with `prefix`.
    pub async fn count(&self, prefix: &[u8]) -> Result<u64> {
        let (range, now) = (prefix_range(prefix), self.now());
        let read = self.store.snapshot().await?;
        let entries = read.count(ENTRIES, &range).await?;
        let rows = read.range(DUE, &Scan::all(due::until(now))).await?;
        let keys: BTreeSet<_> =
            rows.iter().filter_map(|row| due::parse(row.key())).map(|(_, key)| key).collect();
        let mut expired = 0;
        for key in keys.into_iter().filter(|key| range.contains(key)) {
            let entry = read.get(ENTRIES, key).await?;
            expired += u64::from(entry.is_some_and(|entry| !value::is_live(entry.value(), now)));
        }
        Ok(entries - expired)
    }

    /// Removes the entries whose keys begin with `prefix`, as they are now: in one commit if it is not too
    /// large for the store. Answers how many there were.
    pub async fn clear(self: &Arc<Self>, prefix: &[u8]) -> Result<u64> {
        let mut cursor = self.cursor(Selection::prefix(prefix)).await?;
        let room = self.store.capability().max_batch_bytes / 2;
        let (mut operations, mut bytes, mut count) = (Vec::new(), 0, 0);
        loop {
            let entries = cursor.next().await?;
            count += entries.len() as u64;
            for entry in &entries {
                push_write(&mut operations, entry.key(), Check::Any, None, Some(entry));
                bytes += 2 * (OPERATION_BYTES + due::TIME_BYTES + entry.key().len());
            }
            let is_last = entries.is_empty();
            if (is_last || bytes > room) && !operations.is_empty() {
                self.commit(Batch { operations: std::mem::take(&mut operations) }).await?;
                bytes = 0;
            }
            if is_last {
                return Ok(count);
            }
        }
    }

    /// Puts all of these entries in place of all that there are, in one commit.
    pub async fn replace(self: &Arc<Self>, entries: Vec<KeyWrite>) -> Result<()> {
        let mut operations = Vec::new();
        let mut cursor = self.cursor(Selection::prefix(b"")).await?;
        loop {
            let old = cursor.next().await?;
            if old.is_empty() {
                break;
            }
            for entry in &old {
                push_write(&mut operations, entry.key(), Check::Any, None, Some(entry));
            }
        }
        for (key, form) in entries {
            push_write(&mut operations, &key, Check::Any, form.as_deref(), None);
        }
        self.commit(Batch { operations }).await.map(drop)
    }

    /// Takes a lock that nobody holds: answers with how often it was taken before, or nothing if somebody has
    /// it. What is stored at its key tells who.
    pub fn lock(self: &Arc<Self>, key: Box<[u8]>, owner: Box<[u8]>) -> Answer<Option<u64>> {
        let answer = self.write(Request { key, action: Action::Lock(owner) });
        Answer::later(async move {
            Ok(answer
                .await?
                .map(|committed| committed.versions.last().copied().flatten().unwrap_or_default()))
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::FileSystem;
    use crate::fs::simulated::SimulatedDisk;
    use crate::stores::disk::DiskStore;
    use crate::stores::durable::OpenOptions;
    use std::path::Path;

    #[test]
    fn what_other_processes_leave_to_expire_is_looked_for() {
        let fs: Arc<dyn FileSystem> = Arc::new(SimulatedDisk::new());
        fs.create_directory(Path::new("data")).unwrap();
        let store = DiskStore::open(&fs, Path::new("data"), &OpenOptions::default()).unwrap();
        let timer = Some((Timer::global(), StoreId::MAX));
        let values = KeyValues::new(Arc::new(store), Arc::new(SystemClock));
        let values = Arc::new(KeyValues { timer, ..values });
        let due = || values.due.load(Ordering::SeqCst);

        let soon = values.now() + LEFT_OVER_MS / 2;
        values.schedule(soon + 1);
        values.schedule(soon);
        values.when_due(soon + 1);
        assert_eq!(due(), soon, "that was not the next time");
        values.when_due(soon);
        assert!((soon + 1..=values.now() + LEFT_OVER_MS).contains(&due()), "{} {soon}", due());
        values.close().wait().unwrap();
    }
}
