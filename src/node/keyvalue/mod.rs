//! Key-value stores: handles, single keys, and walks.

mod access;
mod convert;
mod cursors;
mod handle;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What the future answers with if that is there at once.
fn ready_now<T>(future: Pin<&mut dyn Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
