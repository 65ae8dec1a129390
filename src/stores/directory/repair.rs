//! Makes a damaged directory one that can be loaded. Nothing is deleted: what is in the way is moved aside.

use super::base::{FILES_PER_FLUSH, refuse_data_file};
use super::file_name::file_name;
use super::files::BadFile;
use super::materialise::{Change, materialise, remove_temporaries};
use super::verify::{Examination, examine};
use crate::fs::FileSystem;
use crate::kv::Entry;
use crate::stores::durable::{Access, Found, INTERNAL_DIRECTORY, Internal};
use crate::stores::maintenance::{Progress, Repair, destinations, move_aside, moves};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What has to be done.
struct Plan {
    /// First: files that make room, with the reason.
    files: Vec<(PathBuf, String)>,
    /// Then: documents of the journal that go into files.
    documents: Vec<Change>,
    /// Last, oldest first, so that no older state comes back over a newer one: the segments of a damaged
    /// journal.
    segments: Vec<(PathBuf, String)>,
}

/// Repairs `directory`, which nobody else may have open: `Locked` names who has.
///
/// Files that are no documents are moved aside. Of a damaged journal, the newest state of each document that
/// can be read goes into its file, unless a file has a higher revision. What was there is moved aside, then
/// the journal as a whole. May be interrupted and done again. A journal of a newer version is `Corrupt`.
pub fn repair(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    lock_timeout: Duration,
    progress: &Progress,
) -> Result<Repair> {
    let path = directory.join(INTERNAL_DIRECTORY);
    let internal = Internal { fs: Arc::clone(fs), path, timeout: lock_timeout };
    refuse_data_file(&internal, directory)?;
    // Whoever comes meanwhile waits at the door.
    let (door, found) = internal.enter(Access::Exclusive)?;
    let Found::Nobody(members) = found else { return Err(Error::internal("the lock of the members")) };
    let repaired = Examination::at_rest(&**fs, directory, &internal, progress)
        .and_then(|examination| Plan::make(directory, examination))
        .and_then(|plan| plan.carry_out(&**fs, directory, &internal.path));
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
    let Plan { files, documents, segments } = Plan::make(directory, examination)?;
    let aside: Vec<(PathBuf, String)> = files.into_iter().chain(segments).collect();
    let paths: Vec<PathBuf> = aside.iter().map(|(path, _)| path.clone()).collect();
    let targets = destinations(&**fs, &directory.join(INTERNAL_DIRECTORY), &paths)?;
    Ok(Repair { moved: moves(directory, aside, &targets), written: documents.len() as u64, lost: Vec::new() })
}

impl Plan {
    fn make(directory: &Path, examination: Examination) -> Result<Self> {
        let Examination { files, audit, recovered, bad } = examination;
        if let Some(newer) = audit.damage.iter().find(|damage| damage.is_newer) {
            return Err(newer.clone().into());
        }
        let file = |BadFile { name, reason, .. }: BadFile| (directory.join(name), reason);
        if audit.damage.is_empty() {
            let files = bad.into_iter().map(file).collect();
            return Ok(Self { files, documents: Vec::new(), segments: Vec::new() });
        }
        let mut plan = Self {
            files: files.bad.into_iter().map(file).collect(),
            documents: Vec::new(),
            segments: Vec::new(),
        };
        for (key, (entry, _)) in recovered {
            let index = files.entries.binary_search_by(|entry| entry.key().cmp(&key));
            let found = index.ok().and_then(|index| files.entries.get(index));
            let reason = match (found, &entry) {
                (None, _) => None,
                (Some(_), None) => Some("the journal says that the document was removed"),
                (Some(found), Some(entry)) if is_at_least(found, entry) => continue,
                _ => Some("the journal has another state of the document"),
            };
            if let Some(reason) = reason {
                let name = files.strays.get(&*key).cloned().map_or_else(|| file_name(&key), Ok)?;
                plan.files.push((directory.join(name), reason.to_owned()));
            }
            if entry.is_some() {
                plan.documents.push(Change { key, entry, stray: None });
            }
        }
        plan.segments = audit
            .segments
            .into_iter()
            .map(|path| {
                let own: Vec<&str> =
                    audit.damage.iter().filter(|at| at.path == path).map(|at| at.problem.as_str()).collect();
                let reason = if own.is_empty() { "of a damaged journal".to_owned() } else { own.join("; ") };
                (path, reason)
            })
            .collect();
        Ok(plan)
    }

    fn carry_out(self, fs: &dyn FileSystem, directory: &Path, internal: &Path) -> Result<Repair> {
        let Self { files, documents, segments } = self;
        let written = documents.len() as u64;
        let mut moved = Vec::new();
        let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
        moved.extend(moves(directory, files, &move_aside(fs, internal, &paths)?));
        // A crash may leave one under a second name, that of a document.
        if !documents.is_empty() {
            remove_temporaries(fs, directory)?;
        }
        for documents in documents.chunks(FILES_PER_FLUSH) {
            materialise(fs, directory, documents)?;
        }
        for segment in segments {
            let target = move_aside(fs, internal, std::slice::from_ref(&segment.0))?;
            moved.extend(moves(directory, vec![segment], &target));
        }
        Ok(Repair { moved, written, lost: Vec::new() })
    }
}

/// Whether the file needs nothing of the journal.
fn is_at_least(file: &Entry, journal: &Entry) -> bool {
    file.version() > journal.version()
        || (file.version() == journal.version() && file.value() == journal.value())
}
