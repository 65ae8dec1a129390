//! Segments are begun, removed, and missed.

use crate::failing_disk::Call;
use crate::support::{Journal, records};
use kixx_datastore::ErrorKind;
use std::fs;

/// A journal of commits 1, 2, 3 ... one in each segment.
fn segmented(count: u8) -> Journal {
    let journal = Journal::new();
    let mut writer = journal.writer_with(200);
    for number in 1..=count {
        writer.append_synced(&mut records(&[&[number; 100]])).unwrap();
    }
    assert_eq!(journal.files().len(), usize::from(count));
    journal
}

#[test]
fn nothing_is_on_disk_before_the_first_commit() {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.sync().unwrap();
    writer.record_checkpoint(0).unwrap();
    writer.append(&mut records(&[])).unwrap();
    writer.sync().unwrap();
    assert!(journal.files().is_empty());
    // What was removed before must not come back.
    assert_eq!(journal.disk.calls(), [Call::SyncDirectory]);
    assert!(journal.read().unwrap().is_empty());
    assert!(Journal::new().commits().unwrap().is_empty());
}

#[test]
fn a_directory_that_does_not_exist_has_no_journal() {
    let journal = Journal::new();
    fs::remove_dir(journal.path()).unwrap();
    assert!(journal.read().unwrap().is_empty());
}

#[test]
fn commits_come_back_in_order_over_segments_and_reopenings() {
    let journal = Journal::new();
    let mut expected = Vec::new();
    for round in 0..5 {
        let mut writer = journal.writer_with(1_000);
        for number in 0..20_u64 {
            let payload = vec![number as u8; (number * 13 % 300) as usize];
            writer.append(&mut records(&[&payload])).unwrap();
            expected.push((round * 20 + number + 1, payload));
        }
        writer.sync().unwrap();
        assert_eq!(journal.commits().unwrap(), expected);
    }
}

#[test]
fn a_group_that_is_larger_than_a_segment_gets_its_own() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(200);
    let large = vec![7; 700_000];
    for payload in [&b"small"[..], &large, b"small"] {
        writer.append(&mut records(&[payload])).unwrap();
    }
    assert_eq!(journal.files().len(), 3);
    assert_eq!(journal.commits().unwrap()[1], (2, large));
}

#[test]
fn a_segment_is_durable_before_the_next_is_made_and_in_its_directory_before_it_is_used() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(200);
    journal.disk.forget_calls();
    writer.append(&mut records(&[&[1; 100]])).unwrap();
    let made = [Call::Open, Call::Write, Call::Sync, Call::SyncDirectory];
    assert_eq!(journal.disk.calls(), [&made[..], &[Call::Write]].concat());
    journal.disk.forget_calls();
    writer.append(&mut records(&[&[1; 100]])).unwrap();
    assert_eq!(journal.disk.calls(), [&[Call::Sync], &made[..], &[Call::Write]].concat());
}

#[test]
fn a_repair_writes_again_what_an_earlier_flush_may_have_lost() {
    let journal = segmented(1);
    journal.disk.forget_calls();
    journal.repair().unwrap();
    let repair = [Call::Open, Call::Write, Call::SetLength, Call::Sync, Call::SyncDirectory];
    assert_eq!(journal.disk.calls(), repair);
}

#[test]
fn a_group_is_one_write_and_one_flush() {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.append_synced(&mut records(&[b"first"])).unwrap();
    journal.disk.forget_calls();
    writer.append_synced(&mut records(&[b"a", b"b", b"c", b"d"])).unwrap();
    assert_eq!(journal.disk.calls(), [Call::Write, Call::Sync]);
}

#[test]
fn segments_that_the_checkpoint_covers_are_removed() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(200);
    for number in 1..=4 {
        writer.append_synced(&mut records(&[&[number; 100]])).unwrap();
    }
    writer.record_checkpoint(2).unwrap();
    writer.remove_segments().unwrap();
    assert_eq!((journal.files().len(), journal.sequences()), (2, vec![3, 4]));
    assert_eq!(journal.read().unwrap().checkpoint(), 2);
    writer.record_checkpoint(1).unwrap();
    writer.record_checkpoint(4).unwrap();
    writer.remove_segments().unwrap();
    assert_eq!((journal.files().len(), journal.sequences()), (1, vec![]));
    writer.append_synced(&mut records(&[b"five"])).unwrap();
    drop(writer);
    assert_eq!((journal.sequences(), journal.read().unwrap().last_sequence()), (vec![5], 5));
}

#[test]
fn what_no_commit_has_reached_can_not_be_checkpointed() {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.append(&mut records(&[b"one"])).unwrap();
    assert_eq!(writer.record_checkpoint(2).unwrap_err().kind(), ErrorKind::Assertion);
}

#[test]
fn a_checkpoint_right_after_recovery_is_remembered() {
    let journal = segmented(3);
    let mut writer = journal.writer_with(200);
    writer.record_checkpoint(2).unwrap();
    writer.remove_segments().unwrap();
    drop(writer);
    assert_eq!(journal.sequences(), [3]);
    assert_eq!(journal.read().unwrap().checkpoint(), 2);
}

#[test]
fn missing_segments_are_noticed_wherever_they_were() {
    for missing in 0..3 {
        let journal = segmented(4);
        let (path, _) = &journal.files()[missing];
        fs::remove_file(path).unwrap();
        let error = journal.commits().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("missing"), "{error}");
    }
}

#[test]
fn a_segment_of_another_journal_is_noticed() {
    let (journal, other) = (segmented(3), Journal::new());
    let mut writer = other.writer_with(200);
    for _ in 0..3 {
        writer.append_synced(&mut records(&[&[9; 40], &[9; 40]])).unwrap();
    }
    let (path, _) = &journal.files()[1];
    fs::copy(&other.files()[1].0, path).unwrap();
    assert_eq!(journal.commits().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_clean_close_leaves_nothing() {
    for count in [1, 4] {
        let journal = segmented(count);
        let last = u64::from(count);
        let mut writer = journal.writer_with(200);
        writer.append(&mut records(&[b"more"])).unwrap();
        writer.remove(last + 1).unwrap();
        assert!(journal.files().is_empty());

        let recovered = segmented(count);
        recovered.writer().remove(last).unwrap();
        assert!(recovered.files().is_empty());
    }
}

#[test]
fn a_close_keeps_what_is_in_no_file_yet() {
    let journal = segmented(3);
    journal.writer().remove(2).unwrap();
    assert_eq!(journal.sequences(), [1, 2, 3]);
}

#[test]
fn a_removal_that_stops_anywhere_leaves_a_journal_that_opens() {
    for call in [Call::Remove, Call::SyncDirectory] {
        for passing in 0..6 {
            let journal = segmented(4);
            let mut writer = journal.writer_with(200);
            journal.disk.fail(call, passing, 0);
            let closed = writer.remove(4);
            assert_eq!(closed.is_err(), journal.disk.has_failed(), "{call:?} {passing}");
            // One segment alone may be replayed as a whole. Otherwise the checkpoint is known.
            journal.disk.heal();
            let files = journal.files().len();
            let sequences = journal.sequences();
            assert!(sequences.is_empty() || sequences == [1, 2, 3, 4], "{call:?} {passing}: {sequences:?}");
            journal.writer().remove(journal.read().unwrap().last_sequence()).unwrap();
            assert!(journal.files().is_empty(), "{files} files were left");
        }
    }
}
