//! Pages of keys, with documents on demand.

use super::handle::{Handle, RememberedPage, ready, ready_answer};
use super::text::{self, Key};
use crate::documents::{self, Page, PageQuery};
use crate::kv::{Direction, KeyRange, Space};
use napi::bindgen_prelude::{External, Uint32Array};
use napi_derive::napi;
use std::rc::Rc;

/// A page of keys: `{"total":n,"next":n|null,"keys":[...],"sequences":[...]}`.
#[napi(catch_unwind)]
pub fn page(
    handle: &External<Rc<Handle>>,
    start: Option<Key>,
    end: Option<Key>,
    descending: u32,
    offset: f64,
    limit: f64,
) -> napi::Result<String> {
    let snapshot = ready_answer(handle.store()?.snapshot())?;
    let direction = direction(descending);
    let bytes = |key: &Option<Key>| key.as_ref().map(|key| key.0.clone());
    let range = KeyRange::between(bytes(&start).as_deref(), bytes(&end).as_deref(), direction);
    let query = PageQuery { range, direction, offset: count(offset), limit: count(limit) };
    let page = ready(documents::page(&*snapshot, Space::DOCUMENTS, query))?;
    let text = encode(&page);
    handle.page.replace(RememberedPage::Documents(page.entries));
    text
}

/// The documents of the last page, of keys or of rows, at `indices`, as a JSON array; null when another
/// thread wrote one of them since.
#[napi(catch_unwind)]
pub fn page_documents(handle: &External<Rc<Handle>>, indices: Uint32Array) -> napi::Result<Option<String>> {
    let wanted = indices.iter().map(|index| *index as usize);
    let mut out = Vec::new();
    match &*handle.page.borrow() {
        RememberedPage::Documents(entries) => {
            text::write_documents(&mut out, wanted.map(|index| entries.get(index)));
        }
        RememberedPage::Rows(rows) => {
            let store = handle.store()?;
            let mut entries = Vec::with_capacity(indices.len());
            for row in wanted.filter_map(|index| rows.get(index)) {
                match ready_answer(store.get(Space::DOCUMENTS, &row.document_key()))? {
                    Some(entry) if entry.sequence() == row.document_sequence() => entries.push(entry),
                    _ => return Ok(None),
                }
            }
            text::write_documents(&mut out, entries.iter().map(Some));
        }
    }
    text::finish(out).map(Some)
}

/// Lets go of the last page: a large one would keep old documents in memory.
#[napi(catch_unwind)]
pub fn forget_page(handle: &External<Rc<Handle>>) {
    handle.page.replace(RememberedPage::Documents(Vec::new()));
}

fn encode(page: &Page) -> napi::Result<String> {
    let mut out = Vec::with_capacity(64 + 48 * page.entries.len());
    write_window(&mut out, page.total, page.next);
    out.extend_from_slice(b",\"keys\":");
    text::write_array(&mut out, &page.entries, |out, entry| text::write_key(out, entry.key()));
    out.extend_from_slice(b",\"sequences\":");
    text::write_array(&mut out, &page.entries, |out, entry| text::write_number(out, entry.sequence()));
    out.push(b'}');
    text::finish(out)
}

/// Appends `{"total":n,"next":n|null`, without the closing brace.
pub(super) fn write_window(out: &mut Vec<u8>, total: u64, next: Option<u64>) {
    out.extend_from_slice(b"{\"total\":");
    text::write_number(out, total);
    out.extend_from_slice(b",\"next\":");
    match next {
        Some(next) => text::write_number(out, next),
        None => out.extend_from_slice(b"null"),
    }
}

/// A direction from a flag of JavaScript.
pub(super) fn direction(descending: u32) -> Direction {
    if descending == 0 { Direction::Ascending } else { Direction::Descending }
}

/// A count from a number of JavaScript, which may be infinite.
pub(super) fn count(number: f64) -> u64 {
    // The cast saturates, which is what infinity means here.
    number as u64
}
