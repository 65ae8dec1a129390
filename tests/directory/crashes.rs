//! What a killed process leaves is recovered.

use crate::support::{commit, copy_as_killed, delete, documents, expected, listing, open, put};
use kixx_datastore::kv::Store;
use kixx_datastore::stores::durable::Durable;
use std::fs;
use tempfile::tempdir;

#[test]
fn the_journal_has_what_the_files_lack() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    fs::write(live.path().join("old.json"), r#"{"_rev":3,"v":"file"}"#).unwrap();
    fs::write(live.path().join("gone.json"), "{}").unwrap();
    let store = open(live.path());
    commit(&store, &[put("old", r#"{"v":"new"}"#), put("new", "{}"), delete("gone")]).unwrap();
    copy_as_killed(live.path(), dead.path());

    let recovered = open(dead.path());
    let after = expected(&[("new", 0, "{}"), ("old", 4, r#"{"v":"new"}"#)]);
    assert_eq!(documents(&recovered), after);
    assert_eq!(commit(&recovered, &[put("old", "{}")]).unwrap().sequence, 2, "the history goes on");
    recovered.close().wait().unwrap();
    let names: Vec<String> = listing(dead.path()).into_keys().collect();
    assert_eq!(names, ["new.json", "old.json"]);
}

#[test]
fn a_crash_of_the_recovery_is_recovered() {
    let root = tempdir().unwrap();
    let at = |number: usize| root.path().join(number.to_string());
    fs::create_dir(at(0)).unwrap();
    let mut store = open(&at(0));
    let mut versions = 0;
    for round in 1..6 {
        commit(
            &store,
            &[put("counter", &format!(r#"{{"round":{round}}}"#)), put(&format!("k{round}"), "{}")],
        )
        .unwrap();
        copy_as_killed(&at(round - 1), &at(round));
        store = open(&at(round));
        versions += 1;
        let documents = documents(&store);
        assert_eq!(documents.len(), 1 + round);
        assert_eq!(documents["counter"], (versions - 1, format!(r#"{{"round":{round}}}"#)));
    }
    store.close().wait().unwrap();
    assert_eq!(listing(&at(5)).len(), 6);
}

#[test]
fn a_file_that_was_being_replaced_is_no_damage() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    commit(&store, &[put("a", r#"{"v":1}"#)]).unwrap();
    copy_as_killed(live.path(), dead.path());
    fs::write(dead.path().join("a.json"), "").unwrap();
    fs::write(dead.path().join(".0.datastore-tmp"), r#"{"_re"#).unwrap();

    let recovered = open(dead.path());
    assert_eq!(documents(&recovered), expected(&[("a", 0, r#"{"v":1}"#)]));
    recovered.close().wait().unwrap();
    assert_eq!(listing(dead.path()).into_keys().collect::<Vec<_>>(), ["a.json"]);
}

#[test]
fn an_emptied_checkpoint_is_not_replayed_over_newer_files() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    commit(&store, &[put("a", r#"{"v":1}"#)]).unwrap();
    store.checkpoint().wait().unwrap();
    copy_as_killed(live.path(), dead.path());
    // Edited by hand after the kill: the checkpoint says that the journal has nothing to add.
    fs::write(dead.path().join("a.json"), r#"{"_rev":0,"v":"edited"}"#).unwrap();
    assert_eq!(documents(&open(dead.path())), expected(&[("a", 0, r#"{"v":"edited"}"#)]));
}
