//! The segment that is being written.

use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use super::page::Position;
use super::record::{Content, Kind, Place, Records};
use super::{io_error, is_out_of_space};
use crate::Error;
use crate::fs::{File, FileSystem, OpenMode};
use crate::kv::Sequence;
use std::io;
use std::path::{Path, PathBuf};

/// Segments grow by multiples of this, so that most flushes need not store a new length.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
/// Zeros that are kept ready behind the records while the disk has space: room for small commits once it is
/// full.
const RESERVE_BYTES: usize = 80 << 10;
/// The part of the reserve that only checkpoints may use. They are what makes space.
const CHECKPOINT_RESERVE_BYTES: usize = 4 << 10;
/// Commits up to this may use the rest of the reserve ...
const SMALL_BYTES: usize = 4 << 10;
/// ... but for this part, which is for those that only remove.
const REMOVAL_RESERVE_BYTES: usize = 16 << 10;

/// A failed operation on a segment.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file is as it was before, durably.
    TakenBack(Error),
    /// Nobody knows what the file holds.
    Broken(Error),
}

/// The segment that is being written.
pub(super) struct Segment {
    id: u64,
    path: PathBuf,
    file: Box<dyn File>,
    salt: u64,
    /// Where the next record goes.
    end: usize,
    /// Everything before this offset is durable.
    synced: usize,
    /// The length of the file; what lies behind `end` is zeros.
    allocated: usize,
}

impl Segment {
    /// Makes a segment that is durable in its directory. After a failure that was taken back it is not there.
    pub(super) fn create(
        fs: &dyn FileSystem,
        directory: &Path,
        header: &SegmentHeader,
    ) -> Result<Self, Failure> {
        let path = directory.join(file_name(header.id));
        let file = fs
            .open(&path, OpenMode::CreateNew)
            .map_err(|error| Failure::TakenBack(io_error("create", &path, error)))?;
        let mut bytes = vec![0; CHUNK_BYTES];
        bytes[..SEGMENT_HEADER_BYTES].copy_from_slice(&header.encode());
        if let Err(error) = file.write_at(0, &bytes) {
            let error = io_error("write", &path, error);
            drop(file);
            // Durably: its name alone says that the segment before it is complete.
            return Err(match fs.remove_file(&path).and_then(|()| fs.sync_directory(directory)) {
                Ok(()) => Failure::TakenBack(error),
                Err(_) => Failure::Broken(error),
            });
        }
        file.sync_data().map_err(|error| Failure::Broken(io_error("flush", &path, error)))?;
        fs.sync_directory(directory).map_err(|error| Failure::Broken(io_error("flush", directory, error)))?;
        let (end, synced, allocated) = (SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES, bytes.len());
        Ok(Self { id: header.id, path, file, salt: header.salt, end, synced, allocated })
    }

    /// The segment that is being written at `position`, opened to go on.
    pub(super) fn open(fs: &dyn FileSystem, directory: &Path, position: &Position) -> Result<Self, Error> {
        let path = directory.join(file_name(position.active_id));
        let file = fs.open(&path, OpenMode::Write).map_err(|error| io_error("open", &path, error))?;
        let mut segment =
            Self { id: position.active_id, path, file, salt: position.salt, end: 0, synced: 0, allocated: 0 };
        segment.move_to(position);
        Ok(segment)
    }

    /// Goes on where another process left the segment.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths of a file that was in memory, piece by piece"
    )]
    pub(super) fn move_to(&mut self, position: &Position) {
        self.end = position.end as usize;
        self.synced = position.synced as usize;
        self.allocated = position.allocated as usize;
    }

    /// Whether this is the segment that is being written at `position`.
    pub(super) fn is_at(&self, position: &Position) -> bool {
        (self.id, self.salt) == (position.active_id, position.salt)
    }

    /// Notes in `position` where the segment stands.
    pub(super) fn note_in(&self, position: &mut Position) {
        position.active_id = self.id;
        position.salt = self.salt;
        position.last_salt = self.salt;
        position.end = self.end as u64;
        position.synced = self.synced as u64;
        position.allocated = self.allocated as u64;
    }

    /// Writes records behind the last one.
    pub(super) fn append(
        &mut self,
        records: &mut Records,
        kind: Kind,
        first: Sequence,
    ) -> Result<(), Failure> {
        let place = Place { salt: self.salt, offset: self.end as u64, synced: self.synced as u64 };
        records.seal(kind, first, place);
        let in_place = records.len().min(self.allocated - self.end);
        self.make_room(records, kind)?;
        if let Err(error) = self.file.write_at(self.end as u64, &records.bytes()[..in_place]) {
            return Err(self.take_back(self.end, error));
        }
        self.end += records.len();
        Ok(())
    }

    /// Makes everything written durable.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if self.synced < self.end {
            self.file.sync_data().map_err(|error| io_error("flush", &self.path, error))?;
            self.synced = self.end;
        }
        Ok(())
    }

    /// Drops the last `length` bytes of records, as well as it goes: nobody was told that they are there.
    pub(super) fn abandon(&mut self, length: usize) {
        let _ = self.cut(self.end - length);
    }

    /// Whether records were written.
    pub(super) fn is_empty(&self) -> bool {
        self.end == SEGMENT_HEADER_BYTES
    }

    /// How long the segment would be with `more` bytes of records.
    pub(super) fn length_with(&self, more: usize) -> u64 {
        (self.end + more) as u64
    }

    /// Whether these commits may be written without taking more space of the disk.
    pub(super) fn has_reserve_for(&self, commits: &Records) -> bool {
        self.has_room(commits, Kind::Commit)
    }

    fn has_room(&self, records: &Records, kind: Kind) -> bool {
        let kept = match kind {
            Kind::Checkpoint => 0,
            Kind::Commit if records.len() > SMALL_BYTES => RESERVE_BYTES,
            Kind::Commit if records.content() == Content::Removals => CHECKPOINT_RESERVE_BYTES,
            Kind::Commit => CHECKPOINT_RESERVE_BYTES + REMOVAL_RESERVE_BYTES,
        };
        self.end + records.len() + kept <= self.allocated
    }

    /// Extends the file where that is needed, or only useful and possible. What of the records lies in the
    /// new part is written with it; what lies before, and makes them valid, is not.
    fn make_room(&mut self, records: &mut Records, kind: Kind) -> Result<(), Failure> {
        let wanted = self.end + records.len() + RESERVE_BYTES;
        if wanted <= self.allocated {
            return Ok(());
        }
        let target = wanted.next_multiple_of(CHUNK_BYTES);
        let (end, allocated, file) = (self.end, self.allocated, &self.file);
        let extended = records
            .extended(target - end, |bytes| file.write_at(allocated as u64, &bytes[allocated - end..]));
        match extended {
            Ok(()) => {
                self.allocated = target;
                Ok(())
            }
            Err(error) => match self.take_back(allocated, error) {
                Failure::TakenBack(error) if is_out_of_space(&error) && self.has_room(records, kind) => {
                    Ok(())
                }
                failure => Err(failure),
            },
        }
    }

    /// Answers a failed write by making the file `length` bytes long again.
    fn take_back(&mut self, length: usize, cause: io::Error) -> Failure {
        let error = io_error("write to", &self.path, cause);
        match self.cut(length) {
            Ok(()) => Failure::TakenBack(error),
            Err(_) => Failure::Broken(error),
        }
    }

    /// Cuts the file, and makes that durable: what was written must not come back after a crash.
    fn cut(&mut self, length: usize) -> io::Result<()> {
        self.file.set_length(length as u64)?;
        if self.file.length()? != length as u64 {
            return Err(io::Error::other("the file kept its length"));
        }
        self.file.sync_data()?;
        self.end = self.end.min(length);
        self.synced = self.end;
        self.allocated = length;
        Ok(())
    }
}
