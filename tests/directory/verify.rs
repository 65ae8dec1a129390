//! Verification finds what loading refuses, all of it, and changes nothing.

use crate::support::{
    commit, copy_as_killed, delete, flip, hold_checkpoints, listing, open, put, records, segments, try_open,
};
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::stores::directory::{self, ReadOnlyStore};
use kixx_datastore::stores::durable::{OnDamage, OpenOptions};
use kixx_datastore::stores::maintenance::{Progress, Verification};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::tempdir;

const TIMEOUT: Duration = Duration::from_secs(10);

fn real() -> Arc<dyn FileSystem> {
    Arc::new(OsFileSystem::PRIVATE)
}

fn verify(directory: &Path) -> Verification {
    directory::verify(&real(), directory, TIMEOUT, &Progress::default()).unwrap()
}

/// `file: problem` of each finding.
fn findings(directory: &Path) -> Vec<String> {
    verify(directory).findings.iter().map(|found| format!("{}: {}", found.file, found.problem)).collect()
}

/// What a process leaves that is killed after these commits, one for each.
fn left_over(dead: &Path, commits: usize) {
    let live = tempdir().unwrap();
    let store = open(live.path());
    let held = hold_checkpoints(live.path());
    for number in 0..commits {
        commit(&store, &[put(&format!("k{number}"), r#"{"text":"something to damage"}"#)]).unwrap();
    }
    copy_as_killed(live.path(), dead);
    drop(held);
}

#[test]
fn a_sound_directory_is_counted_and_left_alone() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("old.json"), r#"{"_rev":3}"#).unwrap();
    fs::write(directory.path().join("gone.json"), "{}").unwrap();
    fs::write(directory.path().join("notes.txt"), "not ours").unwrap();
    let before = listing(directory.path());
    let at_rest = verify(directory.path());
    assert_eq!((at_rest.documents, at_rest.files, at_rest.segments), (2, 2, 0));
    assert_eq!(listing(directory.path()), before, "not even a directory for locks");

    let store = open(directory.path());
    let held = hold_checkpoints(directory.path());
    commit(&store, &[put("old", "{}"), put("new", "{}"), delete("gone")]).unwrap();
    commit(&store, &[put("new", "{}")]).unwrap();
    let beside = verify(directory.path());
    let expected = Verification {
        documents: 2,
        files: 2,
        segments: 1,
        commits: 2,
        processes: vec![std::process::id()],
        ..Verification::default()
    };
    assert_eq!(beside, expected);
    drop(held);
}

#[test]
fn it_finds_something_exactly_where_loading_refuses() {
    let dead = tempdir().unwrap();
    left_over(dead.path(), 6);
    let segment = segments(dead.path()).remove(0);
    let bytes = fs::read(&segment).unwrap();
    let (last, length) = *records(&bytes).last().unwrap();
    let mut found = 0;
    for at in (0..last + length).chain([last + length + 8]) {
        flip(&segment, at);
        let before = names_and_sizes(dead.path());
        let problems = findings(dead.path());
        assert_eq!(names_and_sizes(dead.path()), before, "byte {at}");
        let loaded = ReadOnlyStore::open(&real(), dead.path(), &OpenOptions::default());
        assert_eq!(problems.is_empty(), loaded.is_ok(), "byte {at}: {problems:?}");
        found += usize::from(loaded.is_err());
        fs::write(&segment, &bytes).unwrap();
    }
    assert!(found > 500, "{found}");
}

fn names_and_sizes(directory: &Path) -> Vec<(OsString, u64)> {
    let entries = fs::read_dir(directory.join(".datastore")).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> =
        entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().len())).collect();
    files.sort();
    files
}

#[test]
fn all_damage_is_listed_not_only_the_first() {
    let dead = tempdir().unwrap();
    left_over(dead.path(), 9);
    let segment = segments(dead.path()).remove(0);
    let records = records(&fs::read(&segment).unwrap());
    for index in [1, 4, 5] {
        flip(&segment, records[index].0 + 40);
    }
    fs::write(dead.path().join("bad.json"), "{").unwrap();
    fs::write(dead.path().join("k0.json"), "torn").unwrap();
    fs::create_dir(dead.path().join("directory.json")).unwrap();
    let name = format!(".datastore/{}", segment.file_name().unwrap().display());
    let [second, third, sixth] = [1, 2, 6].map(|index| records[index].0);
    assert_eq!(
        findings(dead.path()),
        [
            "bad.json: expected a name in quotes, but the text ends at byte 1".to_owned(),
            "directory.json: it is a directory".to_owned(),
            format!("{name}: at byte {second}: a later record proves that it was whole once"),
            format!("{name}: at byte {third}: commit 2 before it can't be read"),
            format!("{name}: at byte {sixth}: the commits 5 to 6 before it can't be read"),
        ]
    );
    let verification = verify(dead.path());
    assert_eq!((verification.commits, verification.documents), (6, 6));
    assert_eq!(verification.notes.len(), 1, "{:?}", verification.notes);
    assert!(verification.notes[0].problem.ends_with("; the journal has the document"));
}

#[test]
fn a_torn_end_is_only_noted() {
    let dead = tempdir().unwrap();
    left_over(dead.path(), 3);
    let segment = segments(dead.path()).remove(0);
    let (at, _) = *records(&fs::read(&segment).unwrap()).last().unwrap();
    flip(&segment, at + 33);
    let verification = verify(dead.path());
    assert_eq!((verification.findings.len(), verification.commits), (0, 2));
    assert!(verification.notes[0].problem.starts_with("a crash cut off a write"));
    assert!(try_open(dead.path(), OnDamage::Refuse).is_ok());
}

#[test]
fn missing_and_foreign_segments_are_found() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    let held = hold_checkpoints(live.path());
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(9 << 20));
    for number in 0..4 {
        commit(&store, &[put(&format!("k{number}"), &large)]).unwrap();
    }
    copy_as_killed(live.path(), dead.path());
    let segments = segments(dead.path());
    assert_eq!(segments.len(), 4);
    assert!(findings(dead.path()).is_empty());

    fs::remove_file(&segments[1]).unwrap();
    flip(&segments[3], 20);
    let problems = findings(dead.path());
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("journal-0000000000000002.log missing before it"), "{problems:?}");
    assert!(problems[1].contains("its header is not whole"), "{problems:?}");
    fs::remove_file(&segments[0]).unwrap();
    let problems = findings(dead.path());
    assert!(problems.iter().any(|problem| problem.contains("commit 1 is missing")), "{problems:?}");
    drop(held);
}
