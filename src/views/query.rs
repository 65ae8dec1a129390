//! Queries: a range of view keys, and a window into it.

use super::row::Row;
use crate::Result;
use crate::json::collate;
use crate::kv::{Direction, KeyRange, Read, Scan, Space};
use std::ops::Bound;

/// Sorts behind every document key that can follow a collated key in the key of a row.
const BEHIND_ALL_DOCUMENTS: u8 = 0xff;

/// Which rows to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewQuery {
    /// The range.
    pub range: KeyRange,
    /// The order.
    pub direction: Direction,
    /// How many rows of the range to pass over.
    pub offset: u64,
    /// How many rows to answer at most.
    pub limit: u64,
}

/// The answer to a [`ViewQuery`].
#[derive(Clone, Debug)]
pub struct ViewPage {
    /// How many rows the range holds.
    pub total: u64,
    /// The offset of the next page; `None` at the end.
    pub next: Option<u64>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl ViewQuery {
    /// A query for the rows between two view keys, both included, given as JSON text.
    ///
    /// Descending begins at `start`, or, when that is the lower one, at `end`.
    pub fn new(
        start: Option<&str>,
        end: Option<&str>,
        direction: Direction,
        offset: u64,
        limit: u64,
    ) -> Result<Self> {
        let start = start.map(collate).transpose()?;
        let end = end.map(collate).transpose()?;
        let (lower, upper) = match direction {
            Direction::Ascending => (start, end),
            Direction::Descending => match (end, start) {
                (Some(a), Some(b)) if b < a => (Some(b), Some(a)),
                ordered => ordered,
            },
        };
        let range = KeyRange {
            lower: lower.map_or(Bound::Unbounded, |key| Bound::Included(key.into())),
            upper: upper.map_or(Bound::Unbounded, |mut key| {
                key.push(BEHIND_ALL_DOCUMENTS);
                Bound::Excluded(key.into())
            }),
        };
        Ok(Self { range, direction, offset, limit })
    }
}

/// Reads one page of rows. Costs O(log n + limit) on a store that counts.
pub async fn page(read: &dyn Read, space: Space, query: &ViewQuery) -> Result<ViewPage> {
    let total = read.count(space, &query.range).await?;
    let mut rows = Vec::new();
    if query.offset < total {
        let scan = Scan {
            range: query.range.clone(),
            direction: query.direction,
            skip: query.offset,
            limit: query.limit,
        };
        let entries = read.range(space, &scan).await?;
        rows.reserve_exact(entries.len());
        for entry in entries {
            rows.push(Row::read(entry)?);
        }
    }
    let end = query.offset.saturating_add(rows.len() as u64);
    Ok(ViewPage { total, next: (end < total).then_some(end), rows })
}
