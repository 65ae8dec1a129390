//! Checks the segments of a journal one after the other: pure, over their bytes.

use super::bytes::is_zero;
use super::header::{BadHeader, FIRST_ID, SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use super::scan::{End, scan};
use crate::Error;
use crate::kv::Sequence;
use std::path::{Path, PathBuf};

/// Why a journal can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment where it shows.
    pub path: PathBuf,
    /// What is wrong there, in a few words.
    pub problem: String,
    /// A newer version can read it: no damage that could be mended.
    pub is_newer: bool,
    message: String,
}

/// What the segments so far hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// Nothing behind this commit counts: others may be writing there.
    through: Sequence,
    /// The id of an unfinished segment that comes first.
    expected: u64,
    /// Oldest first, without gaps.
    pub(super) segments: Vec<CheckedSegment>,
    /// A last segment that was being made when a crash came: nothing was ever written to it.
    pub(super) unfinished: Option<PathBuf>,
    pub(super) last_sequence: Sequence,
    pub(super) checkpoint: Sequence,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct CheckedSegment {
    pub(super) path: PathBuf,
    pub(super) header: SegmentHeader,
    pub(super) last_sequence: Sequence,
    /// Everything before this offset was durable when the last record was written.
    pub(super) synced: usize,
    /// Where the good records end.
    pub(super) length: usize,
    /// How many bytes of a torn tail lie behind them.
    pub(super) torn_bytes: usize,
}

/// Where a segment stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A later one follows. It was flushed as a whole before that one was made.
    Followed,
    /// It was being written.
    Last,
}

impl Checked {
    pub(super) fn new(checkpoint: Sequence, through: Sequence) -> Self {
        Self {
            through,
            expected: FIRST_ID,
            segments: Vec::new(),
            unfinished: None,
            last_sequence: 0,
            checkpoint,
        }
    }

    /// As [`Checked::new`], where the segments before `id` are of no interest.
    pub(super) fn beginning_with(id: u64, checkpoint: Sequence, through: Sequence) -> Self {
        Self { expected: id, ..Self::new(checkpoint, through) }
    }

    /// Whether what comes next is of no interest.
    pub(super) fn is_complete(&self) -> bool {
        self.last_sequence >= self.through
    }

    /// Adds the next segment, or says what is wrong with it.
    pub(super) fn add(
        &mut self,
        directory: &Path,
        id: u64,
        order: Order,
        bytes: &[u8],
    ) -> Result<(), Damage> {
        let path = directory.join(file_name(id));
        let expected = self.segments.last().map_or(self.expected, |before| before.header.id + 1);
        if !self.segments.is_empty() && id != expected {
            return Err(missing_segments(expected, id, &path));
        }
        match SegmentHeader::decode(bytes) {
            Ok(header) if header.id != id => Err(damaged(&path, 0, "it has the name of another segment")),
            Ok(header) => self.add_records(path, header, order, bytes),
            Err(BadHeader::UnknownFormat(format)) => {
                Err(newer(&path, 0, &format!("it has format {format}, which a newer version wrote")))
            }
            // A header is durable before anything is written behind it. One that never was belongs to a
            // segment that was being made, right behind the others.
            Err(BadHeader::Damaged) if order == Order::Last && holds_no_records(bytes) => {
                if id != expected {
                    return Err(missing_segments(expected, id, &path));
                }
                self.unfinished = Some(path);
                Ok(())
            }
            Err(BadHeader::Damaged) => Err(damaged(&path, 0, "its header is not whole")),
        }
    }

    /// Says if the oldest segments are missing. Called when all are added.
    pub(super) fn finish(self) -> Result<Self, Damage> {
        let begin =
            self.segments.first().map(|oldest| check_begin(&oldest.header, self.checkpoint, &oldest.path));
        begin.unwrap_or(Ok(())).map(|()| self)
    }

    fn add_records(
        &mut self,
        path: PathBuf,
        header: SegmentHeader,
        order: Order,
        bytes: &[u8],
    ) -> Result<(), Damage> {
        if let Some(before) = self.segments.last()
            && header.previous_salt != before.header.salt
        {
            return Err(damaged(&path, 0, "it does not belong to the segment before it"));
        }
        if !self.segments.is_empty() && header.first_sequence != self.last_sequence + 1 {
            return Err(missing_commits(self.last_sequence + 1, header.first_sequence, &path));
        }
        let found = scan(bytes, &header, self.through);
        let torn_bytes = match found.end {
            End::Clean => 0,
            End::Torn if order == Order::Last => bytes.len() - found.length,
            End::Torn => {
                return Err(damaged(&path, found.length, "later segments prove that it was whole once"));
            }
            End::Corrupt(reason) => return Err(damaged(&path, found.length, reason)),
            End::Newer => return Err(newer(&path, found.length, "a newer version wrote it")),
        };
        self.last_sequence = found.commits.last().map_or(header.first_sequence - 1, |commit| commit.0);
        self.checkpoint = self.checkpoint.max(found.checkpoint);
        self.segments.push(CheckedSegment {
            path,
            header,
            last_sequence: self.last_sequence,
            synced: found.synced,
            length: found.length,
            torn_bytes,
        });
        Ok(())
    }
}

fn holds_no_records(bytes: &[u8]) -> bool {
    bytes.get(SEGMENT_HEADER_BYTES..).is_none_or(is_zero)
}

/// The oldest segment has to go on from what the files of the store hold.
pub(super) fn check_begin(oldest: &SegmentHeader, checkpoint: Sequence, path: &Path) -> Result<(), Damage> {
    if oldest.first_sequence <= checkpoint + 1 {
        return Ok(());
    }
    Err(missing_commits(checkpoint + 1, oldest.first_sequence, path))
}

pub(super) fn damaged(path: &Path, offset: usize, reason: &str) -> Damage {
    Damage {
        path: path.to_owned(),
        problem: format!("at byte {offset}: {reason}"),
        is_newer: false,
        message: format!("{} at byte {offset}: {reason}", path.display()),
    }
}

fn newer(path: &Path, offset: usize, reason: &str) -> Damage {
    Damage { is_newer: true, ..damaged(path, offset, reason) }
}

fn missing_segments(from: u64, before: u64, path: &Path) -> Damage {
    let last = before.saturating_sub(1);
    let names =
        if from == last { file_name(from) } else { format!("{} to {}", file_name(from), file_name(last)) };
    Damage {
        path: path.to_owned(),
        problem: format!("{names} missing before it"),
        is_newer: false,
        message: format!("{names} missing before {}", path.display()),
    }
}

fn missing_commits(from: Sequence, found: Sequence, path: &Path) -> Damage {
    Damage {
        path: path.to_owned(),
        problem: format!("commit {from} is missing before it, it begins with commit {found}"),
        is_newer: false,
        message: format!(
            "commit {from} is missing before {}, which begins with commit {found}",
            path.display()
        ),
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        let Damage { message, is_newer, .. } = damage;
        Self::corrupt(if is_newer {
            format!("The journal needs a newer version of kixx-datastore: {message}. Nothing was changed")
        } else {
            format!("The journal is damaged: {message}. Nothing was changed")
        })
    }
}
