//! Checks every file and every record of the journal, beside whoever writes, and changes nothing.

use super::base::refuse_data_file;
use super::file_name::file_name;
use super::files::{self, BadFile};
use super::load::{Recovered, damaged};
use crate::Result;
use crate::fs::FileSystem;
use crate::json;
use crate::kv::{Change, Sequence, Space};
use crate::stores::durable::{Access, INTERNAL_DIRECTORY, Internal, Neighbours, living, refuse_network};
use crate::stores::journal::{Audit, JournalPage, audit, decode_commit};
use crate::stores::maintenance::{Finding, Progress, Verification, relative};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A directory, taken apart.
pub(super) struct Examination {
    pub(super) files: files::Loaded,
    pub(super) audit: Audit,
    /// Of commits that no checkpoint covers.
    pub(super) recovered: Recovered,
    /// The files that count as damaged.
    pub(super) bad: Vec<BadFile>,
}

/// Checks `directory`, which must exist. `Locked` while a process has it for itself, or for longer than
/// `lock_timeout` comes or goes. Damage is no error: it is what this finds.
pub fn verify(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    lock_timeout: Duration,
    progress: &Progress,
) -> Result<Verification> {
    let (examination, processes) = examine(fs, directory, lock_timeout, progress)?;
    Ok(examination.report(directory, processes))
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
    refuse_data_file(&internal, directory)?;
    internal.visit(|neighbours| match neighbours {
        Neighbours::Nobody(_) => {
            let examination = Examination::at_rest(&**fs, directory, &internal, progress)?;
            Ok(Some((examination, Vec::new())))
        }
        Neighbours::Writers(page) => {
            let examination = Examination::live(&**fs, directory, &internal, &page, progress);
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
    pub(super) fn at_rest(
        fs: &dyn FileSystem,
        directory: &Path,
        internal: &Internal,
        progress: &Progress,
    ) -> Result<Self> {
        let files = files::examine(fs, directory, progress)?;
        Self::with_journal(fs, internal, files, 0, Sequence::MAX)
    }

    /// In the order of loading: see `load::find`.
    fn live(
        fs: &dyn FileSystem,
        directory: &Path,
        internal: &Internal,
        page: &JournalPage,
        progress: &Progress,
    ) -> Result<Self> {
        let checkpoint = page.checkpoint();
        let files = files::examine(fs, directory, progress)?;
        let newest = page.sequence();
        Self::with_journal(fs, internal, files, checkpoint, newest)
    }

    fn with_journal(
        fs: &dyn FileSystem,
        internal: &Internal,
        files: files::Loaded,
        checkpoint: Sequence,
        through: Sequence,
    ) -> Result<Self> {
        let mut recovered = Recovered::new();
        let audit = audit(fs, &internal.path, checkpoint, through, |sequence, payload| {
            let changes = decode_commit(sequence, payload).map_err(|error| error.to_string())?;
            let checked = changes.iter().try_for_each(check_change);
            let changes = changes.into_iter().map(|change| (change.key, (change.entry, sequence)));
            if checked.is_ok() {
                recovered.extend(changes);
            }
            checked
        })?;
        recovered.retain(|_, (_, sequence)| *sequence > audit.checkpoint);
        let bad = damaged(&files, &recovered);
        Ok(Self { files, audit, recovered, bad })
    }

    fn report(&self, directory: &Path, processes: Vec<u32>) -> Verification {
        let Self { files, audit, recovered, bad } = self;
        let mut findings: Vec<Finding> = bad.iter().map(BadFile::finding).collect();
        findings.extend(
            audit
                .damage
                .iter()
                .map(|damage| Finding::of(relative(directory, &damage.path), damage.problem.clone())),
        );
        let counts = |file: &&BadFile| bad.iter().any(|bad| bad.name == file.name);
        let superseded = files.bad.iter().filter(|file| !counts(file));
        let mut notes: Vec<Finding> = superseded
            .map(|file| {
                let problem = format!("{}; the journal has the document", file.reason);
                Finding { problem, ..file.finding() }
            })
            .collect();
        notes.extend(audit.torn.iter().map(|(path, bytes)| {
            let left = format!("a crash cut off a write that nobody was told about, {bytes} bytes are left");
            Finding::of(relative(directory, path), left)
        }));
        let in_files = files.entries.iter().filter(|entry| !recovered.contains_key(entry.key())).count();
        let in_journal = recovered.values().filter(|(entry, _)| entry.is_some()).count();
        Verification {
            findings,
            notes,
            documents: (in_files + in_journal) as u64,
            files: (files.entries.len() + files.bad.len()) as u64,
            segments: audit.segments.len() as u64,
            commits: audit.commits,
            processes,
        }
    }
}

impl BadFile {
    pub(super) fn finding(&self) -> Finding {
        Finding::of(self.name.clone(), self.reason.clone())
    }
}

/// What the checksums can't tell: whether it is a document that can have a file.
fn check_change(change: &Change) -> Result<(), String> {
    let Change { space, key, entry } = change;
    if *space != Space::DOCUMENTS {
        return Ok(());
    }
    file_name(key).map_err(|error| error.to_string())?;
    let Some(entry) = entry else { return Ok(()) };
    match json::split_revision(entry.value()) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the document {}: {error}", json::utf16::quote(key))),
    }
}
