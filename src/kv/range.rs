//! Ranges of keys, and scans over them.

use std::ops::Bound;

/// A range of keys. A range whose bounds are in the wrong order is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub lower: Bound<Box<[u8]>>,
    /// Where it ends.
    pub upper: Bound<Box<[u8]>>,
}

/// A page of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which keys.
    pub range: KeyRange,
    /// From which end.
    pub direction: Direction,
    /// How many entries to pass over first, counted from the end where the scan begins.
    pub skip: u64,
    /// How many entries to answer at most.
    pub limit: u64,
}

/// The order of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest key up.
    Ascending,
    /// From the highest key down.
    Descending,
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self { lower: Bound::Unbounded, upper: Bound::Unbounded };

    /// From `lower` to `upper`, both included; `None` leaves that end open.
    pub fn inclusive(lower: Option<&[u8]>, upper: Option<&[u8]>) -> Self {
        let bound = |key: Option<&[u8]>| key.map_or(Bound::Unbounded, |key| Bound::Included(key.into()));
        Self { lower: bound(lower), upper: bound(upper) }
    }

    /// From where a scan in `direction` starts to where it ends, both included. Descending, the bounds may
    /// come in either order; ascending, a start above the end gives an empty range.
    pub fn between(start: Option<&[u8]>, end: Option<&[u8]>, direction: Direction) -> Self {
        match (direction, start, end) {
            (Direction::Ascending, start, end) => Self::inclusive(start, end),
            (Direction::Descending, Some(start), Some(end)) => {
                Self::inclusive(Some(start.min(end)), Some(start.max(end)))
            }
            (Direction::Descending, start, end) => Self::inclusive(end, start),
        }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.lower {
            Bound::Unbounded => true,
            Bound::Included(lower) => key >= lower,
            Bound::Excluded(lower) => key > lower,
        };
        let below = match &self.upper {
            Bound::Unbounded => true,
            Bound::Included(upper) => key <= upper,
            Bound::Excluded(upper) => key < upper,
        };
        above && below
    }
}

impl Scan {
    /// All of `range`, upwards.
    pub fn all(range: KeyRange) -> Self {
        Self { range, direction: Direction::Ascending, skip: 0, limit: u64::MAX }
    }
}
