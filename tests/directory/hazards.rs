//! File names that meet, checkpoints that break off or meet, others at the door.

use crate::folding_fs::FoldingFs;
use crate::support::{commit, copy_as_killed, delete, documents, listing, open, put, segments, try_open};
use kixx_datastore::ErrorKind;
use kixx_datastore::fs::FileSystem;
use kixx_datastore::kv::Store;
use kixx_datastore::stores::directory::DirectoryStore;
use kixx_datastore::stores::durable::{Checkpoint, Durable, OnDamage, OpenOptions};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::tempdir;

fn open_folding(fs: &Arc<FoldingFs>, directory: &Path) -> DirectoryStore {
    let fs: Arc<dyn FileSystem> = Arc::clone(fs) as _;
    DirectoryStore::open(&fs, directory, &OpenOptions::default()).unwrap()
}

#[test]
fn two_keys_of_one_batch_do_not_share_a_file() {
    let directory = tempdir().unwrap();
    let store = open_folding(&Arc::default(), directory.path());
    let error = commit(&store, &[put("a", "{}"), put("A", "{}")]).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Assertion, Some("A")));
    commit(&store, &[put("a", "{}")]).unwrap();
    commit(&store, &[put("A", "{}")]).unwrap_err();
    commit(&store, &[delete("a"), put("A", "{}")]).unwrap();
    commit(&store, &[put("a", "{}"), delete("A")]).unwrap_err();
    store.close().wait().unwrap();
    assert_eq!(listing(directory.path()).len(), 1);
}

#[test]
fn removing_a_document_leaves_the_one_that_took_its_file_name() {
    const COUNT: usize = 6_000;
    let directory = tempdir().unwrap();
    let store = open_folding(&Arc::default(), directory.path());
    let each = |prefix: &str| (0..COUNT).map(|number| format!("{prefix}{number}")).collect::<Vec<_>>();
    let lower: Vec<_> = each("k").iter().map(|key| put(key, "{}")).collect();
    commit(&store, &lower).unwrap();
    store.checkpoint().wait().unwrap();
    let deletions: Vec<_> = each("k").iter().map(|key| delete(key)).collect();
    let upper: Vec<_> = each("K").iter().map(|key| put(key, r#"{"v":1}"#)).collect();
    // More than share one flush.
    commit(&store, &deletions).unwrap();
    commit(&store, &upper).unwrap();
    store.close().wait().unwrap();
    assert_eq!(listing(directory.path()).len(), COUNT);
}

#[test]
fn what_a_panic_kept_from_the_files_is_written_later() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let fs = Arc::new(FoldingFs::default());
    let store = open_folding(&fs, live.path());
    commit(&store, &[put("a", "{}")]).unwrap();
    fs.panics.store(true, Ordering::SeqCst);
    store.checkpoint().wait().unwrap_err();
    assert!(store.checkpoint_failure().is_some(), "somebody can see that files lag behind");
    commit(&store, &[put("b", "{}")]).unwrap();
    store.checkpoint().wait().unwrap();
    assert!(store.checkpoint_failure().is_none());
    copy_as_killed(live.path(), dead.path());
    assert_eq!(documents(&open(dead.path())).len(), 2);
    store.close().wait().unwrap();
    assert_eq!(listing(live.path()).into_keys().collect::<Vec<_>>(), ["a.json", "b.json"]);
}

#[test]
fn a_journal_that_cannot_forget_is_told_and_tried_again() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    commit(&store, &[put("a", "{}")]).unwrap();
    copy_as_killed(live.path(), dead.path());
    let fs = Arc::new(FoldingFs::default());
    let store = open_folding(&fs, dead.path());
    let (sender, told) = mpsc::channel();
    let notify = move |checkpoint: &Checkpoint| sender.send(checkpoint.clone()).is_ok();
    let _watch = store.watch(Box::new(notify));
    fs.keeps_segments.store(true, Ordering::SeqCst);
    commit(&store, &[put("b", "{}")]).unwrap();
    for documents in [2, 0] {
        let checkpoint = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!((checkpoint.documents, checkpoint.failure.is_some()), (documents, true));
        assert!(store.checkpoint_failure().is_some(), "until it goes well");
    }
    assert_eq!(listing(dead.path()).len(), 3, "both files are written");
    fs.keeps_segments.store(false, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.checkpoint_failure().is_some() {
        assert!(Instant::now() < deadline, "it is tried again");
        thread::yield_now();
    }
    assert_eq!(segments(dead.path()).len(), 1);
}

#[test]
fn checkpoints_at_the_same_time_write_every_file_once() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    let key = format!("{writer}-{number}");
                    commit(store, &[put(&key, &format!(r#"{{"key":"{key}"}}"#))]).unwrap();
                    store.checkpoint().wait().unwrap();
                }
            });
        }
    });
    store.close().wait().unwrap();
    let files = listing(directory.path());
    assert_eq!(files.len(), 200);
    for (name, text) in files {
        assert_eq!(text, format!(r#"{{"_rev":0,"key":"{}"}}"#, name.trim_end_matches(".json")));
    }
}

#[test]
fn a_journal_that_only_says_that_the_files_are_complete_goes_with_a_clean_close() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    commit(&store, &[put("a", "{}")]).unwrap();
    store.checkpoint().wait().unwrap();
    copy_as_killed(live.path(), dead.path());
    open(dead.path()).close().wait().unwrap();
    assert_eq!(listing(dead.path()).into_keys().collect::<Vec<_>>(), ["a.json"]);
}

#[test]
fn all_but_one_of_many_files_for_one_key_go_to_quarantine() {
    let directory = tempdir().unwrap();
    for name in ["a%3Ab.json", "a%3ab.json", "a:b.json", "%61:b.json"] {
        fs::write(directory.path().join(name), format!(r#"{{"name":"{name}"}}"#)).unwrap();
    }
    let error = try_open(directory.path(), OnDamage::Refuse).err().unwrap();
    for name in ["a%3ab.json", "a:b.json", "%61:b.json"] {
        assert!(error.message().contains(&format!("{name}: stands for the same key")), "{error}");
    }
    let store = try_open(directory.path(), OnDamage::Quarantine).unwrap();
    assert_eq!(documents(&store)["a:b"].1, r#"{"name":"a%3Ab.json"}"#);
    assert_eq!(store.report().quarantined.len(), 3);
}

#[test]
fn whoever_comes_while_another_leaves_opens_or_hears_that_it_is_locked() {
    let directory = tempdir().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    match try_open(directory.path(), OnDamage::Refuse) {
                        Ok(store) => store.close().wait().unwrap(),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
                    }
                }
            });
        }
    });
    assert!(listing(directory.path()).is_empty());
}
