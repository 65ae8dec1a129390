//! Writes of single keys: what they want, and what that means for what there is.

use super::value::{self, decode};
use super::{DUE, ENTRIES, FENCES, Millis, due};
use crate::Result;
use crate::kv::{Batch, Check, Entry, Operation};

/// A write of one key. It is done or, if what it asks for does not hold, left undone.
#[derive(Clone, Debug)]
pub struct Request {
    /// The key.
    pub key: Box<[u8]>,
    /// What is wanted.
    pub action: Action,
}

/// What is wanted of a key. Values are in their form.
#[derive(Clone, Debug)]
pub enum Action {
    /// This value, whatever there is.
    Set(Box<[u8]>),
    /// No entry; undone if there is none.
    Delete,
    /// This value if there is no entry.
    SetIfAbsent(Box<[u8]>),
    /// Another value (or, with `None`, no entry) if there is an entry with this content.
    Swap {
        /// What there has to be; when it expires does not matter.
        expected: Box<[u8]>,
        /// What comes in its place.
        value: Option<Box<[u8]>>,
    },
    /// As [`Action::SetIfAbsent`], and counts: the last version of the commit is how often that was done
    /// before.
    Lock(Box<[u8]>),
}

impl Request {
    /// Whether what there is need not be known.
    pub fn is_blind(&self) -> bool {
        matches!(&self.action, Action::Set(form) if value::expires(form).is_none())
    }

    /// The batch of a blind request; otherwise the request comes back.
    pub fn into_blind(self) -> Result<Batch, Self> {
        match self.action {
            Action::Set(form) if value::expires(&form).is_none() => {
                Ok(Batch::of(write(&self.key, Check::Any, Some(&form))))
            }
            action => Err(Self { key: self.key, action }),
        }
    }

    /// The batch that does it where `current` is the entry, or nothing if it stays undone.
    pub fn decide(&self, current: Option<&Entry>, now: Millis) -> Result<Option<Batch>> {
        let live = current.filter(|entry| value::is_live(entry.value(), now));
        let form = match &self.action {
            Action::Set(form) => Some(form),
            Action::Delete if live.is_some() => None,
            Action::SetIfAbsent(form) | Action::Lock(form) if live.is_none() => Some(form),
            Action::Swap { expected, value } => match live {
                Some(entry) if decode(entry.value())? == decode(expected)? => value.as_ref(),
                _ => return Ok(None),
            },
            Action::Delete | Action::SetIfAbsent(_) | Action::Lock(_) => return Ok(None),
        };
        let check = match (&self.action, current) {
            (Action::Set(_), _) => Check::Any,
            (_, Some(entry)) => Check::Unchanged(entry.sequence()),
            (_, None) => Check::Absent,
        };
        let mut operations = Vec::with_capacity(3);
        push_write(&mut operations, &self.key, check, form.map(|form| &**form), current);
        if let Action::Lock(_) = self.action {
            operations.push(Operation::put(FENCES, &self.key, Check::Any, b""));
        }
        Ok(Some(Batch { operations }))
    }
}

/// Writes one entry, with the rows that go with it.
pub(super) fn push_write(
    operations: &mut Vec<Operation>,
    key: &[u8],
    check: Check,
    form: Option<&[u8]>,
    current: Option<&Entry>,
) {
    let before = current.and_then(|entry| value::expires(entry.value()));
    let after = form.and_then(value::expires);
    operations.push(write(key, check, form));
    if let Some(expires) = before.filter(|before| after.map(due::step) != Some(due::step(*before))) {
        operations.push(due::delete(key, expires));
    }
    if let Some(expires) = after {
        operations.push(due::put(key, expires));
    }
    debug_assert!(operations.iter().all(|operation| [ENTRIES, DUE].contains(&operation.space)));
}

/// Nobody reads the version of an entry; a fixed one saves stores from looking for the one before.
fn write(key: &[u8], check: Check, form: Option<&[u8]>) -> Operation {
    match form {
        Some(form) => Operation::put_exact(ENTRIES, key, check, form, 0),
        None => Operation::delete(ENTRIES, key, check),
    }
}
