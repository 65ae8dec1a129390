//! What changed since a moment of the past: by memory, or by what the journal still has.

use crate::support::{commit, copy_as_killed, delete, open, put};
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{Changes, Moment, Space, Store};
use kixx_datastore::stores::directory::{DirectoryStore, ReadOnlyStore};
use kixx_datastore::stores::durable::{Durable, OpenOptions};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tempfile::tempdir;

/// More than half a segment of the journal.
const LONG: usize = 9 << 20;

fn moment(store: &dyn Store) -> Moment {
    store.moment().wait().unwrap().1
}

/// The keys that changed behind `from`, in order; `None` if that is not known.
fn since(store: &dyn Store, from: Moment) -> Option<Vec<String>> {
    match store.changes_between(Space::DOCUMENTS, from, moment(store)).wait().unwrap() {
        Changes::TooOld => None,
        Changes::Keys(keys) => {
            let mut keys: Vec<_> = keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
            keys.sort();
            Some(keys)
        }
    }
}

fn open_reader(directory: &Path) -> ReadOnlyStore {
    let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
    ReadOnlyStore::open(&fs, directory, &OpenOptions::default()).unwrap()
}

#[test]
fn those_who_join_know_what_the_journal_has() {
    let directory = tempdir().unwrap();
    let first = open(directory.path());
    let start = moment(&first);
    commit(&first, &[put("a", "{}"), put("b", "{}")]).unwrap();
    let filled = moment(&first);
    commit(&first, &[delete("a"), put("c", "{}")]).unwrap();

    let (second, reader) = (open(directory.path()), open_reader(directory.path()));
    assert_eq!(moment(&second), moment(&first));
    assert_eq!(moment(&reader), moment(&first));
    for store in [&first as &dyn Store, &second, &reader] {
        assert_eq!(since(store, filled).unwrap(), ["a", "c"]);
        assert_eq!(since(store, moment(&second)).unwrap(), [""; 0]);
    }
    assert_eq!(since(&first, start).unwrap(), ["a", "b", "c"]);
    assert_eq!(since(&second, start), None, "there was no segment yet to know it by");

    commit(&second, &[put("d", "{}")]).unwrap();
    for store in [&first as &dyn Store, &second, &reader] {
        assert_eq!(since(store, filled).unwrap(), ["a", "c", "d"]);
    }
}

#[test]
fn a_crash_ends_no_history_and_a_clean_close_does() {
    let root = tempdir().unwrap();
    let at = |number: usize| root.path().join(number.to_string());
    std::fs::create_dir(at(0)).unwrap();
    let mut store = open(&at(0));
    commit(&store, &[put("first", "{}")]).unwrap();
    let filled = moment(&store);
    let mut expected = Vec::new();
    for round in 1..4 {
        let key = format!("k{round}");
        commit(&store, &[put(&key, "{}")]).unwrap();
        expected.push(key);
        copy_as_killed(&at(round - 1), &at(round));
        store = open(&at(round));
        assert_eq!(since(&store, filled).unwrap(), expected);
        assert_eq!(since(&store, moment(&store)).unwrap(), [""; 0]);
    }
    store.close().wait().unwrap();
    assert_eq!(since(&open(&at(3)), filled), None);
}

/// As after a power cut with commits that were not yet durable.
#[test]
fn commits_that_a_crash_lost_are_not_taken_for_those_that_got_their_numbers() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    commit(&store, &[put("a", "{}")]).unwrap();
    let kept = moment(&store);
    copy_as_killed(live.path(), dead.path());
    commit(&store, &[put("lost", "{}")]).unwrap();
    let lost = moment(&store);

    let recovered = open(dead.path());
    assert_eq!(since(&recovered, lost), None);
    commit(&recovered, &[put("b", "{}")]).unwrap();
    assert_eq!(moment(&recovered).sequence, lost.sequence);
    assert_eq!(since(&recovered, lost), None);
    commit(&recovered, &[put("c", "{}")]).unwrap();
    assert_eq!(since(&recovered, lost), None);
    assert_eq!(since(&recovered, kept).unwrap(), ["b", "c"]);
}

#[test]
fn what_the_journal_has_no_more_is_known_to_those_who_saw_it() {
    let directory = tempdir().unwrap();
    let first = open(directory.path());
    commit(&first, &[put("a", "{}")]).unwrap();
    let filled = moment(&first);
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(LONG));
    for key in ["b", "c", "d"] {
        commit(&first, &[put(key, &long)]).unwrap();
    }
    first.checkpoint().wait().unwrap();
    let second = open(directory.path());
    assert_eq!(since(&first, filled).unwrap(), ["b", "c", "d"]);
    assert_eq!(since(&second, filled), None);
}

#[test]
fn a_reader_takes_its_own_numbers_for_nobodys() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    commit(&store, &[put("a", "{}")]).unwrap();
    let filled = moment(&store);
    commit(&store, &[put("b", "{}")]).unwrap();
    copy_as_killed(live.path(), dead.path());
    let reader = open_reader(dead.path());
    let rest = moment(&reader);
    assert_eq!(since(&reader, filled), None);
    assert_ne!(moment(&reader), rest);
    assert_eq!(since(&open(dead.path()), rest), None);
}

/// What a store goes through.
#[derive(Clone, Debug)]
enum Act {
    Commit(Vec<u8>),
    /// It is copied as it is now, to go on from there after a crash.
    Copy,
    /// It is killed, and what goes on is the last copy.
    Crash,
    Close,
    Checkpoint,
    Note,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => proptest::collection::vec(0..6_u8, 1..4).prop_map(Act::Commit),
        2 => Just(Act::Copy),
        1 => Just(Act::Crash),
        1 => Just(Act::Close),
        1 => Just(Act::Checkpoint),
        3 => Just(Act::Note),
    ]
}

/// The commits of one history: for each its name, which no other has, and its keys.
type Timeline = Vec<(u32, BTreeSet<String>)>;

struct Life {
    root: tempfile::TempDir,
    /// The copy that goes on.
    now: u32,
    copies: u32,
    commits: u32,
    /// A history begins with a name, too.
    timeline: Timeline,
    copied: Option<(u32, Timeline)>,
    /// Moments, each with the name of the commit that it is behind.
    notes: Vec<(Moment, u32)>,
}

impl Life {
    fn begin(&mut self) {
        self.commits += 1;
        self.timeline = vec![(self.commits, BTreeSet::new())];
    }

    fn act(&mut self, store: DirectoryStore, act: &Act) -> DirectoryStore {
        let root = self.root.path().to_owned();
        let place = |copy: u32| root.join(copy.to_string());
        match act {
            Act::Commit(keys) => {
                let keys: BTreeSet<String> = keys.iter().map(|key| format!("k{key}")).collect();
                let puts: Vec<_> = keys.iter().map(|key| put(key, "{}")).collect();
                commit(&store, &puts).unwrap();
                self.commits += 1;
                self.timeline.push((self.commits, keys));
            }
            Act::Copy => {
                copy_as_killed(&place(self.now), &place(self.copies + 1));
                self.copies += 1;
                self.copied = Some((self.copies, self.timeline.clone()));
            }
            Act::Crash => {
                let Some((copy, timeline)) = self.copied.take() else { return store };
                self.timeline = timeline;
                self.now = copy;
                return open(&place(copy));
            }
            Act::Close => {
                store.close().wait().unwrap();
                let directory = place(self.now);
                self.begin();
                return open(&directory);
            }
            Act::Checkpoint => store.checkpoint().wait().unwrap(),
            Act::Note => {
                let name = self.timeline.last().unwrap().0;
                self.notes.push((moment(&store), name));
            }
        }
        store
    }

    /// Whatever is answered is right. How many moments were known.
    fn check(&self, store: &dyn Store) -> usize {
        let known = self.notes.iter().filter(|(noted, name)| {
            let Some(told) = since(store, *noted) else { return false };
            let behind = self.timeline.iter().skip_while(|commit| commit.0 != *name).skip(1);
            let is_there = self.timeline.iter().any(|commit| commit.0 == *name);
            assert!(is_there, "{noted:?} is of a history that is gone, and {told:?} was told");
            let keys: BTreeSet<&String> = behind.flat_map(|(_, keys)| keys).collect();
            assert_eq!(told.iter().collect::<BTreeSet<_>>(), keys);
            true
        });
        known.count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_right(acts in proptest::collection::vec(act(), 1..25)) {
        let root = tempdir().unwrap();
        std::fs::create_dir(root.path().join("0")).unwrap();
        let mut life =
            Life { root, now: 0, copies: 0, commits: 0, timeline: vec![], copied: None, notes: vec![] };
        life.begin();
        let mut store = open(&life.root.path().join("0"));
        for act in &acts {
            store = life.act(store, act);
            life.check(&store);
        }
    }
}
