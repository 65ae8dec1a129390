//! Which documents have to be mapped, to bring a view to one moment of the documents.

use super::batch::BatchLimit;
use crate::Result;
use crate::kv::{Changes, Direction, Entry, KeyRange, Read, Scan, Sequence, Space, Store};
use std::ops::Bound;
use std::sync::Arc;

/// The way from what a view shows to `snapshot`.
pub(super) struct Work {
    snapshot: Arc<dyn Read>,
    /// Documents of this commit or an earlier one are mapped already.
    mapped_through: Option<Sequence>,
    source: Source,
    /// How many documents there are to look at, and how many of them were taken.
    total: u64,
    taken: u64,
}

enum Source {
    /// All documents behind this key.
    Walk(Bound<Box<[u8]>>),
    /// These documents.
    Changed(std::vec::IntoIter<Arc<[u8]>>),
    Done,
}

/// Some of the work.
#[derive(Default)]
pub(super) struct Portion {
    /// To be mapped.
    pub(super) documents: Vec<Entry>,
    /// Documents that the index may know and that are no more.
    pub(super) gone: Vec<Box<[u8]>>,
    text_bytes: usize,
}

/// The documents that a view knows: the keys of one space, with what was emitted for each.
#[derive(Clone, Copy)]
pub(super) struct Indexed<'a> {
    pub(super) read: &'a dyn Read,
    pub(super) space: Space,
}

impl Indexed<'_> {
    /// What is kept for a document.
    pub(super) fn get(&self, document_key: &[u8]) -> Result<Option<Entry>> {
        self.read.get(self.space, document_key).wait()
    }

    /// Whether none of these documents, which are in order, is known. A first build asks this once for each
    /// batch, and looks none of them up.
    pub(super) fn knows_none(&self, documents: &[Entry]) -> Result<bool> {
        debug_assert!(documents.is_sorted_by(|one, other| one.key() < other.key()));
        let (Some(first), Some(last)) = (documents.first(), documents.last()) else { return Ok(true) };
        let bound = |document: &Entry| Bound::Included(document.key().into());
        let range = KeyRange { lower: bound(first), upper: bound(last) };
        Ok(self.read.count(self.space, &range).wait()? == 0)
    }
}

impl Work {
    /// Plans the way to `snapshot` of `documents`. What changed since it was taken is looked up in it, too,
    /// and comes again the next time.
    pub(super) fn begin(
        documents: &dyn Store,
        snapshot: Arc<dyn Read>,
        mapped_through: Option<Sequence>,
    ) -> Result<Self> {
        let changes = match mapped_through {
            None => Changes::TooOld,
            Some(since) => documents.changes(Space::DOCUMENTS, since).wait()?,
        };
        let (source, total) = match changes {
            Changes::TooOld => {
                let all = snapshot.count(Space::DOCUMENTS, &KeyRange::ALL).wait()?;
                (Source::Walk(Bound::Unbounded), all)
            }
            Changes::Keys(mut keys) => {
                keys.sort_unstable();
                let total = keys.len() as u64;
                (Source::Changed(keys.into_iter()), total)
            }
        };
        Ok(Self { snapshot, mapped_through, source, total, taken: 0 })
    }

    /// The moment that the view shows once everything is mapped.
    pub(super) fn through(&self) -> Sequence {
        self.snapshot.sequence()
    }

    /// How many documents this is, those included that turn out to be mapped already or to be gone.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// How many of them are no longer left to be [taken](Self::take).
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.source, Source::Done)
    }

    /// The next documents to map. There are none only when the work is done.
    pub(super) fn take(&mut self, limit: BatchLimit, indexed: Indexed<'_>) -> Result<Portion> {
        let mut portion = Portion::default();
        while !self.is_done() && !portion.is_full(limit) {
            self.source = match std::mem::replace(&mut self.source, Source::Done) {
                Source::Walk(after) => self.walk(after, limit, indexed, &mut portion)?,
                Source::Changed(keys) => self.look_up(keys, limit, &mut portion)?,
                Source::Done => Source::Done,
            };
        }
        Ok(portion)
    }

    fn look_up(
        &mut self,
        mut keys: std::vec::IntoIter<Arc<[u8]>>,
        limit: BatchLimit,
        portion: &mut Portion,
    ) -> Result<Source> {
        while !portion.is_full(limit) {
            let Some(key) = keys.next() else { return Ok(Source::Done) };
            self.taken += 1;
            match self.snapshot.get(Space::DOCUMENTS, &key).wait()? {
                Some(document) if self.is_mapped(&document) => {}
                Some(document) => portion.push(document),
                None => portion.gone.push(key.as_ref().into()),
            }
        }
        Ok(if keys.as_slice().is_empty() { Source::Done } else { Source::Changed(keys) })
    }

    fn walk(
        &mut self,
        after: Bound<Box<[u8]>>,
        limit: BatchLimit,
        indexed: Indexed<'_>,
        portion: &mut Portion,
    ) -> Result<Source> {
        let wanted = limit.documents.max(1);
        let range = KeyRange { lower: after, upper: Bound::Unbounded };
        let scan = Scan { range, direction: Direction::Ascending, skip: 0, limit: wanted as u64 };
        let chunk = self.snapshot.range(Space::DOCUMENTS, &scan).wait()?;
        let mut seen = 0;
        for document in &chunk {
            if portion.is_full(limit) {
                break;
            }
            if !self.is_mapped(document) {
                portion.push(document.clone());
            }
            seen += 1;
        }
        self.taken += seen as u64;
        let reached_end = seen == chunk.len() && chunk.len() < wanted;
        let last = chunk[..seen].last().filter(|_| !reached_end).map(|document| Box::from(document.key()));
        let upper = last.clone().map_or(Bound::Unbounded, Bound::Included);
        find_gone(KeyRange { lower: scan.range.lower, upper }, &chunk[..seen], indexed, &mut portion.gone)?;
        Ok(last.map_or(Source::Done, |key| Source::Walk(Bound::Excluded(key))))
    }

    fn is_mapped(&self, document: &Entry) -> bool {
        self.mapped_through.is_some_and(|through| document.sequence() <= through)
    }
}

impl Portion {
    fn push(&mut self, document: Entry) {
        self.text_bytes += document.value().len();
        self.documents.push(document);
    }

    fn is_full(&self, limit: BatchLimit) -> bool {
        !self.documents.is_empty()
            && (self.documents.len() >= limit.documents || self.text_bytes >= limit.text_bytes)
    }
}

/// The keys that the index knows in `range` and that are not among `documents`, which are in order.
fn find_gone(
    range: KeyRange,
    documents: &[Entry],
    indexed: Indexed<'_>,
    gone: &mut Vec<Box<[u8]>>,
) -> Result<()> {
    let known = indexed.read.range(indexed.space, &Scan::all(range)).wait()?;
    let mut documents = documents.iter().peekable();
    for entry in &known {
        while documents.next_if(|document| document.key() < entry.key()).is_some() {}
        if documents.peek().is_none_or(|document| document.key() != entry.key()) {
            gone.push(entry.key().into());
        }
    }
    Ok(())
}
