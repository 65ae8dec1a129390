//! Checks a data file and every record of its journal, beside whoever writes, and changes nothing.

use super::data_file::NEW_FILE;
use super::examine::{Examination, examine};
use super::survey::Lost;
use super::{DATA_FILE, REPAIRED_FILE};
use crate::fs::FileSystem;
use crate::json::utf16::{self, quote};
use crate::kv::Space;
use crate::stores::maintenance::{Finding, Progress, Verification, relative};
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Checks `directory`, which has a data file. `Locked` while a process has it for itself, or for longer than
/// `lock_timeout` comes or goes. Damage is no error: it is what this finds.
pub fn verify(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    lock_timeout: Duration,
    progress: &Progress,
) -> Result<Verification> {
    let (examination, processes) = examine(fs, directory, lock_timeout, progress)?;
    let mut notes = examination.notes(directory);
    for name in [NEW_FILE, REPAIRED_FILE] {
        let path = directory.join(name);
        if path != examination.path && fs.exists(&path).map_err(|error| Error::io("look at", &path, error))? {
            notes.push(Finding::of(
                name.to_owned(),
                "a crash left it, and the next process removes it".to_owned(),
            ));
        }
    }
    Ok(Verification {
        findings: examination.findings(directory),
        notes,
        documents: examination.documents,
        files: 1,
        segments: examination.audit.segments.len() as u64,
        commits: examination.audit.commits,
        processes,
    })
}

impl Examination {
    /// What is wrong with the file.
    pub(super) fn damage(&self) -> Vec<Finding> {
        let Self { facts, survey, .. } = self;
        let problems = facts.problems.iter().chain(&survey.problems);
        let mut findings: Vec<Finding> =
            problems.map(|problem| Finding::of(DATA_FILE.to_owned(), problem.clone())).collect();
        findings.extend(survey.lost.iter().flat_map(Lost::findings));
        findings
    }

    fn findings(&self, directory: &Path) -> Vec<Finding> {
        let mut findings = self.damage();
        findings.extend(
            self.audit
                .damage
                .iter()
                .map(|damage| Finding::of(relative(directory, &damage.path), damage.problem.clone())),
        );
        if let Some(problem) = &self.strangers {
            findings.push(Finding::of(DATA_FILE.to_owned(), problem.clone()));
        } else if self.is_journal_older() {
            let (file, journal) = (self.facts.through.unwrap_or_default(), self.audit.last_sequence);
            let problem =
                format!("the journal ends with commit {journal}, and {DATA_FILE} has {file} already");
            let path = self.audit.segments.last().map(|path| relative(directory, path));
            findings.push(Finding::of(path.unwrap_or_default(), problem));
        }
        findings
    }

    fn notes(&self, directory: &Path) -> Vec<Finding> {
        let torn = self.audit.torn.iter().map(|(path, bytes)| {
            let left = format!("a crash cut off a write that nobody was told about, {bytes} bytes are left");
            Finding::of(relative(directory, path), left)
        });
        torn.collect()
    }
}

impl Lost {
    /// One for each document whose key can be read, and one for what else there was.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let (after, before) = (document(self.after.as_ref()), document(self.before.as_ref()));
        let place = match (&after, &before) {
            (Some(after), Some(before)) => format!("between {} and {}", quote(after), quote(before)),
            (Some(after), None) => format!("behind {}", quote(after)),
            (None, Some(before)) => format!("before {}", quote(before)),
            (None, None) => "in the whole file".to_owned(),
        };
        let problems = self.problems.join("; ");
        let lost = |what: &str, key: Option<String>| Finding {
            key,
            after: after.map(text),
            before: before.map(text),
            ..Finding::of(DATA_FILE.to_owned(), format!("{what} {place}: {problems}"))
        };
        let documents: Vec<&[u8]> = self.keys.iter().filter_map(|place| document(Some(place))).collect();
        let others = self.keys.len() - documents.len();
        let mut findings: Vec<Finding> =
            documents.iter().map(|key| lost(&format!("{} is lost,", quote(key)), Some(text(key)))).collect();
        if others > 0 {
            findings.push(lost(&format!("{others} entries that are no documents are lost,"), None));
        }
        if self.has_more {
            findings.push(lost("entries are lost", None));
        }
        findings
    }
}

fn document(place: Option<&(Space, Box<[u8]>)>) -> Option<&[u8]> {
    place.filter(|(space, _)| *space == Space::DOCUMENTS).map(|(_, key)| &**key)
}

fn text(key: &[u8]) -> String {
    utf16::decode(key).into_owned()
}
