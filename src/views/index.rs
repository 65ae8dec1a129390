//! A view and its way to freshness.

use super::batch::{BatchLimit, MapBatch, Ticket};
use super::emission::Emission;
use super::failures::Failures;
use super::mapped::MappedDocument;
use super::query::{ViewPage, ViewQuery, page};
use super::replace::{Replacement, Target};
use super::work::{Indexed, Work};
use crate::kv::{Entry, KeyRange, Read, Sequence, Space, Store};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rows of one map function over the documents of a store.
///
/// Somebody who can call the map function drives it: [`View::next_batch`], map, [`View::apply`], until there
/// is no next batch. Several may drive at once, from any thread: they get the same batch, and the first
/// answer counts. Who does not want to wait for rows to be applied asks for the [`View::batch_behind`]. No
/// lock is held while a map function runs.
pub struct View {
    rows: Arc<dyn Store>,
    spaces: ViewSpaces,
    progress: Mutex<Progress>,
    shown: Mutex<Shown>,
}

/// Where a view keeps its rows, and which documents they come from. Both spaces are the view's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewSpaces {
    /// The rows.
    pub rows: Space,
    /// The documents that have rows or failed.
    pub documents: Space,
}

/// How many batches are on their way at most: one is mapped while the rows of another are applied.
const MAX_OUTSTANDING: usize = 2;

/// What a view can say about itself.
#[derive(Clone, Debug)]
pub struct ViewStats {
    /// The last commit that queries see; `None` before the view was complete for the first time.
    pub built_through: Option<Sequence>,
    /// How many rows queries see.
    pub rows: u64,
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
}

/// What queries see. A lock of its own, so that no query waits for rows being written.
#[derive(Default)]
struct Shown {
    complete: Option<Complete>,
    failures: Failures,
}

#[derive(Clone)]
struct Complete {
    rows: Arc<dyn Read>,
    through: Sequence,
}

impl View {
    /// A view with no rows yet.
    pub fn new(rows: Arc<dyn Store>, spaces: ViewSpaces) -> Self {
        Self { rows, spaces, progress: Mutex::default(), shown: Mutex::default() }
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
                None => Work::begin(documents, Arc::clone(moment), through)?,
            };
            self.advance(&mut progress, work, limit)?;
        }
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
        self.advance(&mut progress, work, limit)?;
        Ok(progress.outstanding.iter().find(behind).cloned())
    }

    /// Takes the next batch out of `work`, or shows what it led to.
    fn advance(&self, progress: &mut Progress, mut work: Work, limit: BatchLimit) -> Result<()> {
        let portion = work.take(limit, Indexed { read: &*self.rows, space: self.spaces.documents })?;
        self.remove(&portion.gone)?;
        if !portion.documents.is_empty() {
            progress.last_ticket += 1;
            let ticket = Ticket(progress.last_ticket);
            progress.outstanding.push(MapBatch { ticket, documents: portion.documents.into() });
        } else if progress.outstanding.is_empty() {
            return self.show(work.through());
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
        for (document, mapped) in batch.documents.iter().zip(mapped) {
            let old = self.indexed(document.key())?;
            replacement.replace(document, emission(old.as_ref())?, mapped);
        }
        self.commit(replacement)?;
        progress.outstanding.remove(at);
        if progress.outstanding.is_empty()
            && let Some(work) = progress.work.take_if(|work| work.is_done())
        {
            self.show(work.through())?;
        }
        Ok(())
    }

    /// Answers a query from the last complete rows, or `None` when they do not show commit `needed` yet.
    pub async fn page(&self, query: &ViewQuery, needed: Sequence) -> Result<Option<ViewPage>> {
        let complete = lock(&self.shown).complete.clone();
        match complete.filter(|complete| complete.through >= needed) {
            Some(complete) => page(&*complete.rows, self.spaces.rows, query).await.map(Some),
            None => Ok(None),
        }
    }

    /// The last commit that queries see; `None` before the view was complete for the first time.
    pub fn built_through(&self) -> Option<Sequence> {
        lock(&self.shown).complete.as_ref().map(|complete| complete.through)
    }

    /// What the view can say about itself.
    pub async fn stats(&self) -> Result<ViewStats> {
        let shown = {
            let shown = lock(&self.shown);
            (shown.complete.clone(), shown.failures.total(), shown.failures.listed())
        };
        let (complete, failures, failed) = shown;
        let rows = match &complete {
            Some(complete) => complete.rows.count(self.spaces.rows, &KeyRange::ALL).await?,
            None => 0,
        };
        Ok(ViewStats { built_through: complete.map(|complete| complete.through), rows, failures, failed })
    }

    fn remove(&self, document_keys: &[Box<[u8]>]) -> Result<()> {
        let mut replacement = self.replacement();
        for key in document_keys {
            let old = self.indexed(key)?;
            replacement.remove(key, emission(old.as_ref())?);
        }
        self.commit(replacement)
    }

    fn commit(&self, replacement: Replacement) -> Result<()> {
        let (batch, failures) = replacement.into_parts();
        if !batch.operations.is_empty() {
            self.rows.commit(batch).wait()?;
        }
        let mut shown = lock(&self.shown);
        for change in failures {
            shown.failures.apply(change);
        }
        Ok(())
    }

    /// Lets queries see the rows as they are now.
    fn show(&self, through: Sequence) -> Result<()> {
        let rows = self.rows.snapshot().wait()?;
        lock(&self.shown).complete = Some(Complete { rows, through });
        Ok(())
    }

    /// What the index holds for a document.
    fn indexed(&self, document_key: &[u8]) -> Result<Option<Entry>> {
        self.rows.get(self.spaces.documents, document_key).wait()
    }

    fn replacement(&self) -> Replacement {
        let max_key_bytes = self.rows.capability().max_key_bytes;
        Replacement::new(Target { spaces: self.spaces, max_key_bytes })
    }
}

fn emission(indexed: Option<&Entry>) -> Result<Emission<'_>> {
    indexed.map_or(Ok(Emission::NOTHING), |entry| Emission::read(entry.value()))
}

/// State behind these locks is whole after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
