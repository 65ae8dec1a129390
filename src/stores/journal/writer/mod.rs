//! Writing: segments one after the other, sequence numbers, checkpoints, and what happens when it fails.

mod turn;

use super::follow::Place;
use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name, random_salt};
use super::page::{JournalPage, Left, Position};
use super::record::{Kind, Records};
use super::segment::{Failure, Segment};
use super::write_lock::WriteLock;
use super::{SEGMENT_BYTES, io_error, is_out_of_space};
use crate::fs::{FileSystem, LockFile, LockKind, OpenMode};
use crate::kv::Sequence;
use crate::{Error, ErrorKind, Result};
use std::io;
use std::path::{Path, PathBuf};
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

/// What the writers of one journal share.
pub struct Sharing {
    /// Where the journal stands.
    pub page: JournalPage,
    /// Keeps other processes out while one writes; none if there are no others.
    pub lock: Option<WriteLock>,
    /// Held by those who read the whole journal, so that segments stay; none if there are no others.
    pub loaders: Option<Box<dyn LockFile>>,
}

/// Writes a journal, in turn with others. Between [`Writer::enter`] and [`Writer::leave`] nobody else does.
/// Touches no disk before it is entered first.
///
/// A failed write is taken back, and the next may succeed. After a failed flush, or a write that could not be
/// taken back, nobody knows what is on disk: from then on every call answers that error.
pub struct Writer {
    fs: Arc<dyn FileSystem>,
    directory: PathBuf,
    options: Options,
    sharing: Sharing,
    /// Where the journal stands, but for the segment that is being written.
    at: Position,
    active: Option<Segment>,
    failure: Option<Error>,
    /// What we leave behind for the next to enter.
    left: Left,
}

impl Writer {
    /// A writer of the journal in `directory`, which stands as the page says.
    pub fn new(fs: Arc<dyn FileSystem>, directory: &Path, sharing: Sharing, options: Options) -> Self {
        let at = Position { active_id: 0, ..sharing.page.position() };
        Self {
            fs,
            directory: directory.to_owned(),
            options,
            sharing,
            at,
            active: None,
            failure: None,
            left: Left::InOrder,
        }
    }

    /// Notes where the journal stands and lets everybody read what was written: it is as durable as promised.
    /// Those who read now see `publish` done.
    pub(super) fn publish(&mut self, publish: impl FnOnce(Place)) {
        let position = self.position();
        self.sharing.page.set_position(&position);
        publish(Place::end_of(&position));
    }

    /// The sequence number of the last commit.
    pub fn last_sequence(&self) -> Sequence {
        self.at.last_sequence
    }

    /// The last commit that is durable.
    pub fn synced_sequence(&self) -> Sequence {
        self.at.synced_sequence
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
        self.write(commits, Kind::Commit, self.at.last_sequence + 1)?;
        self.at.last_sequence += commits.count() as u64;
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
        self.at.synced_sequence = self.at.last_sequence;
        Ok(())
    }

    /// Notes, durably, that the files of the store hold all commits up to `sequence`.
    pub fn record_checkpoint(&mut self, sequence: Sequence) -> Result<()> {
        self.check()?;
        if sequence > self.at.last_sequence {
            return Err(Error::assertion(format!("There is no commit {sequence} to checkpoint")));
        }
        if sequence <= self.at.checkpoint {
            return Ok(());
        }
        if self.active.is_some() {
            // First the commits, then the record that relies on them.
            self.sync()?;
            let mut record = Records::default();
            record.push(|_| Ok(()))?;
            self.write(&mut record, Kind::Checkpoint, sequence)?;
            self.sync()?;
        } else if self.finished() > 0 {
            self.create_segment(sequence)?;
        }
        self.at.checkpoint = sequence;
        // Who reads the journal has to know before segments go.
        self.sharing.page.set_position(&self.position());
        Ok(())
    }

    /// Removes the segments whose commits the checkpoint covers, all but the one being written; later, if
    /// somebody reads the whole journal now.
    pub fn remove_segments(&mut self) -> Result<()> {
        self.check()?;
        let Some(loaders) = self.sharing.loaders.take() else { return self.remove_finished() };
        let nobody = loaders.try_lock(LockKind::Exclusive).map_err(|error| self.not_locked(error));
        let removed = nobody.and_then(|nobody| if nobody { self.remove_finished() } else { Ok(()) });
        let unlocked = loaders.unlock().map_err(|error| self.not_locked(error));
        self.sharing.loaders = Some(loaders);
        removed.and(unlocked)
    }

    /// Removes the journal, if the files of the store hold all commits up to `checkpoint` and that is all;
    /// otherwise makes it durable. Nobody else may have it open.
    ///
    /// A crash in between leaves the newest segments. If there are several, one of them says that the
    /// commits before are in files; one alone can't become incomplete.
    pub fn remove(&mut self, checkpoint: Sequence) -> Result<()> {
        self.sync()?;
        if checkpoint < self.at.last_sequence {
            return Ok(());
        }
        if self.finished() + u64::from(self.active.is_some()) > 1 {
            self.record_checkpoint(checkpoint)?;
        }
        self.at.checkpoint = checkpoint;
        self.active = None;
        self.remove_finished()
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

    /// Where the journal stands.
    fn position(&self) -> Position {
        let mut position = Position { active_id: 0, salt: 0, end: 0, synced: 0, allocated: 0, ..self.at };
        if let Some(active) = &self.active {
            active.note_in(&mut position);
        }
        position
    }

    /// One after the other, each durably, so that what is left after a crash has no gaps.
    fn remove_finished(&mut self) -> Result<()> {
        while self.finished() > 0 && self.last_sequence_of(self.at.oldest_id)? <= self.at.checkpoint {
            let path = self.directory.join(file_name(self.at.oldest_id));
            self.fs.remove_file(&path).map_err(|error| io_error("remove", &path, error))?;
            self.at.oldest_id += 1;
            self.sync_directory()?;
        }
        self.begin_anew();
        Ok(())
    }

    fn not_locked(&self, error: io::Error) -> Error {
        io_error("lock the segments in", &self.directory, error)
    }

    /// How many segments there are to which nothing is added any more.
    fn finished(&self) -> u64 {
        self.at.next_id - u64::from(self.active.is_some()) - self.at.oldest_id
    }

    /// The last commit of a finished segment: the one before the first of the next.
    fn last_sequence_of(&self, id: u64) -> Result<Sequence> {
        if id + 1 == self.at.next_id {
            return Ok(self.at.last_sequence);
        }
        let path = self.directory.join(file_name(id + 1));
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let read = self.fs.open(&path, OpenMode::Read).and_then(|file| file.read_at(0, &mut bytes));
        read.map_err(|error| io_error("read", &path, error))?;
        let header = SegmentHeader::decode(&bytes);
        let header =
            header.map_err(|_| Error::corrupt(format!("The header of {} is damaged", path.display())))?;
        Ok(header.first_sequence - 1)
    }

    /// Makes sure that there is a segment that takes these commits.
    fn prepare_segment(&mut self, commits: &Records) -> Result<()> {
        let Some(active) = &self.active else { return self.create_segment(self.at.checkpoint) };
        if active.is_empty() || active.length_with(commits.len()) <= self.options.segment_bytes {
            return Ok(());
        }
        let fits = active.has_reserve_for(commits);
        self.sync()?;
        match self.create_segment(self.at.checkpoint) {
            Err(error) if fits && self.failure.is_none() && is_out_of_space(&error) => Ok(()),
            result => result,
        }
    }

    /// Begins a new segment. The one before must be durable.
    fn create_segment(&mut self, checkpoint: Sequence) -> Result<()> {
        let header = SegmentHeader {
            id: self.at.next_id,
            form: self.sharing.page.form(),
            salt: (self.options.salt)(),
            first_sequence: self.at.last_sequence + 1,
            checkpoint,
            previous_salt: self.at.last_salt,
        };
        let segment =
            Segment::create(&*self.fs, &self.directory, &header).map_err(|failure| self.fail(failure))?;
        self.at.next_id += 1;
        self.at.last_salt = header.salt;
        self.active = Some(segment);
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
