//! The thread that brings a view up to date. It lives while questions wait.

use crate::kv::{Answer, Read, Sequence, Store, block_on};
use crate::views::{BatchLimit, MapBatch, View, ViewPage, ViewQuery, parse_mapped};
use crate::{Error, ErrorKind, Result};
use futures_channel::oneshot;
use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The map function of JavaScript for a batch: JSON text of documents to JSON text of rows.
pub(super) type MapFunction = ThreadsafeFunction<String, String, String, Status, false, true, 0>;

/// How often a waiting thread looks whether the environment of the map function is gone. Calls that are
/// queued when it goes are dropped without a word.
const LIVENESS_INTERVAL: Duration = Duration::from_millis(100);

/// A view, its map function, and who waits for it.
pub(super) struct Driver {
    view: View,
    map: MapFunction,
    queue: Mutex<Queue>,
}

/// A query, and the commit that its answer has to show.
pub(super) struct Question {
    pub(super) query: ViewQuery,
    pub(super) needed: Sequence,
}

/// A page of rows, and the documents at the same moment.
pub(super) type Reply = (ViewPage, Arc<dyn Read>);

#[derive(Default)]
struct Queue {
    waiting: Vec<(Question, oneshot::Sender<Result<Reply>>)>,
    running: bool,
}

impl Driver {
    pub(super) fn new(view: View, map: MapFunction) -> Self {
        Self { view, map, queue: Mutex::default() }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// Answers `question` once the view shows what it needs.
    pub(super) fn ask(driver: &Arc<Self>, store: Arc<dyn Store>, question: Question) -> Answer<Reply> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = driver.lock();
        queue.waiting.push((question, sender));
        if !queue.running {
            let driver = Arc::clone(driver);
            let spawned =
                thread::Builder::new().name("kixx-view".to_owned()).spawn(move || driver.run(&*store));
            if let Err(error) = spawned {
                queue.waiting.clear();
                let error = Error::new(ErrorKind::Storage, format!("Could not start a thread: {error}"));
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
            let needed = waiting.iter().map(|(question, _)| question.needed).max().unwrap_or_default();
            let moment = catch_unwind(AssertUnwindSafe(|| self.catch_up(store, needed)))
                .unwrap_or_else(|_| Err(Error::internal("bringing a view up to date")));
            for (question, sender) in waiting {
                let reply = moment.clone().and_then(|documents| self.reply(&question, documents));
                let _ = sender.send(reply);
            }
        }
    }

    fn reply(&self, question: &Question, documents: Arc<dyn Read>) -> Result<Reply> {
        let page = block_on(self.view.page(&question.query, question.needed))?;
        page.map(|page| (page, documents)).ok_or_else(|| Error::internal("bringing a view up to date"))
    }

    /// Brings the view to the moment that it answers: the newest one, or a later one than `needed`.
    fn catch_up(&self, store: &dyn Store, needed: Sequence) -> Result<Arc<dyn Read>> {
        loop {
            let documents = store.snapshot().wait()?;
            let needed = needed.max(documents.sequence());
            while let Some(batch) = self.view.next_batch(store, needed, BatchLimit::default())? {
                self.map(&batch)?;
            }
            // Somebody else's batch may have taken the view further than our snapshot.
            if self.view.built_through() == Some(documents.sequence()) {
                return Ok(documents);
            }
        }
    }

    fn map(&self, batch: &MapBatch) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        let status = self.map.call_with_return_value(
            batch.text()?,
            ThreadsafeFunctionCallMode::NonBlocking,
            move |rows, _env| {
                let _ = sender.send(rows.map_err(|error| error.reason.clone()));
                Ok(())
            },
        );
        if status != Status::Ok {
            return Err(Error::closed());
        }
        let rows = loop {
            match receiver.recv_timeout(LIVENESS_INTERVAL) {
                Ok(rows) => break rows,
                Err(RecvTimeoutError::Timeout) if !self.map.aborted() => {}
                Err(_) => return Err(Error::closed()),
            }
        };
        let rows = rows.map_err(|reason| Error::assertion(format!("The map function failed: {reason}")))?;
        self.view.apply(batch.ticket, &parse_mapped(&rows)?)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
