//! Group commit: batches from many threads, one flush for all that are waiting.

use super::MAX_PAYLOAD_BYTES;
use super::commit::payload_bytes;
use super::counters::{Counters, JournalTotals};
use super::follow::Place;
#[cfg(doc)]
use super::page::JournalPage;
use super::worker::{Worker, run};
use super::writer::Writer;
use crate::kv::{Answer, Batch, Committed, Durability, Part, Prepared, Sequence, gather};
use crate::{Error, Result, threads};
use futures_channel::oneshot;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The store behind a journal. All calls come from the journal's thread, which a call must not keep waiting
/// for anything that waits for the journal.
pub trait Sink: Send + 'static {
    /// Checks `batch` against the newest state, as the batches prepared since the last publish or abandon
    /// leave it, and says what it changes. An error leaves no trace.
    fn prepare(&mut self, batch: &mut Batch, sequence: Sequence) -> Result<Prepared>;

    /// Makes everything prepared visible to readers, and with [`JournalPage::publish`] to those in other
    /// processes: it is as durable as was asked for. The journal ends at `end` now.
    fn publish(&mut self, commits: Vec<Prepared>, end: Place);

    /// Makes the commits up to `through` visible that other processes wrote. Called before batches are
    /// prepared.
    fn catch_up(&mut self, through: Sequence) -> Result<()>;

    /// Forgets everything prepared: it could not be written.
    fn abandon(&mut self);

    /// Whether batches are taken now. While they are not they wait, and commands of the store go on. Asked
    /// again after every command and [`GroupCommit::wake`].
    fn takes_batches(&self) -> bool {
        true
    }
}

/// Hands batches to the thread that writes the journal. Dropping it is a [`GroupCommit::close`] that nobody
/// waits for.
pub struct GroupCommit {
    shared: Arc<Shared>,
}

impl GroupCommit {
    /// Starts the thread. It touches no disk before the first commit. With [`Durability::Batched`] commits
    /// are durable `flush_interval` after they were acknowledged.
    pub fn start(
        writer: Writer,
        sink: impl Sink,
        durability: Durability,
        flush_interval: Duration,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let worker = Worker::new(Arc::clone(&shared), writer, sink, durability, flush_interval);
        threads::start("kixx-journal", move || run(worker))?;
        Ok(Self { shared })
    }

    /// Commits `batch`, or answers `Conflict` or why it could not be written, and nothing happened. The
    /// answer comes when it is as durable as promised and every reader sees it.
    pub fn submit(&self, batch: Batch) -> Answer<Committed> {
        match checked_bytes(&batch) {
            Err(error) => Err(error).into(),
            Ok(bytes) => self.ask(|state, reply| {
                state.requests.push_back(Request::Commit { batch, bytes, reply: CommitReply::Own(reply) });
            }),
        }
    }

    /// As [`GroupCommit::submit`] for each of `batches`.
    pub fn submit_each(&self, batches: Vec<Batch>) -> Answer<Vec<Result<Committed>>> {
        let (parts, answer) = gather(batches.len());
        let mut state = self.shared.lock();
        for (batch, part) in batches.into_iter().zip(parts) {
            let bytes = checked_bytes(&batch);
            match bytes {
                _ if state.phase != Phase::Open => part.send(Err(Error::closed())),
                Err(error) => part.send(Err(error)),
                Ok(bytes) => {
                    let reply = CommitReply::Part(part);
                    state.requests.push_back(Request::Commit { batch, bytes, reply });
                }
            }
        }
        self.shared.wake(&mut state);
        answer
    }

    /// Makes everything durable that was submitted before.
    pub fn flush(&self) -> Answer<()> {
        self.ask(|state, reply| state.requests.push_back(Request::Flush(reply)))
    }

    /// Makes the commits up to `sequence`, all published, durable. Does not wait for batches that wait.
    pub fn sync_through(&self, sequence: Sequence) -> Answer<()> {
        if self.shared.synced.load(Ordering::Acquire) >= sequence {
            return Ok(()).into();
        }
        self.ask(|state, reply| state.commands.push_back(Command::Sync(reply)))
    }

    /// Notes that the files of the store hold, durably, all commits up to `sequence`, and removes the
    /// segments that nobody needs any more. Before the store writes a commit to its files it has to be
    /// durable here: see [`GroupCommit::sync_through`].
    pub fn checkpoint(&self, sequence: Sequence) -> Answer<()> {
        self.ask(|state, reply| state.commands.push_back(Command::Checkpoint(sequence, reply)))
    }

    /// Says that [`Sink::takes_batches`] may answer otherwise now.
    pub fn wake(&self) {
        let mut state = self.shared.lock();
        state.nudged = true;
        self.shared.wake(&mut state);
    }

    /// What was written since this journal was opened, by this process.
    pub fn totals(&self) -> JournalTotals {
        self.shared.counters.totals()
    }

    /// Why nothing is written any more, if that is so.
    pub fn failure(&self) -> Option<Error> {
        self.shared.lock().failure.clone()
    }

    /// Finishes all that was submitted before, makes it durable and ends the thread. Later calls answer
    /// `Closed`.
    pub fn close(&self) -> Answer<()> {
        self.end(None)
    }

    /// As [`GroupCommit::close`], and removes the journal if the files of the store hold, durably, all
    /// commits up to `checkpoint` and those are all. Nobody else may have it open.
    pub fn close_and_remove(&self, checkpoint: Sequence) -> Answer<()> {
        self.end(Some(checkpoint))
    }

    fn end(&self, checkpoint: Option<Sequence>) -> Answer<()> {
        self.ask(|state, reply| {
            state.phase = Phase::Closing;
            state.end = Some(End { checkpoint, reply: Some(reply) });
        })
    }

    fn ask<T: Send + 'static>(&self, put: impl FnOnce(&mut State, Reply<T>)) -> Answer<T> {
        let mut state = self.shared.lock();
        if state.phase != Phase::Open {
            return Err(Error::closed()).into();
        }
        let (reply, answer) = oneshot::channel();
        put(&mut state, reply);
        self.shared.wake(&mut state);
        drop(state);
        Answer::from_receiver(answer)
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
            state.end = Some(End { checkpoint: None, reply: None });
            self.shared.wake(&mut state);
        }
    }
}

fn checked_bytes(batch: &Batch) -> Result<usize> {
    let bytes = payload_bytes(batch);
    if bytes > MAX_PAYLOAD_BYTES {
        let message = format!("A batch may be {MAX_PAYLOAD_BYTES} bytes long at most, this one is {bytes}");
        return Err(Error::assertion(message));
    }
    Ok(bytes)
}

pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

/// Who is told about a commit.
pub(super) enum CommitReply {
    Own(Reply<Committed>),
    Part(Part<Committed>),
}

impl CommitReply {
    pub(super) fn send(self, result: Result<Committed>) {
        match self {
            // Whoever asked may be gone.
            Self::Own(reply) => drop(reply.send(result)),
            Self::Part(part) => part.send(result),
        }
    }
}

/// What handles and the thread share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    /// The last durable commit.
    pub(super) synced: AtomicU64,
    pub(super) counters: Counters,
}

#[derive(Default)]
pub(super) struct State {
    /// In order.
    pub(super) requests: VecDeque<Request>,
    /// Come before requests.
    pub(super) commands: VecDeque<Command>,
    /// How to end, once nothing is left to do.
    pub(super) end: Option<End>,
    pub(super) phase: Phase,
    pub(super) nudged: bool,
    /// Whether the thread waits for `changed`.
    pub(super) sleeping: bool,
    pub(super) failure: Option<Error>,
}

pub(super) enum Request {
    Commit { batch: Batch, bytes: usize, reply: CommitReply },
    Flush(Reply<()>),
}

pub(super) enum Command {
    Sync(Reply<()>),
    Checkpoint(Sequence, Reply<()>),
}

pub(super) struct End {
    /// Up to where the files of the store go, if the journal may be removed.
    pub(super) checkpoint: Option<Sequence>,
    pub(super) reply: Option<Reply<()>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Open,
    /// Nothing more is taken.
    Closing,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call to the system, so only if the thread sleeps.
    fn wake(&self, state: &mut State) {
        if std::mem::take(&mut state.sleeping) {
            self.changed.notify_one();
        }
    }
}
