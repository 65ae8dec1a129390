//! Files in and out.

use crate::support::{commit, delete, documents, expected, listing, open, put, try_open};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::Store;
use kixx_datastore::stores::durable::Durable;
use kixx_datastore::stores::durable::OnDamage;
use std::fs;
use tempfile::tempdir;

#[test]
fn a_clean_close_leaves_documents_and_nothing_else() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    commit(&store, &[put("user:123", r#"{"name":"Jane"}"#), put("empty", "{}"), put("gone", "{}")]).unwrap();
    commit(&store, &[put("user:123", r#"{"name":"Joe"}"#), delete("gone"), delete("never")]).unwrap();
    store.close().wait().unwrap();
    let files = listing(directory.path());
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!(files, [("empty.json", r#"{"_rev":0}"#), ("user%3A123.json", r#"{"_rev":1,"name":"Joe"}"#)]);
}

#[test]
fn files_of_every_spelling_are_read() {
    let directory = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("user%3A1.json", r#"{"name":"Kixx","_rev":7}"#);
    write("pretty.json", "{\n    \"_rev\": 2,\n    \"tags\": [ \"a\", \"b\" ]\n}\n");
    write("by hand.json", r#"{"n":1e21}"#);
    write("%e2%98%83.json", r#"{"_rev":1}"#);
    write("notes.txt", "not ours");
    write(".json", "not ours");
    write(".7.datastore-tmp", "left by a crash");
    fs::create_dir(directory.path().join("sub.d")).unwrap();
    let store = open(directory.path());
    let before = expected(&[
        ("by hand", 0, r#"{"n":1e21}"#),
        ("pretty", 2, r#"{"tags":["a","b"]}"#),
        ("user:1", 7, r#"{"name":"Kixx"}"#),
        ("\u{2603}", 1, "{}"),
    ]);
    assert_eq!(documents(&store), before);
    commit(&store, &[put("by hand", "{}"), delete("\u{2603}")]).unwrap();
    store.close().wait().unwrap();
    let names: Vec<String> = listing(directory.path()).into_keys().collect();
    let kept = [".json", "by%20hand.json", "notes.txt", "pretty.json", "sub.d/", "user%3A1.json"];
    assert_eq!(names, kept, "a document that is written gets its own name, and nothing else is touched");
}

#[test]
fn two_files_for_one_key_are_refused() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("a%20b.json"), "{}").unwrap();
    fs::write(directory.path().join("a b.json"), "{}").unwrap();
    let error = try_open(directory.path(), OnDamage::Refuse).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("a b.json: stands for the same key"), "{error}");
    let store = try_open(directory.path(), OnDamage::Quarantine).unwrap();
    assert_eq!(documents(&store).len(), 1);
    assert_eq!(store.report().quarantined, ["a b.json"]);
}

#[test]
fn keys_that_make_no_file_name_are_refused() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    let long = "\u{65e5}".repeat(300);
    for key in ["", &long] {
        let error = commit(&store, &[put("good", "{}"), put(key, "{}")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Assertion, "{key}");
    }
    for key in [".", "..", "a/b", "a\0b", "100%", "%2e", "CON", "*"] {
        commit(&store, &[put(key, "{}")]).unwrap();
    }
    let before = documents(&store);
    store.close().wait().unwrap();
    assert_eq!(documents(&open(directory.path())), before);
}

#[test]
fn many_documents_written_often_are_in_files_once() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for round in 0..5 {
        let operations: Vec<_> = (0..500)
            .map(|number| put(&format!("key:{number}"), &format!(r#"{{"round":{round}}}"#)))
            .collect();
        commit(&store, &operations).unwrap();
        if round % 2 == 0 {
            store.checkpoint().wait().unwrap();
            assert_eq!(store.backlog(), 0);
        }
    }
    store.close().wait().unwrap();
    let files = listing(directory.path());
    assert_eq!(files.len(), 500);
    assert!(files.values().all(|text| text == r#"{"_rev":4,"round":4}"#));
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_when_it_is_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempdir().unwrap();
    let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().permissions().mode() & 0o777;
    fs::write(directory.path().join("shared.json"), "{}").unwrap();
    fs::set_permissions(directory.path().join("shared.json"), fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(directory.path());
    commit(&store, &[put("shared", r#"{"v":1}"#), put("new", "{}")]).unwrap();
    store.close().wait().unwrap();
    assert_eq!((mode("shared.json"), mode("new.json")), (0o644, 0o600));
}
