//! A view shows what a full rescan would show, whatever happens to the documents.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't go on should say so")]

mod model;
mod moody;
mod recorded;
#[path = "../collation/reference.rs"]
mod reference;
#[path = "../collation/values.rs"]
mod values;

use kixx_datastore::kv::{Direction, Read, Store};
use kixx_datastore::views::{BatchLimit, View, ViewStats, parse_mapped};
use model::{Document, Window, World, drive, drive_two, everything, next, page, seen, settle, wait};
use proptest::prelude::*;
use reference::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use values::any_value;

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(Vec<u16>, Option<Document>)>),
    /// The history is gone.
    Forget,
    /// Some batches are mapped, then the driver goes away.
    Drive(usize),
    /// Two drivers map the same batch.
    Race,
    /// The rows can't be written this time.
    Fail,
    /// Bring the view up to date, and look.
    Look(Window),
}

fn any_key() -> impl Strategy<Value = Vec<u16>> {
    let keys = vec!["a", "b", "item:1", "item:2", "z\0", "z\u{1}", "z", "日本", "\u{ffff}", "😀", "😁"];
    proptest::sample::select(keys).prop_map(|key: &str| key.encode_utf16().collect())
}

/// Few values, so that rows of several documents are equal.
fn view_key() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..4_u32).prop_map(|number| Value::Number(number.into())),
        proptest::sample::select(&["a", "b", "aa", "\0", "\u{1}", "\u{ffff}", "😀"][..])
            .prop_map(|text| Value::Text(text.encode_utf16().collect())),
        any_value(),
    ]
}

fn any_document() -> impl Strategy<Value = Document> {
    prop_oneof![
        1 => Just(Document::Throws),
        6 => proptest::collection::vec((view_key(), proptest::option::of(0..9_u32)), 0..4)
            .prop_map(Document::Emits),
    ]
}

fn any_window() -> impl Strategy<Value = Window> {
    let bound = || proptest::option::of(view_key());
    let direction = prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    let limit = prop_oneof![1..6_u64, Just(u64::MAX)];
    (bound(), bound(), direction, prop_oneof![Just(0), 0..9_u64], limit)
        .prop_map(|(start, end, direction, offset, limit)| Window { start, end, direction, offset, limit })
}

fn any_step() -> impl Strategy<Value = Step> {
    let write = (any_key(), proptest::option::weighted(0.75, any_document()));
    prop_oneof![
        6 => proptest::collection::vec(write, 1..4).prop_map(Step::Commit),
        1 => Just(Step::Forget),
        2 => (1..4_usize).prop_map(Step::Drive),
        1 => Just(Step::Race),
        1 => Just(Step::Fail),
        4 => any_window().prop_map(Step::Look),
    ]
}

fn run(world: &mut World, step: &Step, limit: BatchLimit) {
    let next = |world: &World| model::next(&world.view, &*world.documents, limit).expect("a batch");
    match step {
        Step::Commit(writes) => world.commit(writes),
        Step::Forget => world.documents.forget(),
        Step::Drive(batches) => {
            for _ in 0..*batches {
                let Some(batch) = next(world) else { break };
                drive(&world.view, &batch).expect("rows");
            }
        }
        Step::Race => {
            if let (Some(one), Some(other)) = (next(world), next(world)) {
                assert_eq!(one.ticket, other.ticket);
                drive(&world.view, &one).expect("the first answer counts");
                drive(&world.view, &other).expect("the second is dropped");
            }
        }
        Step::Fail => {
            world.rows.fail_commits(1);
            if let Ok(Some(batch)) = model::next(&world.view, &*world.documents, limit) {
                let _ = drive(&world.view, &batch);
            }
            world.rows.fail_commits(0);
        }
        Step::Look(window) => {
            if world.view.built_through() != Some(world.documents.sequence()) {
                assert!(page(&world.view, &everything(), world.documents.sequence()).is_none());
            }
            settle(&world.view, &*world.documents, limit);
            world.check(window);
            let ViewStats { failures, failed, .. } = stats(&world.view);
            assert_eq!((failures, failed.len() as u64), (world.failures(), world.failures()));
        }
    }
}

fn stats(view: &Arc<View>) -> ViewStats {
    let view = view.clone();
    wait(async move { view.stats().await })
}

const ALL: Window =
    Window { start: None, end: None, direction: Direction::Ascending, offset: 0, limit: u64::MAX };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_view_equals_a_full_rescan(
        steps in proptest::collection::vec(any_step(), 1..40),
        documents in 1..6_usize,
        text_bytes in prop_oneof![1..200_usize, Just(usize::MAX)],
    ) {
        let mut world = World::new();
        let limit = BatchLimit { documents, text_bytes };
        for step in &steps {
            run(&mut world, step, limit);
        }
        run(&mut world, &Step::Look(ALL), limit);
    }
}

fn key(number: u32) -> Vec<u16> {
    format!("doc:{number:05}").encode_utf16().collect()
}

fn emits(numbers: impl IntoIterator<Item = u32>) -> Document {
    Document::Emits(numbers.into_iter().map(|number| (Value::Number(number.into()), Some(number))).collect())
}

#[test]
fn only_changed_documents_are_mapped_again() {
    let mut world = World::new();
    let writes: Vec<_> = (0..1_000).map(|number| (key(number), Some(emits([number % 7])))).collect();
    world.commit(&writes);
    let batches = |world: &World| {
        let mut sizes: Vec<usize> = Vec::new();
        while let Some(batch) = next(&world.view, &*world.documents, BatchLimit::default()).expect("a batch")
        {
            sizes.push(batch.documents.len());
            drive(&world.view, &batch).expect("rows");
        }
        sizes
    };
    assert_eq!(batches(&world), [128, 128, 128, 128, 128, 128, 128, 104]);
    assert_eq!(batches(&world), [0_usize; 0]);
    world.commit(&[(key(3), Some(emits([9]))), (key(4), None), (key(5), Some(emits([])))]);
    assert_eq!(batches(&world), [2]);
    world.check(&ALL);
    world.documents.forget();
    world.commit(&[(key(700), Some(emits([1, 1, 1]))), (key(999), None), (key(0), None)]);
    assert_eq!(batches(&world), [1], "a rescan maps only what is newer");
    world.check(&ALL);
}

#[test]
fn a_batch_is_bounded_by_its_text() {
    let mut world = World::new();
    let large = Document::Emits(vec![(Value::Text(vec![0x61; 3_000]), None)]);
    world.commit(&(0..10).map(|number| (key(number), Some(large.clone()))).collect::<Vec<_>>());
    let limit = BatchLimit { documents: 100, text_bytes: 6_000 };
    let batch = next(&world.view, &*world.documents, limit).expect("a batch").expect("one");
    assert_eq!(batch.documents.len(), 2);
    settle(&world.view, &*world.documents, limit);
    world.check(&ALL);
}

#[test]
fn a_document_may_emit_ten_thousand_rows() {
    let mut world = World::new();
    for document in [Some(emits(0..10_000)), Some(emits([5, 5, 3])), Some(emits((0..10_000).rev())), None] {
        world.commit(&[(key(1), document), (key(2), Some(emits([4])))]);
        settle(&world.view, &*world.documents, BatchLimit::default());
        world.check(&ALL);
        world.check(&Window { direction: Direction::Descending, offset: 2, limit: 20, ..ALL });
    }
    assert_eq!(stats(&world.view).rows, 1);
}

#[test]
fn a_key_too_long_for_the_index_is_a_failure_of_its_document() {
    let mut world = World::new();
    let long = Document::Emits(vec![(Value::Null, None), (Value::Text(vec![0x61; 70_000]), None)]);
    world.commit(&[(key(1), Some(long)), (key(2), Some(emits([4])))]);
    settle(&world.view, &*world.documents, BatchLimit::default());
    let page = page(&world.view, &everything(), 1).expect("up to date");
    assert_eq!(seen(&page).iter().map(|row| &*row.key_text).collect::<Vec<_>>(), ["4"]);
    let ViewStats { failures, failed, .. } = stats(&world.view);
    assert_eq!((failures, &*failed[0].0), (1, &b"doc:00001"[..]));
    assert!(failed[0].1.contains("the limit is 65536"), "{}", failed[0].1);
    world.commit(&[(key(1), Some(emits([1])))]);
    settle(&world.view, &*world.documents, BatchLimit::default());
    world.check(&ALL);
    assert_eq!(stats(&world.view).failures, 0);
}

#[test]
fn a_wrong_answer_changes_nothing() {
    let mut world = World::new();
    world.commit(&[(key(1), Some(emits([1]))), (key(2), Some(emits([2])))]);
    let batch = next(&world.view, &*world.documents, BatchLimit::default()).expect("ok").expect("one");
    let error = world.view.apply(batch.ticket, &parse_mapped("[[[7]]]").expect("rows")).unwrap_err();
    assert_eq!(error.message(), "1 documents were mapped, not 2");
    settle(&world.view, &*world.documents, BatchLimit::default());
    world.check(&ALL);
    world.view.apply(batch.ticket, &parse_mapped("[[],[]]").expect("rows")).expect("stale, so dropped");
    world.check(&ALL);
}

#[test]
fn rows_that_change_are_counted_as_they_were_and_not_shown() {
    let mut world = World::new();
    let limit = BatchLimit { documents: 2, text_bytes: usize::MAX };
    world.commit(&(0..4).map(|number| (key(number), Some(emits([number])))).collect::<Vec<_>>());
    settle(&world.view, &*world.documents, limit);
    let before = stats(&world.view);
    let through = before.built_through.expect("built");
    let shown = page(&world.view, &everything(), through).expect("up to date");

    world.commit(&(0..4).map(|number| (key(number), Some(emits([number, 7])))).collect::<Vec<_>>());
    let batch = next(&world.view, &*world.documents, limit).expect("ok").expect("one");
    drive(&world.view, &batch).expect("rows");
    let changing = stats(&world.view);
    assert_eq!((changing.rows, changing.built_through), (4, Some(through)));
    assert!(changing.building.is_some());
    assert!(page(&world.view, &everything(), through).is_none(), "half of a commit");
    assert_eq!(seen(&shown).len(), 4, "a page that was answered stays");
    settle(&world.view, &*world.documents, limit);
    assert_eq!(stats(&world.view).rows, 8);
    world.check(&ALL);
}

#[test]
fn queries_never_see_half_of_a_commit() {
    let mut world = World::new();
    let (documents, view) = (world.documents.clone(), world.view.clone());
    let limit = BatchLimit { documents: 7, text_bytes: usize::MAX };
    let written = AtomicBool::new(false);
    let driver = || {
        loop {
            let is_last = written.load(Ordering::SeqCst);
            let moment = documents.snapshot().wait().expect("a snapshot");
            while let Some(batch) = view.next_batch(&*documents, &moment, limit).expect("a batch") {
                drive_two(&view, &batch, limit);
            }
            // The other one may be on the way to a later commit by now.
            let Some(page) = page(&view, &everything(), moment.sequence()) else { continue };
            let rows = seen(&page);
            assert!(rows.len() == 40 || rows.is_empty(), "{} rows", rows.len());
            assert!(rows.iter().all(|row| row.key_text == rows[0].key_text), "half of a commit");
            assert!(rows.iter().all(|row| row.document_sequence == rows[0].document_sequence));
            if is_last {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(driver);
        scope.spawn(driver);
        for number in 0..300 {
            let writes: Vec<_> = (0..40).map(|document| (key(document), Some(emits([number])))).collect();
            world.commit(&writes);
        }
        written.store(true, Ordering::SeqCst);
    });
    settle(&world.view, &*world.documents, BatchLimit::default());
    world.check(&ALL);
}
