//! Turns: where one writer goes on after another, and what it repairs.

use super::{Sharing, Writer};
use crate::stores::journal::header::{FIRST_ID, file_name};
use crate::stores::journal::io_error;
use crate::stores::journal::page::{Left, Position};
use crate::stores::journal::recovery::{remove_unfinished, settle};
use crate::stores::journal::segment::Segment;
use crate::{Error, ErrorKind, Result};

impl Writer {
    /// Waits for our turn, goes on where the last writer stopped, and repairs what it may have left half-way.
    /// `Locked` if another process does not let us.
    pub fn enter(&mut self) -> Result<()> {
        self.check()?;
        let Sharing { page, lock, .. } = &self.sharing;
        if let Some(lock) = lock {
            lock.acquire(page)?;
        }
        self.begin()
    }

    /// Repairs what a killed process left half-way, so that what those do not find there who come now, nobody
    /// finds who comes later. Waits for nobody: whoever has the lock now repairs it before anything else.
    pub fn repair_if_left(&mut self) -> Result<()> {
        let Sharing { page, lock: Some(lock), .. } = &self.sharing else { return Ok(()) };
        if !page.is_being_written() || !lock.try_acquire()? {
            return Ok(());
        }
        self.begin()?;
        self.leave();
        Ok(())
    }

    /// Lets others go on from here.
    pub fn leave(&mut self) {
        if self.failure.is_none() {
            self.sharing.page.set_position(&self.position());
        }
        self.let_go();
    }

    /// What is written where others do not look would be lost.
    fn check_lock(&mut self) -> Result<()> {
        let Some(lock) = &mut self.sharing.lock else { return Ok(()) };
        if lock.is_current()? {
            return Ok(());
        }
        let directory = self.directory.display();
        let message = format!("{directory} was removed while the datastore in it was open");
        let error = Error::new(ErrorKind::Storage, message);
        self.poison(error.clone());
        Err(error)
    }

    /// Goes on where the last writer stopped, once nobody else can.
    fn begin(&mut self) -> Result<()> {
        self.left = self.sharing.page.begin_writing();
        let begun = self.check_lock().and_then(|()| self.resume());
        if begun.is_err() {
            self.let_go();
        }
        begun
    }

    fn resume(&mut self) -> Result<()> {
        let page = &self.sharing.page;
        let now = page.position();
        // Whoever wrote it was killed before it told anyone.
        if page.sequence() < now.last_sequence {
            page.publish(now.last_sequence);
        }
        if self.left == Left::HalfWay {
            self.active = None;
            self.at = now;
            self.repair(&now)?;
            // Before anything of it goes: whoever comes after us must not look for that.
            self.sharing.page.set_position(&self.position());
            self.left = Left::InOrder;
            return Ok(());
        }
        if now == self.position() {
            return Ok(());
        }
        self.at = now;
        match &mut self.active {
            Some(active) if active.is_at(&now) => active.move_to(&now),
            _ if now.active_id == 0 => self.active = None,
            _ => self.active = Some(Segment::open(&*self.fs, &self.directory, &now)?),
        }
        Ok(())
    }

    /// Cuts what lies behind the last commit and makes the journal durable. Goes on in a new segment.
    fn repair(&mut self, found: &Position) -> Result<()> {
        remove_unfinished(&*self.fs, &self.directory, found.next_id)?;
        if found.active_id != 0 {
            settle(&*self.fs, &self.directory, found)?;
        }
        self.fs.sync_directory(&self.directory).map_err(|error| io_error("flush", &self.directory, error))?;
        self.at.synced_sequence = self.at.last_sequence;
        // Removed by whoever was killed before it told anyone.
        while self.finished() > 0 && !self.exists(self.at.oldest_id)? {
            self.at.oldest_id += 1;
        }
        self.begin_anew();
        Ok(())
    }

    /// If nothing is left a new journal begins, whose first segment must not look like a later one.
    pub(super) fn begin_anew(&mut self) {
        if self.finished() == 0 && self.active.is_none() {
            (self.at.oldest_id, self.at.next_id, self.at.last_salt) = (FIRST_ID, FIRST_ID, 0);
        }
    }

    fn exists(&self, id: u64) -> Result<bool> {
        let path = self.directory.join(file_name(id));
        self.fs.exists(&path).map_err(|error| io_error("look at", &path, error))
    }

    fn let_go(&mut self) {
        let left = if self.failure.is_some() { Left::HalfWay } else { self.left };
        let Sharing { page, lock, .. } = &self.sharing;
        page.end_writing(left);
        if let Some(Err(error)) = lock.as_ref().map(|lock| lock.release(page)) {
            self.poison(error);
        }
    }
}
