//! The completion port: one per environment. Futures that are not ready at once wait here, are polled on
//! the JavaScript thread when their waker says so, and are answered many at a time.

use super::errors::to_json;
use crate::Error;
use crate::kv::{Answer, Committed};
use napi::bindgen_prelude::{Array, External, Float64Array, FromNapiValue, Function, ToNapiValue, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The promise that JavaScript keeps under this number.
pub(super) type PromiseId = i64;

/// Lives on the JavaScript thread.
pub(super) struct Port {
    waiting: RefCell<HashMap<PromiseId, Task>>,
    /// The last promise that got its number here.
    last_id: Cell<PromiseId>,
    finished: RefCell<Vec<(PromiseId, Outcome)>>,
    handles: RefCell<Vec<Weak<dyn Abandon>>>,
    signal: Arc<Signal>,
}

/// A handle, which has to let go when its environment ends.
pub(super) trait Abandon {
    fn abandon(&self);
}

/// Something to poll until it is ready.
pub(super) enum Task {
    Commits(Answer<Vec<crate::Result<Committed>>>),
    Text(Pin<Box<dyn Future<Output = crate::Result<Option<String>>>>>),
    Value(Pin<Box<dyn Future<Output = crate::Result<MakeValue>>>>),
}

/// Makes a JavaScript value on the thread of its environment.
pub(super) type MakeValue = Box<dyn FnOnce(&Env) -> napi::Result<sys::napi_value>>;

enum Outcome {
    Commits(Vec<crate::Result<Committed>>),
    Text(Option<String>),
    Value(MakeValue),
    Failed(Error),
}

/// Wakes the JavaScript thread; may be used from any thread.
pub(super) struct Signal {
    ready: Mutex<Vec<PromiseId>>,
    /// Whether a call is on its way that will fetch everything in `ready`.
    armed: AtomicBool,
    callback: Callback,
}

/// Weak: it keeps the event loop alive only while referenced, which is while promises are pending.
type Callback = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// Opens the port of an environment. `callback` is called when there is something to drain.
#[napi(catch_unwind)]
pub fn open_port(env: &Env, callback: Function<(), ()>) -> napi::Result<External<Rc<Port>>> {
    let callback =
        callback.build_threadsafe_function::<()>().callee_handled::<false>().weak::<true>().build()?;
    let port = Rc::new(Port {
        waiting: RefCell::default(),
        last_id: Cell::default(),
        finished: RefCell::default(),
        handles: RefCell::default(),
        signal: Arc::new(Signal { ready: Mutex::default(), armed: AtomicBool::new(false), callback }),
    });
    env.add_env_cleanup_hook(Rc::downgrade(&port), |port| {
        // Bun and Deno run no finalizers when a worker is terminated.
        if let Some(port) = port.upgrade() {
            port.abandon();
        }
    })?;
    Ok(External::new(port))
}

/// The version of a commit that failed, and of a deletion.
const FAILED: f64 = -2.0;
const DELETED: f64 = -1.0;
/// Behind these tags come those of the commits of a promise that failed, counted from 0.
const RESOLVED: i64 = 0;
const REJECTED: i64 = 1;
const FIRST_COMMIT: i64 = 2;

/// Everything that finished: `[commits, id, tag, answer, id, tag, answer, ...]`. `commits` holds, for each
/// promise of several commits, its id, how many they are, and pairs of version and sequence number. Errors
/// are JSON text.
#[napi(catch_unwind)]
pub fn drain<'env>(env: &'env Env, port: &External<Rc<Port>>) -> napi::Result<Array<'env>> {
    let finished = port.collect();
    port.release(env, finished.len())?;
    let mut settled = Vec::new();
    let mut others = Vec::new();
    for (id, outcome) in finished {
        match outcome {
            Outcome::Commits(results) => {
                settled.extend([id as f64, results.len() as f64]);
                for (tag, result) in (FIRST_COMMIT..).zip(&results) {
                    settled.extend(match result {
                        Ok(committed) => [version(committed), committed.sequence as f64],
                        Err(_) => [FAILED, 0.0],
                    });
                    if let Err(error) = result {
                        others.push((id, tag, text(env, to_json(error))?));
                    }
                }
            }
            Outcome::Text(None) => others.push((id, RESOLVED, unknown(env, ())?)),
            Outcome::Text(Some(answer)) => others.push(answered(env, id, text(env, answer))?),
            Outcome::Value(make) => others.push(answered(env, id, value(env, make))?),
            Outcome::Failed(error) => others.push((id, REJECTED, text(env, to_json(&error))?)),
        }
    }
    let mut answer = env.create_array(0)?;
    answer.insert(Float64Array::new(settled))?;
    for (id, tag, value) in others {
        answer.insert(id)?;
        answer.insert(tag)?;
        answer.insert(value)?;
    }
    Ok(answer)
}

/// An answer that could not be made is told to its own promise, not to all.
fn answered<'env>(
    env: &'env Env,
    id: PromiseId,
    made: napi::Result<Unknown<'env>>,
) -> napi::Result<(PromiseId, i64, Unknown<'env>)> {
    match made {
        Ok(value) => Ok((id, RESOLVED, value)),
        Err(error) if error.reason.starts_with('{') => Ok((id, REJECTED, text(env, error.reason.clone())?)),
        Err(_) => Ok((id, REJECTED, text(env, to_json(&too_long()))?)),
    }
}

fn value(env: &Env, make: MakeValue) -> napi::Result<Unknown<'_>> {
    let value = make(env)?;
    // SAFETY: a value of this environment, made just now.
    unsafe { Unknown::from_napi_value(env.raw(), value) }
}

fn text(env: &Env, text: String) -> napi::Result<Unknown<'_>> {
    unknown(env, text)
}

fn unknown(env: &Env, value: impl ToNapiValue) -> napi::Result<Unknown<'_>> {
    // SAFETY: as in `value`.
    unsafe { Unknown::from_napi_value(env.raw(), ToNapiValue::to_napi_value(env.raw(), value)?) }
}

fn version(committed: &Committed) -> f64 {
    committed.versions.first().copied().flatten().map_or(DELETED, |version| version as f64)
}

fn too_long() -> Error {
    Error::assertion("The answer is longer than a JavaScript string may be. Ask for less at a time")
}

impl Port {
    /// Closes `handle` with the environment, if it is still there by then.
    pub(super) fn adopt<H: Abandon + 'static>(&self, handle: &Rc<H>) {
        let mut handles = self.handles.borrow_mut();
        // Swept only where they would have to be moved anyway, so that many cost little each.
        if handles.len() == handles.capacity() {
            handles.retain(|handle| handle.strong_count() > 0);
        }
        let handle = Rc::downgrade(handle);
        handles.push(handle);
    }

    fn abandon(&self) {
        for handle in self.handles.take() {
            if let Some(handle) = handle.upgrade() {
                handle.abandon();
            }
        }
        drop(self.waiting.take());
    }

    /// A number for a promise that JavaScript makes only if it has to wait; its own numbers are positive.
    pub(super) fn next_id(&self) -> PromiseId {
        self.last_id.set(self.last_id.get() - 1);
        self.last_id.get()
    }

    /// Polls `task`, and keeps it until it is ready. Its answer goes to the promise `id`.
    pub(super) fn submit(&self, env: &Env, id: PromiseId, task: Task) -> napi::Result<()> {
        if self.waiting.borrow().is_empty() && self.finished.borrow().is_empty() {
            // SAFETY: the function lives as long as `self`, and this is its environment's thread.
            let status = unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.signal.callback.raw()) };
            napi::check_status!(status, "Could not keep the event loop alive")?;
        }
        if let Some(outcome) = self.advance(id, task) {
            self.finished.borrow_mut().push((id, outcome));
            self.signal.wake();
        }
        Ok(())
    }

    fn collect(&self) -> Vec<(PromiseId, Outcome)> {
        // Disarm first: what becomes ready from here on arms again.
        self.signal.armed.store(false, Ordering::SeqCst);
        let ready = std::mem::take(&mut *self.signal.ready.lock().unwrap_or_else(PoisonError::into_inner));
        let mut finished = self.finished.take();
        for id in ready {
            let task = self.waiting.borrow_mut().remove(&id);
            if let Some(outcome) = task.and_then(|task| self.advance(id, task)) {
                finished.push((id, outcome));
            }
        }
        finished
    }

    /// The outcome of `task`, or nothing, and then it waits.
    fn advance(&self, id: PromiseId, mut task: Task) -> Option<Outcome> {
        let waker = Waker::from(Arc::new(Arrival { signal: Arc::clone(&self.signal), id }));
        match task.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => {
                self.waiting.borrow_mut().insert(id, task);
                None
            }
        }
    }

    fn release(&self, env: &Env, finished: usize) -> napi::Result<()> {
        if finished == 0 || !self.waiting.borrow().is_empty() {
            return Ok(());
        }
        // SAFETY: as in `submit`.
        let status = unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.signal.callback.raw()) };
        napi::check_status!(status, "Could not let the event loop end")
    }
}

impl Task {
    /// A task that answers with text or nothing.
    pub(super) fn text(future: impl Future<Output = crate::Result<Option<String>>> + 'static) -> Self {
        Self::Text(Box::pin(future))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        match self {
            Self::Commits(answer) => Pin::new(answer).poll(context).map(|result| match result {
                Ok(results) => Outcome::Commits(results),
                Err(error) => Outcome::Failed(error),
            }),
            Self::Text(future) => future.as_mut().poll(context).map(|result| match result {
                Ok(text) => Outcome::Text(text),
                Err(error) => Outcome::Failed(error),
            }),
            Self::Value(future) => future.as_mut().poll(context).map(|result| match result {
                Ok(make) => Outcome::Value(make),
                Err(error) => Outcome::Failed(error),
            }),
        }
    }
}

impl Signal {
    fn wake(&self) {
        if !self.armed.swap(true, Ordering::SeqCst) {
            self.callback.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Wakes one task.
struct Arrival {
    signal: Arc<Signal>,
    id: PromiseId,
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.signal.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.id);
        self.signal.wake();
    }
}
