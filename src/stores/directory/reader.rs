//! A directory that is only read: nothing is written, and other processes may write beside it.

use super::base::refuse_data_file;
use super::load::{compare, find_at_rest, find_live};
use crate::fs::FileSystem;
use crate::kv::{
    Answer, Batch, Capability, Changes, Committed, Durability, Entry, KeyRange, MAX_KEY_BYTES,
    MAX_VALUE_BYTES, Moment, Prepared, Read, Scan, Sequence, Space, Store,
};
use crate::stores::durable::{
    INTERNAL_DIRECTORY, Internal, LoadReport, Neighbours, OnDamage, OpenOptions, refuse_network,
};
use crate::stores::journal::{
    Followed, Follower, Form, History, JournalPage, MAX_BATCH_BYTES, decode_commit,
};
use crate::stores::memory::{Memory, Snapshot, State};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// The store over a directory that it does not change.
///
/// Its sequence numbers are its own: the processes that write may go and leave no journal, and those that
/// come then begin to count again.
pub struct ReadOnlyStore {
    fs: Arc<dyn FileSystem>,
    directory: PathBuf,
    internal: Internal,
    /// `None` once closed.
    view: RwLock<Option<View>>,
    report: LoadReport,
}

/// The documents, and how to see whether they are still all.
struct View {
    state: State,
    source: Source,
}

enum Source {
    /// Processes write: their page, where we are in their journal, and what their sequence numbers are less
    /// than ours.
    Live { page: JournalPage, follower: Follower, offset: u64 },
    /// Nobody writes, and killed processes have left their page: whoever comes retires it.
    Left(JournalPage),
    /// Nobody writes. Whoever comes changes our own directory, and the one around it.
    AtRest(Stamp),
}

/// When the directories were changed. Two changes within a tick of the clock look like one, so a stamp counts
/// only if it was already old when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    outer: Option<SystemTime>,
    inner: Option<SystemTime>,
    counts: bool,
}

/// Longer than a tick of any clock that file systems use.
const TICK: Duration = Duration::from_millis(100);

impl ReadOnlyStore {
    /// Loads `directory`, which must exist, and what a journal in it holds, and changes nothing. `Locked`
    /// while a process has it for itself, `Corrupt` when files are damaged.
    pub fn open(fs: &Arc<dyn FileSystem>, directory: &Path, options: &OpenOptions) -> Result<Self> {
        if options.damage == OnDamage::Quarantine {
            return Err(Error::assertion("Files can't be moved aside in a datastore that is readOnly"));
        }
        refuse_network(&**fs, directory, options.access)?;
        let internal = Internal {
            fs: Arc::clone(fs),
            path: directory.join(INTERNAL_DIRECTORY),
            timeout: options.lock_timeout,
        };
        refuse_data_file(&internal, directory)?;
        let mut view = View { state: State::default(), source: Source::AtRest(Stamp::take(&internal)?) };
        view.load(fs, directory, &internal)?;
        let documents = view.state.now().len(Space::DOCUMENTS) as u64;
        Ok(Self {
            fs: Arc::clone(fs),
            directory: directory.to_owned(),
            internal,
            view: RwLock::new(Some(view)),
            report: LoadReport { documents, quarantined: Vec::new() },
        })
    }

    /// What loading found.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// What the documents take of memory.
    pub fn memory(&self) -> Result<Memory> {
        self.read(|state| state.now().memory(Space::DOCUMENTS))
    }

    /// Reads the state; first what was committed since.
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T> {
        self.look(|view| read(&view.state))
    }

    /// Reads the view; first what was committed since.
    fn look<T>(&self, read: impl FnOnce(&View) -> T) -> Result<T> {
        {
            let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
            let view = view.as_ref().ok_or_else(Error::closed)?;
            if view.is_newest(&self.internal)? {
                return Ok(read(view));
            }
        }
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let view = view.as_mut().ok_or_else(Error::closed)?;
        if !view.is_newest(&self.internal)? {
            view.catch_up(&self.fs, &self.directory, &self.internal)?;
        }
        Ok(read(view))
    }
}

impl View {
    fn is_newest(&self, internal: &Internal) -> Result<bool> {
        match &self.source {
            Source::Live { page, offset, .. } => {
                Ok(page.sequence().wrapping_add(*offset) == self.state.sequence())
            }
            Source::Left(page) => Ok(!page.is_retired()),
            Source::AtRest(stamp) => Ok(stamp.counts && *stamp == Stamp::take(internal)?),
        }
    }

    fn catch_up(&mut self, fs: &Arc<dyn FileSystem>, directory: &Path, internal: &Internal) -> Result<()> {
        let Source::Live { page, follower, offset } = &mut self.source else {
            return self.load(fs, directory, internal);
        };
        let newest = page.sequence();
        if page.is_retired() {
            return self.load(fs, directory, internal);
        }
        let mut commits = Vec::new();
        let reached = follower.read_through(newest, |sequence, payload| {
            let sequence = sequence.wrapping_add(*offset);
            commits.push(Prepared {
                sequence,
                versions: Vec::new(),
                changes: decode_commit(sequence, payload)?,
            });
            Ok(())
        });
        for commit in commits {
            self.state.publish(commit);
        }
        match reached? {
            Followed::Through => Ok(()),
            Followed::Removed => self.load(fs, directory, internal),
        }
    }

    /// While nobody writes it is one that nobody will know again, of no segment.
    fn moment(&self) -> Moment {
        match &self.source {
            Source::Live { page, follower, .. } => History::moment(page, follower.place()),
            Source::Left(_) | Source::AtRest(_) => {
                Moment { history: [Moment::random_name(), 0], sequence: self.state.sequence() }
            }
        }
    }

    /// Reads everything. What differs from before counts as one commit.
    fn load(&mut self, fs: &Arc<dyn FileSystem>, directory: &Path, internal: &Internal) -> Result<()> {
        let sequence = self.state.sequence() + 1;
        let (entries, source) = internal.visit(|neighbours| match neighbours {
            Neighbours::Writers(page) => {
                page.form().check(Form::FILES, directory)?;
                let found = find_live(fs, directory, internal, &page);
                if page.is_retired() {
                    // They went meanwhile, and took the journal with them.
                    return Ok(None);
                }
                let (entries, place) = found?;
                let offset = sequence.wrapping_sub(place.sequence);
                let follower = Follower::new(Arc::clone(fs), &internal.path, place);
                Ok(Some((entries, Source::Live { page, follower, offset })))
            }
            Neighbours::Nobody(page) => {
                // Taken before anything is read.
                let source = match page {
                    Some(page) => Source::Left(page),
                    None => Source::AtRest(Stamp::take(internal)?),
                };
                Ok(Some((find_at_rest(fs, directory, internal)?, source)))
            }
        })?;
        let changes = compare(&self.state.snapshot(), entries, sequence);
        self.state.publish(Prepared { sequence, versions: Vec::new(), changes });
        self.source = source;
        Ok(())
    }
}

impl Stamp {
    fn take(internal: &Internal) -> Result<Self> {
        let now = SystemTime::now();
        let (outer, inner) = internal.modified()?;
        let is_old = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > TICK);
        let counts = outer.is_none_or(is_old) && inner.is_none_or(is_old);
        Ok(Self { outer, inner, counts })
    }
}

impl Read for ReadOnlyStore {
    fn sequence(&self) -> Sequence {
        self.read(State::sequence).unwrap_or_default()
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.read(|state| state.get(space, key).cloned()).into()
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.read(|state| state.range(space, scan)).into()
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.read(|state| state.count(space, range)).into()
    }
}

impl Store for ReadOnlyStore {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        let snapshot: Result<Snapshot> = self.read(State::snapshot);
        snapshot.map(|snapshot| Arc::new(snapshot) as Arc<dyn Read>).into()
    }

    fn commit(&self, _batch: Batch) -> Answer<Committed> {
        Err(Error::assertion("Nothing can be written, since the datastore was opened readOnly")).into()
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
        self.read(|state| state.changes(space, since)).into()
    }

    fn moment(&self) -> Answer<(Arc<dyn Read>, Moment)> {
        self.look(|view| (Arc::new(view.state.snapshot()) as Arc<dyn Read>, view.moment())).into()
    }

    /// Asks the journal only, whose numbers are those of the moments.
    fn changes_between(&self, space: Space, from: Moment, to: Moment) -> Answer<Changes> {
        let (fs, path) = (Arc::clone(&self.fs), self.internal.path.clone());
        Answer::blocking(move || History::changes(&fs, &path, space, from, to))
    }

    fn capability(&self) -> Capability {
        Capability {
            resident: true,
            durability: Durability::Sync,
            max_key_bytes: MAX_KEY_BYTES,
            max_value_bytes: MAX_VALUE_BYTES,
            max_batch_bytes: MAX_BATCH_BYTES,
        }
    }

    fn flush(&self) -> Answer<()> {
        self.read(|_| ()).into()
    }

    fn close(&self) -> Answer<()> {
        let view = self.view.write().unwrap_or_else(PoisonError::into_inner).take();
        view.map(drop).ok_or_else(Error::closed).into()
    }
}
