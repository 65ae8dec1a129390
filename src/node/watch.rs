//! Checkpoints as JavaScript hears of them.

use super::errors::to_json;
use super::handle::Handle;
use crate::stores::durable::Checkpoint;
use napi::Status;
use napi::bindgen_prelude::{External, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde_json::json;
use std::rc::Rc;

/// Weak: it does not keep the event loop alive.
type Callback = ThreadsafeFunction<String, (), String, Status, false, true, 0>;

/// Calls `callback` after every checkpoint of this process, until the handle is closed or collected; one
/// handle of each directory and thread is called. It gets `{"documents":n,"milliseconds":n,"sequence":n,
/// "warn":bool,"error":text or null}`, where the text describes an error as everywhere.
#[napi(catch_unwind)]
pub fn watch_checkpoints(handle: &External<Rc<Handle>>, callback: Function<String, ()>) -> napi::Result<()> {
    let callback: Callback =
        callback.build_threadsafe_function::<String>().callee_handled::<false>().weak::<true>().build()?;
    handle.datastore()?.watch(Box::new(move |checkpoint| {
        callback.call(message(checkpoint), ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
    }));
    Ok(())
}

fn message(checkpoint: &Checkpoint) -> String {
    json!({
        "documents": checkpoint.documents,
        "milliseconds": checkpoint.duration.as_secs_f64() * 1_000.0,
        "sequence": checkpoint.through,
        "warn": checkpoint.warn,
        "error": checkpoint.failure.as_ref().map(to_json),
    })
    .to_string()
}
