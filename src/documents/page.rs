//! Pages: a range of keys, a window into it, and how many there are in all.

use crate::Result;
use crate::kv::{Direction, Entry, KeyRange, Read, Scan, Space};

/// Which keys to answer.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// The range.
    pub range: KeyRange,
    /// The order.
    pub direction: Direction,
    /// How many keys of the range to pass over.
    pub offset: u64,
    /// How many keys to answer at most.
    pub limit: u64,
}

/// The answer to a [`PageQuery`].
#[derive(Clone, Debug)]
pub struct Page {
    /// How many keys the range holds.
    pub total: u64,
    /// The offset of the next page; `None` at the end.
    pub next: Option<u64>,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// Reads one page. Costs O(log n + limit) on a store that counts.
pub async fn page(read: &dyn Read, space: Space, query: PageQuery) -> Result<Page> {
    let total = read.count(space, &query.range).await?;
    let PageQuery { range, direction, offset, limit } = query;
    let entries = if offset < total {
        read.range(space, &Scan { range, direction, skip: offset, limit }).await?
    } else {
        Vec::new()
    };
    let end = offset.saturating_add(entries.len() as u64);
    Ok(Page { total, next: (end < total).then_some(end), entries })
}
