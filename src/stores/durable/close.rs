//! Closing a directory: the last one out leaves only the base.

use super::base::Base;
use super::checkpoint;
use super::core::Core;
use super::members::{Door, Member};
use crate::stores::journal::GroupCommit;
use crate::{Error, ErrorKind, Result};
use std::thread::JoinHandle;

/// What a close ends.
pub(super) struct Running {
    pub(super) checkpointer: JoinHandle<()>,
    pub(super) member: Member,
}

/// Ends all threads. When it succeeds all that we wrote is durable, and if no other process has the directory
/// open the journal is gone, and the base is all there is.
pub(super) fn close<B: Base>(core: &Core<B>, journal: &GroupCommit, running: Running) -> Result<()> {
    let Running { checkpointer, member } = running;
    // What was submitted before is still committed, and its checkpoints go on meanwhile.
    let flushed = journal.flush().wait();
    core.backlog.close();
    let ended = checkpointer.join().map_err(|_| Error::internal("the checkpointer"));
    if !member.is_current().unwrap_or(true) {
        return evicted(core, journal);
    }
    // Before anybody has to wait at the door.
    let written = flushed.and(ended).and_then(|()| write_if_alone(core, journal, &member));
    let closed = match (written, core.internal.door()) {
        (Ok(()), Ok(door)) => leave(core, journal, member, door),
        (written, door) => {
            // The journal has everything that was acknowledged. Its own failure would tell no more.
            let _ = journal.close().wait();
            written.and(door.map(drop))
        }
    };
    core.clear();
    closed
}

/// Somebody has removed our own directory. Unless others have made a new one since, the base is the only
/// place for what is not in them yet.
fn evicted<B: Base>(core: &Core<B>, journal: &GroupCommit) -> Result<()> {
    // It can't succeed, but it ends the thread.
    let _ = journal.close().wait();
    let rescued = match core.internal.is_there() {
        Ok(false) => checkpoint::rescue(core),
        other => other.map(drop),
    };
    core.clear();
    rescued?;
    let path = core.internal.path.display();
    Err(Error::new(ErrorKind::Storage, format!("{path} was removed while the datastore was open")))
}

fn write_if_alone<B: Base>(core: &Core<B>, journal: &GroupCommit, member: &Member) -> Result<()> {
    let alone = {
        let door = core.internal.door()?;
        member.is_alone(&door)?
    };
    if alone { checkpoint::run(core, journal) } else { Ok(()) }
}

fn leave<B: Base>(core: &Core<B>, journal: &GroupCommit, member: Member, door: Door) -> Result<()> {
    if !member.is_alone(&door)? {
        let closed = journal.close().wait();
        // Before the door: who goes next has to see whether it is alone.
        drop(member);
        return closed;
    }
    // Also what a process wrote that was killed before it could tell anyone.
    let flushed = journal.flush().wait();
    match flushed.and_then(|()| checkpoint::write_base(core, journal)) {
        Ok(through) => {
            // Who reads the journal has to know before it goes.
            core.page.retire();
            journal.close_and_remove(through).wait()?;
        }
        Err(error) => {
            let _ = journal.close().wait();
            return Err(error);
        }
    }
    // Whoever comes next finds it closed.
    core.clear();
    drop(member);
    door.clear()
}
