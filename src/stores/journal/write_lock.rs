//! The write lock: between processes, whoever holds it may append.

use super::page::JournalPage;
use crate::fs::{FileSystem, LockFile, LockKind};
use crate::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const WRITER_FILE: &str = "writer";
const LINE_FILE: &str = "line";

/// Nobody is woken by a process that was killed, so those who wait look again by themselves.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often to look whether the lock is still the one that others take: it costs as much as taking it.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The files of the lock, for whoever removes them.
pub const LOCK_FILES: [&str; 2] = [WRITER_FILE, LINE_FILE];

/// Two locks. Whoever wants to write takes the *line* first, keeps it while waiting for the writer's, and
/// then lets it go. So one that has just written can't write again before the one that waits.
pub struct WriteLock {
    line: Box<dyn LockFile>,
    writer: Box<dyn LockFile>,
    directory: PathBuf,
    timeout: Duration,
    /// When we looked whether others take the same lock.
    checked: Option<Instant>,
}

impl WriteLock {
    /// Opens the lock in `directory` without taking it. Whoever wants it waits for `timeout` at most.
    pub fn open(fs: &dyn FileSystem, directory: &Path, timeout: Duration) -> Result<Self> {
        let open = |name| {
            let path = directory.join(name);
            fs.open_lock(&path).map_err(|error| Error::io("open", &path, error))
        };
        let (line, writer) = (open(LINE_FILE)?, open(WRITER_FILE)?);
        Ok(Self { line, writer, directory: directory.to_owned(), timeout, checked: None })
    }

    /// Waits for the lock; `Locked` names the process that kept it too long.
    pub(super) fn acquire(&self, page: &JournalPage) -> Result<()> {
        let deadline = Instant::now() + self.timeout;
        if !page.is_shared() {
            return self.wait_for(&*self.writer, page, deadline);
        }
        self.wait_for(&*self.line, page, deadline)?;
        page.stand_first();
        let acquired = self.wait_for(&*self.writer, page, deadline);
        page.clear_line();
        let left = self.let_go(&*self.line, page);
        acquired.and(left)
    }

    /// Takes the lock if it is free, out of turn.
    pub(super) fn try_acquire(&self) -> Result<bool> {
        self.writer.try_lock(LockKind::Exclusive).map_err(|error| self.failed(error))
    }

    /// Whether this is still the lock that others take: it is not if our directory was removed underneath.
    /// Looks every now and then.
    pub(super) fn is_current(&mut self) -> Result<bool> {
        let now = Instant::now();
        if self.checked.is_some_and(|checked| now < checked + CHECK_INTERVAL) {
            return Ok(true);
        }
        self.checked = Some(now);
        self.writer.is_current().map_err(|error| self.failed(error))
    }

    pub(super) fn release(&self, page: &JournalPage) -> Result<()> {
        self.let_go(&*self.writer, page)
    }

    fn wait_for(&self, lock: &dyn LockFile, page: &JournalPage, deadline: Instant) -> Result<()> {
        loop {
            let turn = page.turn();
            if lock.try_lock(LockKind::Exclusive).map_err(|error| self.failed(error))? {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.timed_out(page));
            }
            page.wait_for_turn(turn, left.min(LOOK_AGAIN));
        }
    }

    fn let_go(&self, lock: &dyn LockFile, page: &JournalPage) -> Result<()> {
        lock.unlock().map_err(|error| self.failed(error))?;
        page.next_turn();
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io("lock", &self.directory, error)
    }

    fn timed_out(&self, page: &JournalPage) -> Error {
        let holder = match page.writer() {
            Some(id) => format!("the process with id {id}"),
            None => "another process".to_owned(),
        };
        let message = format!(
            "Could not write to {} within {} ms, since {holder} is writing to it and does not go on",
            self.directory.display(),
            self.timeout.as_millis()
        );
        Error::new(ErrorKind::Locked, message).with_expected("a turn to write before lockTimeout")
    }
}
