//! A new file from what can be read of a damaged one, and from the journal.

use super::examine::{Examination, Recovered};
use super::overlay::Overlay;
use super::survey::survey;
use super::write::{note_changes, write};
use crate::Result;
use crate::kv::{Entry, Sequence, Space};
use crate::stores::maintenance::Progress;
use redb::Database;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many bytes are written at once.
const BYTES_PER_WRITE: usize = 8 << 20;

/// Fills a new file with the newest entries that `examination` can read, and those of `journal`.
pub(super) fn rebuild(
    database: &Database,
    examination: &Examination,
    journal: Recovered,
    progress: &Progress,
) -> Result<()> {
    let Examination { image, facts, .. } = examination;
    let mut spaces: BTreeSet<Space> = facts.last_changes.iter().flatten().map(|(space, _)| *space).collect();
    spaces.extend(examination.survey.spaces.keys());
    spaces.extend(journal.keys().map(|(space, _)| *space));
    spaces.insert(Space::DOCUMENTS);
    let mut filler = Filler {
        database,
        overlay: Overlay::default(),
        bytes: 0,
        through: through(examination),
        has_derived: facts.last_changes.is_none() || spaces.iter().any(|space| space.is_derived()),
    };

    let mut journal = journal.into_iter().peekable();
    survey(image, facts, progress, &mut |space, entry| {
        let place = (space, Arc::from(entry.key()));
        while let Some(((space, _), (newer, _))) = journal.next_if(|(key, _)| *key < place) {
            filler.put(space, newer)?;
        }
        match journal.next_if(|(key, _)| *key == place) {
            Some((_, (newer, sequence))) if sequence > entry.sequence() => filler.put(space, newer),
            _ => filler.put(space, Some(entry)),
        }
    })?;
    for ((space, _), (newer, _)) in journal {
        filler.put(space, newer)?;
    }
    filler.flush()?;
    // As if all had changed in one more commit: whatever is derived is made anew.
    note_changes(database, spaces, filler.through)
}

/// The commit as which a repair counts.
fn through(examination: &Examination) -> Sequence {
    let Examination { facts, survey, audit, .. } = examination;
    facts.through.unwrap_or_default().max(survey.newest).max(audit.last_sequence) + 1
}

struct Filler<'a> {
    database: &'a Database,
    overlay: Overlay,
    bytes: usize,
    through: Sequence,
    /// There are derived spaces, or may be.
    has_derived: bool,
}

impl Filler<'_> {
    fn put(&mut self, space: Space, entry: Option<Entry>) -> Result<()> {
        // Some of what is derived may be lost, or belong to other documents.
        let is_derived = space.is_derived() || self.has_derived && space == Space::OF_DERIVED;
        let Some(entry) = entry.filter(|_| !is_derived) else { return Ok(()) };
        let (key, sequence) = (Box::<[u8]>::from(entry.key()), entry.sequence());
        self.bytes += entry.memory_bytes();
        self.overlay.write(space, &key, Some(entry), sequence, || false);
        if self.bytes < BYTES_PER_WRITE { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        write(self.database, &self.overlay, 0, self.through)?;
        (self.overlay, self.bytes) = (Overlay::default(), 0);
        Ok(())
    }
}
