//! A process that slept while the journal went on without it.

use crate::process::{Process, Step};
use crate::support::{Documents, commit, delete, documents, large, open, put};
use kixx_datastore::fs::OpenMode;
use kixx_datastore::kv::{Read, Space};
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::durable::Durable;
use std::io;
use std::path::Path;
use tempfile::tempdir;

/// A process that can't follow the journal, as if it slept, until it is woken.
fn sleep(process: &Process) {
    process.watch(|step, path| match step {
        Step::Open(OpenMode::Read) if is_segment(path) => Err(io::Error::other("asleep")),
        _ => Ok(()),
    });
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

fn without_large(mut documents: Documents) -> Documents {
    documents.retain(|key, _| !key.starts_with("large"));
    documents
}

/// What is as it was before it slept has been something else meanwhile, and the files may show that.
#[test]
fn who_loads_again_writes_to_files_what_only_the_journal_has() {
    let directory = tempdir().unwrap();
    let (writer, sleeper) = (Process::new(), Process::new());
    let store = open::<Files>(&writer, directory.path()).unwrap();
    commit(&store, &[put("kept", "{}"), put("reborn", r#"{"v":1}"#)]).unwrap();
    let other = open::<Files>(&sleeper, directory.path()).unwrap();
    sleep(&sleeper);

    // The files have no `reborn` and an `undone`, and no segment is left that the sleeper knows ...
    commit(&store, &[delete("reborn"), put("undone", "{}")]).unwrap();
    for key in ["large1", "large2"] {
        commit(&store, &[put(key, &large())]).unwrap();
    }
    store.checkpoint().wait().unwrap();
    // ... and now everything is as the sleeper knows it.
    commit(&store, &[put("reborn", r#"{"v":1}"#), delete("undone")]).unwrap();
    let expected = without_large(documents(&store).unwrap());

    sleeper.unwatch();
    assert!(other.get(Space::DOCUMENTS, b"large1").wait().unwrap().is_some(), "it has loaded again");
    other.checkpoint().wait().unwrap();
    writer.kill();
    sleeper.kill();
    drop((store, other));
    let last = open::<Files>(&Process::new(), directory.path()).unwrap();
    assert_eq!(without_large(documents(&last).unwrap()), expected);
}
