//! Documents that a view could not map.

use std::collections::BTreeMap;

/// How many failed documents a view lists; it counts all.
pub const MAX_LISTED_FAILURES: usize = 100;
const MAX_MESSAGE_CHARACTERS: usize = 500;

/// The documents whose mapping failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    total: u64,
    listed: BTreeMap<Box<[u8]>, String>,
}

/// How a document's failure changes.
#[derive(Clone, Debug)]
pub(super) enum FailureChange {
    Add(Box<[u8]>, String),
    Remove(Box<[u8]>),
}

impl Failures {
    /// Changes must be true: only what failed is removed, only what had not failed is added.
    pub(super) fn apply(&mut self, change: FailureChange) {
        match change {
            FailureChange::Add(key, message) => {
                self.total += 1;
                if self.listed.len() < MAX_LISTED_FAILURES {
                    self.listed.insert(key, message.chars().take(MAX_MESSAGE_CHARACTERS).collect());
                }
            }
            FailureChange::Remove(key) => {
                self.total = self.total.saturating_sub(1);
                self.listed.remove(&key);
            }
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Stored keys and messages, in the order of the keys.
    pub(super) fn listed(&self) -> Vec<(Box<[u8]>, String)> {
        self.listed.iter().map(|(key, message)| (key.clone(), message.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_lists_some() {
        let mut failures = Failures::default();
        let key = |number: usize| -> Box<[u8]> { number.to_be_bytes().into() };
        for number in 0..150 {
            failures.apply(FailureChange::Add(key(number), "x".repeat(1_000)));
        }
        assert_eq!((failures.total(), failures.listed().len()), (150, MAX_LISTED_FAILURES));
        assert_eq!(failures.listed()[7], (key(7), "x".repeat(MAX_MESSAGE_CHARACTERS)));
        failures.apply(FailureChange::Remove(key(7)));
        failures.apply(FailureChange::Remove(key(149)));
        assert_eq!((failures.total(), failures.listed().len()), (148, MAX_LISTED_FAILURES - 1));
    }
}
