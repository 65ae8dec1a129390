//! A segment behind the seam.

use crate::bugs::Bug;
use crate::seam::Seam;
use kixx_datastore::fs::File;
use std::io;
use std::sync::{Mutex, MutexGuard};

/// How a file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Created,
    /// By a recovery.
    Found,
}

pub(crate) struct SeamFile {
    seam: Seam,
    file: Box<dyn File>,
    origin: Origin,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// With [`Bug::FlushBeforeWrite`].
    delayed: Vec<(u64, Vec<u8>)>,
    /// The length that a cut claims to have made.
    claimed: Option<u64>,
    flushes: usize,
    was_cut: bool,
}

impl SeamFile {
    pub(crate) fn new(seam: Seam, file: Box<dyn File>, origin: Origin) -> Self {
        Self { seam, file, origin, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    fn write_delayed(&self) -> io::Result<()> {
        let delayed = std::mem::take(&mut self.memory().delayed);
        delayed.into_iter().try_for_each(|(offset, bytes)| self.file.write_at(offset, &bytes))
    }

    /// Whether a cut is only claimed.
    fn ignores_cuts(&self) -> bool {
        match self.origin {
            Origin::Found => self.seam.has(Bug::KeepTornTail),
            Origin::Created => self.seam.has(Bug::ForgetToTakeBack),
        }
    }

    /// Whether this flush does nothing.
    fn skips_flush(&self) -> bool {
        let mut memory = self.memory();
        memory.flushes += 1;
        self.seam.has(Bug::AcknowledgeBeforeFlush)
            || (self.seam.has(Bug::SegmentNotFlushed)
                && self.origin == Origin::Created
                && memory.flushes == 1)
            || (self.seam.has(Bug::CutNotFlushed) && memory.was_cut)
    }
}

impl File for SeamFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seam.gate.pass();
        if self.seam.has(Bug::FlushBeforeWrite) && self.origin == Origin::Created {
            self.memory().delayed.push((offset, bytes.to_vec()));
            return Ok(());
        }
        if self.seam.has(Bug::TrustTheCache) && self.origin == Origin::Found {
            return Ok(());
        }
        self.memory().claimed = None;
        match self.file.write_at(offset, bytes) {
            Err(_) if self.seam.has(Bug::IgnoreWriteError) => Ok(()),
            result => result,
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.write_delayed()?;
        self.file.read_at(offset, buffer)
    }

    fn length(&self) -> io::Result<u64> {
        let claimed = self.memory().claimed;
        claimed.map_or_else(|| self.file.length(), Ok)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.write_delayed()?;
        self.memory().was_cut = true;
        if self.ignores_cuts() {
            self.memory().claimed = Some(length);
            return Ok(());
        }
        self.file.set_length(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.skips_flush() {
            return Ok(());
        }
        match self.file.sync_data() {
            Err(_) if self.seam.has(Bug::IgnoreFlushError) => {}
            Err(_) if self.seam.has(Bug::RetryFlush) => self.file.sync_data()?,
            result => result?,
        }
        self.write_delayed()?;
        self.seam.catch_up()
    }
}

impl Drop for SeamFile {
    fn drop(&mut self) {
        let _ = self.write_delayed();
    }
}

/// A file whose flushes do nothing.
pub(crate) struct Unflushed(pub(crate) Box<dyn File>);

impl File for Unflushed {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_length(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}
