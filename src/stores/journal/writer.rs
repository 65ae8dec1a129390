//! Writing: segments one after the other, sequence numbers, checkpoints, and what happens when it fails.

use super::header::{FIRST_ID, SegmentHeader, random_salt};
use super::record::{Kind, Records};
use super::recovery::Position;
use super::segment::{Failure, Segment};
use super::{SEGMENT_BYTES, io_error, is_out_of_space};
use crate::fs::FileSystem;
use crate::kv::Sequence;
use crate::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

/// How a writer works.
pub struct Options {
    /// A group that would take its segment past this many bytes begins a new one.
    pub segment_bytes: u64,
    /// Gives each segment its salt. Two segments with one salt may take each other's bytes for their own.
    pub salt: Box<dyn FnMut() -> u64 + Send>,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, salt: Box::new(random_salt) }
    }
}

/// Writes a journal. Touches no disk before the first append.
///
/// A failed write is taken back, and the next may succeed. After a failed flush, or a write that could not be
/// taken back, nobody knows what is on disk: from then on every call answers that error.
pub struct Writer {
    fs: Arc<dyn FileSystem>,
    directory: PathBuf,
    options: Options,
    /// Segments that are complete and durable, oldest first.
    finished: VecDeque<Finished>,
    active: Option<Segment>,
    next_id: u64,
    last_sequence: Sequence,
    synced_sequence: Sequence,
    checkpoint: Sequence,
    failure: Option<Error>,
}

/// A segment to which nothing is added any more.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) path: PathBuf,
    pub(super) last_sequence: Sequence,
}

impl Writer {
    /// A writer that goes on where a repaired log ends, in a new segment.
    pub fn new(position: Position, options: Options) -> Self {
        Self {
            fs: position.fs,
            directory: position.directory,
            options,
            finished: position.finished,
            active: None,
            next_id: position.next_id,
            last_sequence: position.last_sequence,
            synced_sequence: position.last_sequence,
            checkpoint: position.checkpoint,
            failure: None,
        }
    }

    /// The sequence number of the last commit.
    pub fn last_sequence(&self) -> Sequence {
        self.last_sequence
    }

    /// The last commit that is durable.
    pub fn synced_sequence(&self) -> Sequence {
        self.synced_sequence
    }

    /// Why nothing is written any more.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Appends commits, numbered from the last one on; all of them or, after an error, none.
    pub fn append(&mut self, commits: &mut Records) -> Result<()> {
        self.check()?;
        if commits.count() == 0 {
            return Ok(());
        }
        self.prepare_segment(commits)?;
        self.write(commits, Kind::Commit, self.last_sequence + 1)?;
        self.last_sequence += commits.count() as u64;
        Ok(())
    }

    /// As [`Writer::append`], and makes everything durable. Commits whose flush fails are cut off again, so
    /// that they do not come back when the journal is opened next.
    pub fn append_synced(&mut self, commits: &mut Records) -> Result<()> {
        self.append(commits)?;
        self.sync().inspect_err(|_| {
            if let Some(active) = &mut self.active {
                active.abandon(commits.len());
            }
        })
    }

    /// Makes all commits durable.
    pub fn sync(&mut self) -> Result<()> {
        self.check()?;
        if let Some(active) = &mut self.active {
            active.sync().map_err(|error| self.fail(Failure::Broken(error)))?;
        }
        self.synced_sequence = self.last_sequence;
        Ok(())
    }

    /// Notes, durably, that the files of the store hold all commits up to `sequence`.
    pub fn record_checkpoint(&mut self, sequence: Sequence) -> Result<()> {
        self.check()?;
        if sequence > self.last_sequence {
            return Err(Error::assertion(format!("There is no commit {sequence} to checkpoint")));
        }
        if sequence <= self.checkpoint {
            return Ok(());
        }
        if self.active.is_some() {
            // First the commits, then the record that relies on them.
            self.sync()?;
            let mut record = Records::default();
            record.push(|_| Ok(()))?;
            self.write(&mut record, Kind::Checkpoint, sequence)?;
            self.sync()?;
        } else if !self.finished.is_empty() {
            self.create_segment(sequence)?;
        }
        self.checkpoint = sequence;
        Ok(())
    }

    /// Removes the segments whose commits the checkpoint covers, all but the one being written. One after the
    /// other, each durably, so that what is left after a crash has no gaps.
    pub fn remove_segments(&mut self) -> Result<()> {
        self.check()?;
        while let Some(oldest) = self.finished.front()
            && oldest.last_sequence <= self.checkpoint
        {
            self.fs.remove_file(&oldest.path).map_err(|error| io_error("remove", &oldest.path, error))?;
            self.finished.pop_front();
            self.sync_directory()?;
        }
        if self.finished.is_empty() && self.active.is_none() {
            // Nothing is left: a new journal begins, whose first segment must not look like a later one.
            self.next_id = FIRST_ID;
        }
        Ok(())
    }

    /// Makes everything durable and lets go of the files.
    pub fn close(mut self) -> Result<()> {
        self.sync()
    }

    /// Removes the journal, if the files of the store hold all commits up to `checkpoint` and that is all;
    /// otherwise as [`Writer::close`].
    ///
    /// A crash in between leaves the newest segments. If there are several, one of them says that the
    /// commits before are in files; one alone can't become incomplete.
    pub fn close_and_remove(mut self, checkpoint: Sequence) -> Result<()> {
        self.sync()?;
        if checkpoint < self.last_sequence {
            return Ok(());
        }
        if self.finished.len() + usize::from(self.active.is_some()) > 1 {
            self.record_checkpoint(checkpoint)?;
        }
        self.checkpoint = checkpoint;
        if let Some(active) = self.active.take() {
            let path = active.path().to_owned();
            self.finished.push_back(Finished { path, last_sequence: self.last_sequence });
        }
        self.remove_segments()
    }

    /// From now on every call answers `error`.
    pub(super) fn poison(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// Fails once something has gone wrong for good.
    pub(super) fn check(&self) -> Result<()> {
        let Some(first) = &self.failure else { return Ok(()) };
        let message =
            format!("Nothing is written until the datastore is opened again, since this failed: {first}");
        Err(Error::new(ErrorKind::Storage, message).with_source(first.clone()))
    }

    /// Makes sure that there is a segment that takes these commits.
    fn prepare_segment(&mut self, commits: &Records) -> Result<()> {
        let Some(active) = &self.active else { return self.create_segment(self.checkpoint) };
        if active.is_empty() || active.length_with(commits.len()) <= self.options.segment_bytes {
            return Ok(());
        }
        let fits = active.has_reserve_for(commits);
        self.sync()?;
        match self.create_segment(self.checkpoint) {
            Err(error) if fits && self.failure.is_none() && is_out_of_space(&error) => Ok(()),
            result => result,
        }
    }

    /// Begins a new segment. The one before must be durable.
    fn create_segment(&mut self, checkpoint: Sequence) -> Result<()> {
        let header = SegmentHeader {
            id: self.next_id,
            salt: (self.options.salt)(),
            first_sequence: self.last_sequence + 1,
            checkpoint,
        };
        let segment =
            Segment::create(&*self.fs, &self.directory, &header).map_err(|failure| self.fail(failure))?;
        self.next_id += 1;
        if let Some(old) = self.active.replace(segment) {
            let path = old.path().to_owned();
            self.finished.push_back(Finished { path, last_sequence: self.last_sequence });
        }
        Ok(())
    }

    fn write(&mut self, records: &mut Records, kind: Kind, first: Sequence) -> Result<()> {
        let Some(active) = &mut self.active else { return Err(Error::internal("the journal")) };
        active.append(records, kind, first).map_err(|failure| self.fail(failure))
    }

    fn sync_directory(&mut self) -> Result<()> {
        self.fs.sync_directory(&self.directory).map_err(|error| {
            let error = io_error("flush", &self.directory, error);
            self.fail(Failure::Broken(error))
        })
    }

    fn fail(&mut self, failure: Failure) -> Error {
        match failure {
            Failure::TakenBack(error) => error,
            Failure::Broken(error) => {
                self.poison(error.clone());
                error
            }
        }
    }
}
