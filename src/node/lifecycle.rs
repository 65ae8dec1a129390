//! Creating, loading, flushing and closing a store.

use super::errors::to_js;
use super::handle::{Handle, State};
use super::port::{Port, PromiseId, Task};
use crate::Error;
use crate::datastore::{Datastore, Location, Options, Rights, Storage};
use crate::fs::{FileSystem, Modes, OsFileSystem};
use crate::kv::{Answer, Durability};
use crate::stores::durable::{Access, OnDamage, OpenOptions};
use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

/// The version of the package that this addon belongs to.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A handle from options in JSON; touches no disk.
#[napi(catch_unwind)]
pub fn create_store(port: &External<Rc<Port>>, options: String) -> napi::Result<External<Rc<Handle>>> {
    let options = parse_options(&options).map_err(to_js)?;
    let handle = Rc::new(Handle::new(Rc::clone(port), options));
    port.adopt(&handle);
    Ok(External::new(handle))
}

/// Loads the documents; resolves with `{"documents":n,"quarantined":[...]}`.
#[napi(catch_unwind)]
pub fn load(env: &Env, handle: &External<Rc<Handle>>, id: PromiseId, quarantine: u32) -> napi::Result<()> {
    let inner = Rc::clone(handle);
    if let State::Open(datastore) = &*inner.state.borrow() {
        let report = report(datastore);
        return handle.submit(env, id, Task::text(async move { Ok(Some(report)) }));
    }
    let options = inner.options.clone();
    let damage = if quarantine == 0 { OnDamage::Refuse } else { OnDamage::Quarantine };
    let opened = Answer::blocking(move || {
        let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::new(options.modes));
        Datastore::open(&fs, &options, damage).map(Arc::new)
    });
    handle.submit(env, id, Task::text(finish_load(Rc::downgrade(&inner), opened)))
}

/// Whether there is a store to read and write.
#[napi(catch_unwind)]
pub fn is_loaded(handle: &External<Rc<Handle>>) -> bool {
    matches!(&*handle.state.borrow(), State::Open(_))
}

/// Resolves when everything acknowledged survives a power cut.
#[napi(catch_unwind)]
pub fn flush(env: &Env, handle: &External<Rc<Handle>>, id: PromiseId) -> napi::Result<()> {
    let answer = handle.store()?.flush();
    handle.submit(env, id, Task::text(async move { answer.await.map(|()| None) }))
}

/// Resolves when the handle is closed; the last one on a directory writes everything out.
#[napi(catch_unwind)]
pub fn close(env: &Env, handle: &External<Rc<Handle>>, id: PromiseId) -> napi::Result<()> {
    let closed = match handle.detach() {
        Some(datastore) => Answer::blocking(move || datastore.close()),
        None => Answer::Ready(Ok(())),
    };
    handle.submit(env, id, Task::text(async move { closed.await.map(|()| None) }))
}

/// As `close`, but blocks: for the end of the process.
#[napi(catch_unwind)]
pub fn close_sync(handle: &External<Rc<Handle>>) -> napi::Result<()> {
    handle.detach().map_or(Ok(()), |datastore| datastore.close().map_err(to_js))
}

/// Figures about the store, as JSON.
#[napi(catch_unwind)]
pub fn stats(handle: &External<Rc<Handle>>) -> napi::Result<String> {
    let stats = handle.datastore()?.stats().map_err(to_js)?;
    let views = handle.views.borrow();
    let view_bytes: usize = views.values().map(|view| view.memory_bytes()).sum();
    let views = views.iter().map(|(id, view)| (id.clone(), view.stats())).collect::<serde_json::Map<_, _>>();
    let mut figures = json!({
        "documents": stats.documents,
        "sequence": stats.sequence,
        "backlog": stats.backlog,
        "memory": { "documents": stats.memory.values, "keys": stats.memory.keys, "views": view_bytes },
        "checkpointFailure": stats.checkpoint_failure.map(|error| error.to_string()),
        "views": views,
    });
    if let (Some((journal, checkpoints)), Value::Object(figures)) = (stats.totals, &mut figures) {
        let mut put = |name: &str, value: Value| figures.insert(name.to_owned(), value);
        put("commits", journal.commits.into());
        put("conflicts", journal.conflicts.into());
        put("journalBytesWritten", journal.bytes.into());
        put("checkpoints", checkpoints.done.into());
        put("checkpointFailures", checkpoints.failed.into());
        put("checkpointedDocuments", checkpoints.documents.into());
        put("checkpointSeconds", checkpoints.duration.as_secs_f64().into());
    }
    Ok(figures.to_string())
}

/// Holds the handle weakly: a task belongs to the port, which the handle holds.
async fn finish_load(handle: Weak<Handle>, opened: Answer<Arc<Datastore>>) -> crate::Result<Option<String>> {
    let datastore = opened.await?;
    let handle = handle.upgrade().ok_or_else(Error::closed)?;
    let report = report(&datastore);
    let mut state = handle.state.borrow_mut();
    match &*state {
        // Dropping the new handle releases its share.
        State::Closed => Err(Error::closed()),
        State::Open(_) => Ok(Some(report)),
        State::New => {
            *state = State::Open(datastore);
            Ok(Some(report))
        }
    }
}

fn report(datastore: &Datastore) -> String {
    let report = datastore.report();
    json!({ "documents": report.documents, "quarantined": report.quarantined }).to_string()
}

fn parse_options(text: &str) -> crate::Result<Options> {
    let options: Value =
        serde_json::from_str(text).map_err(|_| Error::assertion("The options must be JSON"))?;
    let location = match (options.get("directory"), options.get("memory")) {
        (Some(Value::String(directory)), _) => Location::Directory(PathBuf::from(directory)),
        (_, Some(Value::Bool(true))) => Location::Memory,
        _ => return Err(Error::assertion("The option directory must be a non-empty string")),
    };
    let durability = match options.get("durability").map(|value| value.as_str().unwrap_or_default()) {
        None | Some("sync") => Durability::Sync,
        Some("os") => Durability::Os,
        Some("batched") => Durability::Batched,
        Some(_) => return Err(Error::assertion("The option durability must be 'sync', 'os' or 'batched'")),
    };
    let is_set = |name| options.get(name) == Some(&Value::Bool(true));
    let default = OpenOptions::default();
    let directory = OpenOptions {
        durability,
        flush_interval: milliseconds(&options, "flushInterval", default.flush_interval)?,
        lock_timeout: milliseconds(&options, "lockTimeout", default.lock_timeout)?,
        access: if is_set("exclusive") { Access::Exclusive } else { Access::Shared },
        cache_bytes: bytes(&options, "cacheSize", default.cache_bytes)?,
        ..default
    };
    let rights = if is_set("readOnly") { Rights::ReadOnly } else { Rights::ReadWrite };
    let modes = Modes {
        directory: mode(&options, "directoryMode", Modes::PRIVATE.directory)?,
        file: mode(&options, "fileMode", Modes::PRIVATE.file)?,
    };
    let storage = match options.get("storage").map(|value| value.as_str().unwrap_or_default()) {
        None | Some("files" | "memory") => Storage::Files,
        Some("disk") => Storage::Disk,
        Some(_) => return Err(Error::assertion("The option storage must be 'files', 'disk' or 'memory'")),
    };
    Ok(Options { location, storage, rights, modes, directory })
}

fn bytes(options: &Value, name: &str, default: usize) -> crate::Result<usize> {
    let Some(value) = options.get(name) else { return Ok(default) };
    value
        .as_u64()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| Error::assertion(format!("The option {name} must be a number of bytes")))
}

fn mode(options: &Value, name: &str, default: u32) -> crate::Result<u32> {
    let Some(value) = options.get(name) else { return Ok(default) };
    value
        .as_u64()
        .and_then(|mode| u32::try_from(mode).ok())
        .ok_or_else(|| Error::assertion(format!("The option {name} must be permissions such as 0o750")))
}

fn milliseconds(options: &Value, name: &str, default: Duration) -> crate::Result<Duration> {
    let Some(value) = options.get(name) else { return Ok(default) };
    value
        .as_u64()
        .map(Duration::from_millis)
        .ok_or_else(|| Error::assertion(format!("The option {name} must be a whole number of milliseconds")))
}
