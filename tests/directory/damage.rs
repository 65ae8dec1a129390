//! Damaged directories: refused as they are, or moved aside on request.

use crate::support::{commit, copy_as_killed, documents, listing, open, put, try_open};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::Store;
use kixx_datastore::stores::durable::OnDamage;
use std::fs;
use tempfile::tempdir;

#[test]
fn every_bad_file_is_named_and_nothing_is_changed() {
    let directory = tempdir().unwrap();
    let bad = [
        ("array.json", "[1]"),
        ("broken.json", r#"{"a":"#),
        ("empty.json", ""),
        ("text.json", "hello"),
        ("rev.json", r#"{"_rev":"two"}"#),
        ("%zz.json", "{}"),
        ("two.json", "{}{}"),
    ];
    for (name, text) in bad {
        fs::write(directory.path().join(name), text).unwrap();
    }
    fs::write(directory.path().join("good.json"), r#"{"_rev":1}"#).unwrap();
    let before = listing(directory.path());
    let error = try_open(directory.path(), OnDamage::Refuse).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for (name, _) in bad {
        assert!(error.message().contains(name), "{name} in {error}");
    }
    assert!(!error.message().contains("good.json"));
    assert_eq!(listing(directory.path()), before);

    let store = try_open(directory.path(), OnDamage::Quarantine).unwrap();
    assert_eq!(documents(&store).len(), 1);
    store.close().wait().unwrap();
    let quarantined = listing(&directory.path().join(".datastore/quarantine"));
    assert_eq!(quarantined, bad.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect());
}

#[test]
fn the_quarantine_overwrites_nothing() {
    let directory = tempdir().unwrap();
    for round in ["first", "second"] {
        fs::write(directory.path().join("a.json"), round).unwrap();
        try_open(directory.path(), OnDamage::Quarantine).unwrap().close().wait().unwrap();
    }
    let quarantined = listing(&directory.path().join(".datastore/quarantine"));
    assert_eq!(quarantined.into_values().collect::<Vec<_>>(), ["first", "second"]);
}

#[test]
fn a_damaged_journal_is_refused_and_kept() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    for number in 0..20 {
        commit(&store, &[put(&format!("k{number}"), r#"{"text":"something to damage"}"#)]).unwrap();
    }
    copy_as_killed(live.path(), dead.path());
    let internal = dead.path().join(".datastore");
    let journal = listing_path(&internal);
    let mut bytes = fs::read(&journal).unwrap();
    bytes[300] ^= 0x40;
    fs::write(&journal, &bytes).unwrap();

    let error = try_open(dead.path(), OnDamage::Quarantine).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("journal-"), "{error}");
    assert_eq!(fs::read(&journal).unwrap(), bytes, "the evidence stays");
}

fn listing_path(internal: &std::path::Path) -> std::path::PathBuf {
    let names = fs::read_dir(internal).unwrap().map(|entry| entry.unwrap().path());
    names.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "log")).unwrap()
}

#[test]
fn a_path_that_is_no_directory_is_a_storage_error() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "x").unwrap();
    assert_eq!(try_open(&path, OnDamage::Refuse).err().unwrap().kind(), ErrorKind::Storage);
}
