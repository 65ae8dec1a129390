//! Following a journal that others write: reading what came since, from the segments themselves.

use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use super::io_error;
use super::page::{JournalPage, Position};
use super::record::{BadRecord, Kind, RECORD_HEADER_BYTES, RecordHeader, seed, stored_bytes};
use super::scan::{Record, read_record};
use crate::fs::{File, FileSystem, OpenMode};
use crate::kv::Sequence;
use crate::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read at once, unless a record is longer.
const WINDOW_BYTES: usize = 64 << 10;

/// A place between two commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The segment, which need not exist if `offset` is 0.
    pub(super) id: u64,
    /// Of the segment, or if `offset` is 0 of the one before it.
    pub(super) salt: u64,
    pub(super) offset: u64,
    /// The commit before.
    pub sequence: Sequence,
}

/// Reads the commits behind a place.
pub struct Follower {
    fs: Arc<dyn FileSystem>,
    directory: PathBuf,
    place: Place,
    /// The segment of `place`, once it was needed. It can be read to its end when it is removed.
    file: Option<Box<dyn File>>,
    window: Vec<u8>,
}

/// Where following got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// To the commit that was asked for.
    Through,
    /// Nowhere near: segments in between were removed, since the files of the store hold their commits.
    Removed,
}

impl Place {
    /// The end of the journal at `position`.
    pub(super) fn end_of(position: &Position) -> Self {
        let sequence = position.last_sequence;
        if position.active_id == 0 {
            return Self { id: position.next_id, salt: position.last_salt, offset: 0, sequence };
        }
        Self { id: position.active_id, salt: position.salt, offset: position.end, sequence }
    }

    /// The start of a segment, before its first commit.
    pub(super) fn start_of(header: &SegmentHeader) -> Self {
        let offset = SEGMENT_HEADER_BYTES as u64;
        Self { id: header.id, salt: header.salt, offset, sequence: header.first_sequence - 1 }
    }

    /// The end of the journal behind `page`, if that is where the commit `sequence` is the last.
    pub fn of_page(page: &JournalPage, sequence: Sequence) -> Option<Self> {
        Some(Self::end_of(&page.position())).filter(|place| place.sequence == sequence)
    }
}

impl Follower {
    /// Goes on from `place` in the journal in `directory`.
    pub fn new(fs: Arc<dyn FileSystem>, directory: &Path, place: Place) -> Self {
        Self { fs, directory: directory.to_owned(), place, file: None, window: Vec::new() }
    }

    /// Behind the last commit that was read.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Passes over what this process wrote itself.
    pub fn skip_to(&mut self, place: Place) {
        if place.id != self.place.id || place.salt != self.place.salt {
            self.file = None;
        }
        self.place = place;
    }

    /// Gives `visit` the commits up to `through`, which were published.
    pub fn read_through(
        &mut self,
        through: Sequence,
        mut visit: impl FnMut(Sequence, &[u8]) -> Result<()>,
    ) -> Result<Followed> {
        while self.place.sequence < through {
            if self.file.is_none() && !self.open()? {
                return Ok(Followed::Removed);
            }
            if !self.read_segment(through, &mut visit)? {
                // What was published and is not here is in the next one.
                let next = self.place.id + 1;
                self.skip_to(Place { id: next, offset: 0, ..self.place });
            }
        }
        Ok(Followed::Through)
    }

    /// Opens the segment; false if it is not the one that goes on from here.
    fn open(&mut self) -> Result<bool> {
        let path = self.path();
        let file = match self.fs.open(&path, OpenMode::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            result => result.map_err(|error| io_error("open", &path, error))?,
        };
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        file.read_at(0, &mut bytes).map_err(|error| io_error("read", &path, error))?;
        let Ok(header) = SegmentHeader::decode(&bytes) else { return Ok(false) };
        let begins_here = self.place.offset == 0;
        let follows = if begins_here {
            header.first_sequence == self.place.sequence + 1 && header.previous_salt == self.place.salt
        } else {
            header.salt == self.place.salt
        };
        if follows && begins_here {
            self.place.salt = header.salt;
            self.place.offset = SEGMENT_HEADER_BYTES as u64;
        }
        self.file = Some(file).filter(|_| follows);
        Ok(follows)
    }

    /// Reads to the commit `through`, or to the end of the segment: then false.
    fn read_segment(
        &mut self,
        through: Sequence,
        visit: &mut impl FnMut(Sequence, &[u8]) -> Result<()>,
    ) -> Result<bool> {
        let mut wanted = WINDOW_BYTES;
        loop {
            let length = self.fill_window(wanted)?;
            let mut at = 0;
            while self.place.sequence < through {
                match read_record(&self.window[at..length], self.place.offset, self.place.salt) {
                    Ok(record) => {
                        if record.header.kind == Kind::Commit {
                            self.check_order(&record)?;
                            visit(record.header.sequence, record.payload)?;
                            self.place.sequence = record.header.sequence;
                        }
                        let stored = stored_bytes(record.payload.len());
                        self.place.offset += stored as u64;
                        at = length.min(at + stored);
                    }
                    Err(BadRecord::Unknown) => return Err(self.unreadable("a newer version wrote it")),
                    Err(BadRecord::Damaged) => break,
                }
            }
            if self.place.sequence >= through {
                return Ok(true);
            }
            let needed = self.needed(&self.window[at..length]);
            if at == 0 && (length < wanted || needed <= wanted) {
                return Ok(false);
            }
            wanted = needed.max(WINDOW_BYTES);
        }
    }

    fn fill_window(&mut self, wanted: usize) -> Result<usize> {
        self.window.clear();
        self.window.resize(wanted, 0);
        let Some(file) = &self.file else { return Err(Error::internal("following the journal")) };
        let read = file.read_at(self.place.offset, &mut self.window);
        read.map_err(|error| io_error("read", &self.path(), error))
    }

    /// How many bytes the record takes that begins here and is not whole.
    fn needed(&self, bytes: &[u8]) -> usize {
        match RecordHeader::decode(bytes, seed(self.place.salt, self.place.offset)) {
            Ok(header) => stored_bytes(header.payload_length as usize),
            Err(_) => RECORD_HEADER_BYTES,
        }
    }

    fn check_order(&self, record: &Record<'_>) -> Result<()> {
        if record.header.sequence == self.place.sequence + 1 {
            return Ok(());
        }
        Err(self.unreadable("its sequence number does not follow"))
    }

    fn unreadable(&self, reason: &str) -> Error {
        let (path, offset) = (self.path(), self.place.offset);
        Error::corrupt(format!("The journal is damaged: {} at byte {offset}: {reason}", path.display()))
    }

    fn path(&self) -> PathBuf {
        self.directory.join(file_name(self.place.id))
    }
}
