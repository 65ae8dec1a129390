//! Walks over entries.

use super::super::port::{MakeValue, PromiseId};
use super::super::text::Key;
use super::convert::{create_key, create_value};
use super::handle::StoreHandle;
use crate::keyvalue::{Cursor, Selection};
use crate::kv::{Answer, Direction, Entry, KeyRange};
use crate::{Error, keyvalue};
use napi::bindgen_prelude::{Array, External, FromNapiValue, JsValue, Unknown};
use napi::{Env, Result, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::ops::Bound;
use std::rc::Rc;

/// A walk; nothing while a portion of it is on its way.
pub struct Walk {
    handle: Rc<StoreHandle>,
    cursor: Rc<RefCell<Progress>>,
}

enum Progress {
    Opening(Answer<Cursor>),
    Open(Cursor),
    Away,
}

/// What of each entry is wanted.
#[derive(Clone, Copy)]
struct Parts {
    keys: bool,
    values: bool,
}

/// A walk over the entries as they are now whose keys begin with `prefix` and lie from `start` to before
/// `end`; with `reverse` not 0, from the highest down; `limit` of them, -1 for all.
#[napi(catch_unwind)]
pub fn open_walk(
    handle: &External<Rc<StoreHandle>>,
    prefix: Key,
    start: Option<Key>,
    end: Option<Key>,
    reverse: u32,
    limit: f64,
) -> Result<External<Walk>> {
    let selection = selection(&prefix, start, end, reverse, limit);
    Ok(External::new(Walk::new(handle, handle.values()?.cursor(selection))))
}

/// The next portion: a flat array of keys (if `parts` has 1) and values (2), empty at the end.
#[napi(catch_unwind)]
pub fn next_portion<'env>(
    env: &'env Env,
    walk: &External<Walk>,
    id: PromiseId,
    parts: u32,
) -> Result<Unknown<'env>> {
    let parts = Parts { keys: parts & 1 != 0, values: parts & 2 != 0 };
    let cursor = Rc::clone(&walk.cursor);
    let portion = async move {
        let entries = next(&cursor).await?;
        let make = move |env: &Env| array(env, &entries, parts).map(|array| array.raw());
        Ok(Box::new(make) as MakeValue)
    };
    walk.handle.answer(env, id, portion)
}

/// Lets go of what the walk keeps.
#[napi(catch_unwind)]
pub fn close_walk(walk: &External<Walk>) {
    walk.cursor.replace(Progress::Away);
}

impl Walk {
    pub(super) fn new(handle: &Rc<StoreHandle>, cursor: Answer<Cursor>) -> Self {
        let cursor = Rc::new(RefCell::new(Progress::Opening(cursor)));
        Self { handle: Rc::clone(handle), cursor }
    }
}

/// Takes the cursor along, so that nothing is borrowed meanwhile.
async fn next(place: &RefCell<Progress>) -> crate::Result<Vec<Entry>> {
    let mut cursor = match place.replace(Progress::Away) {
        Progress::Opening(answer) => answer.await?,
        Progress::Open(cursor) => cursor,
        Progress::Away => return Err(Error::assertion("A walk goes on one step at a time")),
    };
    let entries = cursor.next().await;
    place.replace(Progress::Open(cursor));
    entries
}

fn array<'env>(env: &'env Env, entries: &[Entry], parts: Parts) -> Result<Array<'env>> {
    let mut items = env.create_array(0)?;
    let mut push = |value: sys::napi_value| {
        // SAFETY: a value of this environment, made just now.
        items.insert(unsafe { Unknown::from_napi_value(env.raw(), value) }?)
    };
    for entry in entries {
        if parts.keys {
            push(create_key(env.raw(), entry.key())?)?;
        }
        if parts.values {
            push(create_value(env.raw(), entry.value())?)?;
        }
    }
    Ok(items)
}

pub(super) fn selection(
    prefix: &Key,
    start: Option<Key>,
    end: Option<Key>,
    reverse: u32,
    limit: f64,
) -> Selection {
    let KeyRange { mut lower, mut upper } = keyvalue::prefix_range(&prefix.0);
    if let Some(start) = start.filter(|start| start.0 > prefix.0) {
        lower = Bound::Included(start.0.into_boxed_slice());
    }
    let is_lower = |end: &Key| !matches!(&upper, Bound::Excluded(upper) if **upper <= *end.0);
    if let Some(end) = end.filter(is_lower) {
        upper = Bound::Excluded(end.0.into_boxed_slice());
    }
    let direction = if reverse == 0 { Direction::Ascending } else { Direction::Descending };
    let limit = if limit < 0.0 { u64::MAX } else { limit as u64 };
    Selection { range: KeyRange { lower, upper }, direction, limit }
}
