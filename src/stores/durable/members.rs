//! The processes that share a directory: who is in, who comes and goes.

use crate::fs::{FileSystem, LockFile, LockKind, PageAccess};
use crate::stores::journal::{Form, JournalPage, LOCK_FILES, form_of};
use crate::{Error, ErrorKind, Result};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const DOOR_FILE: &str = "lock";
const MEMBERS_FILE: &str = "members";
const LOADERS_FILE: &str = "loaders";
const CHECKPOINT_FILE: &str = "checkpoint";
const PAGE_FILE: &str = "page";

/// How often to look whether a lock is free.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How a process wants to have a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Together with other processes.
    Shared,
    /// Alone.
    Exclusive,
}

/// Our own directory within the directory of a datastore.
#[derive(Clone)]
pub struct Internal {
    pub(in crate::stores) fs: Arc<dyn FileSystem>,
    pub(in crate::stores) path: PathBuf,
    /// How long to wait for other processes.
    pub(in crate::stores) timeout: Duration,
}

/// A lock that is held until it is dropped.
pub(in crate::stores) struct Held(#[expect(dead_code, reason = "held, not used")] Box<dyn LockFile>);

/// Held while a process comes or goes: one at a time.
pub(in crate::stores) struct Door {
    internal: Internal,
    lock: Box<dyn LockFile>,
}

/// Our place among the processes that have the directory open.
pub(in crate::stores) struct Member {
    pub(in crate::stores) page: JournalPage,
    members: Box<dyn LockFile>,
    place: Option<usize>,
    access: Access,
}

/// What a process finds that comes in.
pub(in crate::stores) enum Found {
    /// Nobody else.
    Nobody(Box<dyn LockFile>),
    /// Others, and their page.
    Others(Box<dyn LockFile>, JournalPage),
}

/// What a process finds that only looks.
pub(in crate::stores) enum Neighbours {
    /// Processes that may write, and their page.
    Writers(JournalPage),
    /// None; the page that killed ones left, if there is one.
    Nobody(Option<JournalPage>),
}

impl Internal {
    /// Lets a reader look around, again and again until it has an answer, without changing anything.
    /// Meanwhile segments stay, and while there is nobody, nobody comes.
    pub(in crate::stores) fn visit<T>(
        &self,
        mut look: impl FnMut(Neighbours) -> Result<Option<T>>,
    ) -> Result<T> {
        let changing = || "a process that comes or goes".to_owned();
        self.wait(|| {
            let Some(door) = self.find(DOOR_FILE)? else {
                // Without a door we can't keep it closed: see whether somebody has made one.
                let seen = look(Neighbours::Nobody(self.left_page()))?;
                return Ok(seen.filter(|_| matches!(self.find(DOOR_FILE), Ok(None))).ok_or_else(changing));
            };
            let free = self.try_lock(&*door, LockKind::Shared)?;
            if !free || !door.is_current().map_err(|error| Error::io("look at", &self.path, error))? {
                return Ok(Err(holder(&door.read_note())));
            }
            let Some(members) = self.find(MEMBERS_FILE)? else {
                return Ok(look(Neighbours::Nobody(self.left_page()))?.ok_or_else(changing));
            };
            if self.try_lock(&*members, LockKind::Exclusive)? {
                drop(members);
                return Ok(look(Neighbours::Nobody(self.left_page()))?.ok_or_else(changing));
            }
            let Some(page) = self.left_page() else { return Ok(Err(holder(&members.read_note()))) };
            let Some(segments) = self.find(LOADERS_FILE)? else { return Ok(Err(changing())) };
            if !self.try_lock(&*segments, LockKind::Shared)? {
                return Ok(Err(changing()));
            }
            drop((door, members));
            Ok(look(Neighbours::Writers(page))?.ok_or_else(changing))
        })
    }

    /// When the directory around ours was changed, and ours.
    pub(in crate::stores) fn modified(&self) -> Result<(Option<SystemTime>, Option<SystemTime>)> {
        let modified =
            |path: &Path| self.fs.modified(path).map_err(|error| Error::io("look at", path, error));
        Ok((modified(self.path.parent().unwrap_or(&self.path))?, modified(&self.path)?))
    }

    /// The form of the store of those who are in, or of what killed processes left.
    pub(in crate::stores) fn form(&self) -> Result<Form> {
        let form = form_of(&*self.fs, &self.path)?;
        if form != Form::UNKNOWN {
            return Ok(form);
        }
        // Nothing hangs on a page of files without segments once those are gone who made it.
        let counts =
            |page: &JournalPage| page.form().needs_data_file() || !living(&*self.fs, page).is_empty();
        Ok(self.left_page().filter(counts).map_or(Form::UNKNOWN, |page| page.form()))
    }

    /// The page, to be read only.
    pub(in crate::stores) fn left_page(&self) -> Option<JournalPage> {
        let page = self.fs.open_page(&self.path.join(PAGE_FILE), PageAccess::Read).ok()?;
        JournalPage::attach(page).ok().filter(|page| !page.is_retired())
    }

    /// A lock, unless there is none.
    fn find(&self, name: &str) -> Result<Option<Box<dyn LockFile>>> {
        let path = self.path.join(name);
        self.fs.find_lock(&path).map_err(|error| Error::io("open", &path, error))
    }

    /// Waits until no other process comes or goes.
    pub(in crate::stores) fn door(&self) -> Result<Door> {
        let path = self.path.join(DOOR_FILE);
        self.wait(|| {
            let Some(lock) = self.open_door(&path)? else { return Ok(Err("another process".to_owned())) };
            let free = lock.try_lock(LockKind::Exclusive).and_then(|free| Ok(free && lock.is_current()?));
            if !free.map_err(|error| Error::io("lock", &path, error))? {
                return Ok(Err(holder(&lock.read_note())));
            }
            write_note(&*lock, &path)?;
            Ok(Ok(Door { internal: self.clone(), lock }))
        })
    }

    /// Waits until we may come in; nobody else comes or goes until the door is dropped.
    pub(in crate::stores) fn enter(&self, access: Access) -> Result<(Door, Found)> {
        self.wait(|| {
            let door = self.door()?;
            Ok(door.look(access)?.map(|found| (door, found)))
        })
    }

    /// Waits until nobody removes segments; nobody does until the answer is dropped.
    pub(in crate::stores) fn keep_segments(&self) -> Result<Held> {
        let lock = self.open(LOADERS_FILE)?;
        self.wait(|| {
            let free = self.try_lock(&*lock, LockKind::Shared)?;
            Ok(if free { Ok(()) } else { Err("a process that removes old segments".to_owned()) })
        })?;
        Ok(Held(lock))
    }

    /// The lock of those who write files.
    pub(in crate::stores) fn checkpoint_lock(&self) -> Result<Box<dyn LockFile>> {
        self.open(CHECKPOINT_FILE)
    }

    /// The lock of those who load.
    pub(in crate::stores) fn loaders(&self) -> Result<Box<dyn LockFile>> {
        self.open(LOADERS_FILE)
    }

    pub(in crate::stores) fn try_lock(&self, lock: &dyn LockFile, kind: LockKind) -> Result<bool> {
        lock.try_lock(kind).map_err(|error| Error::io("lock", &self.path, error))
    }

    /// Looks again and again until there is an answer; `Locked` names who is in the way when time is up.
    fn wait<T>(&self, mut look: impl FnMut() -> Result<Result<T, String>>) -> Result<T> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match look()? {
                Ok(answer) => return Ok(answer),
                Err(holder) if Instant::now() >= deadline => return Err(self.locked(&holder)),
                Err(_) => thread::sleep(LOOK_AGAIN),
            }
        }
    }

    fn open(&self, name: &str) -> Result<Box<dyn LockFile>> {
        let path = self.path.join(name);
        self.fs.open_lock(&path).map_err(|error| Error::io("open", &path, error))
    }

    /// None if the last process went just now and took our directory with it.
    fn open_door(&self, path: &Path) -> Result<Option<Box<dyn LockFile>>> {
        match self.fs.create_directory(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !self.exists(&self.path)? => {
                return Ok(None);
            }
            result => result.map_err(|error| Error::io("create the directory", &self.path, error))?,
        }
        match self.fs.open_lock(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => result.map(Some).map_err(|error| Error::io("open", path, error)),
        }
    }

    /// Whether our own directory is there.
    pub(in crate::stores) fn is_there(&self) -> Result<bool> {
        self.exists(&self.path)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.fs.exists(path).map_err(|error| Error::io("look at", path, error))
    }

    fn locked(&self, holder: &str) -> Error {
        let directory = self.path.parent().unwrap_or(&self.path).display();
        let time = self.timeout.as_millis();
        let message =
            format!("{directory} could not be opened within {time} ms, since {holder} is in the way");
        Error::new(ErrorKind::Locked, message).with_expected("a directory that other processes let us open")
    }
}

impl Door {
    /// Who is in; or, if they want to be alone or we do, who is in the way.
    fn look(&self, access: Access) -> Result<Result<Found, String>> {
        let internal = &self.internal;
        let lock = internal.open(MEMBERS_FILE)?;
        if internal.try_lock(&*lock, LockKind::Exclusive)? {
            return Ok(Ok(Found::Nobody(lock)));
        }
        if !internal.try_lock(&*lock, LockKind::Shared)? {
            return Ok(Err(holder(&lock.read_note())));
        }
        let path = internal.path.join(PAGE_FILE);
        let page = internal.fs.open_page(&path, PageAccess::Write);
        let page = JournalPage::attach(page.map_err(|error| Error::io("open", &path, error))?)?;
        match access {
            Access::Shared => Ok(Ok(Found::Others(lock, page))),
            Access::Exclusive => {
                let ids: Vec<String> = living(&*internal.fs, &page).iter().map(u32::to_string).collect();
                Ok(Err(holder(&ids.join(", "))))
            }
        }
    }

    /// Removes the page that is there. Who still looks at it is told.
    pub(in crate::stores) fn remove_page(&self) {
        let Internal { fs, path, .. } = &self.internal;
        let path = path.join(PAGE_FILE);
        if let Some(Ok(old)) = fs.open_page(&path, PageAccess::Write).ok().map(JournalPage::attach) {
            old.retire();
        }
        let _ = fs.remove_file(&path);
    }

    /// Makes a new page.
    pub(in crate::stores) fn new_page(&self) -> Result<Arc<dyn crate::fs::Page>> {
        self.remove_page();
        let internal = &self.internal;
        let path = internal.path.join(PAGE_FILE);
        internal.fs.create_page(&path).map_err(|error| Error::io("create", &path, error))
    }

    /// Removes our own directory, but not what else lies in it. Nobody may be in.
    pub(in crate::stores) fn clear(self) -> Result<()> {
        self.remove_page();
        let Internal { fs, path, .. } = &self.internal;
        // The door goes last, while we hold it: whoever waits for it then makes a new one.
        let names = [PAGE_FILE, MEMBERS_FILE, LOADERS_FILE, CHECKPOINT_FILE].into_iter();
        for name in names.chain(LOCK_FILES).chain([DOOR_FILE]) {
            let path = path.join(name);
            match fs.remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path, error));
                }
                _ => {}
            }
        }
        // It goes only if it is empty, so not under somebody's new door.
        let _ = fs.remove_directory(path);
        drop(self.lock);
        Ok(())
    }
}

impl Member {
    /// Takes a place. `members` is the lock that the door's look gave.
    pub(in crate::stores) fn join(
        internal: &Internal,
        members: Box<dyn LockFile>,
        page: JournalPage,
        access: Access,
    ) -> Result<Self> {
        match access {
            Access::Exclusive => write_note(&*members, &internal.path)?,
            Access::Shared => {
                if !internal.try_lock(&*members, LockKind::Shared)? {
                    return Err(Error::internal("the lock of the members"));
                }
            }
        }
        Ok(Self { place: page.join(), page, members, access })
    }

    /// Whether others who come find us. They do not if our own directory was removed.
    pub(in crate::stores) fn is_current(&self) -> Result<bool> {
        self.members.is_current().map_err(not_locked)
    }

    /// Whether nobody else is in; while the door is held, that stays so.
    pub(in crate::stores) fn is_alone(&self, _door: &Door) -> Result<bool> {
        if self.access == Access::Exclusive {
            return Ok(true);
        }
        let alone = self.members.try_lock(LockKind::Exclusive);
        // Where that failed we hold nothing any more, but nobody comes or goes meanwhile.
        let again = self.members.try_lock(LockKind::Shared);
        again.map_err(not_locked)?;
        alone.map_err(not_locked)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.page.leave(self.place);
    }
}

fn not_locked(error: io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("Could not lock the members: {error}")).with_source(error)
}

/// The members that still live.
pub(in crate::stores) fn living(fs: &dyn FileSystem, page: &JournalPage) -> Vec<u32> {
    page.members().into_iter().filter(|id| fs.process_exists(*id)).collect()
}

/// Says who we are to those who wait.
fn write_note(lock: &dyn LockFile, path: &Path) -> Result<()> {
    let note = std::process::id().to_string();
    lock.write_note(&note).map_err(|error| Error::io("write to", path, error))
}

fn holder(note: &str) -> String {
    if note.is_empty() { "another process".to_owned() } else { format!("the process with id {note}") }
}
