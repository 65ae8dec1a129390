//! The overlay and the file as one.

use super::overlay::{Layer, is_tombstone};
use super::view::{View, Walk};
use crate::Result;
use crate::kv::{Direction, Entry, KeyRange, Space};
use crate::stores::memory::tree::{Iter, Tree};
use std::cmp::Ordering;
use std::iter::Peekable;
use std::sync::LazyLock;

static NOTHING: LazyLock<Tree> = LazyLock::new(Tree::default);

/// The entries of a range in one direction.
pub(super) struct Merge<'a> {
    writes: Peekable<Iter<'a>>,
    rows: Peekable<Walk>,
    direction: Direction,
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        view: &View,
        layer: Option<&'a Layer>,
        space: Space,
        range: &KeyRange,
        direction: Direction,
    ) -> Result<Self> {
        let writes = layer.map_or(&*NOTHING, |layer| &layer.writes).iter_range(range, direction);
        let rows = view.walk(space, range, direction)?;
        Ok(Self { writes: writes.peekable(), rows: rows.peekable(), direction })
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        loop {
            let order = match (self.writes.peek(), self.rows.peek()) {
                (None, None) => return None,
                (_, Some(Err(_))) => return self.rows.next(),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(write), Some(Ok(row))) => match self.direction {
                    Direction::Ascending => write.key().cmp(row.key()),
                    Direction::Descending => row.key().cmp(write.key()),
                },
            };
            if order == Ordering::Greater {
                return self.rows.next();
            }
            if order == Ordering::Equal {
                self.rows.next();
            }
            match self.writes.next() {
                Some(write) if !is_tombstone(write) => return Some(Ok(write.clone())),
                _ => {}
            }
        }
    }
}
