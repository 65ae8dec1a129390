//! The thread that writes the journal.

use super::commit::encode_commit;
use super::group::{Command, CommitReply, End, Phase, Reply, Request, Shared, Sink, State};
use super::record::{Content, Records};
use super::writer::Writer;
use super::{MAX_GROUP_BYTES, MAX_GROUP_COMMITS, is_out_of_space};
use crate::kv::{Batch, Committed, Durability, Prepared};
use crate::{Error, ErrorKind, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Everything the thread owns.
pub(super) struct Worker<S> {
    shared: Arc<Shared>,
    writer: Writer,
    sink: S,
    durability: Durability,
    flush_interval: Duration,
    records: Records,
    /// When the commits that are not durable have to be, with [`Durability::Batched`].
    flush_due: Option<Instant>,
}

/// What to do next.
enum Turn {
    Command(Command),
    /// Requests wait: at the time so many.
    Requests(usize),
    Flush,
    End(End),
}

/// Who is told what, once others may write again.
type Served = (Vec<(CommitReply, Result<Committed>)>, Vec<(Reply<()>, Result<()>)>);

/// Works until it is told to end. A panic, be it in the sink, stops all writing, and those who wait get an
/// error.
pub(super) fn run<S: Sink>(mut worker: Worker<S>) {
    let _farewell = Farewell(Arc::clone(&worker.shared));
    loop {
        let turn = match worker.next_turn() {
            Turn::End(end) => return worker.end(end),
            turn => turn,
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| worker.take_turn(turn))) {
            worker.writer.poison(panicked(&*panic));
            worker.writer.leave();
        }
        worker.report();
    }
}

impl<S: Sink> Worker<S> {
    pub(super) fn new(
        shared: Arc<Shared>,
        writer: Writer,
        sink: S,
        durability: Durability,
        flush_interval: Duration,
    ) -> Self {
        Self {
            shared,
            writer,
            sink,
            durability,
            flush_interval,
            records: Records::default(),
            flush_due: None,
        }
    }

    /// Waits for something to do. Commands go first, since batches may wait for them.
    fn next_turn(&self) -> Turn {
        let mut open = self.takes_batches();
        let mut state = self.shared.lock();
        loop {
            if let Some(command) = state.commands.pop_front() {
                return Turn::Command(command);
            }
            let due_in = self.flush_due.map(|due| due.saturating_duration_since(Instant::now()));
            if due_in == Some(Duration::ZERO) {
                return Turn::Flush;
            }
            if !state.requests.is_empty() && (open || state.phase == Phase::Closing) {
                return Turn::Requests(state.requests.len());
            }
            if let Some(end) = state.end.take() {
                return Turn::End(end);
            }
            if !std::mem::take(&mut state.nudged) {
                state.sleeping = true;
                state = match due_in {
                    None => self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                    Some(time) => {
                        let waited = self.shared.changed.wait_timeout(state, time);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                };
                state.sleeping = false;
            }
            drop(state);
            open = self.takes_batches();
            state = self.shared.lock();
        }
    }

    fn takes_batches(&self) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.sink.takes_batches())).unwrap_or(true)
    }

    /// Answers come when the journal is free for others again.
    fn take_turn(&mut self, turn: Turn) {
        match turn {
            Turn::Command(Command::Sync(reply)) => {
                let result = self.inside(Self::sync);
                answer(reply, result);
            }
            Turn::Command(Command::Checkpoint(sequence, reply)) => {
                let result = self.inside(|worker| {
                    worker.writer.record_checkpoint(sequence)?;
                    worker.writer.remove_segments()
                });
                answer(reply, result);
            }
            Turn::Requests(count) => self.serve(count),
            // Whoever commits next is told if this fails.
            Turn::Flush => {
                self.flush_due = None;
                if self.inside(Self::sync).is_err_and(|error| error.kind() == ErrorKind::Locked) {
                    self.flush_due = Some(Instant::now() + self.flush_interval);
                }
            }
            Turn::End(_) => {}
        }
    }

    /// Works on the journal while no other process does.
    fn inside<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.writer.enter()?;
        let caught_up = self.sink.catch_up(self.writer.last_sequence());
        let result = caught_up.and_then(|()| work(self));
        self.report();
        self.writer.leave();
        result
    }

    /// Serves what waits. If others do not let us, the first `count` are told.
    fn serve(&mut self, count: usize) {
        let served = self.inside(|worker| {
            let requests = take_group(&mut worker.shared.lock());
            Ok(worker.commit(requests))
        });
        match served {
            Ok((replies, flushes)) => {
                for (reply, outcome) in replies {
                    reply.send(outcome);
                }
                for (reply, outcome) in flushes {
                    answer(reply, outcome);
                }
            }
            Err(error) => {
                let mut state = self.shared.lock();
                let refused: Vec<_> = state.requests.drain(..count).collect();
                drop(state);
                for request in refused {
                    request.refuse(error.clone());
                }
            }
        }
    }

    fn commit(&mut self, requests: Vec<Request>) -> Served {
        let (mut batches, mut replies, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
        for request in requests {
            match request {
                Request::Commit { batch, reply, .. } => {
                    batches.push(batch);
                    replies.push(reply);
                }
                Request::Flush(reply) => flushes.push(reply),
            }
        }
        let outcomes = self.commit_group(&mut batches);
        self.shared.counters.count_conflicts(&outcomes);
        let outcome = if flushes.is_empty() { Ok(()) } else { self.sync() };
        let flushes = flushes.into_iter().map(|reply| (reply, outcome.clone())).collect();
        (replies.into_iter().zip(outcomes).collect(), flushes)
    }

    /// Writes batches together. Those that do not fit on the disk together may do so one after the other.
    fn commit_group(&mut self, batches: &mut [Batch]) -> Vec<Result<Committed>> {
        self.records.clear();
        let mut commits = Vec::with_capacity(batches.len());
        let mut encoded = Ok(());
        let outcomes: Vec<_> = batches
            .iter_mut()
            .map(|batch| {
                let commit = self.prepare(batch, commits.len())?;
                let record = self.records.push(|bytes| encode_commit(bytes, &commit.changes));
                encoded = std::mem::replace(&mut encoded, Ok(())).and(record);
                let committed = commit.committed();
                commits.push(commit);
                Ok(committed)
            })
            .collect();
        if commits.is_empty() {
            return outcomes;
        }
        match encoded.and_then(|()| self.append(&commits)) {
            Ok(()) => {
                self.shared.counters.count_published(commits.len(), self.records.len());
                let sink = &mut self.sink;
                self.writer.publish(|end| sink.publish(commits, end));
                outcomes
            }
            Err(error) => {
                self.sink.abandon();
                if batches.len() > 1 && is_out_of_space(&error) && self.writer.failure().is_none() {
                    let (first, second) = batches.split_at_mut(batches.len() / 2);
                    return [self.commit_group(first), self.commit_group(second)].concat();
                }
                // Also those that were refused: it may be due to a batch before them.
                vec![Err(error); batches.len()]
            }
        }
    }

    /// Prepares a batch behind so many others of its group.
    fn prepare(&mut self, batch: &mut Batch, behind: usize) -> Result<Prepared> {
        self.writer.check()?;
        self.sink.prepare(batch, self.writer.last_sequence() + behind as u64 + 1)
    }

    fn append(&mut self, commits: &[Prepared]) -> Result<()> {
        let mut changes = commits.iter().flat_map(|commit| &commit.changes);
        if changes.all(|change| change.entry.is_none()) {
            self.records.set_content(Content::Removals);
        }
        match self.durability {
            Durability::Sync => self.writer.append_synced(&mut self.records),
            Durability::Os | Durability::Volatile => self.writer.append(&mut self.records),
            Durability::Batched => {
                self.writer.append(&mut self.records)?;
                self.flush_due.get_or_insert_with(|| Instant::now() + self.flush_interval);
                Ok(())
            }
        }
    }

    fn sync(&mut self) -> Result<()> {
        self.flush_due = None;
        self.writer.sync()
    }

    /// Tells the handles how far it got.
    fn report(&self) {
        self.shared.synced.store(self.writer.synced_sequence(), Ordering::Release);
        if let Some(failure) = self.writer.failure() {
            self.shared.lock().failure.get_or_insert_with(|| failure.clone());
        }
    }

    fn end(mut self, end: End) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.inside(|worker| match end.checkpoint {
                Some(checkpoint) => worker.writer.remove(checkpoint),
                None => worker.writer.sync(),
            })
        }));
        let result = result.unwrap_or_else(|panic| Err(panicked(&*panic)));
        drop((self.writer, self.sink));
        if let Some(reply) = end.reply {
            answer(reply, result);
        }
    }
}

/// Leaves nobody waiting, however the thread ends.
struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let left =
            (std::mem::take(&mut state.requests), std::mem::take(&mut state.commands), state.end.take());
        state.phase = Phase::Closing;
        drop(state);
        // Their replies go with them, which those who wait see as an error.
        drop(left);
    }
}

/// The requests at the front that are written together.
fn take_group(state: &mut State) -> Vec<Request> {
    let (mut count, mut total) = (0, 0);
    for request in state.requests.iter().take(MAX_GROUP_COMMITS) {
        total += match request {
            Request::Commit { bytes, .. } => *bytes,
            Request::Flush(_) => 0,
        };
        if count > 0 && total > MAX_GROUP_BYTES {
            break;
        }
        count += 1;
    }
    state.requests.drain(..count).collect()
}

impl Request {
    fn refuse(self, error: Error) {
        match self {
            Self::Commit { reply, .. } => reply.send(Err(error)),
            Self::Flush(reply) => answer(reply, Err(error)),
        }
    }
}

/// Whoever asked may be gone.
fn answer<T>(reply: Reply<T>, result: Result<T>) {
    let _ = reply.send(result);
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message =
        panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Error::new(ErrorKind::Storage, format!("Internal error in the journal: {}", message.unwrap_or("a panic")))
}
