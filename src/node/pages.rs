//! Pages of keys, with documents on demand.

use super::handle::{Handle, ready, ready_answer};
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
    handle.remember_page(page.entries.into_iter().map(Some).collect());
    text
}

/// The documents of the last page at `indices`, as a JSON array.
#[napi(catch_unwind)]
pub fn page_documents(handle: &External<Rc<Handle>>, indices: Uint32Array) -> napi::Result<String> {
    let page = handle.page.borrow();
    let mut out = Vec::new();
    let wanted = indices.iter().map(|index| page.get(*index as usize).and_then(Option::as_ref));
    text::write_documents(&mut out, wanted);
    text::finish(out)
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
