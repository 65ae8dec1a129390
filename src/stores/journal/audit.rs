//! Looking through a journal for everything that is wrong with it, not only the first, and for every commit
//! that can still be read. Changes nothing.

use super::check::{Checked, Damage, Order, check_begin, damaged};
use super::header::{SegmentHeader, file_name};
use super::record::{ALIGNMENT, Kind, stored_bytes};
use super::recovery::segment_entries;
use super::scan::{End, read_record, scan};
use crate::Result;
use crate::fs::{EntryKind, FileSystem};
use crate::kv::Sequence;
use std::path::{Path, PathBuf};

/// What a journal holds. [`Log::read`](super::Log::read) succeeds if there is no damage.
#[derive(Debug, Default)]
pub struct Audit {
    /// Everything that is wrong, oldest segment first.
    pub damage: Vec<Damage>,
    /// What has the name of a segment, oldest first.
    pub segments: Vec<PathBuf>,
    /// How many commits can be read.
    pub commits: u64,
    /// The number of the last one; also if that is not in the journal any more.
    pub last_sequence: Sequence,
    /// The files of the store hold all commits up to this one.
    pub checkpoint: Sequence,
    /// The segment in which a crash cut off a write, and how many bytes of that are left. No damage.
    pub torn: Option<(PathBuf, usize)>,
}

/// Looks through the segments in `directory` up to the commit `through`, which was published; others may be
/// writing behind it, and segments up to `checkpoint` may be gone. Gives `visit` every commit that can be
/// read, in order; what it answers is wrong with a commit counts as damage.
pub fn audit(
    fs: &dyn FileSystem,
    directory: &Path,
    checkpoint: Sequence,
    through: Sequence,
    mut visit: impl FnMut(Sequence, &[u8]) -> Result<(), String>,
) -> Result<Audit> {
    let entries = segment_entries(fs, directory)?;
    let mut audit = Audit { checkpoint, ..Audit::default() };
    let mut oldest = None;
    let mut chain = Checked::new(checkpoint, through);
    for (index, (id, kind)) in entries.iter().enumerate() {
        if index > 0 && chain.is_complete() {
            break;
        }
        let path = directory.join(file_name(*id));
        audit.segments.push(path.clone());
        let order = if index + 1 == entries.len() { Order::Last } else { Order::Followed };
        let bytes = match (kind, fs.read(&path)) {
            (EntryKind::File, Ok(bytes)) => bytes,
            (EntryKind::File, Err(error)) => {
                audit.damage.push(damaged(&path, 0, &format!("it can't be read: {error}")));
                chain = Checked::new(checkpoint, through);
                continue;
            }
            _ => {
                audit.damage.push(damaged(&path, 0, "it is no file"));
                continue;
            }
        };
        let header = SegmentHeader::decode(&bytes).ok();
        if index == 0 {
            oldest = header.map(|header| (header, path.clone()));
        }
        chain = audit.extend(chain, directory, *id, order, &bytes, through);
        if let Some(header) = header {
            audit.read(&path, &header, order, &bytes, through, &mut visit);
        }
    }
    if let Some((header, path)) = oldest {
        audit.damage.extend(check_begin(&header, audit.checkpoint, &path).err());
    }
    Ok(audit)
}

impl Audit {
    /// Adds a segment to the chain of those before it; where that does not hold, a new chain begins with it.
    fn extend(
        &mut self,
        mut chain: Checked,
        directory: &Path,
        id: u64,
        order: Order,
        bytes: &[u8],
        through: Sequence,
    ) -> Checked {
        let Err(first) = chain.add(directory, id, order, bytes) else { return chain };
        let mut chain = Checked::beginning_with(id, self.checkpoint, through);
        let second = chain.add(directory, id, order, bytes).err();
        self.damage.push(first.clone());
        if let Some(second) = second {
            self.damage.extend(Some(second).filter(|second| *second != first));
            return Checked::beginning_with(id + 1, self.checkpoint, through);
        }
        chain
    }

    /// Reads what can be read of one segment, also behind damage.
    fn read(
        &mut self,
        path: &Path,
        header: &SegmentHeader,
        order: Order,
        bytes: &[u8],
        through: Sequence,
        visit: &mut impl FnMut(Sequence, &[u8]) -> Result<(), String>,
    ) {
        let found = scan(bytes, header, through);
        self.checkpoint = self.checkpoint.max(found.checkpoint);
        self.last_sequence = self.last_sequence.max(header.first_sequence - 1);
        let mut see = |audit: &mut Self, at: usize, sequence, payload: &[u8]| {
            audit.commits += 1;
            audit.last_sequence = audit.last_sequence.max(sequence);
            audit.damage.extend(visit(sequence, payload).err().map(|problem| damaged(path, at, &problem)));
        };
        let mut last = header.first_sequence - 1;
        for (sequence, payload) in found.commits {
            let at = payload.as_ptr() as usize - bytes.as_ptr() as usize;
            see(self, at, sequence, payload);
            last = sequence;
        }
        match (found.end, order) {
            (End::Clean, _) => return,
            (End::Torn, Order::Last) => {
                self.torn = Some((path.to_owned(), bytes.len() - found.length));
                return;
            }
            _ => {}
        }
        // Behind the first damage, which is told already: whole records, and the gaps between them.
        let mut at = found.length;
        let mut gap = true;
        while last < through {
            at = (at + usize::from(gap)).next_multiple_of(ALIGNMENT);
            let Some(record) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return };
            let Ok(record) = read_record(record, at as u64, header.salt) else {
                gap = true;
                continue;
            };
            let sequence = record.header.sequence;
            match record.header.kind {
                Kind::Commit if sequence > last => {
                    if sequence > last + 1 {
                        self.damage.push(damaged(path, at, &lost(last + 1, sequence - 1)));
                    }
                    see(self, at, sequence, record.payload);
                    last = sequence;
                }
                Kind::Commit => self.damage.push(damaged(path, at, "its sequence number does not follow")),
                Kind::Checkpoint => self.checkpoint = self.checkpoint.max(sequence.min(last)),
            }
            at += stored_bytes(record.payload.len());
            gap = false;
        }
    }
}

fn lost(first: Sequence, last: Sequence) -> String {
    if first == last {
        format!("commit {first} before it can't be read")
    } else {
        format!("the commits {first} to {last} before it can't be read")
    }
}
