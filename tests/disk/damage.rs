//! Data files that are damaged, or do not belong to their journal: refused, and nothing is lost by that.

use crate::support::{image, journal, open, put, try_open};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{KeyRange, Read, Scan, Space, Store};
use kixx_datastore::stores::disk::DATA_FILE;
use kixx_datastore::stores::durable::Durable;
use redb::{ConcurrencyMode, Database, TableDefinition};
use std::fs;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// As a crash leaves it: with a data file, and a journal behind it.
fn crashed() -> TempDir {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for number in 0..300 {
        put(&store, &format!("key:{number:04}"), &"x".repeat(100));
    }
    store.checkpoint().wait().unwrap();
    put(&store, "last", "{}");
    image(directory.path())
}

#[track_caller]
fn assert_refused(directory: &Path, kind: ErrorKind, what: &str) {
    let before = journal(directory);
    let error = try_open(directory).map(drop).expect_err(what);
    assert_eq!(error.kind(), kind, "{what}: {error}");
    assert!(
        error.to_string().contains("data.redb") || error.to_string().contains("journal"),
        "{what}: {error}"
    );
    assert_eq!(journal(directory), before, "{what}: something was changed");
}

#[test]
fn a_data_file_that_was_cut_is_refused() {
    let whole = crashed();
    let length = fs::metadata(whole.path().join(DATA_FILE)).unwrap().len();
    for rest in [0, 1, 100, 319, 320, 4_096, 8_192, length / 2, length - 4_096, length - 1] {
        let directory = image(whole.path());
        let file = fs::OpenOptions::new().write(true).open(directory.path().join(DATA_FILE)).unwrap();
        file.set_len(rest).unwrap();
        assert_refused(directory.path(), ErrorKind::Corrupt, &format!("cut to {rest} of {length} bytes"));
    }
}

#[test]
fn what_is_no_data_file_is_refused() {
    let zeros = vec![0; 1 << 20];
    let garbage: Vec<u8> =
        (0..1_u32 << 18).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let magic = [b"redb\x1A\x0A\xA9\x0D\x0A", &garbage[..]].concat();
    for (what, bytes) in [
        ("text", &b"{\"_rev\":0}"[..]),
        ("zeros", &zeros),
        ("garbage", &garbage),
        ("its first bytes", &magic),
    ] {
        let directory = crashed();
        fs::write(directory.path().join(DATA_FILE), bytes).unwrap();
        assert_refused(directory.path(), ErrorKind::Corrupt, what);
        assert_eq!(fs::read(directory.path().join(DATA_FILE)).unwrap(), bytes, "{what}");
    }
}

#[test]
fn a_data_file_of_another_form_is_refused() {
    const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
    for format in [None, Some(2)] {
        let directory = crashed();
        let path = directory.path().join(DATA_FILE);
        if format.is_none() {
            fs::remove_file(&path).unwrap();
        }
        let mut builder = Database::builder();
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
        let database = builder.create(&path).unwrap();
        if let Some(format) = format {
            let transaction = database.begin_write().unwrap();
            transaction.open_table(NUMBERS).unwrap().insert("format", format).unwrap();
            transaction.commit().unwrap();
        }
        drop(database);
        assert_refused(directory.path(), ErrorKind::Corrupt, &format!("format {format:?}"));
    }
}

/// The journal has forgotten commits that this file does not have yet.
#[test]
fn a_data_file_older_than_the_journal_is_refused() {
    let directory = crashed();
    let older = fs::read(directory.path().join(DATA_FILE)).unwrap();
    // Whoever goes on after a crash begins a new segment, and the old one goes with the checkpoint.
    let store = open(directory.path());
    put(&store, "more", "{}");
    store.checkpoint().wait().unwrap();
    put(&store, "newest", "{}");
    let mixed = image(directory.path());
    fs::write(mixed.path().join(DATA_FILE), older).unwrap();
    assert_refused(mixed.path(), ErrorKind::Corrupt, "an older data file");
    fs::copy(directory.path().join(DATA_FILE), mixed.path().join(DATA_FILE)).unwrap();
    let count = open(mixed.path()).count(Space::DOCUMENTS, &KeyRange::ALL).wait().unwrap();
    assert_eq!(count, 303, "with the right file it is whole");
}

/// Two histories would be mixed.
#[test]
fn a_data_file_newer_than_the_journal_is_refused() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    put(&store, "a", "{}");
    let older = image(directory.path());
    put(&store, "b", "{}");
    store.checkpoint().wait().unwrap();
    fs::copy(directory.path().join(DATA_FILE), older.path().join(DATA_FILE)).unwrap();
    assert_refused(older.path(), ErrorKind::Corrupt, "a newer data file");
}

#[test]
fn a_journal_without_its_data_file_is_refused() {
    let directory = crashed();
    fs::remove_file(directory.path().join(DATA_FILE)).unwrap();
    assert_refused(directory.path(), ErrorKind::Corrupt, "no data file");
}

#[test]
fn a_directory_in_the_place_of_the_data_file_is_refused() {
    let directory = tempdir().unwrap();
    fs::create_dir(directory.path().join(DATA_FILE)).unwrap();
    assert_refused(directory.path(), ErrorKind::Storage, "a directory");
}

/// It does not keep others from being read.
#[test]
fn an_entry_that_is_none_is_told() {
    const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for key in ["a", "b", "c"] {
        put(&store, key, "{}");
    }
    store.close().wait().unwrap();
    drop(store);
    let mut builder = Database::builder();
    builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
    let database = builder.create(directory.path().join(DATA_FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(ENTRIES).unwrap().insert(&b"\0\0\0\0b"[..], &b"no entry"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let store = open(directory.path());
    let space = Space::DOCUMENTS;
    assert_eq!(store.get(space, b"b").wait().unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(store.get(space, b"a").wait().unwrap().is_some());
    let all = Scan::all(KeyRange::ALL);
    assert_eq!(store.range(space, &all).wait().unwrap_err().kind(), ErrorKind::Corrupt);
    for skip in 0..3 {
        let scan = Scan { skip, ..all.clone() };
        assert_eq!(store.range(space, &scan).wait().is_err(), skip < 2, "{skip}");
    }
}
