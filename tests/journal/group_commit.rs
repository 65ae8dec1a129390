//! Group commit: many threads, one journal.

use crate::failing_disk::Call;
use crate::map_store::{INTERVAL, NEVER, Open, Store, put, put_any, recovered};
use crate::support::Journal;
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{Answer, Batch, Check, Committed, Durability, Operation, Space};
use kixx_datastore::stores::journal::{GroupCommit, MAX_PAYLOAD_BYTES};
use std::thread;

/// A journal whose thread is in the middle of a flush, with one commit.
fn busy(journal: &Journal, store: &Store) -> (GroupCommit, Answer<Committed>) {
    let group = store.start(journal, Durability::Sync, NEVER);
    journal.disk.hold_syncs();
    let first = group.submit(put_any("first"));
    journal.disk.wait_for_held_sync();
    (group, first)
}

#[test]
fn what_waits_during_a_flush_shares_the_next_one() {
    let (journal, store) = (Journal::new(), Store::default());
    let (group, first) = busy(&journal, &store);
    let answers: Vec<_> = (0..1_000).map(|number| group.submit(put_any(&number.to_string()))).collect();
    journal.disk.release_syncs();
    assert_eq!(first.wait().unwrap().sequence, 1);
    for (answer, sequence) in answers.into_iter().zip(2..) {
        assert_eq!(answer.wait().unwrap(), Committed { sequence, versions: vec![Some(0)] });
    }
    assert_eq!(store.groups(), [1, 1_000]);
    // One for the new segment, one for each group.
    assert_eq!(journal.disk.count(Call::Sync), 3);
    group.close().wait().unwrap();
    assert_eq!(recovered(&journal).len(), 1_001);
}

#[test]
fn a_group_has_limits() {
    let (journal, store) = (Journal::new(), Store::default());
    let (group, first) = busy(&journal, &store);
    let large = vec![1; 3 << 20];
    let mut answers = vec![first];
    answers.extend((0..3).map(|number| group.submit(put(&format!("large{number}"), Check::Any, &large))));
    answers.extend((0..1_500).map(|number| group.submit(put_any(&number.to_string()))));
    journal.disk.release_syncs();
    for answer in answers {
        answer.wait().unwrap();
    }
    assert_eq!(store.groups(), [1, 1, 1, 1_024, 477]);
}

#[test]
fn many_threads_that_wait_for_each_commit_lose_and_invent_nothing() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (group, store) = (&group, &store);
            scope.spawn(move || {
                for number in 0..100 {
                    let (own, shared) = (format!("{thread}:{number}"), "counter");
                    group.submit(put_any(&own)).wait().unwrap();
                    assert!(store.value(&own).is_some(), "a commit is visible when it is answered");
                    group.submit(put(shared, Check::Any, own.as_bytes())).wait().unwrap();
                }
            });
        }
    });
    group.close().wait().unwrap();
    assert_eq!(store.groups().iter().sum::<usize>(), 1_600);
    let recovered = recovered(&journal);
    assert_eq!((recovered.len(), recovered[&b"counter"[..]].version()), (801, 799));
    assert_eq!(recovered, store.published());
}

#[test]
fn nothing_is_answered_or_seen_before_it_is_durable() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    group.submit(put_any("first")).wait().unwrap();
    journal.disk.hold_syncs();
    let second = group.submit(put_any("second"));
    journal.disk.wait_for_held_sync();
    assert_eq!(recovered(&journal).len(), 2, "it is written");
    assert_eq!(store.value("second"), None);
    journal.disk.release_syncs();
    second.wait().unwrap();
    assert!(store.value("second").is_some());
}

#[test]
fn batches_are_checked_against_those_before_them_in_the_group() {
    let (journal, store) = (Journal::new(), Store::default());
    let (group, first) = busy(&journal, &store);
    let made = group.submit(put("key", Check::Absent, b"a"));
    let refused = group.submit(put("key", Check::Absent, b"b"));
    let changed = group.submit(put("key", Check::Version(0), b"c"));
    journal.disk.release_syncs();
    first.wait().unwrap();
    assert_eq!(made.wait().unwrap().versions, [Some(0)]);
    let conflict = refused.wait().unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::Conflict);
    assert!(store.value("key").is_some(), "what it conflicts with is visible");
    assert_eq!(changed.wait().unwrap(), Committed { sequence: 3, versions: vec![Some(1)] });
    assert_eq!(store.value("key").unwrap(), b"c");
}

#[test]
fn a_conflict_writes_nothing() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    let error = group.submit(put("key", Check::Version(3), b"a")).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    group.close().wait().unwrap();
    assert!(journal.files().is_empty());
}

#[test]
fn a_failed_write_fails_its_whole_group_and_the_next_uses_its_numbers() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    group.submit(put_any("first")).wait().unwrap();
    journal.disk.hold_syncs();
    let second = group.submit(put_any("second"));
    journal.disk.wait_for_held_sync();
    let lost = [
        group.submit(put("key", Check::Absent, b"a")),
        group.submit(put("key", Check::Absent, b"conflicts with what is lost")),
        group.submit(put("other", Check::Any, b"b")),
    ];
    journal.disk.fail(Call::Write, 0, 50);
    journal.disk.release_syncs();
    second.wait().unwrap();
    for lost in lost {
        assert_eq!(lost.wait().unwrap_err().kind(), ErrorKind::Storage);
    }
    assert_eq!((store.value("key"), group.failure().is_none()), (None, true));
    let committed = group.submit(put("key", Check::Absent, b"again")).wait().unwrap();
    assert_eq!(committed, Committed { sequence: 3, versions: vec![Some(0)] });
    group.close().wait().unwrap();
    assert_eq!(journal.sequences(), [1, 2, 3]);
    assert_eq!(recovered(&journal), store.published());
}

#[test]
fn after_a_failed_flush_every_commit_fails_and_the_lost_ones_stay_lost() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    group.submit(put_any("first")).wait().unwrap();
    journal.disk.fail(Call::Sync, 0, 0);
    let first = group.submit(put_any("lost")).wait().unwrap_err();
    for error in [
        group.submit(put_any("more")).wait().unwrap_err(),
        group.flush().wait().unwrap_err(),
        group.checkpoint(1).wait().unwrap_err(),
        group.sync_through(2).wait().unwrap_err(),
    ] {
        assert!(error.to_string().contains(first.message()), "{error}");
    }
    group.sync_through(1).wait().unwrap();
    assert_eq!(group.failure().unwrap().message(), first.message());
    assert_eq!(store.value("lost"), None);
    assert!(group.close().wait().is_err());
    assert_eq!(journal.sequences(), [1]);
}

#[test]
fn the_operating_system_is_enough_where_that_was_asked_for() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Os, NEVER);
    group.submit(put_any("first")).wait().unwrap();
    journal.disk.forget_calls();
    for number in 0..100 {
        group.submit(put_any(&number.to_string())).wait().unwrap();
    }
    assert_eq!((journal.disk.count(Call::Sync), recovered(&journal).len()), (0, 101));
    group.flush().wait().unwrap();
    group.flush().wait().unwrap();
    group.sync_through(101).wait().unwrap();
    assert_eq!(journal.disk.count(Call::Sync), 1);
}

#[test]
fn batched_commits_are_flushed_when_their_time_has_come() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Batched, INTERVAL);
    for round in 0..3 {
        group.submit(put_any(&round.to_string())).wait().unwrap();
        group.submit(put_any("more")).wait().unwrap();
        // The first flush is that of the new segment.
        journal.disk.wait_for(Call::Sync, round + 2);
    }
}

#[test]
fn a_batched_flush_that_fails_is_told_to_the_next_commit() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Batched, INTERVAL);
    journal.disk.fail(Call::Sync, 1, 0);
    group.submit(put_any("first")).wait().unwrap();
    journal.disk.wait_for(Call::Sync, 2);
    while group.failure().is_none() {
        thread::yield_now();
    }
    let error = group.submit(put_any("second")).wait().unwrap_err();
    assert!(error.to_string().contains("the disk is broken"), "{error}");
}

#[test]
fn checkpoints_remove_segments_and_a_close_the_rest() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = GroupCommit::start(journal.writer_with(1_000), store.clone(), Durability::Os, NEVER).unwrap();
    for number in 0..100 {
        group.submit(put_any(&number.to_string())).wait().unwrap();
    }
    let before = journal.files().len();
    group.sync_through(50).wait().unwrap();
    group.checkpoint(50).wait().unwrap();
    assert!(journal.files().len() <= before / 2 + 1);
    assert_eq!(journal.sequences(), (51..=100).collect::<Vec<_>>());
    assert_eq!(group.checkpoint(101).wait().unwrap_err().kind(), ErrorKind::Assertion);
    group.close_and_remove(100).wait().unwrap();
    assert!(journal.files().is_empty());
}

#[test]
fn removals_go_on_when_the_disk_is_too_full_for_anything_else() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    for number in 0..10 {
        group.submit(put_any(&number.to_string())).wait().unwrap();
    }
    journal.disk.set_space(0);
    let mut small = 0;
    while group.submit(put_any(&format!("small {small}"))).wait().is_ok() {
        small += 1;
    }
    assert!(small > 100, "{small}");
    // Together with one that does not fit.
    journal.disk.hold_syncs();
    let remove =
        |key: usize| Batch::of(Operation::delete(Space::DOCUMENTS, key.to_string().as_bytes(), Check::Any));
    let removed: Vec<_> = (0..10).map(|number| group.submit(remove(number))).collect();
    let refused = group.submit(put_any("more"));
    journal.disk.release_syncs();
    for answer in removed {
        answer.wait().unwrap();
    }
    assert_eq!(refused.wait().unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(store.published().len(), small);
    group.close().wait().unwrap();
    assert_eq!(recovered(&journal), store.published());
}

#[test]
fn batches_wait_while_the_store_takes_none_and_its_commands_go_on() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Sync, NEVER);
    group.submit(put_any("first")).wait().unwrap();
    store.set_open(Open::No);
    let waiting = group.submit(put_any("second"));
    group.checkpoint(1).wait().unwrap();
    assert_eq!(store.asked(), 1);
    store.set_open(Open::Yes);
    group.wake();
    assert_eq!(waiting.wait().unwrap().sequence, 2);

    store.set_open(Open::No);
    let waiting = group.submit(put_any("third"));
    group.close().wait().unwrap();
    assert_eq!(waiting.wait().unwrap().sequence, 3);
}

#[test]
fn a_close_finishes_what_was_submitted_and_refuses_the_rest() {
    let (journal, store) = (Journal::new(), Store::default());
    let (group, first) = busy(&journal, &store);
    let second = group.submit(put_any("second"));
    let closed = group.close();
    let late = group.submit(put_any("late"));
    journal.disk.release_syncs();
    first.wait().unwrap();
    second.wait().unwrap();
    closed.wait().unwrap();
    assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(group.flush().wait().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(group.close().wait().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(journal.sequences(), [1, 2]);
}

#[test]
fn a_handle_that_is_dropped_loses_nothing() {
    let (journal, store) = (Journal::new(), Store::default());
    let (group, first) = busy(&journal, &store);
    let second = group.submit(put_any("second"));
    drop(group);
    journal.disk.release_syncs();
    first.wait().unwrap();
    assert_eq!(second.wait().unwrap().sequence, 2);
    assert_eq!(journal.sequences(), [1, 2]);
}

#[test]
fn a_panic_in_the_store_leaves_nobody_waiting_and_ends_all_writing() {
    for place in ["prepare", "publish"] {
        let (journal, store) = (Journal::new(), Store::default());
        let (group, first) = busy(&journal, &store);
        let waiting: Vec<_> = (0..3).map(|number| group.submit(put_any(&number.to_string()))).collect();
        store.panic_on(place);
        journal.disk.release_syncs();
        let mut results: Vec<_> = waiting.into_iter().map(Answer::wait).collect();
        results.push(first.wait());
        for error in results.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::Storage);
        }
        let later = group.submit(put_any("later")).wait().unwrap_err();
        assert!(later.to_string().contains(&format!("the store panics in {place}")), "{later}");
        assert!(group.close().wait().is_err());
    }
}

#[test]
fn a_batch_that_no_record_can_hold_is_refused() {
    let (journal, store) = (Journal::new(), Store::default());
    let group = store.start(&journal, Durability::Os, NEVER);
    // Clones share the value, so this takes less memory than it counts.
    let large = Operation::put(Space::DOCUMENTS, b"key", Check::Any, &vec![0; MAX_PAYLOAD_BYTES / 16]);
    let batch = Batch { operations: vec![large; 16] };
    assert_eq!(group.submit(batch).wait().unwrap_err().kind(), ErrorKind::Assertion);
    group.submit(put_any("small")).wait().unwrap();
}
