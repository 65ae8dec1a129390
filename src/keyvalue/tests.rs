//! What the parts do together, by a clock that stands still.

use super::value::{Content, Kind, encode};
use super::*;
use crate::kv::{Entry, KeyRange, Read, Scan, Store, block_on};
use crate::stores::memory::MemoryStore;
use crate::{ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

#[derive(Default)]
struct Time(AtomicU64);

impl Time {
    fn set(&self, now: Millis) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

struct Fixture {
    time: Arc<Time>,
    store: Arc<MemoryStore>,
    values: Arc<KeyValues>,
}

impl Fixture {
    fn new() -> Self {
        let (time, store) = (Arc::<Time>::default(), Arc::new(MemoryStore::with_index(ENTRIES)));
        let values = Arc::new(KeyValues::new(Arc::clone(&store) as _, Arc::clone(&time) as _));
        Self { time, store, values }
    }

    fn done(&self, key: &str, action: Action) -> bool {
        let request = Request { key: key.as_bytes().into(), action };
        self.values.write(request).wait().unwrap().is_some()
    }

    fn set(&self, key: &str, text: &str, expires: Option<Millis>) {
        assert!(self.done(key, Action::Set(form(text, expires))));
    }

    fn get(&self, key: &str) -> Option<String> {
        self.values.get(key.as_bytes()).wait().unwrap().as_ref().map(text)
    }

    fn count(&self) -> u64 {
        block_on(self.values.count(b"")).unwrap()
    }

    /// How many entries and rows lie below.
    fn below(&self) -> (u64, u64) {
        let count = |space| self.store.count(space, &KeyRange::ALL).wait().unwrap();
        (count(ENTRIES), count(DUE))
    }

    fn sweep(&self) -> Option<Millis> {
        block_on(self.values.sweep()).unwrap()
    }

    fn begin(&self) -> Transaction {
        block_on(Transaction::begin(Arc::clone(&self.values))).unwrap()
    }
}

fn form(text: &str, expires: Option<Millis>) -> Box<[u8]> {
    encode(Content { kind: Kind::Latin1, bytes: text.as_bytes() }, expires)
}

fn text(entry: &Entry) -> String {
    String::from_utf8(value::decode(entry.value()).unwrap().bytes.to_vec()).unwrap()
}

fn write(key: &str, value: &str) -> KeyWrite {
    (key.as_bytes().into(), Some(form(value, None)))
}

fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn conditional_writes_are_done_or_left_undone() {
    let store = Fixture::new();
    let swap = |expected: &str, value: Option<&str>| Action::Swap {
        expected: form(expected, None),
        value: value.map(|value| form(value, None)),
    };
    assert!(!store.done("k", Action::Delete));
    assert!(!store.done("k", swap("", Some("1"))));
    assert!(store.done("k", Action::SetIfAbsent(form("1", None))));
    assert!(!store.done("k", Action::SetIfAbsent(form("2", None))));
    assert!(!store.done("k", swap("2", Some("3"))));
    let bytes = encode(Content { kind: Kind::Bytes, bytes: b"1" }, None);
    assert!(!store.done("k", Action::Swap { expected: bytes, value: None }), "a string is no bytes");
    assert!(store.done("k", swap("1", Some("3"))));
    assert_eq!(store.get("k").as_deref(), Some("3"));
    assert!(store.done("k", swap("3", None)));
    assert!(!store.done("k", Action::Delete));
    store.set("k", "4", None);
    assert!(store.done("k", Action::Delete));
    assert_eq!((store.get("k"), store.below()), (None, (0, 0)));
}

#[test]
fn an_entry_is_gone_at_its_time_wherever_one_looks() {
    let store = Fixture::new();
    store.set("a", "1", Some(5_000));
    store.set("b", "2", None);
    let there = || {
        let mut cursor = store.values.cursor(Selection::prefix(b"")).wait().unwrap();
        let listed = block_on(cursor.next()).unwrap().len() as u64;
        let transaction = block_on(store.begin().get(b"a")).unwrap().is_some();
        (store.get("a").is_some(), transaction, listed, store.count())
    };
    store.time.set(4_999);
    assert_eq!(there(), (true, true, 2, 2));
    store.time.set(5_000);
    assert_eq!(there(), (false, false, 1, 1));
    assert_eq!(store.below(), (2, 1), "nobody has removed it yet");
    assert!(!store.done("a", Action::Delete));
    assert!(!store.done("a", Action::Swap { expected: form("1", None), value: None }));
    assert!(store.done("a", Action::SetIfAbsent(form("3", None))));
    assert_eq!((store.get("a").as_deref(), store.count()), (Some("3"), 2));
    assert_eq!(store.below(), (2, 0), "its row went with it");
}

#[test]
fn a_sweep_removes_what_has_expired_and_nothing_else() {
    let store = Fixture::new();
    for n in 0..600 {
        store.set(&format!("short {n}"), "", Some(1_000));
    }
    store.set("long", "", Some(9_000));
    store.set("renewed", "", Some(1_000));
    store.set("renewed", "", Some(9_000));
    store.set("kept", "", Some(1_000));
    // This write does not know of the row.
    store.set("kept", "for ever", None);
    assert_eq!(store.below(), (603, 603));
    assert_eq!(store.sweep(), Some(1_024));
    store.time.set(1_024);
    assert_eq!(store.sweep(), Some(9_216));
    assert_eq!((store.below(), store.count()), ((3, 2), 3));
    store.time.set(9_216);
    assert_eq!(store.sweep(), None);
    assert_eq!((store.below(), store.get("kept").as_deref()), ((1, 0), Some("for ever")));
}

#[test]
fn an_expiry_that_is_moved_often_leaves_one_row() {
    let store = Fixture::new();
    for n in 0..5_000 {
        store.set("session", "", Some(10_000 + n * 7));
    }
    assert_eq!(store.below(), (1, 1));
    assert!(store.done("session", Action::Delete));
    assert_eq!(store.below(), (0, 0));
}

#[test]
fn the_timer_removes_what_has_expired_without_being_asked() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_index(ENTRIES));
    let values = KeyValues::open(Arc::clone(&store)).unwrap();
    let expires = Some(values.now() + 1);
    let request = Request { key: b"k"[..].into(), action: Action::SetIfAbsent(form("", expires)) };
    assert!(values.write(request).wait().unwrap().is_some());
    while store.count(ENTRIES, &KeyRange::ALL).wait().unwrap() > 0 {
        thread::yield_now();
    }
    assert_eq!(store.count(DUE, &KeyRange::ALL).wait().unwrap(), 0);
}

#[test]
fn swaps_of_many_threads_lose_nothing() {
    let store = Fixture::new();
    store.set("n", "0", None);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    loop {
                        let now = store.get("n").unwrap();
                        let next = (now.parse::<u32>().unwrap() + 1).to_string();
                        let (expected, value) = (form(&now, None), Some(form(&next, None)));
                        if store.done("n", Action::Swap { expected, value }) {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!(store.get("n").as_deref(), Some("2000"));
}

#[test]
fn writes_of_one_key_keep_their_order_in_a_block() {
    let store = Fixture::new();
    let request = |key: &str, action| Request { key: key.as_bytes().into(), action };
    let swap = |expected: &str, value: &str| Action::Swap {
        expected: form(expected, None),
        value: Some(form(value, None)),
    };
    let block = vec![
        request("a", Action::Set(form("1", None))),
        request("a", Action::Set(form("2", None))),
        request("b", Action::Delete),
        request("a", Action::Delete),
        request("b", Action::Set(form("9", None))),
        request("a", Action::SetIfAbsent(form("3", None))),
        request("a", Action::SetIfAbsent(form("4", None))),
        request("a", swap("3", "5")),
        request("a", swap("3", "6")),
        request("b", swap("9", "10")),
    ];
    let results = store.values.write_each(block).wait().unwrap();
    let done: Vec<bool> = results.into_iter().map(|result| result.unwrap().is_some()).collect();
    assert_eq!(done, [true, true, false, true, true, true, false, true, false, true]);
    assert_eq!((store.get("a").as_deref(), store.get("b").as_deref()), (Some("5"), Some("10")));
}

#[test]
fn a_lock_counts_how_often_it_was_taken() {
    let store = Fixture::new();
    let take = |expires| store.values.lock(b"l"[..].into(), form("me", Some(expires))).wait().unwrap();
    assert_eq!((take(100), take(100)), (Some(0), None));
    store.time.set(100);
    assert_eq!((take(200), take(200)), (Some(1), None));
    assert!(store.done("l", Action::Delete));
    assert_eq!(block_on(store.values.clear(b"")).unwrap(), 0);
    assert_eq!(take(200), Some(2));
}

#[test]
fn clearing_and_replacing_leave_what_they_should() {
    let store = Fixture::new();
    for key in ["a", "b:1", "b:2", "b;", "c"] {
        store.set(key, key, Some(9_000));
    }
    assert_eq!(block_on(store.values.count(b"b:")).unwrap(), 2);
    assert_eq!(block_on(store.values.clear(b"b:")).unwrap(), 2);
    assert_eq!((store.count(), store.below()), (3, (3, 3)));
    block_on(store.values.replace(vec![(b"a"[..].into(), Some(form("new", Some(8_000))))])).unwrap();
    assert_eq!((store.get("a").as_deref(), store.below()), (Some("new"), (1, 1)));
}

#[test]
fn a_transaction_commits_only_on_what_it_read() {
    let store = Fixture::new();
    store.set("a", "1", None);
    let read = |key: &str| {
        let mut transaction = store.begin();
        block_on(transaction.get(key.as_bytes())).unwrap();
        transaction
    };
    let commit = |transaction: Transaction| kind(block_on(transaction.commit(vec![write("b", "2")])));
    let conflict = Some(ErrorKind::Conflict);
    assert_eq!(commit(read("a")), None);
    let changed = read("a");
    store.set("a", "1", None);
    assert_eq!(commit(changed), conflict, "changed, though to the same");
    let appeared = read("none");
    store.set("none", "", None);
    assert_eq!(commit(appeared), conflict);
    let gone = read("none");
    assert!(store.done("none", Action::Delete));
    assert_eq!(commit(gone), conflict);
    let unread = read("a");
    store.set("b", "3", None);
    assert_eq!(commit(unread), None, "what was not read may change");
    assert_eq!(store.get("b").as_deref(), Some("2"));
    let reader = read("a");
    store.set("a", "", None);
    assert_eq!(kind(block_on(reader.commit(Vec::new()))), None, "reading alone conflicts with nobody");
}

#[test]
fn a_transaction_sees_no_phantoms() {
    let store = Fixture::new();
    store.set("user:1", "", None);
    let scan = || {
        let mut transaction = store.begin();
        let mut cursor = transaction.cursor(Selection::prefix(b"user:"));
        (block_on(cursor.next()).unwrap().len(), transaction)
    };
    let commit = |transaction: Transaction| kind(block_on(transaction.commit(vec![write("count", "1")])));
    let (count, transaction) = scan();
    store.set("users", "outside", None);
    assert_eq!((count, commit(transaction)), (1, None));
    for change in ["user:1", "user:2"] {
        let (_, transaction) = scan();
        store.set(change, "", None);
        assert_eq!(commit(transaction), Some(ErrorKind::Conflict), "{change}");
    }
    let (_, transaction) = scan();
    assert!(store.done("user:2", Action::Delete));
    assert_eq!(commit(transaction), Some(ErrorKind::Conflict));
}

fn told(watch: &mut Watch) -> Vec<String> {
    let mut next = Box::pin(watch.next());
    match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => vec!["waits".into()],
        Poll::Ready(events) => events.unwrap().iter().map(show).collect(),
    }
}

fn show(event: &Event) -> String {
    match event {
        Event::Set(entry) => format!("{}={}", String::from_utf8_lossy(entry.key()), text(entry)),
        Event::Delete(key) => format!("-{}", String::from_utf8_lossy(key)),
        Event::Resync => "resync".into(),
    }
}

#[test]
fn a_watch_tells_each_key_once_however_slow_it_is() {
    let store = Fixture::new();
    store.set("w:old", "", None);
    let mut watch = block_on(Watch::open(Arc::clone(&store.values), b"w:")).unwrap();
    assert_eq!(told(&mut watch), ["waits"]);
    store.set("other", "", None);
    assert_eq!(told(&mut watch), ["waits"]);
    for n in 0..100 {
        store.set("w:a", &n.to_string(), None);
    }
    store.set("w:b", "1", Some(5_000));
    store.set("w:c", "", None);
    assert!(store.done("w:c", Action::Delete));
    assert!(store.done("w:old", Action::Delete));
    assert_eq!(told(&mut watch), ["w:a=99", "w:b=1", "-w:c", "-w:old"]);
    assert_eq!(told(&mut watch), ["waits"]);
    store.time.set(6_000);
    store.sweep();
    assert_eq!(told(&mut watch), ["-w:b"]);
}

#[test]
fn a_watch_that_missed_too_much_begins_anew() {
    let store = Fixture::new();
    let mut watch = block_on(Watch::open(Arc::clone(&store.values), b"w:")).unwrap();
    store.set("w:a", "1", None);
    for n in 0..70_000 {
        store.set("busy", &n.to_string(), None);
    }
    assert_eq!(told(&mut watch), ["resync"]);
    assert_eq!(told(&mut watch), ["w:a=1"]);
    store.set("w:a", "2", None);
    assert_eq!(told(&mut watch), ["w:a=2"]);
    watch.stopper().stop();
    assert!(told(&mut watch).is_empty());
}

#[test]
fn who_waits_is_woken_by_a_write_and_by_a_stop() {
    let store = Fixture::new();
    let mut watch = block_on(Watch::open(Arc::clone(&store.values), b"")).unwrap();
    let stopper = watch.stopper();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let first = block_on(watch.next()).unwrap();
            (first.len(), block_on(watch.next()).unwrap().len())
        });
        store.set("k", "", None);
        thread::yield_now();
        stopper.stop();
        let (_, last) = waiting.join().unwrap();
        assert_eq!(last, 0);
    });
}

#[test]
fn keys_have_room_for_their_row() {
    let longest = vec![b'k'; MAX_ENTRY_KEY_BYTES];
    assert!(assert_key(&longest).is_ok());
    let store = Fixture::new();
    let key = String::from_utf8(longest).unwrap();
    store.set(&key, "", Some(1));
    assert_eq!(kind(assert_key(&[b"k", key.as_bytes()].concat())), Some(ErrorKind::Assertion));
    assert_eq!(store.store.range(DUE, &Scan::all(KeyRange::ALL)).wait().unwrap().len(), 1);
}
