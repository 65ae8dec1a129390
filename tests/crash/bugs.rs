//! Seeded bugs: each breaks one rule of durability at the seam, and has to be noticed.

use crate::campaign::one_history;
use crate::kind::Kind;
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::disk::DataFile;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What the store, or the system below it, does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Commits are acknowledged before they are flushed: flushing a segment does nothing.
    AcknowledgeBeforeFlush,
    /// The flush comes before the write.
    FlushBeforeWrite,
    /// A new segment is used before its header is durable.
    SegmentNotFlushed,
    /// Names of segments are not flushed.
    SkipJournalDirectoryFlush,
    /// Names of documents are not flushed.
    SkipDocumentDirectoryFlush,
    /// Several segments are removed without a flush in between.
    RemovalsShareOneFlush,
    /// Documents get their names before they are durable, which they never become.
    SkipFileFlush,
    /// Documents are written in place.
    WriteInPlace,
    /// The checkpoint is recorded, or the journal removed, before the files are there.
    CheckpointEarly,
    /// Segments are removed before their commits are in files.
    RemoveSegmentsEarly,
    /// Checksums of payloads are not looked at.
    IgnoreChecksum,
    /// Recovery goes on behind a torn tail without cutting it.
    KeepTornTail,
    /// Recovery does not flush the cut.
    CutNotFlushed,
    /// A failed write is not taken back.
    ForgetToTakeBack,
    /// A failed write, or half of one, counts as done.
    IgnoreWriteError,
    /// A failed flush counts as done.
    IgnoreFlushError,
    /// A failed flush is tried again, which then says that all is well.
    RetryFlush,
    /// Recovery trusts what it reads to be on the device.
    TrustTheCache,
    /// The lock keeps nobody out.
    IgnoreLock,
    /// The file of a store on disk is not flushed.
    SkipDataFlush,
    /// None: the control.
    Nothing,
}

impl Bug {
    /// Whether it does something only where calls fail.
    pub(crate) fn shows_in_faults(self) -> bool {
        matches!(
            self,
            Self::ForgetToTakeBack
                | Self::IgnoreWriteError
                | Self::IgnoreFlushError
                | Self::RetryFlush
                | Self::TrustTheCache
                | Self::Nothing
        )
    }
}

const ALL: &[Bug] = &[
    Bug::AcknowledgeBeforeFlush,
    Bug::FlushBeforeWrite,
    Bug::SegmentNotFlushed,
    Bug::SkipJournalDirectoryFlush,
    Bug::SkipDocumentDirectoryFlush,
    Bug::RemovalsShareOneFlush,
    Bug::SkipFileFlush,
    Bug::WriteInPlace,
    Bug::CheckpointEarly,
    Bug::RemoveSegmentsEarly,
    Bug::IgnoreChecksum,
    Bug::KeepTornTail,
    Bug::CutNotFlushed,
    Bug::ForgetToTakeBack,
    Bug::IgnoreWriteError,
    Bug::IgnoreFlushError,
    Bug::RetryFlush,
    Bug::TrustTheCache,
    Bug::IgnoreLock,
];

/// Those that also a store on disk would have.
const ALL_ON_DISK: &[Bug] = &[
    Bug::AcknowledgeBeforeFlush,
    Bug::SkipJournalDirectoryFlush,
    Bug::IgnoreChecksum,
    Bug::KeepTornTail,
    Bug::IgnoreWriteError,
    Bug::IgnoreLock,
    Bug::SkipDataFlush,
];

/// Histories that a bug may survive.
const HISTORIES: u64 = 150;

#[test]
fn every_seeded_bug_is_caught() {
    catch::<Files>(ALL);
}

#[test]
fn every_seeded_bug_of_a_store_on_disk_is_caught() {
    catch::<DataFile>(ALL_ON_DISK);
}

fn catch<K: Kind>(bugs: &[Bug]) {
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !is_caught::<K>(*bug) {
                        survivors.lock().unwrap().push(bug);
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    assert!(survivors.is_empty(), "not caught: {survivors:?}");
}

#[test]
fn faults_alone_are_no_bug() {
    for seed in 1..=8 {
        one_history::<Files>(seed, Some(Bug::Nothing), None).unwrap_or_else(|problem| panic!("{problem}"));
    }
}

fn is_caught<K: Kind>(bug: Bug) -> bool {
    let caught = (1..=HISTORIES)
        .find_map(|seed| one_history::<K>(seed, Some(bug), None).err().map(|problem| (seed, problem)));
    let Some((seed, problem)) = caught else { return false };
    let lines: Vec<&str> = problem.lines().take(2).collect();
    let shown: String = lines.join(" ").chars().take(300).collect();
    println!("{bug:?}: caught by history {seed}: {shown}");
    true
}
