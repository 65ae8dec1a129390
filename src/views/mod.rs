//! Views: rows that a map function emits for each document, kept up to date as documents change.
//!
//! The rows of a view live in spaces of their own, under keys that sort as the view does ([`row`]). A
//! [`View`] hands out batches of changed documents, whoever can call the map function maps them, and the
//! view replaces their rows. Queries read the rows as they were when the view last was complete ([`shown`]).

mod batch;
mod emission;
mod failures;
mod index;
mod mapped;
mod query;
mod record;
mod replace;
mod row;
mod shown;
mod work;

pub use batch::{BatchLimit, MapBatch, Ticket};
pub use failures::MAX_LISTED_FAILURES;
pub use index::{View, ViewSpaces, ViewStats};
pub use mapped::{EmittedRow, MappedDocument, parse_mapped};
pub use query::{ViewPage, ViewQuery, page};
pub use record::{ViewName, remove_others};
pub use row::Row;
pub use shown::Building;
