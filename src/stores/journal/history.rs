//! What changed since a moment of the past, as far as the journal reaches back.
//!
//! A history goes by the epoch of the page and the salt of a segment. Within an epoch no number of a commit
//! comes twice. Beyond it some do: after a power cut commits that were not yet durable are gone, and others
//! get their numbers. But those are in a new segment. So a commit is known by its number and the salt of its
//! segment.

use super::decode_commit;
use super::follow::{Followed, Follower, Place};
use super::page::JournalPage;
use super::recovery::segments;
use crate::Result;
use crate::fs::FileSystem;
use crate::kv::{Changes, Moment, Sequence, Space};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The moments of a journal.
pub struct History;

impl History {
    /// The moment at `place`, for those who share `page`.
    pub fn moment(page: &JournalPage, place: Place) -> Moment {
        Moment { history: [page.epoch(), place.salt], sequence: place.sequence }
    }

    /// Whether the number of `moment` means the same to those who share `page`.
    pub fn is_epoch_of(page: &JournalPage, moment: Moment) -> bool {
        page.epoch() != 0 && moment.history[0] == page.epoch()
    }

    /// The keys of `space` that changed behind `from` and up to `to`, as the segments in `directory` tell.
    /// Others may be writing.
    pub fn changes(
        fs: &Arc<dyn FileSystem>,
        directory: &Path,
        space: Space,
        from: Moment,
        to: Moment,
    ) -> Result<Changes> {
        if from == to {
            return Ok(Changes::Keys(Vec::new()));
        }
        // Its number is not one of the journal's.
        if to.history[1] == 0 {
            return Ok(Changes::TooOld);
        }
        let through = to.sequence;
        let Some(mut follower) = Self::follow(fs, directory, from, through)? else {
            return Ok(Changes::TooOld);
        };
        let mut keys = BTreeSet::new();
        let reached = follower.read_through(through, |sequence, payload| {
            let changes = decode_commit(sequence, payload)?;
            keys.extend(changes.into_iter().filter(|change| change.space == space).map(|change| change.key));
            Ok(())
        })?;
        Ok(match reached {
            Followed::Through => Changes::Keys(keys.into_iter().collect()),
            Followed::Removed => Changes::TooOld,
        })
    }

    /// Whoever reads on behind `from`; none if that commit is not in its segment, or no more.
    fn follow(
        fs: &Arc<dyn FileSystem>,
        directory: &Path,
        from: Moment,
        through: Sequence,
    ) -> Result<Option<Follower>> {
        let [_, salt] = from.history;
        if from.sequence > through {
            return Ok(None);
        }
        for header in segments(&**fs, directory)? {
            let before = header.first_sequence - 1;
            if header.salt == salt && before <= from.sequence {
                let mut follower = Follower::new(Arc::clone(fs), directory, Place::start_of(&header));
                let reached = follower.read_through(from.sequence, |_, _| Ok(()))?;
                let found = reached == Followed::Through && follower.place().salt == salt;
                return Ok(found.then_some(follower));
            }
        }
        Ok(None)
    }
}
