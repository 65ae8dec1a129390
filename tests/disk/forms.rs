//! A directory has one form, which its data file, its segments and its page tell. As another one it is
//! refused, and left as it is.

use crate::support::{image, journal, put};
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{KeyRange, Read, Space, Store};
use kixx_datastore::stores::directory::{DirectoryStore, ReadOnlyStore, plan_repair, repair, verify};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore, compact};
use kixx_datastore::stores::durable::{Durable, OpenOptions};
use kixx_datastore::stores::journal::Form;
use kixx_datastore::stores::maintenance::Progress;
use kixx_datastore::{Error, ErrorKind, Result};
use redb::{ConcurrencyMode, Database, TableDefinition};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

const DATA_FORMS: [Form; 2] = [Form::DISK, Form::KEY_VALUES];
const PATIENCE: Duration = Duration::from_secs(10);

fn real() -> Arc<dyn FileSystem> {
    Arc::new(OsFileSystem::PRIVATE)
}

fn open_as(form: Form, directory: &Path) -> Result<DiskStore> {
    DiskStore::open(&real(), directory, &OpenOptions { form, ..OpenOptions::default() })
}

fn open_files(directory: &Path) -> Result<DirectoryStore> {
    DirectoryStore::open(&real(), directory, &OpenOptions::default())
}

/// A store with something in the data file and something in the journal.
fn filled(form: Form, directory: &Path) -> DiskStore {
    let store = open_as(form, directory).unwrap();
    put(&store, "a", "{}");
    store.checkpoint().wait().unwrap();
    put(&store, "b", "{}");
    store
}

/// All that a kill leaves, the page too.
fn killed(directory: &Path) -> TempDir {
    let copy = image(directory);
    fs::create_dir_all(copy.path().join(".datastore")).unwrap();
    fs::copy(directory.join(".datastore/page"), copy.path().join(".datastore/page")).unwrap();
    copy
}

/// As if those who had it open were no more.
fn forget_members(directory: &Path) {
    const MEMBERS_AT: usize = 64 * 8;
    let path = directory.join(".datastore/page");
    let mut page = fs::read(&path).unwrap();
    page[MEMBERS_AT..].fill(0);
    fs::write(path, page).unwrap();
}

fn count(store: &DiskStore) -> u64 {
    store.count(Space::DOCUMENTS, &KeyRange::ALL).wait().unwrap()
}

/// What each way to take a directory for one of JSON files answers.
fn as_files(directory: &Path) -> [Option<Error>; 5] {
    let (fs, none) = (real(), Progress::default());
    [
        open_files(directory).err(),
        ReadOnlyStore::open(&fs, directory, &OpenOptions::default()).err(),
        verify(&fs, directory, PATIENCE, &none).err(),
        plan_repair(&fs, directory, PATIENCE, &none).err(),
        repair(&fs, directory, PATIENCE, &none).err(),
    ]
}

#[test]
fn a_data_file_is_refused_as_one_of_another_form() {
    for (form, other) in [(Form::DISK, Form::KEY_VALUES), (Form::KEY_VALUES, Form::DISK)] {
        let directory = tempdir().unwrap();
        let store = filled(form, directory.path());
        let left = image(directory.path());
        let refused = |directory: &Path, when: &str| {
            let error = open_as(other, directory).err().expect(when);
            assert_eq!(error.kind(), ErrorKind::Assertion, "{when}: {error}");
            let hint = if form == Form::DISK { "{ storage: 'disk' }" } else { "Distributor" };
            assert!(error.message().contains(hint), "{when}: {error}");
        };
        refused(directory.path(), "while it is open");
        put(&store, "c", "{}");
        let before = journal(left.path());
        refused(left.path(), "after a crash");
        assert_eq!(journal(left.path()), before);
        assert_eq!(count(&open_as(form, left.path()).unwrap()), 2);
        store.close().wait().unwrap();
        refused(directory.path(), "closed");
        for error in as_files(directory.path()).into_iter().map(Option::unwrap) {
            assert_eq!(error.kind(), ErrorKind::Assertion, "{error}");
        }
        compact(&real(), directory.path(), PATIENCE).unwrap();
        refused(directory.path(), "compacted");
        let names: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|at| at.unwrap().file_name()).collect();
        assert_eq!(names, [DATA_FILE]);
        assert_eq!(count(&open_as(form, directory.path()).unwrap()), 3);
    }
}

#[test]
fn nothing_takes_the_place_of_a_data_file_that_is_missing() {
    for form in DATA_FORMS {
        let directory = tempdir().unwrap();
        let store = filled(form, directory.path());
        let with_journal = image(directory.path());
        let with_both = killed(directory.path());
        store.close().wait().unwrap();
        drop(store);
        // Opened, and killed before anything was written.
        let store = open_as(form, directory.path()).unwrap();
        let with_page = killed(directory.path());
        drop(store);
        for (what, left) in [("journal", &with_journal), ("both", &with_both), ("page", &with_page)] {
            let saved = fs::read(left.path().join(DATA_FILE)).unwrap();
            fs::remove_file(left.path().join(DATA_FILE)).unwrap();
            let before = journal(left.path());
            assert_eq!(before.is_empty(), what == "page");
            for wanted in DATA_FORMS {
                let error = open_as(wanted, left.path()).err().expect(what);
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
                assert!(error.message().contains(DATA_FILE), "{what}: {error}");
            }
            for error in as_files(left.path()) {
                let error = error.expect(what);
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
                assert!(error.message().contains(DATA_FILE), "{what}: {error}");
            }
            assert_eq!(journal(left.path()), before, "{what}: something was changed");
            fs::write(left.path().join(DATA_FILE), saved).unwrap();
            assert_eq!(count(&open_as(form, left.path()).unwrap()), 2, "{what}: put back");
        }
    }
}

#[test]
fn what_is_of_json_files_gets_no_data_file() {
    let directory = tempdir().unwrap();
    let refused = |directory: &Path| {
        for form in DATA_FORMS {
            let error = open_as(form, directory).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Assertion, "{error}");
            assert!(error.message().contains("{ storage: 'files' }"), "{error}");
            assert!(!directory.join(DATA_FILE).exists());
        }
    };
    let store = open_files(directory.path()).unwrap();
    refused(directory.path());
    let empty = killed(directory.path());
    let operation =
        kixx_datastore::kv::Operation::put(Space::DOCUMENTS, b"a", kixx_datastore::kv::Check::Any, b"{}");
    store.commit(kixx_datastore::kv::Batch::of(operation)).wait().unwrap();
    let with_journal = image(directory.path());
    refused(with_journal.path());
    // Also where somebody put one beside it.
    let other = tempdir().unwrap();
    let data = filled(Form::DISK, other.path());
    data.close().wait().unwrap();
    fs::copy(other.path().join(DATA_FILE), with_journal.path().join(DATA_FILE)).unwrap();
    let error = open_as(Form::DISK, with_journal.path()).err().unwrap();
    assert!(error.message().contains("{ storage: 'files' }"), "{error}");
    // A killed process that never had documents has left nothing.
    forget_members(empty.path());
    assert_eq!(count(&open_as(Form::DISK, empty.path()).unwrap()), 0);
}

#[test]
fn a_data_file_that_does_not_say_its_form_is_taken_for_what_is_asked_for() {
    const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
    for form in DATA_FORMS {
        let directory = tempdir().unwrap();
        let store = filled(form, directory.path());
        store.close().wait().unwrap();
        drop(store);
        let mut builder = Database::builder();
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
        let database = builder.create(directory.path().join(DATA_FILE)).unwrap();
        let transaction = database.begin_write().unwrap();
        assert!(transaction.open_table(NUMBERS).unwrap().remove("form").unwrap().is_some());
        transaction.commit().unwrap();
        drop(database);
        let store = open_as(form, directory.path()).unwrap();
        assert_eq!(count(&store), 2);
        put(&store, "c", "{}");
        let left = image(directory.path());
        assert_eq!(count(&open_as(form, left.path()).unwrap()), 3, "its journal says it");
    }
}
