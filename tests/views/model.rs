//! A datastore with one view, and next to it the plain model of what the view has to show.

use crate::moody::MoodyStore;
use crate::reference::{Style, Value, compare, to_text};
use kixx_datastore::documents::key::encode_utf16;
use kixx_datastore::json::{split_revision, write_document};
use kixx_datastore::kv::{Answer, Batch, Check, Direction, Operation, Read, Sequence, Space, Store};
use kixx_datastore::views::{BatchLimit, MapBatch, View, ViewPage, ViewQuery, ViewSpaces, parse_mapped};
use serde_json::value::RawValue;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const SPACES: ViewSpaces = ViewSpaces { rows: Space(1), documents: Space(2) };

/// What the map function does with a document.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    Emits(Vec<(Value, Option<u32>)>),
    Throws,
}

impl Document {
    /// Its text. The map function reads there what it has to answer.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Throws => r#"{"_rev":0,"answer":"it \"broke\""}"#.to_owned(),
            Self::Emits(rows) => {
                format!(r#"{{"answer":[{}]}}"#, rows.iter().map(row_text).collect::<Vec<_>>().join(","))
            }
        }
    }
}

fn row_text((key, value): &(Value, Option<u32>)) -> String {
    let key = to_text(key, Style::Plain);
    value.map_or(format!("[{key}]"), |value| format!("[{key},{{\"n\":{value}}}]"))
}

/// The map function, as the JavaScript side would answer.
pub(crate) fn map(text: &str) -> String {
    let documents: Vec<BTreeMap<String, Box<RawValue>>> =
        serde_json::from_str(text).expect("documents are JSON");
    let answer = |document: &BTreeMap<String, Box<RawValue>>| {
        assert!(document.contains_key("_rev"), "a map function sees the revision");
        document["answer"].get().to_owned()
    };
    format!("[{}]", documents.iter().map(answer).collect::<Vec<_>>().join(","))
}

/// The documents of a batch as a JSON array.
fn text(batch: &MapBatch) -> String {
    let texts = batch.documents.iter().map(|document| {
        let mut text = Vec::new();
        write_document(&mut text, document.version(), document.value());
        String::from_utf8(text).expect("documents are UTF-8")
    });
    format!("[{}]", texts.collect::<Vec<_>>().join(","))
}

/// Maps one batch and hands in its rows.
pub(crate) fn drive(view: &View, batch: &MapBatch) -> kixx_datastore::Result<()> {
    let answer = map(&text(batch));
    view.apply(batch.ticket, &parse_mapped(&answer)?)
}

/// The next batch on the way to what is in `documents` now.
pub(crate) fn next(
    view: &View,
    documents: &dyn Store,
    limit: BatchLimit,
) -> kixx_datastore::Result<Option<MapBatch>> {
    let moment = documents.snapshot().wait()?;
    view.next_batch(documents, &moment, limit)
}

/// Drives a view until it shows what is in `documents` now.
pub(crate) fn settle(view: &View, documents: &dyn Store, limit: BatchLimit) {
    let moment = documents.snapshot().wait().expect("a snapshot");
    while let Some(batch) = view.next_batch(documents, &moment, limit).expect("a batch") {
        drive_two(view, &batch, limit);
    }
}

/// Maps a batch and the one behind it, which comes back first.
pub(crate) fn drive_two(view: &View, first: &MapBatch, limit: BatchLimit) {
    if let Some(behind) = view.batch_behind(first.ticket, limit).expect("a batch") {
        assert!(behind.ticket.0 > first.ticket.0);
        drive(view, &behind).expect("rows");
    }
    drive(view, first).expect("rows");
}

pub(crate) fn page(view: &View, query: &ViewQuery, needed: Sequence) -> Option<ViewPage> {
    // The store is resident, so everything is ready at the first poll.
    let mut page = std::pin::pin!(view.page(query, needed));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match page.as_mut().poll(&mut context) {
        std::task::Poll::Ready(page) => page.expect("a page"),
        std::task::Poll::Pending => panic!("a resident store answers at once"),
    }
}

pub(crate) fn everything() -> ViewQuery {
    ViewQuery::new(None, None, Direction::Ascending, 0, u64::MAX).expect("a query")
}

pub(crate) struct World {
    pub(crate) documents: Arc<MoodyStore>,
    pub(crate) rows: Arc<MoodyStore>,
    pub(crate) view: Arc<View>,
    model: BTreeMap<Vec<u16>, (Document, Sequence)>,
}

/// A row, as a user sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) key_text: String,
    pub(crate) value_text: Option<String>,
    pub(crate) document_key: Vec<u8>,
    pub(crate) document_sequence: Sequence,
}

/// What to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) start: Option<Value>,
    pub(crate) end: Option<Value>,
    pub(crate) direction: Direction,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let (documents, rows) = (Arc::new(MoodyStore::default()), Arc::new(MoodyStore::default()));
        let view = Arc::new(View::new(rows.clone(), SPACES));
        Self { documents, rows, view, model: BTreeMap::new() }
    }

    /// Puts and deletes in one commit.
    pub(crate) fn commit(&mut self, writes: &[(Vec<u16>, Option<Document>)]) {
        let operation = |(key, document): &(Vec<u16>, Option<Document>)| {
            let key = encode_utf16(key);
            match document {
                None => Operation::delete(Space::DOCUMENTS, &key, Check::Any),
                Some(document) => {
                    let body = split_revision(document.text().as_bytes()).expect("a document").body;
                    Operation::put(Space::DOCUMENTS, &key, Check::Any, &body)
                }
            }
        };
        let batch = Batch { operations: writes.iter().map(operation).collect() };
        let sequence = self.documents.commit(batch).wait().expect("a commit").sequence;
        for (key, document) in writes {
            match document {
                None => drop(self.model.remove(key)),
                Some(document) => drop(self.model.insert(key.clone(), (document.clone(), sequence))),
            }
        }
    }

    /// The rows of a full rescan, in order.
    fn rows(&self) -> Vec<(Value, Seen)> {
        let mut rows = Vec::new();
        for (key, (document, sequence)) in &self.model {
            let Document::Emits(emitted) = document else { continue };
            rows.extend(emitted.iter().map(|(view_key, value)| {
                let seen = Seen {
                    key_text: to_text(view_key, Style::Plain),
                    value_text: value.map(|value| format!("{{\"n\":{value}}}")),
                    document_key: encode_utf16(key),
                    document_sequence: *sequence,
                };
                (view_key.clone(), seen)
            }));
        }
        // Stable: rows of one document stay in the order of emission, documents are in order already.
        rows.sort_by(|(a, _), (b, _)| compare(a, b));
        rows
    }

    /// Compares a page of the view, and the next one's offset, with the rescan.
    pub(crate) fn check(&self, window: &Window) {
        let text = |key: &Option<Value>| key.as_ref().map(|key| to_text(key, Style::Escaped));
        let (start, end) = (text(&window.start), text(&window.end));
        let query =
            ViewQuery::new(start.as_deref(), end.as_deref(), window.direction, window.offset, window.limit)
                .expect("a query");
        let page = page(&self.view, &query, self.documents.sequence()).expect("the view is up to date");

        let (mut low, mut high) = (window.start.as_ref(), window.end.as_ref());
        if window.direction == Direction::Descending {
            (low, high) = match (high, low) {
                (Some(low), Some(high)) if compare(low, high) == Ordering::Greater => (Some(high), Some(low)),
                ordered => ordered,
            };
        }
        let mut rows = self.rows();
        rows.retain(|(key, _)| {
            low.is_none_or(|low| compare(key, low).is_ge())
                && high.is_none_or(|high| compare(key, high).is_le())
        });
        if window.direction == Direction::Descending {
            rows.reverse();
        }
        let total = rows.len() as u64;
        let end = window.offset.saturating_add(window.limit);
        let expected: Vec<Seen> = (0..)
            .zip(rows)
            .filter(|(index, _)| (window.offset..end).contains(index))
            .map(|(_, (_, seen))| seen)
            .collect();
        assert_eq!(seen(&page), expected, "{window:?}");
        let end = window.offset + expected.len() as u64;
        assert_eq!((page.total, page.next), (total, (end < total).then_some(end)), "{window:?}");
    }

    /// How many documents the map function throws for.
    pub(crate) fn failures(&self) -> u64 {
        self.model.values().filter(|(document, _)| matches!(document, Document::Throws)).count() as u64
    }
}

pub(crate) fn seen(page: &ViewPage) -> Vec<Seen> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let row = |row: &kixx_datastore::views::Row| Seen {
        key_text: text(row.key_text()),
        value_text: row.value_text().map(text),
        document_key: row.document_key().into_owned(),
        document_sequence: row.document_sequence(),
    };
    page.rows.iter().map(row).collect()
}

/// The result of a future that may take a while.
pub(crate) fn wait<T: Send + 'static>(
    future: impl Future<Output = kixx_datastore::Result<T>> + Send + 'static,
) -> T {
    Answer::later(future).wait().expect("an answer")
}
