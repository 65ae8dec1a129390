//! A data file and its journal, taken apart. Nothing is changed.

use super::facts::{Facts, facts};
use super::salvage::{Image, Pinned};
use super::survey::{Survey, survey};
use super::{DATA_FILE, REPAIRED_FILE};
use crate::fs::FileSystem;
use crate::json::utf16;
use crate::kv::{Entry, Sequence, Space};
use crate::stores::durable::{Access, INTERNAL_DIRECTORY, Internal, Neighbours, living, refuse_network};
use crate::stores::journal::{Audit, audit, decode_commit};
use crate::stores::maintenance::Progress;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The newest state of each key that the journal knows, and the commit that made it.
pub(super) type Recovered = BTreeMap<Place, State>;
type Place = (Space, Arc<[u8]>);
type State = (Option<Entry>, Sequence);

/// What there is.
pub(super) struct Examination {
    pub(super) path: PathBuf,
    pub(super) image: Image,
    pub(super) facts: Facts,
    pub(super) survey: Survey,
    pub(super) audit: Audit,
    pub(super) recovered: Recovered,
    /// How many documents there are.
    pub(super) documents: u64,
    /// How many entries of the journal the file does not have.
    pub(super) ahead: u64,
    /// Why file and journal can't be taken together.
    pub(super) strangers: Option<String>,
}

/// Takes a directory apart, whether others write or not; the answer names those who do.
pub(super) fn examine(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    lock_timeout: Duration,
    progress: &Progress,
) -> Result<(Examination, Vec<u32>)> {
    refuse_network(&**fs, directory, Access::Shared)?;
    let path = directory.join(INTERNAL_DIRECTORY);
    let internal = Internal { fs: Arc::clone(fs), path, timeout: lock_timeout };
    internal.visit(|neighbours| match neighbours {
        Neighbours::Nobody(_) => Ok(Some((Examination::at_rest(&**fs, directory, progress)?, Vec::new()))),
        Neighbours::Writers(page) => {
            // In this order: see `DataFile::load_all`.
            let checkpoint = page.checkpoint();
            let image = Image::open(&**fs, &directory.join(DATA_FILE), Pinned::Live(lock_timeout));
            let newest = page.sequence();
            let examination = image
                .and_then(|image| Examination::of(&**fs, directory, image, (checkpoint, newest), progress));
            // They went meanwhile, and took the journal with them.
            if page.is_retired() {
                return Ok(None);
            }
            Ok(Some((examination?, living(&**fs, &page))))
        }
    })
}

impl Examination {
    /// While nobody writes.
    pub(super) fn at_rest(fs: &dyn FileSystem, directory: &Path, progress: &Progress) -> Result<Self> {
        let path = find(fs, directory)?;
        Self::of(fs, directory, Image::open(fs, &path, Pinned::AtRest)?, (0, Sequence::MAX), progress)
    }

    fn of(
        fs: &dyn FileSystem,
        directory: &Path,
        image: Image,
        (checkpoint, through): (Sequence, Sequence),
        progress: &Progress,
    ) -> Result<Self> {
        let facts = facts(&image)?;
        let mut recovered = Recovered::new();
        let covered = facts.through.unwrap_or(checkpoint);
        let audit = audit(fs, &directory.join(INTERNAL_DIRECTORY), covered, through, |sequence, payload| {
            let changes = decode_commit(sequence, payload).map_err(|error| error.to_string())?;
            recovered.extend(
                changes.into_iter().map(|change| ((change.space, change.key), (change.entry, sequence))),
            );
            Ok(())
        })?;
        let mut meeting = Meeting::new(&recovered, facts.through);
        let survey = survey(&image, &facts, progress, &mut |space, entry| {
            meeting.see(space, &entry);
            Ok(())
        })?;
        let is_whole = survey.lost.is_empty() && audit.damage.is_empty();
        let file = facts.through.unwrap_or(survey.newest);
        let told = if through == Sequence::MAX { audit.checkpoint } else { checkpoint };
        let strangers = meeting.strangers(is_whole && audit.last_sequence >= file);
        let strangers = if told > file && facts.through.is_some() {
            Some(format!(
                "{DATA_FILE} is older than the journal: it ends with commit {file}, and had {told} once. Put \
                 back the newer file, or a whole backup"
            ))
        } else {
            strangers
        };
        let (documents, ahead) = (meeting.documents, meeting.ahead);
        let path = find(fs, directory)?;
        Ok(Self { path, image, facts, survey, audit, recovered, documents, ahead, strangers })
    }

    /// Whether the journal has segments, and ends before the file does: nothing of it is missing there.
    pub(super) fn is_journal_older(&self) -> bool {
        let file = self.facts.through.unwrap_or_default().max(self.survey.newest);
        !self.audit.segments.is_empty() && self.audit.last_sequence < file
    }
}

/// Where the file is: under its name, or, after a repair that was cut off, under the one before.
fn find(fs: &dyn FileSystem, directory: &Path) -> Result<PathBuf> {
    let path = directory.join(DATA_FILE);
    let repaired = directory.join(REPAIRED_FILE);
    let there = |path: &Path| fs.exists(path).map_err(|error| Error::io("look at", path, error));
    Ok(if !there(&path)? && there(&repaired)? { repaired } else { path })
}

/// The entries of the file beside what the journal says of them.
struct Meeting<'a> {
    recovered: &'a Recovered,
    through: Option<Sequence>,
    documents: u64,
    ahead: u64,
    /// How many entries both have, and the first that is not the same in both.
    common: u64,
    other: Option<String>,
}

impl<'a> Meeting<'a> {
    fn new(recovered: &'a Recovered, through: Option<Sequence>) -> Self {
        let is_new = |((space, _), (entry, sequence)): &(&Place, &State)| {
            *space == Space::DOCUMENTS && entry.is_some() && through.is_none_or(|through| *sequence > through)
        };
        let documents = recovered.iter().filter(is_new).count() as u64;
        let counts = |((space, _), (entry, _)): &(&Place, &State)| entry.is_some() && !space.is_derived();
        let ahead = recovered.iter().filter(counts).count() as u64;
        Self { recovered, through, documents, ahead, common: 0, other: None }
    }

    fn see(&mut self, space: Space, entry: &Entry) {
        let Some((state, sequence)) = self.recovered.get(&(space, Arc::from(entry.key()))) else {
            self.documents += u64::from(space == Space::DOCUMENTS);
            return;
        };
        self.ahead -= u64::from(state.is_some() && !space.is_derived() && entry.sequence() >= *sequence);
        if self.through.is_none_or(|through| *sequence > through) {
            return;
        }
        self.documents += u64::from(space == Space::DOCUMENTS);
        self.common += 1;
        let is_same = entry.sequence() > *sequence || state.as_ref() == Some(entry);
        if !is_same && self.other.is_none() {
            self.other = Some(utf16::quote(entry.key()));
        }
    }

    /// Why file and journal are not of one store. `is_whole`: both are, and the journal is not the older one.
    fn strangers(&self, is_whole: bool) -> Option<String> {
        let both = |(entry, sequence): &&State| {
            entry.is_some() && self.through.is_some_and(|through| *sequence <= through)
        };
        let expected = self.recovered.values().filter(both).count() as u64;
        let missing = is_whole && self.common < expected;
        let what = match &self.other {
            Some(key) => format!("{key} is another one in each of them"),
            None if missing => {
                format!("the journal has {} entries that should be there", expected - self.common)
            }
            None => return None,
        };
        Some(format!(
            "{DATA_FILE} and the journal are not of one store: {what}. Put back what belongs together"
        ))
    }
}
