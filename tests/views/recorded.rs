//! Views whose rows lie beside the documents: whoever drives them, and whenever somebody else comes in
//! between, what queries see are the rows of one moment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use kixx_datastore::kv::{
    Answer, Batch, Capability, Changes, Check, Committed, Direction, Entry, KeyRange, Moment, Operation,
    Read, Scan, Sequence, Space, Store, block_on,
};
use kixx_datastore::stores::memory::MemoryStore;
use kixx_datastore::views::{
    BatchLimit, EmittedRow, MapBatch, MappedDocument, View, ViewName, ViewPage, ViewQuery,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const KEYS: u8 = 5;
const VIEWS: usize = 2;
const NOBODY: usize = VIEWS;

type Documents = BTreeMap<String, String>;
type Interruption = Box<dyn FnOnce() + Send>;

/// A store in which something happens before the next snapshot is taken.
#[derive(Default)]
struct Interrupted {
    inner: MemoryStore,
    before_snapshot: Mutex<Option<Interruption>>,
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
        let interruption = self.before_snapshot.lock().unwrap().take();
        if let Some(interrupt) = interruption {
            interrupt();
        }
        self.inner.snapshot()
    }

    fn commit(&self, batch: Batch) -> Answer<Committed> {
        self.inner.commit(batch)
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

#[derive(Clone, Debug)]
enum Step {
    /// A document gets this number, or goes.
    Write(u8, Option<u8>),
    /// A driver takes the moment to which it brings its view from now on.
    Look(usize),
    /// It maps so many batches, each of so many documents.
    Drive(usize, u8, usize),
    /// It maps all.
    Finish(usize),
    /// Before anybody's next snapshot a document is written, and this driver maps one of those due.
    Interrupt(usize, u8, u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    let view = || 0..VIEWS;
    prop_oneof![
        4 => (0..KEYS, proptest::option::weighted(0.8, 0..9_u8)).prop_map(|(key, n)| Step::Write(key, n)),
        2 => view().prop_map(Step::Look),
        3 => (view(), 1..3_u8, 1..3_usize).prop_map(|(view, count, size)| Step::Drive(view, count, size)),
        3 => view().prop_map(Step::Finish),
        2 => (view(), 0..KEYS, 0..9_u8).prop_map(|(view, key, n)| Step::Interrupt(view, key, n)),
    ]
}

/// What the documents were after each commit that changed them.
type History = Arc<Mutex<BTreeMap<Sequence, Documents>>>;

/// Drivers of one view, as in several processes.
struct World {
    store: Arc<Interrupted>,
    history: History,
    views: Vec<Arc<View>>,
    moments: Vec<Arc<dyn Read>>,
    /// Who is at it: nobody comes in between itself.
    driving: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(Interrupted::default());
        let name = || ViewName { id: "view".to_owned(), signature: "1".to_owned() };
        let recorded = |_| Arc::new(View::recorded(Arc::clone(&store) as _, name()).unwrap());
        let views = (0..VIEWS).map(recorded).collect();
        let moments = (0..VIEWS).map(|_| store.snapshot().wait().unwrap()).collect();
        let history = Arc::new(Mutex::new(BTreeMap::from([(0, Documents::new())])));
        Self { store, history, views, moments, driving: Arc::new(AtomicUsize::new(NOBODY)) }
    }

    fn perform(&mut self, step: &Step) {
        match *step {
            Step::Write(key, number) => write(&self.store, &self.history, key, number),
            Step::Look(view) => self.moments[view] = self.store.snapshot().wait().unwrap(),
            Step::Drive(view, count, size) => self.drive(view, count.into(), size),
            Step::Finish(view) => self.drive(view, usize::MAX, 2),
            Step::Interrupt(number, key, value) => {
                let (store, history) = (Arc::clone(&self.store), Arc::clone(&self.history));
                let (view, driving) = (Arc::clone(&self.views[number]), Arc::clone(&self.driving));
                *self.store.before_snapshot.lock().unwrap() = Some(Box::new(move || {
                    write(&store, &history, key, Some(value));
                    if driving.load(Ordering::Relaxed) != number {
                        let moment = store.inner.snapshot().wait().unwrap();
                        drive(&view, &store, &moment, 1, 1);
                    }
                }));
            }
        }
    }

    fn drive(&self, view: usize, count: usize, size: usize) {
        self.driving.store(view, Ordering::Relaxed);
        drive(&self.views[view], &self.store, &self.moments[view], count, size);
        self.driving.store(NOBODY, Ordering::Relaxed);
    }

    /// Each view that shows something shows the documents as they were at the commit that it names.
    fn check(&self) {
        for view in &self.views {
            let Some(through) = view.built_through() else { continue };
            let query = ViewQuery::new(None, None, Direction::Ascending, 0, u64::MAX).unwrap();
            // Somebody else may be at it.
            let Some(ViewPage { rows, .. }) = block_on(view.page(&query, 0)).unwrap() else { continue };
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let shown: Documents =
                rows.iter().map(|row| (text(row.key_text()), text(row.value_text().unwrap()))).collect();
            let history = self.history.lock().unwrap();
            let (_, expected) = history.range(..=through).next_back().unwrap();
            assert_eq!(&shown, expected, "through {through}");
        }
    }
}

fn write(store: &Interrupted, history: &History, key: u8, number: Option<u8>) {
    let key = format!("key {key}");
    let operation = match number {
        Some(number) => {
            let body = number.to_string();
            Operation::put(Space::DOCUMENTS, key.as_bytes(), Check::Any, body.as_bytes())
        }
        None => Operation::delete(Space::DOCUMENTS, key.as_bytes(), Check::Any),
    };
    let Committed { sequence, .. } = store.inner.commit(Batch::of(operation)).wait().unwrap();
    let mut history = history.lock().unwrap();
    let mut documents = history.last_key_value().unwrap().1.clone();
    match number {
        Some(number) => drop(documents.insert(format!("\"{key}\""), number.to_string())),
        None => drop(documents.remove(&format!("\"{key}\""))),
    }
    history.insert(sequence, documents);
}

/// Maps up to `count` batches on the way to `moment`.
fn drive(view: &View, store: &Interrupted, moment: &Arc<dyn Read>, count: usize, size: usize) {
    let limit = BatchLimit { documents: size, text_bytes: usize::MAX };
    for _ in 0..count {
        let Some(batch) = view.next_batch(store, moment, limit).unwrap() else { return };
        map(view, &batch);
    }
}

/// Emits each document under its key.
fn map(view: &View, batch: &MapBatch) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let row = |document: &Entry| (format!("\"{}\"", text(document.key())), text(document.value()));
    let rows: Vec<(String, String)> = batch.documents.iter().map(row).collect();
    let mapped: Vec<MappedDocument<'_>> = rows
        .iter()
        .map(|(key, value)| MappedDocument::Rows(vec![EmittedRow { key, value: Some(value) }]))
        .collect();
    view.apply(batch.ticket, &mapped).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn what_is_shown_is_one_moment(steps in proptest::collection::vec(any_step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.perform(step);
            world.check();
        }
    }
}
