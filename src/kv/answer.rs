//! Answers that may be ready at once.

use crate::{Error, Result, threads};
use futures_channel::oneshot;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// The future of a [`Result`]. One that is ready costs no allocation.
pub enum Answer<T> {
    /// The result is there.
    Ready(Result<T>),
    /// Another thread sends the result.
    Sent(oneshot::Receiver<Result<T>>),
    /// The result comes later.
    Later(Pin<Box<dyn Future<Output = Result<T>> + Send>>),
    /// The result was taken.
    Taken,
}

impl<T> Answer<T> {
    /// An answer that comes later.
    pub fn later(future: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }

    /// Runs `work`, which may block, on a thread of its own; here, if none can be started. A panic in it
    /// becomes an error.
    pub fn blocking(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self
    where
        T: Send + 'static,
    {
        let run = move || {
            catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("a background task")))
        };
        let (sender, receiver) = oneshot::channel();
        // A thread that was not started must not take the work along.
        let (hand_over, take_over) = mpsc::channel();
        let spawned = threads::start("kixx-blocking", move || {
            if let Ok(run) = take_over.recv() {
                let run: Box<dyn FnOnce() -> Result<T> + Send> = run;
                let _ = sender.send(run());
            }
        });
        if spawned.is_err() {
            return run().into();
        }
        let _ = hand_over.send(Box::new(run));
        Self::from_receiver(receiver)
    }

    /// What the other end of the channel sends; an error if it goes away without a word.
    pub fn from_receiver(receiver: oneshot::Receiver<Result<T>>) -> Self {
        Self::Sent(receiver)
    }

    /// Blocks this thread until the result is there. Not for the JavaScript thread, unless it is ready.
    pub fn wait(self) -> Result<T> {
        block_on(self)
    }
}

/// Blocks this thread until `future` is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

impl<T> From<Result<T>> for Answer<T> {
    fn from(result: Result<T>) -> Self {
        Self::Ready(result)
    }
}

// A result in an `Answer` is moved out as a whole, never pinned in place.
impl<T> Unpin for Answer<T> {}

impl<T> Future for Answer<T> {
    type Output = Result<T>;

    /// Polling again after the result was taken stays pending for ever.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let polled = match &mut *self {
            Self::Taken => return Poll::Pending,
            Self::Later(future) => future.as_mut().poll(context),
            Self::Sent(receiver) => Pin::new(receiver)
                .poll(context)
                .map(|sent| sent.unwrap_or_else(|_| Err(Error::internal("a background thread")))),
            ready @ Self::Ready(_) => match std::mem::replace(ready, Self::Taken) {
                Self::Ready(result) => return Poll::Ready(result),
                _ => return Poll::Pending,
            },
        };
        if polled.is_ready() {
            *self = Self::Taken;
        }
        polled
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
