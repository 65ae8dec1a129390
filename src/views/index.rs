//! A view and its way to freshness.

use super::batch::{BatchLimit, MapBatch, Ticket};
use super::emission::Emission;
use super::mapped::MappedDocument;
use super::query::{ViewPage, ViewQuery, page};
use super::record::{Record, ViewName};
use super::replace::{Replacement, Target};
use super::shown::{Building, Complete, Rows, Shown};
use super::work::{Indexed, Work};
use crate::kv::{Batch, Entry, Read, Sequence, Space, Store};
use crate::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rows of one map function over the documents of a store.
///
/// Somebody who can call the map function drives it: [`View::next_batch`], map, [`View::apply`], until there
/// is no next batch. Several may drive at once, from any thread: they get the same batch, and the first
/// answer counts. Who does not want to wait for rows to be applied asks for the [`View::batch_behind`]. No
/// lock is held while a map function runs.
pub struct View {
    rows: Arc<dyn Store>,
    home: Home,
    progress: Mutex<Progress>,
    /// A lock of its own, so that neither queries nor figures wait for rows being written.
    shown: Mutex<Shown>,
}

/// How long a view lives.
enum Home {
    /// As long as this object.
    Volatile(ViewSpaces),
    /// As long as the store of its rows.
    Recorded(ViewName, Mutex<Record>),
}

/// Where a view keeps its rows, and which documents they come from. Both spaces are the view's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewSpaces {
    /// The rows.
    pub rows: Space,
    /// The documents that have rows or failed.
    pub documents: Space,
}

/// How many batches are on their way at most. Mapping is slow at first, and a few keep both sides busy.
const MAX_OUTSTANDING: usize = 8;

/// What a view can say about itself.
#[derive(Clone, Debug)]
pub struct ViewStats {
    /// The last commit that queries see; `None` before the view was complete for the first time.
    pub built_through: Option<Sequence>,
    /// How many rows queries see.
    pub rows: u64,
    /// How far it has come on the way to a newer commit, if it is on one.
    pub building: Option<Building>,
    /// For how many documents the map function failed.
    pub failures: u64,
    /// The first of them: stored key and message.
    pub failed: Vec<(Box<[u8]>, String)>,
}

/// The way to the next moment that queries see.
#[derive(Default)]
struct Progress {
    work: Option<Work>,
    /// Of the work, in order; a new work begins only when there are none.
    outstanding: Vec<MapBatch>,
    last_ticket: u64,
    /// Whether documents were mapped since the record was written.
    is_ahead_of_record: bool,
}

impl Progress {
    fn building(&self) -> Option<Building> {
        let work = self.work.as_ref()?;
        let outstanding: usize = self.outstanding.iter().map(|batch| batch.documents.len()).sum();
        Some(Building { mapped: work.taken().saturating_sub(outstanding as u64), total: work.total() })
    }
}

impl View {
    /// A view with no rows yet.
    pub fn new(rows: Arc<dyn Store>, spaces: ViewSpaces) -> Self {
        Self { rows, home: Home::Volatile(spaces), progress: Mutex::default(), shown: Mutex::default() }
    }

    /// A view whose rows are in `rows` for as long as that lives: those that it has are good. Others may have
    /// the same view open, also in other processes.
    pub fn recorded(rows: Arc<dyn Store>, name: ViewName) -> Result<Self> {
        let record = Record::find_or_make(&*rows, &name)?;
        let shown = Shown::recorded(&record);
        let home = Home::Recorded(name, Mutex::new(record));
        Ok(Self { rows, home, progress: Mutex::default(), shown: Mutex::new(shown) })
    }

    /// The next documents to map so that the view shows `moment`, a snapshot of `documents`, or a later one;
    /// `None` when it does.
    pub fn next_batch(
        &self,
        documents: &dyn Store,
        moment: &Arc<dyn Read>,
        limit: BatchLimit,
    ) -> Result<Option<MapBatch>> {
        let mut progress = lock(&self.progress);
        loop {
            let through = self.built_through();
            if through.is_some_and(|through| through >= moment.sequence()) {
                return Ok(None);
            }
            if let Some(first) = progress.outstanding.first() {
                return Ok(Some(first.clone()));
            }
            // Work that fails is dropped and begins anew: doing it twice does no harm.
            let work = match progress.work.take() {
                Some(work) => work,
                None => self.begin(documents, moment, through)?,
            };
            let advanced = self.advance(&mut progress, work, limit);
            self.after_step(&mut progress, advanced)?;
        }
    }

    /// Plans the way to `moment`, or to a later one: rows that others have written may be newer than it.
    fn begin(
        &self,
        documents: &dyn Store,
        moment: &Arc<dyn Read>,
        through: Option<Sequence>,
    ) -> Result<Work> {
        let moment = match &self.home {
            Home::Recorded(_, record) if moment.sequence() < lock(record).sequence => {
                documents.snapshot().wait()?
            }
            _ => Arc::clone(moment),
        };
        Work::begin(documents, moment, through.max(self.recorded_through()))
    }

    /// The batch behind the one with this ticket, so that mapping need not wait until rows are applied;
    /// `None` when there is none yet, or enough are on their way.
    pub fn batch_behind(&self, ticket: Ticket, limit: BatchLimit) -> Result<Option<MapBatch>> {
        let mut progress = lock(&self.progress);
        let behind = |batch: &&MapBatch| batch.ticket.0 > ticket.0;
        if let Some(batch) = progress.outstanding.iter().find(behind) {
            return Ok(Some(batch.clone()));
        }
        if progress.outstanding.len() >= MAX_OUTSTANDING {
            return Ok(None);
        }
        let Some(work) = progress.work.take() else { return Ok(None) };
        let advanced = self.advance(&mut progress, work, limit);
        self.after_step(&mut progress, advanced)?;
        Ok(progress.outstanding.iter().find(behind).cloned())
    }

    /// Takes the next batch out of `work`, or shows what it led to.
    fn advance(&self, progress: &mut Progress, mut work: Work, limit: BatchLimit) -> Result<()> {
        let portion = work.take(limit, self.indexed())?;
        if !portion.gone.is_empty() {
            self.remove(&portion.gone)?;
            progress.is_ahead_of_record = true;
        }
        if !portion.documents.is_empty() {
            progress.last_ticket += 1;
            let ticket = Ticket(progress.last_ticket);
            progress.outstanding.push(MapBatch { ticket, documents: portion.documents.into() });
        } else if progress.outstanding.is_empty() {
            return self.show(progress, work.through());
        }
        progress.work = Some(work);
        Ok(())
    }

    /// Takes the rows of a batch, one element per document. Does nothing when somebody else's were taken.
    pub fn apply(&self, ticket: Ticket, mapped: &[MappedDocument<'_>]) -> Result<()> {
        let mut progress = lock(&self.progress);
        let Some(at) = progress.outstanding.iter().position(|batch| batch.ticket == ticket) else {
            return Ok(());
        };
        let batch = &progress.outstanding[at];
        if mapped.len() != batch.documents.len() {
            let message = format!("{} documents were mapped, not {}", mapped.len(), batch.documents.len());
            return Err(Error::assertion(message));
        }
        let mut replacement = self.replacement();
        let indexed = self.indexed();
        let are_new = indexed.knows_none(&batch.documents)?;
        for (document, mapped) in batch.documents.iter().zip(mapped) {
            let old = if are_new { None } else { indexed.get(document.key())? };
            replacement.replace(document, emission(old.as_ref())?, mapped);
        }
        let is_last = |work: &&Work| progress.outstanding.len() == 1 && work.is_done();
        let shows = progress.work.as_ref().filter(is_last).map(Work::through);
        let applied = self.commit(replacement, shows).and_then(|is_recorded| {
            progress.outstanding.remove(at);
            progress.is_ahead_of_record = !is_recorded;
            if progress.outstanding.is_empty()
                && let Some(work) = progress.work.take_if(|work| work.is_done())
            {
                self.show(&mut progress, work.through())?;
            }
            Ok(())
        });
        self.after_step(&mut progress, applied)
    }

    /// Answers a query from the last complete rows, or `None` when they do not show commit `needed` yet, or
    /// somebody else works on them.
    pub async fn page(&self, query: &ViewQuery, needed: Sequence) -> Result<Option<ViewPage>> {
        let complete = lock(&self.shown).complete.clone();
        let Some(complete) = complete.filter(|complete| complete.through >= needed) else { return Ok(None) };
        let rows = match complete.rows {
            Rows::Kept(rows) => rows,
            Rows::Changing(_) => return Ok(None),
            Rows::Recorded(record) => {
                let rows = self.rows.snapshot().await?;
                if !record.is_current(&*rows).await? {
                    return Ok(None);
                }
                rows
            }
        };
        page(&*rows, complete.space, query).await.map(Some)
    }

    /// The last commit that queries see; `None` before the view was complete for the first time.
    pub fn built_through(&self) -> Option<Sequence> {
        lock(&self.shown).complete.as_ref().map(|complete| complete.through)
    }

    /// What the view can say about itself.
    pub async fn stats(&self) -> Result<ViewStats> {
        let (complete, failures, failed, building) = {
            let shown = lock(&self.shown);
            (shown.complete.clone(), shown.failures.total(), shown.failures.listed(), shown.building)
        };
        let rows = match &complete {
            Some(complete) => complete.count(&*self.rows).await?,
            None => 0,
        };
        let built_through = complete.map(|complete| complete.through);
        Ok(ViewStats { built_through, rows, building, failures, failed })
    }

    fn remove(&self, document_keys: &[Box<[u8]>]) -> Result<()> {
        let mut replacement = self.replacement();
        for key in document_keys {
            let old = self.indexed().get(key)?;
            replacement.remove(key, emission(old.as_ref())?);
        }
        self.commit(replacement, None).map(drop)
    }

    /// Commits the rows, and with the last ones that they show `shows`. Whether that was recorded.
    fn commit(&self, replacement: Replacement, shows: Option<Sequence>) -> Result<bool> {
        let (batch, changes) = replacement.into_parts();
        let mut failures = lock(&self.shown).failures.clone();
        for change in changes {
            failures.apply(change);
        }
        let has_changed = !batch.operations.is_empty();
        if has_changed {
            match &self.home {
                Home::Volatile(_) => {
                    lock(&self.shown).release()?;
                    drop(self.rows.commit(batch).wait()?);
                }
                Home::Recorded(_, record) => lock(record).commit(&*self.rows, batch, |record| {
                    (record.through, record.is_partial) = (shows.or(record.through), shows.is_none());
                    record.failures = failures.clone();
                })?,
            }
        }
        lock(&self.shown).failures = failures;
        Ok(has_changed && shows.is_some())
    }

    /// Lets queries see the rows as they are now. `Conflict` if others have changed them.
    fn show(&self, progress: &mut Progress, through: Sequence) -> Result<()> {
        let rows = match &self.home {
            Home::Volatile(_) => Rows::Kept(self.rows.snapshot().wait()?),
            Home::Recorded(_, record) => {
                let mut record = lock(record);
                // What changes nothing is not recorded: it would be one more commit to catch up with.
                if progress.is_ahead_of_record || record.is_partial || record.through.is_none() {
                    record.commit(&*self.rows, Batch::default(), |record| {
                        (record.through, record.is_partial) = (Some(through), false);
                    })?;
                    progress.is_ahead_of_record = false;
                } else {
                    record.assert_current(&*self.rows)?;
                }
                Rows::Recorded(record.clone())
            }
        };
        lock(&self.shown).complete = Some(Complete { rows, space: self.spaces().rows, through });
        Ok(())
    }

    /// Tells how far the work has come.
    fn after_step(&self, progress: &mut Progress, result: Result<()>) -> Result<()> {
        let result = self.unless_moved(progress, result);
        lock(&self.shown).building = progress.building();
        result
    }

    /// Where somebody else has moved the record, goes on from there.
    fn unless_moved(&self, progress: &mut Progress, result: Result<()>) -> Result<()> {
        match (&self.home, result) {
            (Home::Recorded(name, record), Err(error)) if error.kind() == ErrorKind::Conflict => {
                (progress.work, progress.is_ahead_of_record) = (None, false);
                progress.outstanding.clear();
                let found = Record::find_or_make(&*self.rows, name)?;
                *lock(&self.shown) = Shown::recorded(&found);
                *lock(record) = found;
                Ok(())
            }
            (_, result) => result,
        }
    }

    /// The last commit that the rows are known to show.
    fn recorded_through(&self) -> Option<Sequence> {
        match &self.home {
            Home::Volatile(_) => None,
            Home::Recorded(_, record) => lock(record).through,
        }
    }

    fn spaces(&self) -> ViewSpaces {
        match &self.home {
            Home::Volatile(spaces) => *spaces,
            Home::Recorded(_, record) => lock(record).spaces,
        }
    }

    fn indexed(&self) -> Indexed<'_> {
        Indexed { read: &*self.rows, space: self.spaces().documents }
    }

    fn replacement(&self) -> Replacement {
        let max_key_bytes = self.rows.capability().max_key_bytes;
        Replacement::new(Target { spaces: self.spaces(), max_key_bytes })
    }
}

fn emission(indexed: Option<&Entry>) -> Result<Emission<'_>> {
    indexed.map_or(Ok(Emission::NOTHING), |entry| Emission::read(entry.value()))
}

/// State behind these locks is whole after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
