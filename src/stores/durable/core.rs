//! What the store, the journal thread and the checkpointer share: the published state, kept up with what
//! other processes commit.

use super::backlog::Backlog;
use super::base::{Base, Due, Loaded, News, Published, Renewal, Snapshot};
use super::members::Internal;
use super::watch::Watchers;
use crate::fs::{FileSystem, LockFile};
use crate::kv::{Change, Entry, Moment, Prepared, Sequence, Space};
use crate::stores::journal::{Followed, Follower, History, JournalPage, Place, decode_commit};
use crate::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Commits that become visible under one lock. Readers wait no longer than that takes.
const COMMITS_PER_LOCK: usize = 32;

pub(super) struct Core<B: Base> {
    pub(super) base: B,
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) directory: PathBuf,
    /// What the directory is, whatever its name.
    identity: Option<u128>,
    pub(super) internal: Internal,
    pub(super) page: JournalPage,
    pub(super) backlog: Backlog,
    pub(super) watchers: Arc<Watchers>,
    /// Held while files are written, by whoever does that in this process.
    pub(super) checkpointing: Mutex<Box<dyn LockFile>>,
    /// `None` once closed.
    state: RwLock<Option<B::State>>,
    /// Whoever publishes holds it, so that commits come in order.
    follower: Mutex<Follower>,
}

type Notes<B> = <<B as Base>::State as Published>::Notes;

/// What a core is made of besides what was loaded.
pub(super) struct Parts<B> {
    pub(super) base: B,
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) directory: PathBuf,
    pub(super) identity: Option<u128>,
    pub(super) internal: Internal,
    pub(super) page: JournalPage,
    pub(super) checkpointing: Box<dyn LockFile>,
}

impl<B: Base> Core<B> {
    pub(super) fn new(parts: Parts<B>, loaded: Loaded<B::State>) -> Self {
        let Parts { base, fs, directory, identity, internal, page, checkpointing } = parts;
        let follower = Follower::new(Arc::clone(&fs), &internal.path, loaded.place);
        let core = Self {
            base,
            fs,
            directory,
            identity,
            internal,
            page,
            backlog: Backlog::new(B::MAX_BACKLOG_BYTES),
            watchers: Arc::default(),
            checkpointing: Mutex::new(checkpointing),
            state: RwLock::new(Some(loaded.state)),
            follower: Mutex::new(follower),
        };
        // Also without keys: a checkpoint may cover a journal that is still there.
        if loaded.place.sequence > 0 {
            core.backlog.add(loaded.place.sequence, loaded.recovered, 0);
        }
        core
    }

    /// Reads the published state; first what other processes have published since.
    pub(super) fn read<T>(&self, read: impl FnOnce(&B::State) -> Result<T>) -> Result<T> {
        let newest = self.page.sequence();
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match state.as_ref() {
            None => Err(Error::closed()),
            Some(state) if state.sequence() >= newest => read(state),
            Some(_) if self.page.is_retired() => Err(Error::closed()),
            Some(_) => {
                drop(state);
                self.catch_up(newest)?;
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                read(state.as_ref().ok_or_else(Error::closed)?)
            }
        }
    }

    /// The entry as far as we have caught up: for those who write, and so have.
    pub(super) fn current(&self, space: Space, key: &[u8]) -> Result<Option<Entry>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().ok_or_else(Error::closed)?.get(space, key)
    }

    /// What publishing `commit` will have to know.
    pub(super) fn prepare(&self, commit: &Prepared, notes: &mut Notes<B>) -> Result<()> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().ok_or_else(Error::closed)?.prepare(commit, notes)
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot<B>> {
        self.read(|state| Ok(state.snapshot()))
    }

    /// What was caught up with so far: that needs no reading.
    fn shown(&self) -> Result<Snapshot<B>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().map(Published::snapshot).ok_or_else(Error::closed)
    }

    /// The published state, and the moment that it shows.
    pub(super) fn moment(&self) -> Result<(Snapshot<B>, Moment)> {
        self.read(|_| Ok(()))?;
        // Whoever holds it, nothing is published.
        let follower = lock(&self.follower);
        Ok((self.shown()?, History::moment(&self.page, follower.place())))
    }

    /// Makes our own commits visible, in order, each as a whole, here and to other processes. The journal
    /// ends at `end` now.
    pub(super) fn publish(&self, commits: Vec<Prepared>, notes: &Notes<B>, end: Place) {
        let mut follower = lock(&self.follower);
        self.apply(commits, notes, |sequence| self.page.publish(sequence));
        follower.skip_to(end);
    }

    /// Makes the commits up to `through` visible here, which were published by other processes.
    pub(super) fn catch_up(&self, through: Sequence) -> Result<()> {
        let mut follower = lock(&self.follower);
        let (mut commits, mut notes) = (Vec::new(), Notes::<B>::default());
        let reached = follower.read_through(through, |sequence, payload| {
            let changes = decode_commit(sequence, payload)?;
            let commit = Prepared { sequence, versions: Vec::new(), changes };
            self.prepare(&commit, &mut notes)?;
            commits.push(commit);
            Ok(())
        });
        // What could be read counts, whatever came then: the follower is behind it.
        self.apply(commits, &notes, |_| {});
        match reached? {
            Followed::Through => Ok(()),
            Followed::Removed => self.reload(&mut follower),
        }
    }

    /// Reads everything again: the journal does not reach back to where we are.
    fn reload(&self, follower: &mut Follower) -> Result<()> {
        let before = self.shown()?;
        let segments = self.internal.keep_segments()?;
        let reloaded = self.base.reload(&self.internal, &self.page, &before)?;
        drop(segments);
        self.backlog.prune(self.page.checkpoint());
        let sequence = reloaded.place.sequence;
        // First, so that nobody notes a checkpoint for commits of which only the journal knows.
        self.backlog.add(sequence, reloaded.recovered, 0);
        match reloaded.news {
            News::Changes(changes) => {
                let commit = Prepared { sequence, versions: Vec::new(), changes };
                self.apply(vec![commit], &Notes::<B>::default(), |_| {});
            }
            News::Everything(new) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                if let Some(state) = state.as_mut() {
                    *state = new;
                }
            }
        }
        *follower = Follower::new(Arc::clone(&self.fs), &self.internal.path, reloaded.place);
        Ok(())
    }

    /// Lets the state stand on the newest base, so that it holds no more than it has to, and can be read
    /// after a failure.
    pub(super) fn renew(&self) -> Result<()> {
        loop {
            match self.base.renew(&self.shown()?)? {
                Renewal::Current => return Ok(()),
                Renewal::Ahead(sequence) => self.catch_up(sequence)?,
                Renewal::Anew => self.reload(&mut lock(&self.follower))?,
                Renewal::Ground(ground) => {
                    // Not between commits that were prepared together.
                    let _nobody_publishes = lock(&self.follower);
                    let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                    return state
                        .as_mut()
                        .map_or_else(|| Err(Error::closed()), |state| state.stand_on(ground));
                }
            }
        }
    }

    /// Publishes commits, tells `published` how far under the same lock, and notes what files have to follow.
    fn apply(&self, commits: Vec<Prepared>, notes: &Notes<B>, published: impl Fn(Sequence)) {
        let Some(last) = commits.last().map(|commit| commit.sequence) else { return };
        self.base.note(&commits);
        let (mut keys, mut bytes): (Vec<Due>, usize) = (Vec::with_capacity(commits.len()), 0);
        for Prepared { sequence, changes, .. } in &commits {
            for Change { space, key, entry } in changes {
                bytes += key.len() + entry.as_ref().map_or(0, |entry| entry.value().len());
                keys.push(((*space, Arc::clone(key)), *sequence));
            }
        }
        let mut commits = commits.into_iter().peekable();
        while commits.peek().is_some() {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let Some(state) = state.as_mut() else { return };
            for commit in commits.by_ref().take(COMMITS_PER_LOCK) {
                state.publish(commit, notes);
            }
            published(state.sequence());
        }
        self.backlog.add(last, keys, bytes);
    }

    /// Fails if the path of the directory does not lead to it any more: files must not be written elsewhere.
    pub(super) fn check_place(&self) -> Result<()> {
        let now = self.fs.identity(&self.directory);
        if now.map_err(|error| Error::io("look at", &self.directory, error))? == self.identity {
            return Ok(());
        }
        let directory = self.directory.display();
        let message = format!("{directory} was moved or removed while the datastore in it was open");
        Err(Error::new(ErrorKind::Storage, message))
    }

    /// Lets go of everything; every later read answers `Closed`.
    pub(super) fn clear(&self) {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(state);
        self.base.close();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
