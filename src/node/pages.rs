//! Pages of keys, with documents on demand.

use super::handle::{Handle, RememberedPage, ready, ready_answer};
use super::page_writer::{PageWriter, buffer};
use super::text::{self, Key, Text};
use crate::documents::{self, Page, PageQuery};
use crate::kv::{Direction, KeyRange, Space};
use napi::bindgen_prelude::{External, Float64ArraySlice, Uint32Array};
use napi_derive::napi;
use std::rc::Rc;

/// A page of keys: the window; the keys; for each the commit that wrote its document.
#[napi(catch_unwind)]
pub fn page(
    handle: &External<Rc<Handle>>,
    mut numbers: Float64ArraySlice,
    start: Option<Key>,
    end: Option<Key>,
    descending: u32,
    offset: f64,
    limit: f64,
) -> napi::Result<Text> {
    let snapshot = ready_answer(handle.store()?.snapshot())?;
    let direction = direction(descending);
    let bytes = |key: &Option<Key>| key.as_ref().map(|key| key.0.clone());
    let range = KeyRange::between(bytes(&start).as_deref(), bytes(&end).as_deref(), direction);
    let query = PageQuery { range, direction, offset: count(offset), limit: count(limit) };
    let Page { total, next, entries } = ready(documents::page(&*snapshot, Space::DOCUMENTS, query))?;
    let mut writer = PageWriter::new(buffer(&mut numbers), total, next, entries.len());
    for entry in &entries {
        writer.key(entry.key());
    }
    for entry in &entries {
        writer.number(entry.sequence());
    }
    handle.page.replace(RememberedPage::Documents(entries));
    Ok(writer.finish())
}

/// The documents of the last page, of keys or of rows, at `indices`, as a JSON array; null when another
/// thread wrote one of them since.
#[napi(catch_unwind)]
pub fn page_documents(handle: &External<Rc<Handle>>, indices: Uint32Array) -> napi::Result<Option<Text>> {
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
    Ok(Some(Text(out)))
}

/// Lets go of the last page: a large one would keep old documents in memory.
#[napi(catch_unwind)]
pub fn forget_page(handle: &External<Rc<Handle>>) {
    handle.page.replace(RememberedPage::Documents(Vec::new()));
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
