//! Calls that fail.

use std::io::{self, ErrorKind};

/// What kind of call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Making or opening a file.
    Open,
    /// Writing to a file.
    Write,
    /// Cutting or extending a file.
    SetLength,
    /// Flushing a file. What was not durable is then in the cache only, and no later flush writes it.
    SyncFile,
    /// Flushing a directory.
    SyncDirectory,
    /// Renaming.
    Rename,
    /// Removing a file.
    Remove,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device is broken (EIO).
    Io,
    /// The device is full (ENOSPC).
    Full,
}

/// Calls that fail from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of call.
    pub call: Call,
    /// How many of them pass before.
    pub after: usize,
    /// How many of them fail.
    pub times: usize,
    /// How.
    pub failure: Failure,
    /// How many bytes of a write that fails arrive.
    pub arriving: usize,
}

impl Fault {
    /// Whether this call fails; counts it.
    pub(super) fn strike(&mut self, call: Call) -> Option<io::Error> {
        if call != self.call || self.times == 0 {
            return None;
        }
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times -= 1;
        Some(match self.failure {
            Failure::Io => io::Error::other("simulated input/output error"),
            Failure::Full => ErrorKind::StorageFull.into(),
        })
    }
}
