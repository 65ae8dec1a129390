//! Makes a new data file in place of a damaged one. Nothing is deleted: what is in the way is moved aside.

use super::data_file::{Settings, create, settle};
use super::examine::{Examination, Recovered, examine};
use super::rebuild::rebuild;
use super::survey::Lost;
use super::{DATA_FILE, REPAIRED_FILE};
use crate::fs::FileSystem;
use crate::stores::durable::{Access, DEFAULT_CACHE_BYTES, Found, INTERNAL_DIRECTORY, Internal};
use crate::stores::journal::{Form, form_of};
use crate::stores::maintenance::{Finding, Progress, Repair, destinations, move_aside, moves};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What has to be done.
#[derive(Default)]
struct Plan {
    /// First: why there has to be a new file, and how many entries of the journal go into it.
    file: Option<(String, u64)>,
    /// Then, oldest first: the segments that are not needed any more.
    segments: Vec<(PathBuf, String)>,
    lost: Vec<Finding>,
}

/// Repairs `directory`, which nobody else may have open: `Locked` names who has.
///
/// Of a damaged file, all entries that are right go into a new one, and over them the newest state of each
/// that the journal has. The old file is moved aside, and then the journal. May be interrupted and done
/// again. What a newer version wrote, and a file and a journal that do not belong together, are `Corrupt`.
pub fn repair(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    lock_timeout: Duration,
    progress: &Progress,
) -> Result<Repair> {
    let path = directory.join(INTERNAL_DIRECTORY);
    let internal = Internal { fs: Arc::clone(fs), path, timeout: lock_timeout };
    // Whoever comes meanwhile waits at the door.
    let (door, found) = internal.enter(Access::Exclusive)?;
    let Found::Nobody(members) = found else { return Err(Error::internal("the lock of the members")) };
    let repaired = settle(&**fs, directory)
        .and_then(|()| Examination::at_rest(&**fs, directory, progress))
        .and_then(|examination| {
            let plan = Plan::make(&examination)?;
            plan.carry_out(&**fs, directory, lock_timeout, examination, progress)
        });
    drop(members);
    let cleared = door.clear();
    repaired.and_then(|repair| cleared.map(|()| repair))
}

/// What [`repair`] would do. Changes nothing, and works beside those who write.
pub fn plan_repair(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    lock_timeout: Duration,
    progress: &Progress,
) -> Result<Repair> {
    let (examination, _) = examine(fs, directory, lock_timeout, progress)?;
    let Plan { file, segments, lost } = Plan::make(&examination)?;
    let written = file.as_ref().map_or(0, |(_, written)| *written);
    let aside: Vec<(PathBuf, String)> =
        file.map(|(why, _)| (directory.join(DATA_FILE), why)).into_iter().chain(segments).collect();
    let paths: Vec<PathBuf> = aside.iter().map(|(path, _)| path.clone()).collect();
    let targets = destinations(&**fs, &directory.join(INTERNAL_DIRECTORY), &paths)?;
    Ok(Repair { moved: moves(directory, aside, &targets), written, lost })
}

impl Plan {
    fn make(examination: &Examination) -> Result<Self> {
        let Examination { facts, audit, strangers, .. } = examination;
        if facts.is_newer {
            return Err(Error::corrupt(format!(
                "{DATA_FILE} needs a newer version of kixx-datastore. Nothing was changed"
            )));
        }
        if let Some(newer) = audit.damage.iter().find(|damage| damage.is_newer) {
            return Err(newer.clone().into());
        }
        if let Some(strangers) = strangers {
            return Err(Error::corrupt(format!("{strangers}. Nothing was changed")));
        }
        let damage = examination.damage();
        let is_older = examination.is_journal_older();
        if damage.is_empty() && audit.damage.is_empty() && !is_older {
            return Ok(Self::default());
        }
        let written = if is_older { 0 } else { examination.ahead };
        let why = match damage.as_slice() {
            [] if written == 0 => None,
            [] => Some("the journal is damaged, and what can be read of it goes into a new one".to_owned()),
            [one] => Some(one.problem.clone()),
            [first, more @ ..] => Some(format!("{}, and {} more", first.problem, more.len())),
        };
        let segments = audit.segments.iter().map(|path| {
            let own: Vec<&str> =
                audit.damage.iter().filter(|at| at.path == *path).map(|at| at.problem.as_str()).collect();
            let reason = match own.as_slice() {
                [] if !audit.damage.is_empty() => "of a damaged journal".to_owned(),
                [] if is_older => format!("{DATA_FILE} has it already"),
                [] => format!("the new {DATA_FILE} has it"),
                _ => own.join("; "),
            };
            (path.clone(), reason)
        });
        let lost = examination.survey.lost.iter();
        let lost = lost.filter_map(|lost| examination.still_lost(lost)).flat_map(|lost| lost.findings());
        Ok(Self { segments: segments.collect(), file: why.map(|why| (why, written)), lost: lost.collect() })
    }

    fn carry_out(
        self,
        fs: &dyn FileSystem,
        directory: &Path,
        patience: Duration,
        mut examination: Examination,
        progress: &Progress,
    ) -> Result<Repair> {
        let Self { file, segments, lost } = self;
        let internal = directory.join(INTERNAL_DIRECTORY);
        let (mut moved, mut written) = (Vec::new(), 0);
        if let Some((why, entries)) = file {
            written = entries;
            let is_older = examination.is_journal_older();
            let recovered = std::mem::take(&mut examination.recovered);
            let journal = if is_older { Recovered::new() } else { recovered };
            let settings = Settings { cache_bytes: DEFAULT_CACHE_BYTES, patience };
            let (path, repaired) = (directory.join(DATA_FILE), directory.join(REPAIRED_FILE));
            let form = match examination.facts.form {
                Form::UNKNOWN => form_of(fs, &internal)?,
                form => form,
            };
            create(fs, directory, &repaired, (settings, form), |database| {
                rebuild(database, &examination, journal, progress)
            })?;
            drop(examination);
            let target = move_aside(fs, &internal, std::slice::from_ref(&path))?;
            moved.extend(moves(directory, vec![(path, why)], &target));
            settle(fs, directory)?;
        }
        for segment in segments {
            let target = move_aside(fs, &internal, std::slice::from_ref(&segment.0))?;
            moved.extend(moves(directory, vec![segment], &target));
        }
        Ok(Repair { moved, written, lost })
    }
}

impl Examination {
    /// What of it the journal does not have either, and can't be made anew.
    fn still_lost(&self, lost: &Lost) -> Option<Lost> {
        if lost.after.as_ref().is_some_and(|(space, _)| space.is_derived()) {
            return None;
        }
        let mut lost = lost.clone();
        lost.keys.retain(|(space, _)| !space.is_derived());
        if !self.is_journal_older() {
            lost.keys.retain(|(space, key)| !self.recovered.contains_key(&(*space, Arc::from(&**key))));
        }
        (lost.has_more || !lost.keys.is_empty()).then_some(lost)
    }
}
