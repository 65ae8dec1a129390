//! Processes that only read, while those that write come, go and fail.

use crate::process::{Process, Step};
use crate::support::{commit, documents, open, open_reader, put};
use kixx_datastore::kv::Store;
use kixx_datastore::stores::directory::{Files, ReadOnlyStore};
use kixx_datastore::stores::durable::Durable;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::tempdir;

/// A hang is a failure.
const LIMIT: Duration = Duration::from_secs(5);

/// Opens for reading on another thread; `None` if that does not end.
fn opened(process: &Process, directory: &Path) -> Option<kixx_datastore::Result<ReadOnlyStore>> {
    let (done, opened) = mpsc::channel();
    let (process, directory) = (process.clone(), directory.to_owned());
    std::thread::spawn(move || done.send(open_reader(&process, &directory)).is_ok());
    opened.recv_timeout(LIMIT).ok()
}

/// Whichever file operation the last process goes before: the journal goes with it.
#[test]
fn a_reader_that_loads_while_the_last_one_goes_sees_everything() {
    for step in 1_i32.. {
        let directory = tempdir().unwrap();
        let store = open::<Files>(&Process::new(), directory.path()).unwrap();
        commit(&store, &[put("a", r#"{"v":1}"#)]).unwrap();
        store.checkpoint().wait().unwrap();
        commit(&store, &[put("a", r#"{"v":2}"#), put("b", "{}")]).unwrap();
        let expected = documents(&store).unwrap();

        let reader = Process::new();
        let closing = Arc::new(Mutex::new((step, Some(store))));
        let in_hook = Arc::clone(&closing);
        reader.watch(move |_, _| {
            let mut closing = in_hook.lock().unwrap();
            closing.0 -= 1;
            if closing.0 == 0 {
                let store = closing.1.take().unwrap();
                let (done, closed) = mpsc::channel();
                std::thread::spawn(move || done.send(store.close().wait()));
                // Often it has to wait for the reader.
                let _ = closed.recv_timeout(Duration::from_millis(100));
            }
            Ok(())
        });
        let opened = opened(&reader, directory.path());
        let opened = opened.unwrap_or_else(|| panic!("opening never ends when they go before step {step}"));
        let opened = opened.unwrap_or_else(|error| panic!("they went before step {step}: {error}"));
        assert_eq!(documents(&opened).unwrap(), expected, "they went before step {step}");
        if closing.lock().unwrap().0 > 0 {
            assert!(step > 10, "only {step} steps");
            return;
        }
    }
}

/// Somebody tries to write beside a reader, and can't even open.
#[test]
fn a_reader_sees_those_who_come_after_one_that_failed() {
    for fails in [is_segment as fn(&Path) -> bool, is_document] {
        let directory = tempdir().unwrap();
        let first = Process::new();
        let store = open::<Files>(&first, directory.path()).unwrap();
        commit(&store, &[put("a", r#"{"v":1}"#)]).unwrap();
        first.kill();
        drop(store);
        std::fs::write(directory.path().join("b.json"), "{}").unwrap();
        let reader = open_reader(&Process::new(), directory.path()).unwrap();
        assert_eq!(documents(&reader).unwrap().len(), 2);

        let second = Process::new();
        second.watch(move |step, path| match step {
            Step::Read if fails(path) => Err(io::Error::other("no such luck")),
            _ => Ok(()),
        });
        assert!(open::<Files>(&second, directory.path()).is_err());
        drop(second);

        let store = open::<Files>(&Process::new(), directory.path()).unwrap();
        commit(&store, &[put("a", r#"{"v":2}"#)]).unwrap();
        assert_eq!(documents(&reader).unwrap(), documents(&store).unwrap());
        store.close().wait().unwrap();
    }
}

/// A read that fails is no reason to answer with what was there before.
#[test]
fn a_reader_that_could_not_load_tries_again() {
    let directory = tempdir().unwrap();
    let store = open::<Files>(&Process::new(), directory.path()).unwrap();
    commit(&store, &[put("a", r#"{"v":1}"#)]).unwrap();
    let process = Process::new();
    let reader = open_reader(&process, directory.path()).unwrap();
    commit(&store, &[put("a", r#"{"v":2}"#)]).unwrap();
    let expected = documents(&store).unwrap();
    store.close().wait().unwrap();
    drop(store);
    // So that nobody takes two changes for one.
    std::thread::sleep(Duration::from_millis(200));
    process.watch(|step, path| match step {
        Step::Read if is_document(path) => Err(io::Error::other("no such luck")),
        _ => Ok(()),
    });
    assert!(documents(&reader).is_err());
    process.unwatch();
    assert_eq!(documents(&reader).unwrap(), expected);
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}
