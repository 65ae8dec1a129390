//! Processes that take turns: leaving, and writing files.

use crate::process::{Process, Step};
use crate::support::{as_files, commit, documents, listing, open, put};
use kixx_datastore::kv::Store;
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::durable::Durable;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tempfile::tempdir;

/// How long somebody is given who may have to wait for us.
const MOMENT: Duration = Duration::from_millis(200);

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|found| found == name)
}

/// One goes as soon as the other lets it.
#[test]
fn two_that_go_at_once_leave_plain_files() {
    let directory = tempdir().unwrap();
    let [first, second] = std::array::from_fn(|_| Process::new());
    let (leaving, staying) =
        (open::<Files>(&first, directory.path()).unwrap(), open::<Files>(&second, directory.path()).unwrap());
    commit(&leaving, &[put("a", "{}")]).unwrap();
    let expected = as_files(&documents(&leaving).unwrap());
    let doors = AtomicUsize::new(0);
    let next = Mutex::new(Some(staying));
    first.watch(move |step, path| {
        // The second door is the one through which it goes.
        if step == Step::Fall && is_named(path, "lock") && doors.fetch_add(1, Ordering::SeqCst) == 1 {
            next.lock().unwrap().take().unwrap().close().wait().unwrap();
        }
        Ok(())
    });
    leaving.close().wait().unwrap();
    assert_eq!(listing(directory.path()), expected);
}

/// One writes files as soon as the other lets it.
#[test]
fn nobody_writes_files_that_another_one_has_written() {
    let directory = tempdir().unwrap();
    let [first, second] = std::array::from_fn(|_| Process::new());
    let (store, other) =
        (open::<Files>(&first, directory.path()).unwrap(), open::<Files>(&second, directory.path()).unwrap());
    commit(&store, &[put("a", "{}"), put("b", "{}")]).unwrap();
    let (turns, written) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&written);
    second.watch(move |step, path| {
        if step == Step::Rename && path.extension().is_some_and(|extension| extension == "json") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    });
    let other = Arc::new(other);
    let (done, checkpointed) = mpsc::channel();
    let again = Arc::clone(&other);
    let let_go = AtomicUsize::new(0);
    first.watch(move |step, path| {
        if step == Step::Unlock && is_named(path, "checkpoint") {
            let_go.fetch_add(1, Ordering::SeqCst);
        } else if let_go.load(Ordering::SeqCst) == 1 && turns.fetch_add(1, Ordering::SeqCst) == 0 {
            let (again, done) = (Arc::clone(&again), done.clone());
            let (came, waited) = mpsc::channel();
            std::thread::spawn(move || {
                done.send(again.checkpoint().wait()).unwrap();
                came.send(()).unwrap();
            });
            let _ = waited.recv_timeout(MOMENT);
        }
        Ok(())
    });
    store.checkpoint().wait().unwrap();
    // Whatever it does from now on.
    store.checkpoint().wait().unwrap();
    checkpointed.recv().unwrap().unwrap();
    assert_eq!(written.load(Ordering::SeqCst), 0, "files were written again");
}
