//! What changes, for those who keep up and for those who do not.

use super::{Cursor, ENTRIES, KeyValues, Selection, value};
use crate::Result;
use crate::kv::{Changes, Entry, KeyRange, Moment, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec;

/// Tells how the entries of a range changed, from one moment to the next. Between two moments each key is
/// told once, so that who is slow gets fewer changes and not a longer queue.
pub struct Watch {
    values: Arc<KeyValues>,
    selection: Selection,
    seen: Moment,
    /// What is still to be told of the last moment.
    rest: Rest,
    stopper: Stopper,
}

/// Ends a watch from outside.
#[derive(Clone)]
pub struct Stopper {
    is_stopped: Arc<AtomicBool>,
    values: Arc<KeyValues>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This entry is new or another one.
    Set(Entry),
    /// There is none at this key any more.
    Delete(Arc<[u8]>),
    /// What changed before is not known any more: forget all; the entries that there are follow.
    Resync,
}

enum Rest {
    Nothing,
    Keys(Arc<dyn Read>, vec::IntoIter<Arc<[u8]>>),
    All(Cursor),
}

/// How many events are told together.
const PORTION: usize = 256;

impl Watch {
    /// What changes from now on at the keys that begin with `prefix`.
    pub async fn open(values: Arc<KeyValues>, prefix: &[u8]) -> Result<Self> {
        let (_, seen) = values.store().moment().await?;
        let stopper = Stopper { is_stopped: Arc::default(), values: Arc::clone(&values) };
        Ok(Self { values, selection: Selection::prefix(prefix), seen, rest: Rest::Nothing, stopper })
    }

    /// To end it from outside.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// The next changes; waits for them. None once it was stopped.
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        while !self.stopper.is_stopped() {
            let events = match &mut self.rest {
                Rest::Nothing => self.look().await?,
                Rest::Keys(read, keys) => tell(&**read, keys, self.values.now()).await?,
                Rest::All(cursor) => cursor.next().await?.into_iter().map(Event::Set).collect(),
            };
            if !events.is_empty() {
                return Ok(events);
            }
            if self.is_told() {
                self.rest = Rest::Nothing;
            }
        }
        Ok(Vec::new())
    }

    fn is_told(&self) -> bool {
        match &self.rest {
            Rest::Nothing => false,
            Rest::Keys(_, keys) => keys.len() == 0,
            // It has just told nothing.
            Rest::All(_) => true,
        }
    }

    /// Waits for a commit and finds out what changed.
    async fn look(&mut self) -> Result<Vec<Event>> {
        let (store, since) = (self.values.store(), self.seen.sequence);
        self.values.until(|| self.stopper.is_stopped() || store.sequence() > since).await;
        if self.stopper.is_stopped() {
            return Ok(Vec::new());
        }
        let (read, now) = store.moment().await?;
        let changes = store.changes_between(ENTRIES, self.seen, now).await?;
        self.seen = now;
        match changes {
            Changes::Keys(mut keys) => {
                let range: &KeyRange = &self.selection.range;
                keys.retain(|key| range.contains(key));
                self.rest = Rest::Keys(read, keys.into_iter());
                Ok(Vec::new())
            }
            Changes::TooOld => {
                self.rest = Rest::All(Cursor::new(read, self.selection.clone(), self.values.now()));
                Ok(vec![Event::Resync])
            }
        }
    }
}

impl Stopper {
    /// Ends the watch, whether it waits or not.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.values.changed.notify();
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}

/// The next of these changes.
async fn tell(
    read: &dyn Read,
    keys: &mut vec::IntoIter<Arc<[u8]>>,
    now: super::Millis,
) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for key in keys.by_ref().take(PORTION) {
        match read.get(ENTRIES, &key).await? {
            None => events.push(Event::Delete(key)),
            Some(entry) if value::is_live(entry.value(), now) => events.push(Event::Set(entry)),
            // It is told when it is removed.
            Some(_) => {}
        }
    }
    Ok(events)
}
