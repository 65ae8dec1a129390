//! Several stores on one directory, as in several processes: each has its own locks, page and memory.

use crate::folding_fs::FoldingFs;
use crate::support::{commit, delete, documents, expected, listing, open, put};
use kixx_datastore::ErrorKind;
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{Changes, Read, Space, Store};
use kixx_datastore::stores::directory::{DirectoryStore, ReadOnlyStore};
use kixx_datastore::stores::durable::{Access, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

const IMPATIENT: OpenOptions = OpenOptions {
    cache_bytes: kixx_datastore::stores::durable::DEFAULT_CACHE_BYTES,
    durability: kixx_datastore::kv::Durability::Os,
    flush_interval: Duration::from_secs(2),
    access: Access::Shared,
    lock_timeout: Duration::ZERO,
    damage: kixx_datastore::stores::durable::OnDamage::Refuse,
    form: kixx_datastore::stores::journal::Form::FILES,
};

fn os() -> Arc<dyn FileSystem> {
    Arc::new(OsFileSystem::PRIVATE)
}

#[test]
fn each_sees_what_the_other_commits_and_the_last_one_leaves_files_only() {
    let directory = tempdir().unwrap();
    let (first, second) = (open(directory.path()), open(directory.path()));
    for round in 0..20 {
        let (writer, reader) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let since = reader.sequence();
        commit(writer, &[put("a", &format!(r#"{{"n":{round}}}"#)), put(&format!("k{round}"), "{}")]).unwrap();
        assert_eq!((reader.sequence(), documents(reader)), (writer.sequence(), documents(writer)));
        let Changes::Keys(mut keys) = reader.changes(Space::DOCUMENTS, since).wait().unwrap() else {
            panic!("nothing is too old");
        };
        keys.sort();
        assert_eq!(keys, [b"a"[..].into(), format!("k{round}").into_bytes().into()]);
    }
    let before = documents(&second);
    first.close().wait().unwrap();
    assert!(directory.path().join(".datastore").exists(), "the second one has it open");
    assert_eq!(documents(&second), before);
    commit(&second, &[delete("a")]).unwrap();
    second.close().wait().unwrap();
    let names: Vec<String> = listing(directory.path()).into_keys().collect();
    assert_eq!((names.len(), names.contains(&"a.json".to_owned())), (20, false));
    assert!(!names.contains(&".datastore/".to_owned()));
}

#[test]
fn threads_of_two_stores_count_one_document_and_lose_nothing() {
    const EACH: u64 = 200;
    let directory = tempdir().unwrap();
    let stores = [open(directory.path()), open(directory.path())];
    commit(&stores[0], &[put("count", r#"{"n":0}"#)]).unwrap();
    thread::scope(|scope| {
        for store in &stores {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut done = 0;
                    while done < EACH {
                        let entry = store.get(Space::DOCUMENTS, b"count").wait().unwrap().unwrap();
                        let text = String::from_utf8(entry.value().to_vec()).unwrap();
                        let count: u64 = text[5..text.len() - 1].parse().unwrap();
                        let mut next = put("count", &format!(r#"{{"n":{}}}"#, count + 1));
                        next.check = kixx_datastore::kv::Check::Unchanged(entry.sequence());
                        match commit(store, &[next]) {
                            Ok(_) => done += 1,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                        }
                    }
                });
            }
        }
    });
    let total = 4 * EACH;
    for store in &stores {
        assert_eq!(documents(store), expected(&[("count", total, &format!(r#"{{"n":{total}}}"#))]));
        store.close().wait().unwrap();
    }
}

#[test]
fn who_wants_to_be_alone_gets_in_only_when_nobody_else_is() {
    let directory = tempdir().unwrap();
    let alone = OpenOptions { access: Access::Exclusive, ..IMPATIENT };
    let refused = |options: &OpenOptions| {
        let error = DirectoryStore::open(&os(), directory.path(), options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(error.message().contains(&std::process::id().to_string()), "{error}");
    };
    let shared = DirectoryStore::open(&os(), directory.path(), &IMPATIENT).unwrap();
    refused(&alone);
    shared.close().wait().unwrap();
    let only = DirectoryStore::open(&os(), directory.path(), &alone).unwrap();
    refused(&IMPATIENT);
    refused(&alone);
    let reading = ReadOnlyStore::open(&os(), directory.path(), &IMPATIENT).err().unwrap();
    assert_eq!(reading.kind(), ErrorKind::Locked);
    commit(&only, &[put("a", "{}")]).unwrap();
    only.close().wait().unwrap();
    assert_eq!(listing(directory.path()).len(), 1);
}

#[test]
fn a_network_file_system_is_for_one_process_alone() {
    let directory = tempdir().unwrap();
    let far = Arc::new(FoldingFs::default());
    far.network.store(true, Ordering::SeqCst);
    let far: Arc<dyn FileSystem> = far;
    let shared = DirectoryStore::open(&far, directory.path(), &IMPATIENT).err().unwrap();
    let reading = ReadOnlyStore::open(&far, directory.path(), &IMPATIENT).err().unwrap();
    for error in [shared, reading] {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.message().contains("NFS") && error.message().contains("exclusive"), "{error}");
    }
    assert!(listing(directory.path()).is_empty(), "nothing was made");
    let alone = OpenOptions { access: Access::Exclusive, ..IMPATIENT };
    let store = DirectoryStore::open(&far, directory.path(), &alone).unwrap();
    commit(&store, &[put("a", "{}")]).unwrap();
    store.close().wait().unwrap();
}

#[test]
fn names_that_meet_are_refused_whoever_has_made_the_other() {
    let directory = tempdir().unwrap();
    let fs: Arc<dyn FileSystem> = Arc::new(FoldingFs::default());
    let open = || DirectoryStore::open(&fs, directory.path(), &IMPATIENT).unwrap();
    let (first, second) = (open(), open());
    commit(&first, &[put("a", "{}")]).unwrap();
    let error = commit(&second, &[put("A", "{}")]).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Assertion, Some("A")));
    commit(&second, &[delete("a")]).unwrap();
    commit(&first, &[put("A", "{}")]).unwrap();
    commit(&second, &[put("a", "{}")]).unwrap_err();
    first.close().wait().unwrap();
    second.close().wait().unwrap();
    assert_eq!(listing(directory.path()).len(), 1);
}

#[test]
fn a_page_that_is_not_whole_or_of_another_version_is_an_error() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    let page = directory.path().join(".datastore/page");
    let good = std::fs::read(&page).unwrap();
    // A new file, since the old one is mapped.
    let replace = |bytes: &[u8]| {
        std::fs::remove_file(&page).unwrap();
        std::fs::write(&page, bytes).unwrap();
    };
    let open_second = |path: &Path| DirectoryStore::open(&os(), path, &IMPATIENT).err().unwrap().kind();
    replace(&good[..100]);
    assert_eq!(open_second(directory.path()), ErrorKind::Storage);
    replace(&[&b"KIXXPAG\x02"[..], &good[8..]].concat());
    assert_eq!(open_second(directory.path()), ErrorKind::Locked);
    commit(&store, &[put("a", "{}")]).unwrap();
    store.close().wait().unwrap();
    assert_eq!(documents(&open(directory.path())).len(), 1);
}
