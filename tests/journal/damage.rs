//! Whatever happens to the files of a journal, it is recovered to whole commits, or refused.

use crate::support::{Journal, Random, records, without_zeros};
use kixx_datastore::ErrorKind;
use std::path::Path;

/// One segment: groups of commits, the first three flushed, a checkpoint among them.
fn small_journal() -> (Journal, Vec<(u64, Vec<u8>)>) {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.append_synced(&mut records(&[b"one", b"", b"three"])).unwrap();
    writer.append_synced(&mut records(&[&[0; 40]])).unwrap();
    writer.append_synced(&mut records(&[b"five", &[0xff; 9]])).unwrap();
    writer.append(&mut records(&[b"seven"])).unwrap();
    writer.append(&mut records(&[b"eight", b"nine"])).unwrap();
    let commits = journal.commits().unwrap();
    assert_eq!(commits.len(), 9);
    (journal, commits)
}

fn single(path: &Path, bytes: &[u8]) -> Journal {
    Journal::of(&[(path.to_owned(), bytes.to_vec())])
}

/// Goes on after a recovery, and checks that everything is there.
fn go_on(journal: &Journal, recovered: &[(u64, Vec<u8>)]) {
    let mut writer = journal.writer();
    let next = recovered.len() as u64 + 1;
    assert_eq!(writer.last_sequence() + 1, next);
    writer.append_synced(&mut records(&[b"after"])).unwrap();
    drop(writer);
    let mut expected = recovered.to_vec();
    expected.push((next, b"after".to_vec()));
    assert_eq!(journal.commits().unwrap(), expected);
    assert_eq!(journal.read().unwrap().torn_bytes(), 0);
}

#[test]
fn a_journal_cut_anywhere_recovers_a_prefix_of_whole_commits() {
    let (journal, commits) = small_journal();
    let (path, bytes) = journal.files().remove(0);
    let mut longest = 0;
    for length in 0..without_zeros(&bytes).len() + 16 {
        let cut = single(&path, &bytes[..length]);
        let recovered = cut.commits().unwrap();
        assert_eq!(recovered, commits[..recovered.len()], "cut to {length} bytes");
        assert!(recovered.len() >= longest, "a longer file holds less, at {length} bytes");
        longest = recovered.len();
        go_on(&cut, &recovered);
    }
    assert_eq!(longest, commits.len());
}

#[test]
fn a_torn_tail_is_reported_and_reading_leaves_it_alone() {
    let (journal, commits) = small_journal();
    let (path, bytes) = journal.files().remove(0);
    let cut = single(&path, &bytes[..without_zeros(&bytes).len() - 3]);
    let before = cut.files();
    assert!(cut.read().unwrap().torn_bytes() > 0);
    assert_eq!(cut.commits().unwrap(), commits[..8]);
    assert_eq!(cut.files(), before);
    cut.repair().unwrap();
    assert_eq!(cut.read().unwrap().torn_bytes(), 0);
}

#[test]
fn no_flipped_byte_loses_or_invents_what_was_durable() {
    let (journal, commits) = small_journal();
    let (path, bytes) = journal.files().remove(0);
    let bytes = &bytes[..without_zeros(&bytes).len() + 40];
    let (mut refused, mut shortened) = (0, 0);
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flip;
            match single(&path, &damaged).commits() {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                    let text = error.to_string();
                    assert!(text.contains("journal-0000000000000001.log"), "{text}");
                    assert!(text.contains("at byte "), "{text}");
                    refused += 1;
                }
                Ok(recovered) => {
                    assert_eq!(recovered, commits[..recovered.len()], "byte {at}");
                    // The group of commit 7 was written when commits 1 to 6 were durable.
                    assert!(recovered.len() >= 6, "byte {at} lost commits that were durable");
                    shortened += usize::from(recovered.len() < commits.len());
                }
            }
        }
    }
    assert!(refused > 300 && shortened > 100, "{refused} refused, {shortened} shortened");
}

#[test]
fn no_random_damage_invents_anything() {
    let (journal, commits) = small_journal();
    let (path, bytes) = journal.files().remove(0);
    let used = without_zeros(&bytes).len();
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let mut damaged = bytes[..used + random.below(100)].to_vec();
        for _ in 0..=random.below(3) {
            let (from, to) = (random.below(damaged.len()), random.below(damaged.len()));
            let length = random.below(80).min(damaged.len() - from.max(to));
            match random.below(3) {
                0 => damaged[to..to + length].fill(0),
                1 => damaged.copy_within(from..from + length, to),
                _ => damaged[to..to + length].copy_from_slice(&random.bytes(length)),
            }
        }
        let damaged = single(&path, &damaged);
        match damaged.commits() {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "seed {seed}"),
            Ok(recovered) => {
                assert_eq!(recovered, commits[..recovered.len()], "seed {seed}");
                go_on(&damaged, &recovered);
            }
        }
    }
}

#[test]
fn damage_to_a_segment_that_others_follow_is_never_a_torn_tail() {
    let journal = Journal::new();
    let mut writer = journal.writer_with(200);
    for payload in [[1; 100], [2; 100], [3; 100]] {
        writer.append(&mut records(&[&payload])).unwrap();
    }
    let (files, commits) = (journal.files(), journal.commits().unwrap());
    assert_eq!((files.len(), commits.len()), (3, 3));
    for index in 0..2 {
        let used = without_zeros(&files[index].1).len();
        for at in 0..used + 10 {
            let mut damaged = files.clone();
            damaged[index].1[at] ^= 0x10;
            match Journal::of(&damaged).commits() {
                // Zeros that fill up a record mean nothing.
                Ok(recovered) => assert_eq!(recovered, commits, "byte {at} of segment {index}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
            let mut cut = files.clone();
            cut[index].1.truncate(at);
            let result = Journal::of(&cut).commits();
            assert!(result.is_err() || at >= used, "segment {index} cut to {at} bytes");
        }
    }
}

#[test]
fn commits_that_a_checkpoint_relies_on_are_never_a_torn_tail() {
    let journal = Journal::new();
    let mut writer = journal.writer();
    writer.append(&mut records(&[b"one", b"two"])).unwrap();
    writer.record_checkpoint(2).unwrap();
    let (path, bytes) = journal.files().remove(0);
    for at in [64, 64 + 32, 64 + 40, 64 + 40 + 32] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(single(&path, &damaged).commits().unwrap_err().kind(), ErrorKind::Corrupt, "byte {at}");
    }
}

#[test]
fn a_segment_that_was_being_made_is_removed() {
    let (journal, commits) = small_journal();
    let mut files = journal.files();
    let next = journal.path().join("journal-0000000000000002.log");
    for bytes in [vec![], vec![0; 30], vec![0; 300], b"KIXX-LOG\x01".to_vec()] {
        files.truncate(1);
        files.push((next.clone(), bytes.clone()));
        let made = Journal::of(&files);
        assert_eq!(made.commits().unwrap(), commits);
        assert_eq!(made.files().len(), 2, "reading changes nothing");
        go_on(&made, &commits);

        let alone = Journal::of(&[(journal.path().join("journal-0000000000000001.log"), bytes)]);
        assert!(!alone.read().unwrap().is_empty());
        go_on(&alone, &[]);
    }
}

#[test]
fn a_header_is_not_torn_where_records_follow_or_others_are_missing() {
    let (journal, _) = small_journal();
    let (path, bytes) = journal.files().remove(0);
    let mut headless = bytes.clone();
    headless[..64].fill(0);
    assert_eq!(single(&path, &headless).commits().unwrap_err().kind(), ErrorKind::Corrupt);

    let error = single(&journal.path().join("journal-0000000000000003.log"), &[]).commits().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("journal-0000000000000002.log missing"), "{error}");
}

#[test]
fn a_segment_under_a_wrong_name_is_refused() {
    let (journal, _) = small_journal();
    let (_, bytes) = journal.files().remove(0);
    let renamed = single(&journal.path().join("journal-0000000000000002.log"), &bytes);
    assert_eq!(renamed.commits().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn files_with_other_names_are_left_alone() {
    let (journal, commits) = small_journal();
    for name in ["lock", "journal-1.log", "journal-0000000000000002.log.bak", "note.txt"] {
        std::fs::write(journal.path().join(name), "something else").unwrap();
    }
    assert_eq!(journal.commits().unwrap(), commits);
}
