//! The journal: a write-ahead log that makes commits durable before a store's own files are.
//!
//! A journal is a directory of *segments*, each a header and a row of checksummed *records*: commits with
//! consecutive sequence numbers, and checkpoints, which say up to which commit the store's own files are
//! durable. Every segment but the last was flushed as a whole before the next one was made, so only the
//! last one can have a torn tail. It is cut before anything is written again; damage anywhere else is an
//! error, never dropped in silence.
//!
//! The life of a journal:
//!
//! 1. [`Log::read`] checks all segments and changes nothing, [`Log::replay`] gives the commits that no
//!    checkpoint covers, [`Log::repair`] cuts a torn tail.
//! 2. [`GroupCommit`] takes batches from any thread; one thread checks them against the store (its
//!    [`Sink`]), appends them as a group, flushes once, publishes them, and answers.
//! 3. The store brings its own files up to date: [`GroupCommit::sync_through`] first, so that the files never
//!    run ahead of the journal, and [`GroupCommit::checkpoint`] once they are durable.
//!
//! What a record carries is opaque here; [`encode_commit`] and [`decode_commit`] are the payload that all
//! stores share.

mod audit;
mod bytes;
mod check;
mod commit;
mod counters;
mod follow;
mod form;
mod group;
mod header;
mod history;
mod page;
mod record;
mod recovery;
mod scan;
mod segment;
mod worker;
mod write_lock;
mod writer;

pub use audit::{Audit, audit};
pub use check::Damage;
pub use commit::{decode_commit, encode_commit};
pub use counters::JournalTotals;
pub use follow::{Followed, Follower, Place};
pub use form::Form;
pub use group::{GroupCommit, Sink};
pub use header::random_salt;
pub use history::History;
pub use page::{JournalPage, Position};
pub use record::Records;
pub use recovery::{Log, form_of};
pub use write_lock::{LOCK_FILES, WriteLock};
pub use writer::{Options, Sharing, Writer};

use crate::{Error, ErrorKind};
use std::io;
use std::path::Path;

/// Largest payload of a record.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 30;
/// Largest batch, as [`crate::kv::Capability::max_batch_bytes`] counts: one that fits in any case.
pub const MAX_BATCH_BYTES: usize = MAX_PAYLOAD_BYTES - crate::kv::OPERATION_BYTES;
/// A group that would take its segment past this begins a new one.
pub const SEGMENT_BYTES: u64 = 16 << 20;
/// A group holds at most so many commits ...
pub const MAX_GROUP_COMMITS: usize = 1_024;
/// ... and so many bytes, unless it is one commit that is larger.
pub const MAX_GROUP_BYTES: usize = 4 << 20;

/// A failed file operation as a storage error. A full disk is called that on every system.
fn io_error(action: &str, path: &Path, source: io::Error) -> Error {
    if is_full(source.kind()) {
        let message = format!("Could not {action} {}: no space left on device", path.display());
        return Error::new(ErrorKind::Storage, message).with_source(source);
    }
    Error::io(action, path, source)
}

/// Whether `error` says that there is no space left.
fn is_out_of_space(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| is_full(source.kind()))
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
