//! The hot paths of the core, each on a fixed input that follows from a seed.
//!
//! Every call of a path does the same work again, so it can be timed and its instructions counted.

mod input;

use input::{ITEMS, documents, entries, key, shuffled, small_entries, view_keys};
use kixx_datastore::Result;
use kixx_datastore::fs::PrivatePage;
use kixx_datastore::fs::simulated::SimulatedDisk;
use kixx_datastore::json::{collate_into, split_revision};
use kixx_datastore::kv::{
    Batch, Check, Direction, Entry, KeyRange, Operation, Prepared, Scan, Space, prepare,
};
use kixx_datastore::stores::journal::{
    JournalPage, Log, MAX_GROUP_COMMITS, Options, Records, Sharing, Writer, decode_commit, encode_commit,
};
use kixx_datastore::stores::memory::tree::Tree;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

/// How many operations one call of a path does.
pub const OPERATIONS: u64 = ITEMS as u64;

/// One call of a path.
pub type Run = Box<dyn FnMut() -> Result<()>>;

/// A path: its name, and what makes its input.
pub struct HotPath {
    /// What one operation is.
    pub name: &'static str,
    /// Makes the input. That does not count.
    pub prepare: fn() -> Run,
}

/// All of them.
pub const HOT_PATHS: &[HotPath] = &[
    HotPath { name: "tree-get", prepare: tree_get },
    HotPath { name: "tree-insert", prepare: tree_insert },
    HotPath { name: "tree-range-of-20", prepare: tree_range },
    HotPath { name: "tree-rank-and-select", prepare: tree_rank_and_select },
    HotPath { name: "prepare-put", prepare: prepare_put },
    HotPath { name: "record-encode", prepare: record_encode },
    HotPath { name: "record-scan", prepare: record_scan },
    HotPath { name: "record-decode", prepare: record_decode },
    HotPath { name: "split-revision", prepare: split },
    HotPath { name: "collate-view-key", prepare: collate },
];

const PAGE_ENTRIES: u64 = 20;
/// The root of the simulated disk.
const JOURNAL: &str = "/";
const SALT: u64 = 0x5eed;

fn tree_get() -> Run {
    let tree = Tree::from_sorted(small_entries());
    let keys: Vec<_> = shuffled().map(key).collect();
    Box::new(move || {
        for key in &keys {
            black_box(tree.get(black_box(key)));
        }
        Ok(())
    })
}

/// Into a tree that is empty at first, in an order that looks random.
fn tree_insert() -> Run {
    let sorted: Vec<Entry> = small_entries().collect();
    let entries: Vec<Entry> = shuffled().map(|number| sorted[number].clone()).collect();
    Box::new(move || {
        let mut tree = Tree::new();
        for entry in &entries {
            black_box(tree.insert(entry.clone()));
        }
        black_box(tree);
        Ok(())
    })
}

fn tree_range() -> Run {
    let tree = Tree::from_sorted(small_entries());
    let page_from = |number| Scan {
        range: KeyRange::inclusive(Some(&key(number)), None),
        direction: Direction::Ascending,
        skip: 0,
        limit: PAGE_ENTRIES,
    };
    let scans: Vec<Scan> = shuffled().map(page_from).collect();
    Box::new(move || {
        for scan in &scans {
            black_box(tree.range(black_box(scan)));
        }
        Ok(())
    })
}

fn tree_rank_and_select() -> Run {
    let tree = Tree::from_sorted(small_entries());
    let keys: Vec<_> = shuffled().map(key).collect();
    Box::new(move || {
        for (index, key) in keys.iter().enumerate() {
            black_box(tree.rank(black_box(key)));
            black_box(tree.select(black_box(index)));
        }
        Ok(())
    })
}

/// From a key and a document to the batch, its check, and the entry that it leaves.
fn prepare_put() -> Run {
    let entries: Vec<Entry> = entries().collect();
    Box::new(move || {
        for entry in &entries {
            black_box(put(black_box(entry))?);
        }
        Ok(())
    })
}

/// From what commits changed to records with their checksums, in groups of the largest size.
fn record_encode() -> Run {
    let commits = commits();
    Box::new(move || journal_of(&commits).map(drop))
}

/// Reads a journal and checks it.
fn record_scan() -> Run {
    let disk = Arc::new(journal_of(&commits()).expect("a journal"));
    Box::new(move || {
        let log = Log::read(disk.clone(), Path::new(JOURNAL))?;
        assert_eq!(log.last_sequence(), OPERATIONS);
        Ok(())
    })
}

fn record_decode() -> Run {
    let mut payloads = Vec::new();
    for commit in commits() {
        let mut payload = Vec::new();
        encode_commit(&mut payload, &commit.changes).expect("a short payload");
        payloads.push(payload);
    }
    Box::new(move || {
        for (sequence, payload) in (1..).zip(&payloads) {
            black_box(decode_commit(sequence, black_box(payload))?);
        }
        Ok(())
    })
}

fn split() -> Run {
    let documents: Vec<String> = documents().collect();
    Box::new(move || {
        for document in &documents {
            black_box(split_revision(black_box(document.as_bytes()))?);
        }
        Ok(())
    })
}

fn collate() -> Run {
    let keys: Vec<String> = view_keys().collect();
    let mut collated = Vec::new();
    Box::new(move || {
        for key in &keys {
            collated.clear();
            collate_into(&mut collated, black_box(key))?;
            black_box(&collated);
        }
        Ok(())
    })
}

/// What putting the value of `entry` once more leaves.
fn put(entry: &Entry) -> Result<Prepared> {
    let check = Check::Version(entry.version());
    let mut batch = Batch::of(Operation::put(Space::DOCUMENTS, entry.key(), check, entry.value()));
    prepare(&mut batch, OPERATIONS, |_, _| Ok(Some(entry.clone())))
}

fn commits() -> Vec<Prepared> {
    entries().map(|entry| put(&entry).expect("the version that is there")).collect()
}

/// A disk with a journal of these commits.
fn journal_of(commits: &[Prepared]) -> Result<SimulatedDisk> {
    let disk = SimulatedDisk::new();
    let log = Log::read(Arc::new(disk.clone()), Path::new(JOURNAL))?;
    let page = JournalPage::create(Arc::new(PrivatePage::default()), &log.position(), false);
    let sharing = Sharing { page, lock: None, loaders: None };
    let options = Options { salt: Box::new(|| SALT), ..Options::default() };
    let mut writer = Writer::new(Arc::new(disk.clone()), Path::new(JOURNAL), sharing, options);
    writer.enter()?;
    let mut records = Records::default();
    for group in commits.chunks(MAX_GROUP_COMMITS) {
        records.clear();
        for commit in group {
            records.push(|bytes| encode_commit(bytes, &commit.changes))?;
        }
        writer.append(&mut records)?;
    }
    Ok(disk)
}
