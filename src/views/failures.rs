//! Documents that a view could not map.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many failed documents a view lists; it counts all.
pub const MAX_LISTED_FAILURES: usize = 100;
const MAX_MESSAGE_CHARACTERS: usize = 500;

/// The documents whose mapping failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    /// As it is kept: the total, and keys and messages by turns. Of a key each byte is a character.
    pub(super) fn to_json(&self) -> Value {
        let text = |key: &[u8]| key.iter().copied().map(char::from).collect::<String>();
        let listed = self.listed.iter().flat_map(|(key, message)| [text(key), message.clone()]);
        json!({ "total": self.total, "listed": listed.collect::<Vec<_>>() })
    }

    /// What was kept; nothing if that is something else.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let bytes = |text: &str| text.chars().map(|byte| u8::try_from(byte).ok()).collect::<Option<_>>();
        let listed = value.get("listed")?.as_array()?.chunks_exact(2);
        let listed = listed.map(|pair| Some((bytes(pair[0].as_str()?)?, pair[1].as_str()?.to_owned())));
        Some(Self { total: value.get("total")?.as_u64()?, listed: listed.collect::<Option<_>>()? })
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
        failures.apply(FailureChange::Add([0, 0x80, 0xff].into(), "\u{1f600}".to_owned()));
        assert_eq!(Failures::from_json(&failures.to_json()), Some(failures));
        assert_eq!(Failures::from_json(&Value::Null), None);
    }
}
