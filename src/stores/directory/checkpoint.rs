//! The checkpointer: a thread that brings files up to date, so that the journal can forget. One process does
//! that at a time.

use super::backlog::{Wake, Work};
use super::core::{Core, lock};
use super::materialise::{Change, materialise, remove_temporaries};
use super::watch::Checkpoint;
use crate::fs::{LockFile, LockKind};
use crate::kv::{Sequence, Space};
use crate::stores::journal::GroupCommit;
use crate::stores::memory::Snapshot;
use crate::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Files that share one flush.
pub(super) const FILES_PER_FLUSH: usize = 4_096;
/// How often to look what other processes did: who sleeps for longer may have to load everything again.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often to look whether the other process has written its files.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Starts the thread. It ends when the backlog is closed.
pub(super) fn start(core: Arc<Core>, journal: Arc<GroupCommit>) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("kixx-checkpoint".to_owned())
        .spawn(move || {
            core.fs.lower_priority();
            loop {
                match core.backlog.wait(LOOK_AROUND) {
                    Wake::Closing => return,
                    // Readers are told.
                    Wake::Slept => drop(core.snapshot()),
                    // It is shown to writers when the backlog fills up, and tried again.
                    Wake::Due => run_if_free(&core, &journal)
                        .unwrap_or_else(|error| core.backlog.failed(Work::default(), error)),
                }
            }
        })
        .map_err(|error| Error::new(ErrorKind::Storage, format!("Could not start a thread: {error}")))
}

/// Writes the files that are behind, then lets the journal forget. Waits while another process does that.
pub(super) fn run(core: &Core, journal: &GroupCommit) -> Result<()> {
    in_turn(core, || write_and_forget(core, journal))
}

/// Writes the files that are behind; when it answers, they hold all commits up to the answer, durably. Waits
/// while another process does that.
pub(super) fn write_files(core: &Core, journal: &GroupCommit) -> Result<Sequence> {
    in_turn(core, || write_what_is_behind(core, journal, |_| Ok(())))
}

fn in_turn<T>(core: &Core, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + core.internal.timeout;
    let ours = lock(&core.checkpointing);
    while !core.internal.try_lock(&**ours, LockKind::Exclusive)? {
        if Instant::now() >= deadline {
            return Err(kept(core));
        }
        thread::sleep(LOOK_AGAIN);
    }
    let_go(core, &**ours, work())
}

/// As [`run`], unless another process does that: then later.
fn run_if_free(core: &Core, journal: &GroupCommit) -> Result<()> {
    if core.backlog.is_done(core.page.checkpoint()) {
        journal.wake();
        return Ok(());
    }
    let ours = lock(&core.checkpointing);
    if core.internal.try_lock(&**ours, LockKind::Exclusive)? {
        return let_go(core, &**ours, write_and_forget(core, journal));
    }
    core.backlog.postpone(core.internal.timeout, || kept(core));
    journal.wake();
    Ok(())
}

fn let_go<T>(core: &Core, ours: &dyn LockFile, result: Result<T>) -> Result<T> {
    let unlocked = ours.unlock().map_err(|error| Error::io("unlock", &core.internal.path, error));
    core.backlog.rest();
    result.and_then(|answer| unlocked.map(|()| answer))
}

/// Whoever writes files next has to know what they hold: a document that is in its file must not be written
/// once more, for who loads meanwhile relies on the file.
fn write_and_forget(core: &Core, journal: &GroupCommit) -> Result<()> {
    write_what_is_behind(core, journal, |through| journal.checkpoint(through).wait()).map(drop)
}

fn kept(core: &Core) -> Error {
    let holder = match core.page.checkpointer() {
        Some(id) => format!("the process with id {id}"),
        None => "another process".to_owned(),
    };
    let (directory, time) = (core.directory.display(), core.internal.timeout.as_millis());
    let message = format!(
        "The files of {directory} could not be written within {time} ms, since {holder} is writing them and \
         does not go on"
    );
    Error::new(ErrorKind::Locked, message).with_expected("a turn to write files before lockTimeout")
}

fn write_what_is_behind(
    core: &Core,
    journal: &GroupCommit,
    then: impl FnOnce(Sequence) -> Result<()>,
) -> Result<Sequence> {
    let started = Instant::now();
    // What others have committed is in the backlog then, what they have written to files need not be.
    let caught_up = core.snapshot().map(drop);
    core.backlog.prune(core.page.checkpoint());
    let mut work = core.backlog.take();
    let (documents, through) = (work.keys.len(), work.through);
    // What a panic kept from the files must not be forgotten either.
    let write = || write(core, journal, &work);
    let written = caught_up.and_then(|()| {
        catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| Err(Error::internal("writing files")))
    });
    let result = written.and_then(|()| {
        work.keys.clear();
        then(through)
    });
    match &result {
        Ok(()) => core.backlog.succeeded(),
        Err(error) => core.backlog.failed(work, error.clone()),
    }
    if documents > 0 || result.is_err() {
        let (duration, failure) = (started.elapsed(), result.as_ref().err().cloned());
        core.watchers.tell(Checkpoint { documents, through, duration, failure, warn: false });
    }
    journal.wake();
    result.map(|()| through)
}

fn write(core: &Core, journal: &GroupCommit, work: &Work) -> Result<()> {
    core.check_place()?;
    if core.page.begin_checkpoint() {
        remove_temporaries(&*core.fs, &core.directory)?;
    }
    let snapshot = core.snapshot()?;
    // Files must not run ahead of the journal, or a power cut could leave half of a batch.
    journal.sync_through(snapshot.sequence()).wait()?;
    replace_files(core, &snapshot, work)?;
    core.page.end_checkpoint();
    Ok(())
}

/// Writes what is behind although there is no journal any more, which somebody has removed.
pub(super) fn rescue(core: &Core) -> Result<()> {
    core.check_place()?;
    let work = core.backlog.take();
    replace_files(core, &core.snapshot()?, &work)
}

fn replace_files(core: &Core, snapshot: &Snapshot, work: &Work) -> Result<()> {
    let mut changes: Vec<Change> = work
        .keys
        .keys()
        .map(|key| Change {
            key: Arc::clone(key),
            entry: snapshot.get(Space::DOCUMENTS, key).cloned(),
            stray: core.strays().get(&**key).cloned(),
        })
        .collect();
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
