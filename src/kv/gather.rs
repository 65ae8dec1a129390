//! Many answers as one: each result has its place, and all are sent when the last one is there.

use super::Answer;
use crate::{Error, Result};
use futures_channel::oneshot;
use std::sync::{Arc, Mutex, PoisonError};

/// The place of one result. Dropping it unanswered answers with an error.
pub struct Part<T> {
    all: Arc<Gathered<T>>,
    index: usize,
}

struct Gathered<T> {
    results: Mutex<Vec<Option<Result<T>>>>,
    sender: Option<oneshot::Sender<Result<Vec<Result<T>>>>>,
}

/// `count` places, and the answer that has the results in their order.
pub fn gather<T>(count: usize) -> (impl Iterator<Item = Part<T>>, Answer<Vec<Result<T>>>) {
    let (sender, receiver) = oneshot::channel();
    let results = Mutex::new((0..count).map(|_| None).collect());
    let all = Arc::new(Gathered { results, sender: Some(sender) });
    let parts = (0..count).map(move |index| Part { all: Arc::clone(&all), index });
    (parts, Answer::from_receiver(receiver))
}

impl<T> Part<T> {
    /// Puts the result in its place.
    pub fn send(self, result: Result<T>) {
        let mut results = self.all.results.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = results.get_mut(self.index) {
            *place = Some(result);
        }
    }
}

impl<T> Drop for Gathered<T> {
    /// The last part is gone.
    fn drop(&mut self) {
        let results = std::mem::take(self.results.get_mut().unwrap_or_else(PoisonError::into_inner));
        let lost = || Err(Error::internal("a background thread"));
        let results = results.into_iter().map(|result| result.unwrap_or_else(lost)).collect();
        if let Some(sender) = self.sender.take() {
            // Whoever asked may be gone.
            let _ = sender.send(Ok(results));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_once_all_are_there() {
        let (parts, answer) = gather(3);
        let mut parts: Vec<Part<u32>> = parts.collect();
        let mut answer = answer;
        let mut poll = || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            std::pin::Pin::new(&mut answer).poll(&mut context)
        };
        parts.pop().unwrap().send(Ok(3));
        assert!(poll().is_pending());
        drop(parts.pop());
        parts.pop().unwrap().send(Ok(1));
        let std::task::Poll::Ready(Ok(results)) = poll() else { panic!("not there") };
        let values: Vec<Option<u32>> = results.into_iter().map(Result::ok).collect();
        assert_eq!(values, [Some(1), None, Some(3)]);
    }
}
