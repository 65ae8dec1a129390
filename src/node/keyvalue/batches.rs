//! What concerns many keys, and locks.

use super::super::errors::to_js;
use super::super::port::{PromiseId, Task};
use super::super::text::Key;
use super::convert::{Input, millis, storable_key};
use super::handle::{StoreHandle, make};
use crate::fs::OsFileSystem;
use crate::keyvalue::KeyWrite;
use crate::kv::{Answer, block_on};
use crate::{Error, distributor};
use napi::bindgen_prelude::{Array, External, JsValue, Unknown};
use napi::{Env, Result, sys};
use napi_derive::napi;
use std::path::Path;
use std::rc::Rc;

/// Writes all of these entries, or none: undefined as a value removes. Answers with true.
#[napi(catch_unwind)]
pub fn set_batch<'env>(
    env: &'env Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    keys: Array<'_>,
    values: Array<'_>,
) -> Result<Unknown<'env>> {
    let store = handle.values()?;
    let writes = writes(env, &keys, &values, None, store.now())?;
    let answer = store.write_batch(writes);
    handle.answer(env, id, async move { answer.await.map(|()| make(true)) })
}

/// How many entries have keys that begin with `prefix`.
#[napi(catch_unwind)]
pub fn count_entries<'env>(
    env: &'env Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    prefix: Key,
) -> Result<Unknown<'env>> {
    let store = handle.values()?;
    handle.answer(env, id, async move { store.count(&prefix.0).await.map(|count| make(count as f64)) })
}

/// Removes the entries whose keys begin with `prefix`. Resolves with how many there were.
#[napi(catch_unwind)]
pub fn clear_entries(
    env: &Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    prefix: Key,
) -> Result<()> {
    let store = handle.values()?;
    let cleared = Answer::blocking(move || block_on(store.clear(&prefix.0)));
    handle.submit(env, id, Task::text(async move { cleared.await.map(|count| Some(count.to_string())) }))
}

/// Saves the entries to a file. Resolves with how many there are.
#[napi(catch_unwind)]
pub fn save_entries(
    env: &Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    path: String,
) -> Result<()> {
    let store = handle.values()?;
    let saved = Answer::blocking(move || distributor::save(&OsFileSystem::PRIVATE, &store, Path::new(&path)));
    handle.submit(env, id, Task::text(async move { saved.await.map(|count| Some(count.to_string())) }))
}

/// Puts the entries of a file in place of all. Resolves with how many there are.
#[napi(catch_unwind)]
pub fn load_entries(
    env: &Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    path: String,
) -> Result<()> {
    let store = handle.values()?;
    let loaded =
        Answer::blocking(move || distributor::load(&OsFileSystem::PRIVATE, &store, Path::new(&path)));
    handle.submit(env, id, Task::text(async move { loaded.await.map(|count| Some(count.to_string())) }))
}

/// Takes a lock for so many milliseconds, unless somebody has it. Answers with how often it was taken before,
/// or -1 if somebody has it.
#[napi(catch_unwind)]
pub fn take_lock<'env>(
    env: &'env Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    key: Unknown<'_>,
    owner: Unknown<'_>,
    ttl: f64,
) -> Result<Unknown<'env>> {
    let store = handle.values()?;
    let expires = store.now().saturating_add(ttl as u64);
    let owner = Input::default().form(env.raw(), owner.raw(), Some(expires))?;
    let answer = store.lock(storable_key(env.raw(), key.raw())?, owner);
    let taken = async move { answer.await.map(|before| make(before.map_or(-1.0, |before| before as f64))) };
    handle.answer(env, id, taken)
}

/// Keys and forms. `expires` has how many milliseconds each value lasts, -1 for ever.
pub(super) fn writes(
    env: &Env,
    keys: &Array<'_>,
    values: &Array<'_>,
    expires: Option<&Array<'_>>,
    now: u64,
) -> Result<Vec<KeyWrite>> {
    let mut input = Input::default();
    let mut writes = Vec::with_capacity(keys.len() as usize);
    for at in 0..keys.len() {
        let key = storable_key(env.raw(), element(keys, at)?)?;
        let value = element(values, at)?;
        let form = if super::is_undefined(env.raw(), value)? {
            None
        } else {
            let lasts = expires.map(|expires| millis(env.raw(), element(expires, at)?)).transpose()?;
            let expires = lasts.flatten().map(|lasts| now.saturating_add(lasts));
            Some(input.form(env.raw(), value, expires)?)
        };
        writes.push((key, form));
    }
    Ok(writes)
}

fn element(array: &Array<'_>, at: u32) -> Result<sys::napi_value> {
    let missing = || to_js(Error::internal("reading a batch"));
    array.get::<Unknown<'_>>(at)?.map(|value| value.raw()).ok_or_else(missing)
}
