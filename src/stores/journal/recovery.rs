//! Reading a journal back: all of it is checked before anything is changed or used.

use super::check::{Checked, CheckedSegment, Order};
use super::header::{FIRST_ID, SEGMENT_HEADER_BYTES, parse_file_name};
use super::io_error;
use super::scan::scan;
use super::writer::Finished;
use crate::fs::{FileSystem, OpenMode};
use crate::kv::Sequence;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A journal as it was found on disk.
pub struct Log {
    fs: Arc<dyn FileSystem>,
    directory: PathBuf,
    checked: Checked,
}

/// Where a repaired journal goes on.
pub struct Position {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) directory: PathBuf,
    pub(super) finished: VecDeque<Finished>,
    pub(super) next_id: u64,
    pub(super) last_sequence: Sequence,
    pub(super) checkpoint: Sequence,
}

impl Log {
    /// Reads and checks all segments in `directory`, which need not exist, and changes nothing. `Corrupt`
    /// names the file and the place of what is damaged or missing.
    pub fn read(fs: Arc<dyn FileSystem>, directory: &Path) -> Result<Self> {
        let ids = segment_ids(&*fs, directory)?;
        let mut checked = Checked::default();
        for (index, id) in ids.iter().enumerate() {
            let order = if index + 1 == ids.len() { Order::Last } else { Order::Followed };
            let bytes = read_file(&*fs, &directory.join(super::header::file_name(*id)))?;
            checked.add(directory, *id, order, &bytes)?;
        }
        Ok(Self { fs, directory: directory.to_owned(), checked: checked.finish()? })
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

    /// How many bytes a crash left that are no whole commit. [`Log::repair`] drops them.
    pub fn torn_bytes(&self) -> usize {
        self.checked.segments.last().map_or(0, |segment| segment.torn_bytes)
    }

    /// Gives `visit` the commits that no checkpoint covers: sequence number and payload, in order. Holds one
    /// segment in memory at a time.
    pub fn replay(&self, mut visit: impl FnMut(Sequence, &[u8]) -> Result<()>) -> Result<()> {
        let checkpoint = self.checked.checkpoint;
        for segment in self.checked.segments.iter().filter(|segment| segment.last_sequence > checkpoint) {
            let bytes = read_file(&*self.fs, &segment.path)?;
            let found = scan(&bytes, &segment.header);
            if found.length != segment.length {
                return Err(changed_meanwhile(segment));
            }
            for (sequence, payload) in found.commits {
                if sequence > checkpoint {
                    visit(sequence, payload)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the journal fit to go on: cuts a torn tail and makes durable what was read. May be interrupted
    /// and done again.
    pub fn repair(self) -> Result<Position> {
        let empty = self.is_empty();
        let Self { fs, directory, checked } = self;
        if let Some(path) = &checked.unfinished {
            fs.remove_file(path).map_err(|error| io_error("remove", path, error))?;
        }
        if let Some(last) = checked.segments.last() {
            settle(&*fs, last)?;
        }
        if !empty {
            fs.sync_directory(&directory).map_err(|error| io_error("flush", &directory, error))?;
        }
        let next_id = checked.segments.last().map_or(FIRST_ID, |last| last.id + 1);
        let finished = checked
            .segments
            .into_iter()
            .map(|segment| Finished { path: segment.path, last_sequence: segment.last_sequence })
            .collect();
        let (last_sequence, checkpoint) = (checked.last_sequence, checked.checkpoint);
        Ok(Position { fs, directory, finished, next_id, last_sequence, checkpoint })
    }
}

/// Cuts the last segment behind its good records and makes it durable.
fn settle(fs: &dyn FileSystem, last: &CheckedSegment) -> Result<()> {
    let bytes = read_file(fs, &last.path)?;
    // Records prove that the header before them is durable.
    let sure = if last.length > SEGMENT_HEADER_BYTES { last.synced } else { 0 };
    let unsure = bytes.get(sure..last.length).ok_or_else(|| changed_meanwhile(last))?;
    let settled = || -> io::Result<()> {
        let file = fs.open(&last.path, OpenMode::Write)?;
        // A flush that failed may have left these bytes in the cache of the system, marked as flushed.
        file.write_at(sure as u64, unsure)?;
        file.set_length(last.length as u64)?;
        if file.length()? != last.length as u64 {
            return Err(ErrorKind::Other.into());
        }
        file.sync_data()
    };
    settled().map_err(|error| io_error("repair", &last.path, error))
}

/// In order; none if there is no directory.
fn segment_ids(fs: &dyn FileSystem, directory: &Path) -> Result<Vec<u64>> {
    let entries = match fs.read_directory(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.map_err(|error| io_error("read", directory, error))?,
    };
    let mut ids: Vec<u64> = entries.iter().filter_map(|entry| parse_file_name(&entry.name)).collect();
    ids.sort_unstable();
    Ok(ids)
}

fn read_file(fs: &dyn FileSystem, path: &Path) -> Result<Vec<u8>> {
    fs.read(path).map_err(|error| io_error("read", path, error))
}

fn changed_meanwhile(segment: &CheckedSegment) -> Error {
    Error::corrupt(format!("{} changed while it was read", segment.path.display()))
}
