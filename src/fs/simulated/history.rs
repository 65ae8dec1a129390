//! The recorded operations of a disk, and the crash images after each of them.

use super::SimulatedDisk;
use super::choices::Choices;
use super::outcome::{after_crash, after_flush};
use super::state::{Change, Event, State};

/// Goes through the operations of a disk, from before the first one on.
pub struct History {
    state: State,
    events: Vec<Event>,
    done: usize,
}

impl History {
    pub(super) fn new(state: State, events: Vec<Event>) -> Self {
        Self { state, events, done: 0 }
    }

    /// How many operations are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many operations there are.
    pub fn total(&self) -> usize {
        self.events.len()
    }

    /// Does the next operation; false if there is none.
    pub fn advance(&mut self) -> bool {
        let Some(event) = self.events.get(self.done) else { return false };
        self.state.apply(event);
        self.done += 1;
        true
    }

    /// Does operations until `done` are, or all.
    pub fn advance_to(&mut self, done: usize) {
        while self.done < done && self.advance() {}
    }

    /// A disk as a crash may leave it now.
    pub fn crash(&self, choices: &mut dyn Choices) -> SimulatedDisk {
        SimulatedDisk::with_state(after_crash(&self.state, choices))
    }

    /// A disk as it is left when only the process dies: what was not flushed may still be lost.
    pub fn kill(&self) -> SimulatedDisk {
        SimulatedDisk::with_state(self.state.clone())
    }

    /// A disk as it is left when everything was flushed.
    pub fn settle(&self) -> SimulatedDisk {
        SimulatedDisk::with_state(after_flush(&self.state))
    }

    /// The last `count` operations that are done, for messages. Files and directories go by their numbers.
    pub fn describe(&self, count: usize) -> Vec<String> {
        self.events[self.done.saturating_sub(count)..self.done].iter().map(describe).collect()
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::Create { directory, name, .. } => format!("create {} in {directory}", name.display()),
        Event::Change { file, change: Change::Write { offset, bytes } } => {
            format!("write {} bytes at {offset} of {file}", bytes.len())
        }
        Event::Change { file, change: Change::SetLength(length) } => {
            format!("set the length of {file} to {length}")
        }
        Event::SyncFile(file) => format!("flush {file}"),
        Event::LoseFlush { file, .. } => format!("fail to flush {file}"),
        Event::Unlink { directory, name } => format!("remove {} from {directory}", name.display()),
        Event::Rename { from, to } => {
            format!("rename {} in {} to {} in {}", from.1.display(), from.0, to.1.display(), to.0)
        }
        Event::SyncDirectory(directory) => format!("flush directory {directory}"),
    }
}
