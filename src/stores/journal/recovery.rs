//! Reading a journal back: all of it is checked before anything is changed or used.

use super::check::{Checked, Order};
use super::follow::Place;
use super::form::Form;
use super::header::{FIRST_ID, SEGMENT_HEADER_BYTES, SegmentHeader, file_name, parse_file_name};
use super::io_error;
use super::page::Position;
use super::scan::scan;
use crate::fs::{DirectoryEntry, EntryKind, FileSystem, OpenMode};
use crate::kv::Sequence;
use crate::{Error, Result};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// A journal as it was found on disk.
pub struct Log {
    fs: Arc<dyn FileSystem>,
    checked: Checked,
    through: Sequence,
}

impl Log {
    /// Reads and checks all segments in `directory`, which need not exist, and changes nothing. `Corrupt`
    /// names the file and the place of what is damaged or missing. Nobody may be writing.
    pub fn read(fs: Arc<dyn FileSystem>, directory: &Path) -> Result<Self> {
        Self::read_through(fs, directory, 0, Sequence::MAX)
    }

    /// As [`Log::read`], up to the commit `through`, which was published. Others may be writing behind it;
    /// segments up to `checkpoint` may be gone.
    pub fn read_through(
        fs: Arc<dyn FileSystem>,
        directory: &Path,
        checkpoint: Sequence,
        through: Sequence,
    ) -> Result<Self> {
        let ids = segment_ids(&*fs, directory)?;
        let mut checked = Checked::new(checkpoint, through);
        for (index, id) in ids.iter().enumerate() {
            // The first one also tells where to go on if none of its commits was published.
            if index > 0 && checked.is_complete() {
                break;
            }
            let order = if index + 1 == ids.len() { Order::Last } else { Order::Followed };
            let bytes = read_file(&*fs, &directory.join(file_name(*id)))?;
            checked.add(directory, *id, order, &bytes)?;
        }
        Ok(Self { fs, checked: checked.finish()?, through })
    }

    /// The last commit; 0 if there is no journal.
    pub fn last_sequence(&self) -> Sequence {
        self.checked.last_sequence
    }

    /// The last commit that the files of the store are known to hold.
    pub fn checkpoint(&self) -> Sequence {
        self.checked.checkpoint
    }

    /// Whether there is no file of a journal.
    pub fn is_empty(&self) -> bool {
        self.checked.segments.is_empty() && self.checked.unfinished.is_none()
    }

    /// How many bytes a crash left that are no whole commit. Whoever writes first drops them.
    pub fn torn_bytes(&self) -> usize {
        self.checked.segments.last().map_or(0, |segment| segment.torn_bytes)
    }

    /// Gives `visit` the commits behind the commit `after`: sequence number and payload, in order. Holds one
    /// segment in memory at a time.
    pub fn replay(
        &self,
        after: Sequence,
        mut visit: impl FnMut(Sequence, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for segment in self.checked.segments.iter().filter(|segment| segment.last_sequence > after) {
            let bytes = read_file(&*self.fs, &segment.path)?;
            let found = scan(&bytes, &segment.header, self.through);
            if found.length != segment.length {
                return Err(changed_meanwhile(&segment.path));
            }
            for (sequence, payload) in found.commits {
                if sequence > after {
                    visit(sequence, payload)?;
                }
            }
        }
        Ok(())
    }

    /// Where the first writer goes on, once it has cut what is torn.
    pub fn position(&self) -> Position {
        let Checked { segments, last_sequence, checkpoint, .. } = &self.checked;
        let mut position = Position {
            oldest_id: segments.first().map_or(FIRST_ID, |first| first.header.id),
            next_id: segments.last().map_or(FIRST_ID, |last| last.header.id + 1),
            last_sequence: *last_sequence,
            checkpoint: *checkpoint,
            ..Position::default()
        };
        if let Some(last) = segments.last() {
            position.active_id = last.header.id;
            position.salt = last.header.salt;
            position.last_salt = last.header.salt;
            position.end = last.length as u64;
            // Records prove that the header before them is durable.
            position.synced = if last.length > SEGMENT_HEADER_BYTES { last.synced as u64 } else { 0 };
            position.allocated = position.end;
        }
        position
    }

    /// As [`Log::position`], where the files of the store are known to hold all commits up to `through`.
    /// `Corrupt` if the journal ends before that: it is an older one.
    pub fn position_from(&self, through: Sequence) -> Result<Position> {
        let position = self.position();
        if position.last_sequence >= through {
            return Ok(Position { checkpoint: position.checkpoint.max(through), ..position });
        }
        match self.checked.segments.last() {
            None => Ok(Position {
                last_sequence: through,
                synced_sequence: through,
                checkpoint: through,
                ..position
            }),
            Some(last) => Err(Error::corrupt(format!(
                "The journal is older than the store: {} ends with commit {}, and the store holds {through}",
                last.path.display(),
                last.last_sequence
            ))),
        }
    }

    /// Behind the last commit that was read; none if there is no segment.
    pub fn end(&self) -> Option<Place> {
        let last = self.checked.segments.last()?;
        let (id, salt, offset) = (last.header.id, last.header.salt, last.length as u64);
        Some(Place { id, salt, offset, sequence: self.checked.last_sequence })
    }
}

/// Removes a segment that was being made.
pub(super) fn remove_unfinished(fs: &dyn FileSystem, directory: &Path, id: u64) -> Result<()> {
    let path = directory.join(file_name(id));
    let removed = fs.exists(&path).and_then(|exists| if exists { fs.remove_file(&path) } else { Ok(()) });
    removed.map_err(|error| io_error("remove", &path, error))
}

/// Cuts the segment that was being written behind its good records and makes it durable. May be interrupted
/// and done again.
pub(super) fn settle(fs: &dyn FileSystem, directory: &Path, position: &Position) -> Result<()> {
    let path = directory.join(file_name(position.active_id));
    let bytes = read_file(fs, &path)?;
    let range = usize::try_from(position.synced).ok().zip(usize::try_from(position.end).ok());
    let unsure = range.and_then(|(synced, end)| Some((bytes.get(synced..end)?, bytes.get(..end)?)));
    let (unsure, good) = unsure.ok_or_else(|| changed_meanwhile(&path))?;
    // A system that could not flush them may have dropped what others were told of.
    let header = SegmentHeader::decode(good).map_err(|_| changed_meanwhile(&path))?;
    if scan(good, &header, Sequence::MAX).length < good.len() {
        return Err(changed_meanwhile(&path));
    }
    let settled = || -> io::Result<()> {
        let file = fs.open(&path, OpenMode::Write)?;
        // A flush that failed may have left these bytes in the cache of the system, marked as flushed.
        file.write_at(position.synced, unsure)?;
        file.set_length(position.end)?;
        if file.length()? != position.end {
            return Err(ErrorKind::Other.into());
        }
        file.sync_data()
    };
    settled().map_err(|error| io_error("repair", &path, error))
}

/// The headers of the segments in `directory` that are whole, in order. Others may be removing them.
pub(super) fn segments(fs: &dyn FileSystem, directory: &Path) -> Result<Vec<SegmentHeader>> {
    let mut headers = Vec::new();
    for id in segment_ids(fs, directory)? {
        let path = directory.join(file_name(id));
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        match fs.open(&path, OpenMode::Read).and_then(|file| file.read_at(0, &mut bytes)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("read", &path, error)),
            Ok(_) => headers.extend(SegmentHeader::decode(&bytes).ok().filter(|header| header.id == id)),
        }
    }
    Ok(headers)
}

/// The form of the store whose journal lies in `directory`, as its segments say.
pub fn form_of(fs: &dyn FileSystem, directory: &Path) -> Result<Form> {
    let form = |id| {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        // What can't be read is told by those who need more of it.
        fs.open(&directory.join(file_name(id)), OpenMode::Read).ok()?.read_at(0, &mut bytes).ok()?;
        SegmentHeader::decode(&bytes).ok().map(|header| header.form)
    };
    let forms = segment_entries(fs, directory)?.into_iter().filter_map(|(id, _)| form(id));
    Ok(forms.rev().find(|form| *form != Form::UNKNOWN).unwrap_or(Form::UNKNOWN))
}

fn segment_ids(fs: &dyn FileSystem, directory: &Path) -> Result<Vec<u64>> {
    let id = |(id, kind)| {
        if kind == EntryKind::File {
            return Ok(id);
        }
        let path = directory.join(file_name(id));
        Err(Error::corrupt(format!("{} is no file, so no journal", path.display())))
    };
    segment_entries(fs, directory)?.into_iter().map(id).collect()
}

/// What has the name of a segment, in order; nothing if there is no directory.
pub(super) fn segment_entries(fs: &dyn FileSystem, directory: &Path) -> Result<Vec<(u64, EntryKind)>> {
    let entries = match fs.read_directory(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.map_err(|error| io_error("read", directory, error))?,
    };
    let named = |DirectoryEntry { name, kind }| Some((parse_file_name(&name)?, kind));
    let mut segments: Vec<_> = entries.into_iter().filter_map(named).collect();
    segments.sort_unstable_by_key(|(id, _)| *id);
    Ok(segments)
}

fn read_file(fs: &dyn FileSystem, path: &Path) -> Result<Vec<u8>> {
    fs.read(path).map_err(|error| io_error("read", path, error))
}

fn changed_meanwhile(path: &Path) -> Error {
    Error::corrupt(format!("{} changed while it was read", path.display()))
}
