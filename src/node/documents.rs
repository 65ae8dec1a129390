//! Reading and writing single documents, and batches.

use super::errors::to_js;
use super::handle::{Handle, ready_answer};
use super::port::{PromiseId, Task};
use super::shared;
use super::text::{self, Key, Text};
use crate::documents::assert_storable;
use crate::kv::{Batch, Changes, Check, Operation, Space, Version};
use crate::{Error, json};
use napi::Env;
use napi::bindgen_prelude::{External, Float64Array, Uint32Array, Unknown};
use napi_derive::napi;
use std::rc::Rc;

const DOCUMENTS: Space = Space::DOCUMENTS;

/// Whether there is a document at `key`.
#[napi(catch_unwind)]
pub fn has(handle: &External<Rc<Handle>>, key: Key) -> napi::Result<bool> {
    ready_answer(handle.store()?.get(DOCUMENTS, &key.0)).map(|entry| entry.is_some())
}

/// The documents at `keys` at one moment, as a JSON array with null where there is none.
#[napi(catch_unwind)]
pub fn get_many(handle: &External<Rc<Handle>>, keys: Vec<Key>) -> napi::Result<Text> {
    let snapshot = ready_answer(handle.store()?.snapshot())?;
    let entries = keys
        .iter()
        .map(|key| ready_answer(snapshot.get(DOCUMENTS, &key.0)))
        .collect::<napi::Result<Vec<_>>>()?;
    let mut out = Vec::new();
    text::write_documents(&mut out, entries.iter().map(Option::as_ref));
    Ok(Text(out))
}

/// The keys of the documents that changed after the commit `since`, as a JSON array; the text `null` when
/// that is not known any more.
#[napi(catch_unwind)]
pub fn keys_changed_since(handle: &External<Rc<Handle>>, since: f64) -> napi::Result<Text> {
    let mut out = Vec::new();
    match ready_answer(handle.store()?.changes(DOCUMENTS, since as u64))? {
        Changes::Keys(keys) => text::write_array(&mut out, keys, |out, key| text::write_key(out, &key)),
        Changes::TooOld => out.extend_from_slice(b"null"),
    }
    Ok(Text(out))
}

/// Commits several operations as one; `checks` holds triples (kind, value, exact version or -1).
/// Resolves with `[[version or -1, sequence], ...]`.
#[napi(catch_unwind)]
pub fn commit_batch(
    env: &Env,
    handle: &External<Rc<Handle>>,
    id: PromiseId,
    keys: Vec<Key>,
    documents: Vec<Option<String>>,
    checks: Float64Array,
) -> napi::Result<()> {
    let mut operations = Vec::with_capacity(keys.len());
    for ((key, document), triple) in keys.iter().zip(documents).zip(checks.chunks_exact(3)) {
        let check = check(triple[0] as u32, triple[1]).map_err(to_js)?;
        let exact = (triple[2] >= 0.0).then_some(triple[2] as u64);
        operations.push(operation(key, document, check, exact)?);
    }
    let answer = handle.store()?.commit(Batch { operations });
    let text = async move {
        let committed = answer.await?;
        let sequence = committed.sequence;
        let rows: Vec<String> = committed
            .versions
            .iter()
            .map(|version| {
                version.map_or(format!("[-1,{sequence}]"), |version| format!("[{version},{sequence}]"))
            })
            .collect();
        Ok(Some(format!("[{}]", rows.join(","))))
    };
    handle.submit(env, id, Task::text(text))
}

/// A live view on the newest sequence number of the store, whoever commits; null where it has to be looked
/// for, or where the runtime forbids arrays on foreign memory.
#[napi(catch_unwind)]
pub fn head(env: &Env, handle: &External<Rc<Handle>>) -> napi::Result<Option<Uint32Array>> {
    handle.datastore()?.head().cloned().map_or(Ok(None), |head| shared::words(env, head))
}

/// Lets go of what `head` gave: a closed store keeps nothing mapped.
#[napi(catch_unwind)]
pub fn forget_head(env: &Env, words: Unknown<'_>) -> napi::Result<()> {
    shared::forget(env, words)
}

fn operation(
    key: &Key,
    document: Option<String>,
    check: Check,
    exact: Option<Version>,
) -> napi::Result<Operation> {
    assert_storable(&key.0).map_err(to_js)?;
    let Some(text) = document else { return Ok(Operation::delete(DOCUMENTS, &key.0, check)) };
    let mut text = text.into_bytes();
    let body = json::body_of_normalized(&mut text)
        .ok_or_else(|| to_js(Error::assertion("A document must come from the strict copy")))?;
    Ok(match exact {
        Some(version) => Operation::put_exact(DOCUMENTS, &key.0, check, body, version),
        None => Operation::put(DOCUMENTS, &key.0, check, body),
    })
}

pub(super) fn check(kind: u32, value: f64) -> crate::Result<Check> {
    let number = value as u64;
    match kind {
        0 => Ok(Check::Any),
        1 => Ok(Check::Absent),
        2 => Ok(Check::Version(number)),
        3 => Ok(Check::VersionIfPresent(number)),
        4 => Ok(Check::Unchanged(number)),
        _ => Err(Error::assertion(format!("Unknown kind of check: {kind}"))),
    }
}
