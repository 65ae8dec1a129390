//! Views: map functions of JavaScript, called in batches.
//!
//! Two drivers bring a view up to date: a thread, which calls the map function through a threadsafe function
//! (`query_view`), and the JavaScript thread itself, for the synchronous engine (`view_next`, `view_apply`).

use super::errors::to_js;
use super::function::{call, function};
use super::handle::{Handle, RememberedPage, ready, ready_answer};
use super::page_writer::{PageWriter, buffer};
use super::pages::{count, direction};
use super::port::{PromiseId, Task};
use super::text::Text;
use super::view_driver::{Batch, Driver, MapCall, MapFunction};
use crate::datastore::Storage;
use crate::kv::{Answer, Space};
use crate::stores::memory::MemoryStore;
use crate::views::{
    BatchLimit, Ticket, View, ViewName, ViewPage, ViewQuery, ViewSpaces, parse_mapped, remove_others,
};
use crate::{Error, ErrorKind};
use napi::bindgen_prelude::{External, Float64ArraySlice, FromNapiValue, Function, ToNapiValue, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Weak};

/// A view of one handle.
pub(super) struct NodeView {
    /// None if they are where the documents are.
    rows: Option<Arc<MemoryStore>>,
    driver: Arc<Driver>,
    /// The batch that `view_next` gave last.
    ticket: Cell<Option<Ticket>>,
}

/// The rows of a view have a store of their own, so its spaces never meet another view's.
const SPACES: ViewSpaces = ViewSpaces { rows: Space(0), documents: Space(1) };

/// Registers a view, in place of one of the same id. The signature tells its map function from others.
///
/// `map(batch, reply)` is called with `[kinds, numbers, strings]` of documents in flat form, as src/json/flat
/// has it, one behind the other. `reply(rows)` takes a JSON array: for each document its rows, or a message.
/// Answers with `names(structure)`: the JSON array of the names of a structure of these batches.
#[napi(catch_unwind)]
pub fn set_view<'env>(
    env: &'env Env,
    handle: &External<Rc<Handle>>,
    id: String,
    signature: String,
    map: Function<MapCall, ()>,
) -> napi::Result<Unknown<'env>> {
    let map: MapFunction =
        map.build_threadsafe_function::<MapCall>().callee_handled::<false>().weak::<true>().build()?;
    let (rows, view) = if keeps_rows(handle) {
        let store = handle.store()?;
        let name = ViewName { id: id.clone(), signature };
        let view = View::recorded(Arc::clone(&store), name.clone()).map_err(to_js)?;
        // What is not removed now, is the next time.
        drop(Answer::blocking(move || remove_others(&*store, &name.id, Some(&name.signature))));
        (None, view)
    } else {
        // A view never asks what changed in its rows.
        let rows = Arc::new(MemoryStore::without_history());
        (Some(Arc::clone(&rows)), View::new(rows, SPACES))
    };
    let driver = Arc::new(Driver::new(view, map));
    // Weak: the driver has the map function, and that will have this one.
    let names = function(env, "names", &Rc::new(Arc::downgrade(&driver)), names)?;
    let view = NodeView { rows, driver, ticket: Cell::new(None) };
    handle.views.borrow_mut().insert(id, Rc::new(view));
    // SAFETY: a value of this environment, made just now.
    unsafe { Unknown::from_napi_value(env.raw(), names) }
}

unsafe extern "C" fn names(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |driver: &Weak<Driver>, [structure]| {
        // SAFETY: an argument of this call.
        let structure = unsafe { u32::from_napi_value(env, structure)? };
        let names = driver.upgrade().and_then(|driver| driver.names(structure as usize));
        // SAFETY: `env` is the environment of this call.
        unsafe { ToNapiValue::to_napi_value(env, names) }
    })
}

/// Forgets a view; false if there was none.
#[napi(catch_unwind)]
pub fn delete_view(handle: &External<Rc<Handle>>, id: String) -> bool {
    if let (true, Ok(store)) = (keeps_rows(handle), handle.store()) {
        let id = id.clone();
        drop(Answer::blocking(move || remove_others(&*store, &id, None)));
    }
    handle.views.borrow_mut().remove(&id).is_some()
}

/// Whether there is such a view.
#[napi(catch_unwind)]
pub fn has_view(handle: &External<Rc<Handle>>, id: String) -> bool {
    handle.views.borrow().contains_key(&id)
}

/// A page of rows: the window; the documents' keys; for each the commit that wrote its document; for each row
/// its key and its value. Null when the view is not up to date.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "everything crosses the border once")]
pub fn view_page(
    handle: &External<Rc<Handle>>,
    mut numbers: Float64ArraySlice,
    id: String,
    start: Option<String>,
    end: Option<String>,
    descending: u32,
    offset: f64,
    limit: f64,
) -> napi::Result<Option<Text>> {
    let view = find(handle, &id)?;
    let query = query(start, end, descending, offset, limit)?;
    let needed = handle.store()?.sequence();
    let Some(page) = ready(view.driver.view().page(&query, needed))? else { return Ok(None) };
    let mut writer = write_keys(buffer(&mut numbers), &page);
    write_rows(&mut writer, &page);
    handle.page.replace(RememberedPage::Rows(page.rows));
    Ok(Some(writer.finish()))
}

/// Brings a view up to date on another thread, then resolves with a page of rows, all of it in the array. The
/// documents are before keys and values if `documents` is not 0. Null when another view has taken its place.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "everything crosses the border once")]
pub fn query_view(
    env: &Env,
    handle: &External<Rc<Handle>>,
    promise: PromiseId,
    id: String,
    start: Option<String>,
    end: Option<String>,
    descending: u32,
    offset: f64,
    limit: f64,
    documents: u32,
) -> napi::Result<()> {
    let view = find(handle, &id)?;
    let query = query(start, end, descending, offset, limit)?;
    let store = handle.store()?;
    let driver = Arc::clone(&view.driver);
    let answer = Driver::ask(&driver, store, query);
    let text = async move {
        let (page, snapshot) = match answer.await {
            Err(_) if driver.is_retired() => return Ok(None),
            answered => answered?,
        };
        let mut writer = write_keys(&mut [], &page);
        if documents != 0 {
            for row in &page.rows {
                writer.document(snapshot.get(Space::DOCUMENTS, &row.document_key()).await?.as_ref());
            }
        }
        write_rows(&mut writer, &page);
        writer.finish().into_string().map(Some)
    };
    handle.submit(env, promise, Task::text(text))
}

/// The next documents to map, as `map` gets them; null when the view is up to date.
#[napi(catch_unwind)]
pub fn view_next(handle: &External<Rc<Handle>>, id: String) -> napi::Result<Option<Batch>> {
    let view = find(handle, &id)?;
    let store = handle.store()?;
    let moment = ready_answer(store.snapshot())?;
    let batch = view.driver.view().next_batch(&*store, &moment, BatchLimit::default()).map_err(to_js)?;
    let Some(batch) = batch else { return Ok(None) };
    view.ticket.set(Some(batch.ticket));
    view.driver.flat(&batch).map(Some).map_err(to_js)
}

/// Takes the rows of the batch that `view_next` gave.
#[napi(catch_unwind)]
pub fn view_apply(handle: &External<Rc<Handle>>, id: String, rows: String) -> napi::Result<()> {
    let view = find(handle, &id)?;
    let Some(ticket) = view.ticket.take() else { return Ok(()) };
    let mapped = parse_mapped(&rows).map_err(to_js)?;
    view.driver.view().apply(ticket, &mapped).map_err(to_js)
}

impl NodeView {
    /// What its rows take of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let Some(rows) = &self.rows else { return 0 };
        let bytes = |space| rows.memory(space).map_or(0, |memory| memory.values + memory.keys);
        bytes(SPACES.rows) + bytes(SPACES.documents)
    }

    /// Figures about the view.
    pub(super) fn stats(&self) -> Value {
        let Ok(stats) = ready(self.driver.view().stats()) else { return Value::Null };
        let failed: Vec<Value> = stats
            .failed
            .iter()
            .map(|(key, message)| json!({ "key": crate::documents::key::decode(key), "message": message }))
            .collect();
        json!({
            "rows": stats.rows,
            "builtThrough": stats.built_through,
            "building": stats.building.map(|way| json!({ "mapped": way.mapped, "total": way.total })),
            "failures": stats.failures,
            "failed": failed,
        })
    }
}

impl Drop for NodeView {
    fn drop(&mut self) {
        self.driver.retire();
    }
}

/// Whether the rows of views are in the store of the documents, and outlive this process.
fn keeps_rows(handle: &Handle) -> bool {
    handle.options.storage == Storage::Disk
}

fn find(handle: &Handle, id: &str) -> napi::Result<Rc<NodeView>> {
    let view = handle.views.borrow().get(id).cloned();
    // A closed handle has no views any more, and that is not the caller's mistake.
    view.ok_or_else(|| match handle.datastore() {
        Err(closed) => closed,
        Ok(_) => to_js(Error::new(
            ErrorKind::Assertion,
            format!("There is no view \"{id}\". Register it with setView()"),
        )),
    })
}

fn query(
    start: Option<String>,
    end: Option<String>,
    descending: u32,
    offset: f64,
    limit: f64,
) -> napi::Result<ViewQuery> {
    ViewQuery::new(start.as_deref(), end.as_deref(), direction(descending), count(offset), count(limit))
        .map_err(to_js)
}

fn write_keys<'a>(numbers: &'a mut [f64], page: &ViewPage) -> PageWriter<'a> {
    let mut writer = PageWriter::new(numbers, page.total, page.next, page.rows.len());
    for row in &page.rows {
        writer.key(&row.document_key());
    }
    for row in &page.rows {
        writer.number(row.document_sequence());
    }
    writer
}

fn write_rows(writer: &mut PageWriter<'_>, page: &ViewPage) {
    for row in &page.rows {
        writer.value(row.key_text());
        match row.value_text() {
            Some(value) => writer.value(value),
            None => writer.nothing(),
        }
    }
}
