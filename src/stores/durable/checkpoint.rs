//! The checkpointer: a thread that brings the base up to date, so that the journal can forget. One process
//! does that at a time.

use super::backlog::{Wake, Work};
use super::base::Base;
use super::core::{Core, lock};
use super::watch::Checkpoint;
use crate::fs::{LockFile, LockKind};
use crate::kv::{Read, Sequence};
use crate::stores::journal::GroupCommit;
use crate::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often to look what other processes did: who sleeps for longer may have to load everything again.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often to look whether the other process is done.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Starts the thread. It ends when the backlog is closed.
pub(super) fn start<B: Base>(core: Arc<Core<B>>, journal: Arc<GroupCommit>) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("kixx-checkpoint".to_owned())
        .spawn(move || {
            core.fs.lower_priority();
            loop {
                match core.backlog.wait(LOOK_AROUND) {
                    Wake::Closing => return,
                    // Readers are told.
                    Wake::Slept => drop((core.snapshot(), core.renew())),
                    // It is shown to writers when the backlog fills up, and tried again.
                    Wake::Due => run_if_free(&core, &journal)
                        .unwrap_or_else(|error| core.backlog.failed(Work::default(), error)),
                }
            }
        })
        .map_err(|error| Error::new(ErrorKind::Storage, format!("Could not start a thread: {error}")))
}

/// Brings the base up to date, then lets the journal forget. Waits while another process does that.
pub(super) fn run<B: Base>(core: &Core<B>, journal: &GroupCommit) -> Result<()> {
    in_turn(core, || write_and_forget(core, journal))
}

/// Brings the base up to date; when it answers, that holds all commits up to the answer, durably. Waits while
/// another process does that.
pub(super) fn write_base<B: Base>(core: &Core<B>, journal: &GroupCommit) -> Result<Sequence> {
    in_turn(core, || write_what_is_behind(core, journal, |_| Ok(())))
}

fn in_turn<B: Base, T>(core: &Core<B>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + core.internal.timeout;
    let ours = lock(&core.checkpointing);
    while !try_turn(core, &**ours)? {
        if Instant::now() >= deadline {
            return Err(kept(core));
        }
        thread::sleep(LOOK_AGAIN);
    }
    let_go(core, &**ours, work())
}

/// As [`run`], unless another process does that: then later.
fn run_if_free<B: Base>(core: &Core<B>, journal: &GroupCommit) -> Result<()> {
    if core.backlog.is_done(core.page.checkpoint()) {
        journal.wake();
        return core.renew();
    }
    let ours = lock(&core.checkpointing);
    if try_turn(core, &**ours)? {
        return let_go(core, &**ours, write_and_forget(core, journal));
    }
    core.backlog.postpone(core.internal.timeout, || kept(core));
    journal.wake();
    // It may have written much of what is in memory here.
    core.renew()
}

/// Nobody is kept out by the lock if our own directory was removed: then others have a journal of their own.
fn try_turn<B: Base>(core: &Core<B>, ours: &dyn LockFile) -> Result<bool> {
    let path = &core.internal.path;
    if !core.internal.try_lock(ours, LockKind::Exclusive)? {
        return Ok(false);
    }
    if ours.is_current().map_err(|error| Error::io("look at", path, error))? {
        return Ok(true);
    }
    // Unless it went with us.
    core.read(|_| Ok(()))?;
    let message = format!("{} was removed while the datastore was open", path.display());
    Err(Error::new(ErrorKind::Storage, message))
}

fn let_go<B: Base, T>(core: &Core<B>, ours: &dyn LockFile, result: Result<T>) -> Result<T> {
    let unlocked = ours.unlock().map_err(|error| Error::io("unlock", &core.internal.path, error));
    core.backlog.rest();
    result.and_then(|answer| unlocked.map(|()| answer))
}

/// Whoever writes next has to know what the base holds: what is in it must not be written once more, for who
/// loads meanwhile relies on it.
fn write_and_forget<B: Base>(core: &Core<B>, journal: &GroupCommit) -> Result<()> {
    let written = write_what_is_behind(core, journal, |through| journal.checkpoint(through).wait());
    // Also after a failure, which may have made the base useless until it is opened again.
    written.map(drop).and(core.renew())
}

fn kept<B: Base>(core: &Core<B>) -> Error {
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

fn write_what_is_behind<B: Base>(
    core: &Core<B>,
    journal: &GroupCommit,
    then: impl FnOnce(Sequence) -> Result<()>,
) -> Result<Sequence> {
    let started = Instant::now();
    // What others have committed is in the backlog then, what they have written to the base need not be.
    let caught_up = core.renew().and_then(|()| core.snapshot()).map(drop);
    core.backlog.prune(core.page.checkpoint());
    let mut work = core.backlog.take();
    let documents = work.keys.len();
    // What a panic kept from the base must not be forgotten either.
    let write = || write(core, journal, &work);
    let written = caught_up.and_then(|()| {
        catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| Err(Error::internal("writing files")))
    });
    let through = *written.as_ref().unwrap_or(&work.through);
    let result = written.and_then(|through| {
        work.clear();
        then(through).map(|()| through)
    });
    match &result {
        Ok(_) => core.backlog.succeeded(),
        Err(error) => core.backlog.failed(work, error.clone()),
    }
    if documents > 0 || result.is_err() {
        let (duration, failure) = (started.elapsed(), result.as_ref().err().cloned());
        core.watchers.tell(Checkpoint { documents, through, duration, failure, warn: false });
    }
    journal.wake();
    result
}

fn write<B: Base>(core: &Core<B>, journal: &GroupCommit, work: &Work) -> Result<Sequence> {
    core.check_place()?;
    if core.page.begin_checkpoint() {
        core.base.clear_unfinished()?;
    }
    let snapshot = core.snapshot()?;
    // The base must not run ahead of the journal, or a power cut could leave half of a batch.
    journal.sync_through(snapshot.sequence()).wait()?;
    let through = core.base.write(&snapshot, &work.keys, work.through)?;
    core.page.end_checkpoint();
    Ok(through)
}

/// Writes what is behind although there is no journal any more, which somebody has removed.
pub(super) fn rescue<B: Base>(core: &Core<B>) -> Result<()> {
    core.check_place()?;
    let work = core.backlog.take();
    core.base.write(&core.snapshot()?, &work.keys, work.through).map(drop)
}
