//! The checkpointer: a thread that brings files up to date, so that the journal can forget.

use super::backlog::Work;
use super::core::Core;
use super::materialise::{Change, materialise};
use crate::kv::{Sequence, Space};
use crate::stores::journal::GroupCommit;
use crate::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Files that share one flush.
const FILES_PER_FLUSH: usize = 4_096;

/// Starts the thread. It ends when the backlog is closed.
pub(super) fn start(core: Arc<Core>, journal: Arc<GroupCommit>) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("kixx-checkpoint".to_owned())
        .spawn(move || {
            core.fs.lower_priority();
            while let Some(work) = core.backlog.take_due() {
                // A failure is kept in the backlog, shown to writers when it fills up, and tried again.
                let _ = checkpoint(&core, &journal, work);
            }
        })
        .map_err(|error| Error::new(ErrorKind::Storage, format!("Could not start a thread: {error}")))
}

/// Writes the files of `work`, then lets the journal forget.
pub(super) fn checkpoint(core: &Core, journal: &GroupCommit, work: Work) -> Result<()> {
    let through = write_files(core, journal, work)?;
    journal.checkpoint(through).wait()
}

/// Writes the files of `work`; when it answers, they hold all commits up to the answer, durably.
pub(super) fn write_files(core: &Core, journal: &GroupCommit, work: Work) -> Result<Sequence> {
    // What a panic kept from the files must not be forgotten either.
    let result = catch_unwind(AssertUnwindSafe(|| write(core, journal, &work)))
        .unwrap_or_else(|_| Err(Error::internal("writing files")));
    match &result {
        Ok(()) => core.backlog.succeeded(),
        Err(error) => core.backlog.failed(Work { keys: work.keys, through: work.through }, error.clone()),
    }
    journal.wake();
    result.map(|()| work.through)
}

fn write(core: &Core, journal: &GroupCommit, work: &Work) -> Result<()> {
    let snapshot = core.snapshot()?;
    // Files must not run ahead of the journal, or a power cut could leave half of a batch.
    journal.sync_through(snapshot.sequence()).wait()?;
    let mut changes: Vec<Change> = work
        .keys
        .iter()
        .map(|key| Change {
            key: Arc::clone(key),
            entry: snapshot.get(Space::DOCUMENTS, key).cloned(),
            stray: core.strays().get(&**key).cloned(),
        })
        .collect();
    drop(snapshot);
    // Removing comes first, over all chunks: where names differ only in case, a removed document may have
    // made room for a written one. Then by key, so that each run does the same.
    changes.sort_unstable_by(|a, b| (a.entry.is_some(), &a.key).cmp(&(b.entry.is_some(), &b.key)));
    for changes in changes.chunks(FILES_PER_FLUSH) {
        materialise(&*core.fs, &core.directory, changes)?;
        let mut strays = core.strays();
        for change in changes {
            strays.remove(&*change.key);
        }
    }
    Ok(())
}
