//! Calls to the file system that fail, one after the other.

use crate::failing_disk::{CALLS, Call};
use crate::support::{Journal, Random, records};
use kixx_datastore::stores::journal::Writer;
use kixx_datastore::{ErrorKind, Result};

const LARGE: usize = 150_000;

/// Commits that fill several segments, with a checkpoint in between. Calls `done` with the payloads of each
/// group and what became of it.
fn work(writer: &mut Writer, mut done: impl FnMut(&[Vec<u8>], Result<()>)) {
    let mut random = Random(11);
    for step in 0..14 {
        let length = if step % 5 == 3 { LARGE } else { 300 };
        let payloads: Vec<Vec<u8>> = (0..=step % 3).map(|_| random.bytes(length)).collect();
        let borrowed: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let result = writer.append_synced(&mut records(&borrowed));
        done(&payloads, result);
        if step == 8 {
            let _ = writer.record_checkpoint(3).and_then(|()| writer.remove_segments());
        }
    }
}

#[test]
fn whatever_call_fails_acknowledged_commits_are_there_and_failed_ones_are_not() {
    let mut failures = 0;
    for call in CALLS {
        for passing in 0.. {
            let journal = Journal::new();
            let mut writer = journal.writer_with(400_000);
            journal.disk.fail(call, passing, [0, 17, 400][passing % 3]);
            let mut acknowledged = Vec::new();
            let mut poisoned = false;
            work(&mut writer, |payloads, result| match result {
                Ok(()) => {
                    assert!(!poisoned, "{call:?} {passing}: written after a failed flush");
                    acknowledged.extend_from_slice(payloads);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Storage);
                    poisoned |= matches!(call, Call::Sync | Call::SyncDirectory);
                }
            });
            if !journal.disk.has_failed() {
                break;
            }
            failures += 1;
            drop(writer);
            let checkpoint = journal.read().unwrap().checkpoint();
            assert!(checkpoint <= 3);
            let recovered: Vec<Vec<u8>> =
                journal.commits().unwrap().into_iter().map(|commit| commit.1).collect();
            assert_eq!(recovered, acknowledged[checkpoint as usize..], "{call:?} {passing}");
        }
    }
    assert!(failures > 30, "only {failures} calls failed");
}

#[test]
fn a_failed_append_leaves_no_trace_and_its_numbers_are_used_again() {
    for arriving in [0, 1, 31, 32, 40, 72, 200] {
        let journal = Journal::new();
        let mut writer = journal.writer();
        writer.append_synced(&mut records(&[b"one"])).unwrap();
        journal.disk.fail(Call::Write, 0, arriving);
        let error = writer.append(&mut records(&[b"lost", b"lost too", b"and this"])).unwrap_err();
        assert!(error.to_string().contains("journal-0000000000000001.log"), "{error}");
        assert_eq!(journal.sequences(), [1], "{arriving} bytes arrived");
        assert_eq!(writer.last_sequence(), 1);
        writer.append(&mut records(&[b"two"])).unwrap();
        assert_eq!(journal.commits().unwrap()[1..], [(2, b"two".to_vec())]);
    }
}

#[test]
fn a_write_that_can_not_be_taken_back_ends_all_writing() {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.append_synced(&mut records(&[b"one"])).unwrap();
    journal.disk.fail(Call::Write, 0, 10);
    journal.disk.fail_all(Call::SetLength);
    let first = writer.append(&mut records(&[b"lost"])).unwrap_err();
    journal.disk.heal();
    let later = writer.append(&mut records(&[b"two"])).unwrap_err();
    assert!(later.to_string().contains(first.message()), "{later}");
    assert_eq!(journal.sequences(), [1], "a torn tail is no commit");
}

#[test]
fn a_failed_flush_is_never_tried_again() {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.append_synced(&mut records(&[b"one"])).unwrap();
    writer.append(&mut records(&[b"two"])).unwrap();
    journal.disk.fail(Call::Sync, 0, 0);
    let first = writer.sync().unwrap_err();
    assert!(first.to_string().contains("the disk is broken"), "{first}");
    journal.disk.forget_calls();
    for error in [
        writer.sync().unwrap_err(),
        writer.append(&mut records(&[b"three"])).unwrap_err(),
        writer.append_synced(&mut records(&[b"three"])).unwrap_err(),
        writer.record_checkpoint(1).unwrap_err(),
        writer.remove_segments().unwrap_err(),
        writer.remove(2).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains(first.message()), "{error}");
    }
    assert!(journal.disk.calls().is_empty(), "{:?}", journal.disk.calls());
    assert_eq!(journal.sequences(), [1, 2], "reading goes on");
}

#[test]
fn a_full_disk_is_named_and_space_makes_it_work_again() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(16 << 20);
    writer.append_synced(&mut records(&[b"one"])).unwrap();
    journal.disk.set_space(100_000);
    let large = vec![5; 400_000];
    for _ in 0..3 {
        let error = writer.append_synced(&mut records(&[&large])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("no space left on device"), "{error}");
    }
    assert_eq!((journal.sequences(), writer.failure().is_none()), (vec![1], true));
    journal.disk.set_space(10_000_000);
    writer.append_synced(&mut records(&[&large])).unwrap();
    assert_eq!(journal.sequences(), [1, 2]);
}

#[test]
fn small_commits_and_checkpoints_go_on_for_a_while_when_the_disk_is_full() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(16 << 20);
    writer.append_synced(&mut records(&[&vec![1; 175_000]])).unwrap();
    journal.disk.set_space(0);
    assert!(writer.append_synced(&mut records(&[&vec![2; 10_000]])).is_err(), "that is not small");
    let mut commits = 1;
    while writer.append_synced(&mut records(&[&[3; 68]])).is_ok() {
        commits += 1;
    }
    assert!(commits > 600, "the reserve took {commits} commits only");
    for checkpoint in 1..=100 {
        writer.record_checkpoint(checkpoint).unwrap();
    }
    drop(writer);
    assert_eq!(journal.read().unwrap().last_sequence(), commits);
    assert_eq!(journal.read().unwrap().checkpoint(), 100);
}

#[test]
fn a_segment_that_can_not_be_made_on_a_full_disk_is_made_later() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(1_000);
    writer.append_synced(&mut records(&[&[1; 900]])).unwrap();
    journal.disk.set_space(1_000);
    writer.append_synced(&mut records(&[b"small commits go to the old segment"])).unwrap();
    assert_eq!(journal.files().len(), 1);
    assert!(writer.append_synced(&mut records(&[&vec![2; 200_000]])).is_err());
    journal.disk.set_space(1_000_000);
    writer.append_synced(&mut records(&[&vec![2; 200_000]])).unwrap();
    assert_eq!((journal.files().len(), journal.sequences()), (2, vec![1, 2, 3]));
}

#[test]
fn a_repair_that_fails_anywhere_may_be_done_again() {
    for call in CALLS {
        for passing in 0..3 {
            let journal = Journal::new();
            let mut writer = journal.writer();
            writer.append_synced(&mut records(&[b"one"])).unwrap();
            writer.append(&mut records(&[b"two", b"three"])).unwrap();
            drop(writer);
            let (path, bytes) = journal.files().remove(0);
            std::fs::write(&path, &bytes[..64 + 40 + 40 + 20]).unwrap();
            std::fs::write(journal.path().join("journal-0000000000000002.log"), []).unwrap();
            // The next segment is evidence that this one was whole.
            assert_eq!(journal.read().err().unwrap().kind(), ErrorKind::Corrupt);
            std::fs::remove_file(journal.path().join("journal-0000000000000002.log")).unwrap();
            journal.disk.fail(call, passing, 5);
            let repaired = journal.repair();
            assert_eq!(repaired.is_err(), journal.disk.has_failed(), "{call:?} {passing}");
            journal.disk.heal();
            let mut writer = journal.writer();
            writer.append_synced(&mut records(&[b"next"])).unwrap();
            assert_eq!(journal.sequences(), [1, 2, 3], "{call:?} {passing}");
        }
    }
}
