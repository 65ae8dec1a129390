//! Watching what changes.

use super::super::port::{MakeValue, PromiseId, Task};
use super::super::text::Key;
use super::convert::{create_key, create_value};
use super::handle::{StoreHandle, make};
use crate::keyvalue::{Event, Stopper, Watch};
use crate::{Error, Result};
use napi::bindgen_prelude::{Array, External, FromNapiValue, JsValue, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

/// What a watch is for JavaScript.
pub struct WatchHandle {
    handle: Rc<StoreHandle>,
    place: Rc<Place>,
}

/// The watch; nothing before it is open, while it waits for changes, and once it is stopped.
#[derive(Default)]
struct Place {
    watch: RefCell<Option<Watch>>,
    stopper: RefCell<Option<Stopper>>,
}

const SET: u32 = 0;
const DELETE: u32 = 1;
const RESYNC: u32 = 2;

/// A watch that does not watch yet.
#[napi(catch_unwind)]
pub fn new_watch(handle: &External<Rc<StoreHandle>>) -> External<WatchHandle> {
    External::new(WatchHandle { handle: Rc::clone(handle), place: Rc::default() })
}

/// Watches the keys that begin with `prefix` from now on.
#[napi(catch_unwind)]
pub fn open_watch<'env>(
    env: &'env Env,
    watch: &External<WatchHandle>,
    id: PromiseId,
    prefix: Key,
) -> napi::Result<Unknown<'env>> {
    let (store, place) = (watch.handle.values()?, Rc::clone(&watch.place));
    let open = async move {
        let watch = Watch::open(store, &prefix.0).await?;
        place.stopper.replace(Some(watch.stopper()));
        place.watch.replace(Some(watch));
        Ok(make(()))
    };
    watch.handle.answer(env, id, open)
}

/// Resolves with the next changes, a flat array of threes: 0 and a key and its value, 1 and a key that was
/// removed, or 2 where all has to be read again. It is empty once the watch is stopped.
#[napi(catch_unwind)]
pub fn next_changes(env: &Env, watch: &External<WatchHandle>, id: PromiseId) -> napi::Result<()> {
    let place = Rc::clone(&watch.place);
    let changes = async move {
        let events = next(&place).await?;
        Ok(Box::new(move |env: &Env| array(env, &events).map(|array| array.raw())) as MakeValue)
    };
    watch.handle.submit(env, id, Task::Value(Box::pin(changes)))
}

/// Ends the watch, and what waits for it.
#[napi(catch_unwind)]
pub fn stop_watch(watch: &External<WatchHandle>) {
    if let Some(stopper) = watch.place.stopper.take() {
        stopper.stop();
    }
    watch.place.watch.take();
}

async fn next(place: &Place) -> Result<Vec<Event>> {
    let Some(mut watch) = place.watch.take() else {
        return match &*place.stopper.borrow() {
            Some(_) => Err(Error::assertion("A watch is asked for one change at a time")),
            None => Ok(Vec::new()),
        };
    };
    let events = watch.next().await;
    if place.stopper.borrow().is_some() {
        place.watch.replace(Some(watch));
    }
    events
}

fn array<'env>(env: &'env Env, events: &[Event]) -> napi::Result<Array<'env>> {
    let mut items = env.create_array(0)?;
    for event in events {
        let (kind, key, form) = match event {
            Event::Set(entry) => (SET, Some(entry.key()), Some(entry.value())),
            Event::Delete(key) => (DELETE, Some(&**key), None),
            Event::Resync => (RESYNC, None, None),
        };
        items.insert(kind)?;
        push(env, &mut items, key.map(|key| create_key(env.raw(), key)))?;
        push(env, &mut items, form.map(|form| create_value(env.raw(), form)))?;
    }
    Ok(items)
}

fn push(env: &Env, items: &mut Array<'_>, value: Option<napi::Result<sys::napi_value>>) -> napi::Result<()> {
    match value.transpose()? {
        None => items.insert(()),
        // SAFETY: a value of this environment, made just now.
        Some(value) => items.insert(unsafe { Unknown::from_napi_value(env.raw(), value) }?),
    }
}
