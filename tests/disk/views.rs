//! Views whose rows outlive the process.

use crate::interrupted::Interrupted;
use crate::ruins::{PAGE, TIMEOUT, real};
use crate::support::open;
use kixx_datastore::kv::{Batch, Check, Direction, Entry, KeyRange, Operation, Read, Space, Store, block_on};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore, repair};
use kixx_datastore::stores::durable::Durable;
use kixx_datastore::stores::maintenance::Progress;
use kixx_datastore::views::{
    BatchLimit, EmittedRow, MapBatch, MappedDocument, View, ViewName, ViewQuery, remove_others,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const LIMIT: BatchLimit = BatchLimit { documents: 16, text_bytes: usize::MAX };

/// One process: its store, its view, and how many documents it has mapped.
struct Process {
    store: Arc<DiskStore>,
    view: View,
    mapped: AtomicUsize,
}

fn name(signature: &str) -> ViewName {
    ViewName { id: "by number".to_owned(), signature: signature.to_owned() }
}

impl Process {
    fn start(directory: &Path, signature: &str) -> Self {
        Self::on(Arc::new(open(directory)), signature)
    }

    fn on(store: Arc<DiskStore>, signature: &str) -> Self {
        let rows = Arc::clone(&store);
        Self::with_rows(store, rows, signature)
    }

    fn with_rows(store: Arc<DiskStore>, rows: Arc<dyn Store>, signature: &str) -> Self {
        let view = View::recorded(rows, name(signature)).unwrap();
        Self { store, view, mapped: AtomicUsize::new(0) }
    }

    fn put(&self, numbers: impl Iterator<Item = u32>, text: &str) {
        let operation = |number: u32| {
            let body = format!(r#"{{"text":"{text}"}}"#);
            Operation::put(Space::DOCUMENTS, &key(number), Check::Any, body.as_bytes())
        };
        self.store.commit(Batch { operations: numbers.map(operation).collect() }).wait().unwrap();
    }

    fn delete(&self, number: u32) {
        let delete = Operation::delete(Space::DOCUMENTS, &key(number), Check::Any);
        self.store.commit(Batch::of(delete)).wait().unwrap();
    }

    /// Maps the next documents.
    fn map_next(&self) {
        let moment = self.store.snapshot().wait().unwrap();
        let batch = self.view.next_batch(&*self.store, &moment, LIMIT).unwrap().unwrap();
        self.map(&batch);
    }

    /// Emits each document's text under its key.
    fn map(&self, batch: &MapBatch) {
        self.mapped.fetch_add(batch.documents.len(), Ordering::Relaxed);
        let texts: Vec<(String, String)> = batch.documents.iter().map(row_of).collect();
        let mapped: Vec<MappedDocument<'_>> = texts
            .iter()
            .map(|(key, value)| MappedDocument::Rows(vec![EmittedRow { key, value: Some(value) }]))
            .collect();
        self.view.apply(batch.ticket, &mapped).unwrap();
    }

    fn catch_up(&self) {
        let moment = self.store.snapshot().wait().unwrap();
        while let Some(batch) = self.view.next_batch(&*self.store, &moment, LIMIT).unwrap() {
            self.map(&batch);
        }
    }

    /// The rows, brought up to date, are those of all documents.
    fn check(&self) {
        self.catch_up();
        let found = self.rows().expect("the view is up to date");
        let moment = self.store.snapshot().wait().unwrap();
        let documents =
            moment.range(Space::DOCUMENTS, &kixx_datastore::kv::Scan::all(KeyRange::ALL)).wait().unwrap();
        let expected: BTreeMap<String, String> = documents.iter().map(row_of).collect();
        assert_eq!(found, expected);
    }

    fn rows(&self) -> Option<BTreeMap<String, String>> {
        let query = ViewQuery::new(None, None, Direction::Ascending, 0, u64::MAX).unwrap();
        let page = block_on(self.view.page(&query, 0)).unwrap()?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Some(page.rows.iter().map(|row| (text(row.key_text()), text(row.value_text().unwrap()))).collect())
    }

    fn mapped(&self) -> usize {
        self.mapped.swap(0, Ordering::Relaxed)
    }

    fn close(self) {
        self.store.close().wait().unwrap();
    }
}

fn key(number: u32) -> Vec<u8> {
    format!("key:{number:05}").into_bytes()
}

fn row_of(document: &Entry) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (format!("\"{}\"", text(document.key())), text(document.value()))
}

#[test]
fn reopening_maps_only_what_changed() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    process.put(0..500, "first");
    process.check();
    assert_eq!(process.mapped(), 500);
    process.check();
    process.close();

    let process = Process::start(directory.path(), "a");
    assert_eq!(process.rows().map(|rows| rows.len()), Some(500), "complete at once");
    process.check();
    assert_eq!(process.mapped(), 0);
    process.put(7..10, "second");
    process.delete(3);
    process.close();

    let process = Process::start(directory.path(), "a");
    process.check();
    assert_eq!(process.mapped(), 3);
    process.close();
}

#[test]
fn another_map_function_begins_anew_and_the_rows_of_the_old_one_go() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    process.put(0..100, "first");
    process.check();
    process.close();

    let process = Process::start(directory.path(), "b");
    assert_eq!(process.rows(), None);
    process.check();
    assert_eq!(process.mapped(), 100);
    let rows = |space: u32| process.store.count(Space(space), &KeyRange::ALL).wait().unwrap();
    assert_eq!((rows(16), rows(17), rows(18), rows(19)), (100, 100, 100, 100));
    remove_others(&*process.store, "by number", Some("b")).unwrap();
    assert_eq!((rows(16), rows(17), rows(18), rows(19)), (0, 0, 100, 100));
    process.check();
    remove_others(&*process.store, "by number", None).unwrap();
    process.put(0..1, "second");
    process.check();
    assert_eq!(process.mapped(), 1 + 100, "whose rows were removed, that one maps all again");
    process.close();
}

#[test]
fn a_build_that_was_interrupted_is_not_seen_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    process.put(0..100, "first");
    let moment = process.store.snapshot().wait().unwrap();
    for _ in 0..3 {
        let batch = process.view.next_batch(&*process.store, &moment, LIMIT).unwrap().unwrap();
        process.map(&batch);
    }
    process.close();
    let process = Process::start(directory.path(), "a");
    assert_eq!(process.rows(), None);
    process.check();

    // The same once it was complete.
    process.put(0..100, "second");
    let moment = process.store.snapshot().wait().unwrap();
    let batch = process.view.next_batch(&*process.store, &moment, LIMIT).unwrap().unwrap();
    process.map(&batch);
    process.close();
    let process = Process::start(directory.path(), "a");
    assert_eq!(process.rows(), None);
    process.check();
    process.close();
}

#[test]
fn two_who_drive_one_view_while_others_write_agree() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()));
    let drivers: Vec<Process> = (0..2).map(|_| Process::on(Arc::clone(&store), "a")).collect();
    std::thread::scope(|scope| {
        for driver in &drivers {
            scope.spawn(|| (0..40).for_each(|_| driver.catch_up()));
        }
        scope.spawn(|| {
            for round in 0..40_u32 {
                drivers[0].put((round * 7 % 50)..(round * 7 % 50 + 40), &round.to_string());
                drivers[0].delete(round);
                if round % 8 == 0 {
                    store.checkpoint().wait().unwrap();
                }
            }
        });
    });
    drivers.iter().for_each(Process::check);
    store.close().wait().unwrap();
}

#[test]
fn who_works_on_rows_that_are_being_removed_has_all_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let process = Arc::new(Process::start(directory.path(), "a"));
    process.put(0..1_100, "first");
    process.check();
    // The record, the rows in two portions, then what is known of the documents.
    for commits in [1, 2, 4] {
        let other = Arc::clone(&process);
        let work = move || {
            other.put(0..1, "second");
            other.check();
        };
        let remover = Interrupted::new(Arc::clone(&process.store));
        remover.after_commits(commits, work);
        remove_others(&remover, "by number", None).unwrap();
        assert!(remover.is_done());
        process.check();
        process.put(1..2, "third");
        process.check();
    }
    Arc::into_inner(process).unwrap().close();
    let process = Process::start(directory.path(), "a");
    process.check();
    process.close();
}

#[test]
fn rows_that_somebody_else_is_replacing_are_not_seen() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()));
    let other = Arc::new(Process::on(Arc::clone(&store), "a"));
    let rows = Arc::new(Interrupted::new(Arc::clone(&store)));
    let process = Process::with_rows(Arc::clone(&store), Arc::clone(&rows) as _, "a");
    process.put(0..32, "first");
    let replacing = Arc::clone(&other);
    rows.before_snapshot(move || {
        replacing.put(0..32, "second");
        // The first time it finds out that its record is an old one.
        replacing.map_next();
        replacing.map_next();
    });
    process.catch_up();
    let found = process.rows();
    assert!(rows.is_done());
    let texts: BTreeSet<String> = found.unwrap_or_default().into_values().collect();
    assert!(texts.len() < 2, "half of a commit: {texts:?}");
    process.check();
    other.check();
    store.close().wait().unwrap();
}

#[test]
fn a_view_that_nobody_asks_keeps_nothing_old() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    let length = || std::fs::metadata(directory.path().join(DATA_FILE)).unwrap().len();
    let write = || {
        process.put(0..200, &"x".repeat(5_000));
        process.store.checkpoint().wait().unwrap();
    };
    write();
    process.check();
    (0..5).for_each(|_| write());
    let before = length();
    (0..20).for_each(|_| write());
    assert!(length() <= before, "{} bytes have become {}", before, length());
    process.close();
}

/// Who asks for a view waits for it.
#[test]
fn a_document_that_has_changed_takes_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    process.put(0..20, "first");
    process.check();
    process.put(3..4, "second");
    let before = process.store.sequence();
    process.check();
    assert_eq!(process.store.sequence() - before, 1);
    process.close();
    let process = Process::start(directory.path(), "a");
    process.check();
    assert_eq!(process.mapped(), 0);
    process.close();
}

/// A repair may have lost where the next free space is.
#[test]
fn a_new_view_takes_no_space_of_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    process.put(0..50, "first");
    process.check();
    let delete = Operation::delete(Space(1), b"", Check::Any);
    process.store.commit(Batch::of(delete)).wait().unwrap();
    let other = Process::on(Arc::clone(&process.store), "b");
    process.delete(7);
    other.check();
    process.check();
    drop(other);
    process.close();
}

/// Of rows and of records of views nothing is taken: they may belong to documents that are lost.
#[test]
fn after_a_repair_a_view_is_built_anew() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), "a");
    process.put(0..300, "first");
    process.check();
    process.close();
    let file = directory.path().join(DATA_FILE);
    let mut bytes = std::fs::read(&file).unwrap();
    let named = key(150);
    for page in bytes.chunks_mut(PAGE).skip(1) {
        if page.windows(named.len()).any(|at| at == named) {
            page.fill(0);
        }
    }
    std::fs::write(&file, bytes).unwrap();
    let done = repair(&real(), directory.path(), TIMEOUT, &Progress::default()).unwrap();
    assert!(!done.lost.is_empty());
    let process = Process::start(directory.path(), "a");
    process.check();
    let left = process.mapped.load(Ordering::Relaxed);
    assert!(left > 0 && left < 300, "{left} documents are left");
    process.close();
}
