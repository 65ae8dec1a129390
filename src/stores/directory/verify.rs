//! Checks every file and every record of the journal, beside whoever writes, and changes nothing.

use super::base::refuse_data_file;
use super::file_name::file_name;
use super::files::{self, BadFile};
use super::load::{Recovered, damaged};
use super::progress::Progress;
use crate::Result;
use crate::fs::FileSystem;
use crate::json;
use crate::kv::{Change, Sequence, Space};
use crate::stores::durable::{Access, INTERNAL_DIRECTORY, Internal, Neighbours, living, refuse_network};
use crate::stores::journal::{Audit, JournalPage, audit, decode_commit};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its path from the directory on, with slashes.
    pub file: String,
    /// What is wrong, in a few words.
    pub problem: String,
}

/// What a directory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Everything that keeps the directory from being loaded; empty if it can be.
    pub findings: Vec<Finding>,
    /// What a crash left, and the next process to write takes care of.
    pub notes: Vec<Finding>,
    /// How many documents there are, as far as they can be read.
    pub documents: u64,
    /// How many files of documents were read.
    pub files: u64,
    /// How many segments of the journal were read, and how many commits.
    pub segments: u64,
    /// See `segments`.
    pub commits: u64,
    /// The processes that have the directory open to write.
    pub processes: Vec<u32>,
}

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
        findings.extend(audit.damage.iter().map(|damage| Finding {
            file: relative(directory, &damage.path),
            problem: damage.problem.clone(),
        }));
        let counts = |file: &&BadFile| bad.iter().any(|bad| bad.name == file.name);
        let superseded = files.bad.iter().filter(|file| !counts(file));
        let mut notes: Vec<Finding> = superseded
            .map(|file| {
                let problem = format!("{}; the journal has the document", file.reason);
                Finding { problem, ..file.finding() }
            })
            .collect();
        notes.extend(audit.torn.iter().map(|(path, bytes)| Finding {
            file: relative(directory, path),
            problem: format!("a crash cut off a write that nobody was told about, {bytes} bytes are left"),
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
        Finding { file: self.name.clone(), problem: self.reason.clone() }
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

/// With slashes.
pub(super) fn relative(directory: &Path, path: &Path) -> String {
    let path = path.strip_prefix(directory).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
