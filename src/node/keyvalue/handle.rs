//! The handle of one `KeyValueStore` object in JavaScript.

use super::super::errors::to_js;
use super::super::port::{Abandon, MakeValue, Port, PromiseId, Task};
use crate::distributor::{self, Backend, DiskOptions, Figures, Name, Named};
use crate::fs::{FileSystem, OsFileSystem};
use crate::keyvalue::{KeyValues, Request};
use crate::kv::{Answer, Durability};
use crate::{Error, Result};
use napi::Env;
use napi::bindgen_prelude::{External, FromNapiValue, Null, ToNapiValue, Unknown};
use napi_derive::napi;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Everything behind one handle. Lives on the JavaScript thread.
pub struct StoreHandle {
    port: Rc<Port>,
    state: RefCell<State>,
    /// Writes that wait for the end of the synchronous step in which they were asked for.
    pub(super) queue: RefCell<Vec<Request>>,
}

enum State {
    Opening,
    Open(Named),
    Closed,
}

/// A handle without a store.
#[napi(catch_unwind)]
pub fn create_named(port: &External<Rc<Port>>) -> External<Rc<StoreHandle>> {
    let (state, queue) = (RefCell::new(State::Opening), RefCell::default());
    let handle = Rc::new(StoreHandle { port: Rc::clone(port), state, queue });
    port.adopt(&handle);
    External::new(handle)
}

/// Opens the store that `options` name, in JSON, or takes a share of it if it is open. Resolves with 1 if its
/// writes wait for a disk, otherwise 0.
#[napi(catch_unwind)]
pub fn open_named(
    env: &Env,
    handle: &External<Rc<StoreHandle>>,
    id: PromiseId,
    options: String,
) -> napi::Result<()> {
    let opened = Answer::blocking(move || {
        let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
        let (name, options) = parse(&*fs, &options)?;
        Named::open(&fs, name, &options)
    });
    handle.submit(env, id, Task::text(finish_open(Rc::downgrade(handle), opened)))
}

/// Lets go of the store; the last handle closes it.
#[napi(catch_unwind)]
pub fn close_named(env: &Env, handle: &External<Rc<StoreHandle>>, id: PromiseId) -> napi::Result<()> {
    let closed = match handle.state.replace(State::Closed) {
        State::Open(named) => named.close(),
        State::Opening | State::Closed => Ok(()).into(),
    };
    handle.submit(env, id, Task::text(async move { closed.await.map(|()| None) }))
}

/// Lets go of the store of a handle that was collected, without a word.
#[napi(catch_unwind)]
pub fn drop_named(handle: &External<Rc<StoreHandle>>) {
    handle.abandon();
}

/// Resolves when everything acknowledged survives a power cut.
#[napi(catch_unwind)]
pub fn flush_named(env: &Env, handle: &External<Rc<StoreHandle>>, id: PromiseId) -> napi::Result<()> {
    let answer = handle.values()?.store().flush();
    handle.submit(env, id, Task::text(async move { answer.await.map(|()| None) }))
}

/// Resolves with what is open in this process of the base directory, in JSON: an array of `id`, `backend`,
/// `handles`, how many `keys` there are, and in `memory` the bytes of `keys`, `values` and `cache`.
#[napi(catch_unwind)]
pub fn named_stats(
    env: &Env,
    port: &External<Rc<Port>>,
    id: PromiseId,
    directory: Option<String>,
) -> napi::Result<()> {
    let fs = OsFileSystem::PRIVATE;
    let scope = directory.map(|directory| distributor::scope(&fs, Path::new(&directory)));
    let figures = distributor::figures(scope.transpose().map_err(to_js)?.as_ref());
    port.submit(env, id, Task::text(figures_text(figures)))
}

/// Resolves with the same about the store of this handle only.
#[napi(catch_unwind)]
pub fn store_stats(env: &Env, handle: &External<Rc<StoreHandle>>, id: PromiseId) -> napi::Result<()> {
    let figures = handle.named(Named::figures)?;
    handle.submit(env, id, Task::text(figures_text(figures)))
}

async fn figures_text(figures: Answer<Vec<Figures>>) -> Result<Option<String>> {
    let stores = figures.await?.into_iter().map(|store| {
        let Figures { name, handles, entries, memory } = store;
        let backend = match name.backend {
            Backend::Memory => "memory",
            Backend::Disk => "disk",
        };
        let memory = json!({ "keys": memory.keys, "values": memory.values, "cache": memory.cache });
        json!({ "id": name.id, "backend": backend, "handles": handles, "keys": entries, "memory": memory })
    });
    Ok(Some(stores.collect::<Value>().to_string()))
}

impl StoreHandle {
    /// The open store.
    pub(super) fn values(&self) -> napi::Result<Arc<KeyValues>> {
        self.with(Arc::clone)
    }

    /// Asks the open store.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&Arc<KeyValues>) -> T) -> napi::Result<T> {
        self.named(|named| ask(named.values()))
    }

    fn named<T>(&self, ask: impl FnOnce(&Named) -> T) -> napi::Result<T> {
        match &*self.state.borrow() {
            State::Open(named) => Ok(ask(named)),
            State::Opening | State::Closed => Err(to_js(closed())),
        }
    }

    /// Submits a task whose answer goes to the promise `id`.
    pub(super) fn submit(&self, env: &Env, id: PromiseId, task: Task) -> napi::Result<()> {
        self.port.submit(env, id, task)
    }

    /// Submits what makes a value; answers with the promise, which JavaScript has to know by then.
    pub(super) fn wait(
        &self,
        env: &Env,
        future: impl Future<Output = Result<MakeValue>> + 'static,
    ) -> napi::Result<PromiseId> {
        let id = self.port.next_id();
        self.submit(env, id, Task::Value(Box::pin(future)))?;
        Ok(id)
    }

    /// What `future` makes, if that is there at once. Otherwise null, and the promise `id` gets it.
    pub(super) fn answer<'env>(
        &self,
        env: &'env Env,
        id: PromiseId,
        future: impl Future<Output = Result<MakeValue>> + 'static,
    ) -> napi::Result<Unknown<'env>> {
        let mut future: Pin<Box<dyn Future<Output = Result<MakeValue>>>> = Box::pin(future);
        let value = match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(made) => made.map_err(to_js)?(env)?,
            Poll::Pending => {
                self.submit(env, id, Task::Value(future))?;
                // SAFETY: `env` is the environment of this call.
                unsafe { ToNapiValue::to_napi_value(env.raw(), Null) }?
            }
        };
        // SAFETY: a value of this environment, made just now.
        unsafe { Unknown::from_napi_value(env.raw(), value) }
    }
}

/// Makes what napi can convert.
pub(super) fn make(value: impl ToNapiValue + 'static) -> MakeValue {
    // SAFETY: the environment in which it is made.
    Box::new(|env| unsafe { ToNapiValue::to_napi_value(env.raw(), value) })
}

impl Abandon for StoreHandle {
    fn abandon(&self) {
        drop(self.state.replace(State::Closed));
    }
}

/// Holds the handle weakly: a task belongs to the port, which the handle holds.
async fn finish_open(handle: Weak<StoreHandle>, opened: Answer<Named>) -> Result<Option<String>> {
    let named = opened.await?;
    let handle = handle.upgrade().ok_or_else(closed)?;
    let mut state = handle.state.borrow_mut();
    if !matches!(&*state, State::Opening) {
        return Err(closed());
    }
    let waits = u8::from(!named.values().is_volatile());
    *state = State::Open(named);
    Ok(Some(waits.to_string()))
}

fn closed() -> Error {
    Error::new(crate::ErrorKind::Closed, "The store is closed")
}

fn parse(fs: &dyn FileSystem, text: &str) -> Result<(Name, DiskOptions)> {
    let malformed = || Error::assertion("The options of a store must be JSON");
    let options: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    let text = |name: &str| options.get(name).and_then(Value::as_str);
    let number = |name: &str| options.get(name).and_then(Value::as_u64);
    let backend = match text("backend") {
        Some("memory") => Backend::Memory,
        Some("disk") => Backend::Disk,
        _ => return Err(malformed()),
    };
    let durability = match text("durability") {
        Some("os") => Durability::Os,
        Some("batched") => Durability::Batched,
        _ => Durability::Sync,
    };
    let directory = text("directory").map(PathBuf::from);
    let scope = directory.map(|directory| distributor::scope(fs, &directory)).transpose()?;
    let id = text("id").ok_or_else(malformed)?.to_owned();
    let flush_interval = Duration::from_millis(number("flushInterval").unwrap_or(0));
    let disk = DiskOptions { cache_bytes: number("cacheSize"), durability, flush_interval };
    Ok((Name { scope, backend, id }, disk))
}
