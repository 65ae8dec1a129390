//! The handle of one `Datastore` object in JavaScript.

use super::errors::to_js;
use super::port::{Abandon, Port, Task};
use super::views::NodeView;
use crate::datastore::{Datastore, Options};
use crate::kv::{Answer, Entry, Store};
use crate::views::Row;
use crate::{Error, Result};
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Everything behind one handle. Lives on the JavaScript thread.
pub(super) struct Handle {
    pub(super) port: Rc<Port>,
    pub(super) options: Options,
    pub(super) state: RefCell<State>,
    /// The last page, for those documents that JavaScript does not have.
    pub(super) page: RefCell<RememberedPage>,
    pub(super) views: RefCell<HashMap<String, Rc<NodeView>>>,
}

/// What a page was made of.
pub(super) enum RememberedPage {
    Documents(Vec<Entry>),
    Rows(Vec<Row>),
}

/// Whether there is a store behind a handle.
pub(super) enum State {
    New,
    Open(Arc<Datastore>),
    Closed,
}

impl Handle {
    pub(super) fn new(port: Rc<Port>, options: Options) -> Self {
        Self {
            port,
            options,
            state: RefCell::new(State::New),
            page: RefCell::new(RememberedPage::Documents(Vec::new())),
            views: RefCell::default(),
        }
    }

    /// The open store.
    pub(super) fn datastore(&self) -> napi::Result<Arc<Datastore>> {
        match &*self.state.borrow() {
            State::Open(datastore) => Ok(Arc::clone(datastore)),
            State::New => Err(to_js(Error::assertion("The datastore is not loaded. Call load() first"))),
            State::Closed => Err(to_js(Error::closed())),
        }
    }

    /// The open store's contract.
    pub(super) fn store(&self) -> napi::Result<Arc<dyn Store>> {
        self.datastore().map(|datastore| Arc::clone(datastore.store()))
    }

    /// Closes the handle, and answers with its share of the store if it had one.
    pub(super) fn detach(&self) -> Option<Arc<Datastore>> {
        self.views.borrow_mut().clear();
        self.page.replace(RememberedPage::Documents(Vec::new()));
        match self.state.replace(State::Closed) {
            State::Open(datastore) => Some(datastore),
            State::New | State::Closed => None,
        }
    }

    /// Submits a task whose answer goes to the promise `id`.
    pub(super) fn submit(&self, env: &napi::Env, id: i64, task: Task) -> napi::Result<()> {
        self.port.submit(env, id, task)
    }
}

impl Abandon for Handle {
    fn abandon(&self) {
        drop(self.detach());
    }
}

/// The result of reading a resident store, which is there at once.
pub(super) fn ready<T>(answer: impl Future<Output = Result<T>>) -> napi::Result<T> {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(to_js),
        Poll::Pending => Err(to_js(Error::internal("a read that should have been ready"))),
    }
}

/// As [`ready`] for an answer, which needs no pinning.
pub(super) fn ready_answer<T>(mut answer: Answer<T>) -> napi::Result<T> {
    ready(Pin::new(&mut answer))
}
