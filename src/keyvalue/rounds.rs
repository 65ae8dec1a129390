//! Many requests, done in rounds: each has those that can be decided by what is committed already.

use super::Request;
use crate::kv::Committed;
use crate::{Error, Result};
use std::collections::HashMap;

/// Requests and what came of them. Those of one key are done in their order: in one round only if none of
/// them has to know what there is.
pub(super) struct Rounds {
    requests: Vec<Request>,
    results: Vec<Option<Result<Option<Committed>>>>,
    /// The places of those that are left, in order.
    left: Vec<usize>,
}

impl Rounds {
    pub(super) fn new(requests: Vec<Request>) -> Self {
        let left = (0..requests.len()).collect();
        Self { results: requests.iter().map(|_| None).collect(), requests, left }
    }

    /// The places of the requests that are next; nothing when all are done.
    pub(super) fn next(&mut self) -> Option<Vec<usize>> {
        if self.left.len() < 2 {
            return Some(std::mem::take(&mut self.left)).filter(|round| !round.is_empty());
        }
        let mut blind: HashMap<&[u8], bool> = HashMap::with_capacity(self.left.len());
        let (mut round, mut later) = (Vec::with_capacity(self.left.len()), Vec::new());
        for &place in &self.left {
            let request = &self.requests[place];
            let is_blind = request.is_blind();
            let joins = match blind.get(&*request.key) {
                None => true,
                Some(all_blind) => *all_blind && is_blind,
            };
            // What has to wait makes all wait that come behind it.
            blind.insert(&request.key, is_blind && joins);
            if joins { round.push(place) } else { later.push(place) }
        }
        drop(blind);
        self.left = later;
        Some(round)
    }

    pub(super) fn request(&self, place: usize) -> &Request {
        &self.requests[place]
    }

    pub(super) fn settle(&mut self, place: usize, result: Result<Option<Committed>>) {
        self.results[place] = Some(result);
    }

    /// Somebody else came in between.
    pub(super) fn again(&mut self, place: usize) {
        let at = self.left.partition_point(|left| *left < place);
        self.left.insert(at, place);
    }

    /// What came of each.
    pub(super) fn results(self) -> Vec<Result<Option<Committed>>> {
        let lost = || Err(Error::internal("a write"));
        self.results.into_iter().map(|result| result.unwrap_or_else(lost)).collect()
    }
}
