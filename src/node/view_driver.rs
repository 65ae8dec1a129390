//! The thread that brings a view up to date. It lives while questions wait.

use super::function::{call, function};
use super::text::Text;
use crate::json::{FlatBatch, Flattener};
use crate::kv::{Answer, Read, Store, block_on};
use crate::views::{BatchLimit, MapBatch, Ticket, View, ViewPage, ViewQuery, parse_mapped};
use crate::{Error, Result, threads};
use futures_channel::oneshot;
use napi::bindgen_prelude::{Float64Array, FnArgs, FromNapiValue, ToNapiValue, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The map function of JavaScript for batches. It is called with a [`Batch`], and answers when it likes.
pub(super) type MapFunction = ThreadsafeFunction<MapCall, (), MapCall, Status, false, true, 0>;

/// A batch, and the function that takes its rows.
pub(super) type MapCall = FnArgs<(Batch, Reply)>;

/// How often a waiting thread looks whether the environment of the map function is gone. Calls that are
/// queued when it goes are dropped without a word.
const LIVENESS_INTERVAL: Duration = Duration::from_millis(100);

/// `[kinds, numbers, strings]` of documents in flat form.
pub(super) struct Batch(FlatBatch);

/// Becomes a function of JavaScript, which takes the rows of a batch.
pub(super) struct Reply(Sender<String>);

/// A view, its map function, and who waits for it.
pub(super) struct Driver {
    view: View,
    map: MapFunction,
    flattener: Mutex<Flattener>,
    queue: Mutex<Queue>,
    is_retired: AtomicBool,
}

/// A page of rows, and the documents at the same moment.
pub(super) type Moment = (ViewPage, Arc<dyn Read>);

#[derive(Default)]
struct Queue {
    waiting: Vec<(ViewQuery, oneshot::Sender<Result<Moment>>)>,
    running: bool,
}

impl Driver {
    pub(super) fn new(view: View, map: MapFunction) -> Self {
        let is_retired = AtomicBool::new(false);
        Self { view, map, flattener: Mutex::default(), queue: Mutex::default(), is_retired }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// The documents of a batch as JavaScript takes them.
    pub(super) fn flat(&self, batch: &MapBatch) -> Result<Batch> {
        batch.flat(&mut self.flattener()).map(Batch)
    }

    /// The names of a structure that batches have, as the text of a JSON array.
    pub(super) fn names(&self, structure: usize) -> Option<String> {
        self.flattener().names(structure)
    }

    fn flattener(&self) -> MutexGuard<'_, Flattener> {
        self.flattener.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another view has its place, or none: whoever waits gets an error.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }

    /// Answers `query` once the view shows every commit made before.
    pub(super) fn ask(driver: &Arc<Self>, store: Arc<dyn Store>, query: ViewQuery) -> Answer<Moment> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = driver.lock();
        queue.waiting.push((query, sender));
        if !queue.running {
            let driver = Arc::clone(driver);
            let spawned = threads::start("kixx-view", move || driver.run(&*store));
            if let Err(error) = spawned {
                queue.waiting.clear();
                return Answer::Ready(Err(error));
            }
            queue.running = true;
        }
        Answer::from_receiver(receiver)
    }

    fn run(&self, store: &dyn Store) {
        loop {
            let waiting = {
                let mut queue = self.lock();
                if queue.waiting.is_empty() {
                    queue.running = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            let mut moment = caught(|| self.catch_up(store));
            for (query, sender) in waiting {
                let reply = moment.clone().and_then(|documents| {
                    caught(|| self.reply(store, &query, documents))
                        .inspect(|(_, at)| moment = Ok(Arc::clone(at)))
                });
                let _ = sender.send(reply);
            }
        }
    }

    /// The page at `documents`, or at a later moment where somebody else works on the rows by now.
    fn reply(&self, store: &dyn Store, query: &ViewQuery, mut documents: Arc<dyn Read>) -> Result<Moment> {
        loop {
            let page = block_on(self.view.page(query, documents.sequence()))?;
            // The synchronous engine may have taken the rows further than our snapshot.
            let is_there = self.view.built_through() == Some(documents.sequence());
            if let Some(page) = page.filter(|_| is_there) {
                return Ok((page, documents));
            }
            documents = self.catch_up(store)?;
        }
    }

    /// Brings the view to the moment that it answers: not before this call.
    fn catch_up(&self, store: &dyn Store) -> Result<Arc<dyn Read>> {
        loop {
            let documents = store.snapshot().wait()?;
            while let Some(batch) = self.view.next_batch(store, &documents, BatchLimit::default())? {
                self.map_from(&batch)?;
                if self.is_retired() {
                    return Err(Error::closed());
                }
            }
            // Somebody else may have taken the view further than our snapshot.
            if self.view.built_through() == Some(documents.sequence()) {
                return Ok(documents);
            }
        }
    }

    /// Maps `first` and the batches behind it. While the rows of one are applied the next ones are mapped.
    fn map_from(&self, first: &MapBatch) -> Result<()> {
        let mut last = first.ticket;
        let mut sent = VecDeque::from([self.send(first)?]);
        loop {
            while let Some(batch) = self.view.batch_behind(last, BatchLimit::default())? {
                last = batch.ticket;
                sent.push_back(self.send(&batch)?);
            }
            let Some((ticket, rows)) = sent.pop_front().filter(|_| !self.is_retired()) else { return Ok(()) };
            self.view.apply(ticket, &parse_mapped(&self.receive(&rows)?)?)?;
        }
    }

    fn send(&self, batch: &MapBatch) -> Result<(Ticket, Receiver<String>)> {
        let (sender, receiver) = mpsc::channel();
        let call = FnArgs::from((self.flat(batch)?, Reply(sender)));
        let status = self.map.call(call, ThreadsafeFunctionCallMode::NonBlocking);
        if status == Status::Ok { Ok((batch.ticket, receiver)) } else { Err(Error::closed()) }
    }

    fn receive(&self, receiver: &Receiver<String>) -> Result<String> {
        loop {
            match receiver.recv_timeout(LIVENESS_INTERVAL) {
                Ok(rows) => return Ok(rows),
                Err(RecvTimeoutError::Timeout) if !self.map.aborted() => {}
                Err(_) => return Err(Error::closed()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ToNapiValue for Batch {
    unsafe fn to_napi_value(env: sys::napi_env, Self(batch): Self) -> napi::Result<sys::napi_value> {
        let FlatBatch { kinds, numbers, strings, .. } = batch;
        let list = (Uint8Array::new(kinds), Float64Array::new(numbers), Text(strings));
        // SAFETY: `env` is the environment of this call.
        unsafe { ToNapiValue::to_napi_value(env, list) }
    }
}

impl ToNapiValue for Reply {
    unsafe fn to_napi_value(env: sys::napi_env, Self(sender): Self) -> napi::Result<sys::napi_value> {
        function(&Env::from_raw(env), "reply", &Rc::new(sender), reply)
    }
}

unsafe extern "C" fn reply(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |sender: &Sender<String>, [rows]| {
        // SAFETY: an argument of this call.
        let rows = unsafe { String::from_napi_value(env, rows)? };
        // Who asked may have gone.
        let _ = sender.send(rows);
        // SAFETY: `env` is the environment of this call.
        unsafe { ToNapiValue::to_napi_value(env, ()) }
    })
}

/// A panic becomes an error.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("bringing a view up to date")))
}
