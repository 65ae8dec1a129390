//! Snapshots, for scans that other writes do not disturb.

use super::errors::to_js;
use super::handle::{Handle, ready_answer};
use super::pages::direction;
use super::text::{self, Key, Text};
use crate::Error;
use crate::kv::{Direction, KeyRange, Read, Scan, Space};
use napi::bindgen_prelude::External;
use napi_derive::napi;
use std::cell::RefCell;
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;

/// A snapshot until it is closed.
pub struct Snapshot(RefCell<Option<Arc<dyn Read>>>);

/// The store as it is now.
#[napi(catch_unwind)]
pub fn open_snapshot(handle: &External<Rc<Handle>>) -> napi::Result<External<Snapshot>> {
    let read = ready_answer(handle.store()?.snapshot())?;
    Ok(External::new(Snapshot(RefCell::new(Some(read)))))
}

/// The next part of a scan, behind `after`: `{"keys":[...]}` and `"documents":[...]` if asked for.
#[napi(catch_unwind)]
pub fn snapshot_page(
    snapshot: &External<Snapshot>,
    start: Option<Key>,
    end: Option<Key>,
    descending: u32,
    after: Option<Key>,
    limit: u32,
    documents: u32,
) -> napi::Result<Text> {
    let snapshot = snapshot.0.borrow();
    let read = snapshot.as_ref().ok_or_else(|| to_js(Error::closed()))?;
    let direction = direction(descending);
    let bytes = |key: Option<Key>| key.map(|key| key.0);
    let mut range = KeyRange::between(bytes(start).as_deref(), bytes(end).as_deref(), direction);
    if let Some(after) = after {
        let bound = Bound::Excluded(after.0.into_boxed_slice());
        match direction {
            Direction::Ascending => range.lower = bound,
            Direction::Descending => range.upper = bound,
        }
    }
    let scan = Scan { range, direction, skip: 0, limit: u64::from(limit) };
    let entries = ready_answer(read.range(Space::DOCUMENTS, &scan))?;
    let mut out = b"{\"keys\":".to_vec();
    text::write_array(&mut out, &entries, |out, entry| text::write_key(out, entry.key()));
    if documents != 0 {
        out.extend_from_slice(b",\"documents\":");
        text::write_documents(&mut out, entries.iter().map(Some));
    }
    out.push(b'}');
    Ok(Text(out))
}

/// Lets go of a snapshot.
#[napi(catch_unwind)]
pub fn close_snapshot(snapshot: &External<Snapshot>) {
    snapshot.0.borrow_mut().take();
}
