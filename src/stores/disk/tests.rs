//! What happens to a state while checkpoints and commits go on around it.

use super::layers::{DiskState, Existing, Ground, Layers};
use super::view::View;
use super::write::{make_tables, write};
use crate::kv::{Change, Entry, KeyRange, Prepared, Read, Sequence, Space};
use crate::stores::durable::Published;
use crate::stores::journal::Form;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase};
use std::sync::Arc;

const SPACE: Space = Space::DOCUMENTS;

fn database() -> Database {
    let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
    make_tables(&database, Form::DISK).unwrap();
    database
}

fn view(database: &Database) -> View {
    View::new(&database.begin_read().unwrap(), 0).unwrap()
}

/// A checkpoint of all that `layers` shows.
fn checkpoint(database: &Database, layers: &Layers) {
    write(database, &layers.overlay, layers.view.through, layers.sequence()).unwrap();
}

fn put(key: &str, sequence: Sequence) -> Prepared {
    commit(key, Some(Entry::new(key.as_bytes(), b"{}", 0, sequence)), sequence)
}

fn delete(key: &str, sequence: Sequence) -> Prepared {
    commit(key, None, sequence)
}

fn commit(key: &str, entry: Option<Entry>, sequence: Sequence) -> Prepared {
    let changes = vec![Change { space: SPACE, key: Arc::from(key.as_bytes()), entry }];
    Prepared { sequence, versions: Vec::new(), changes }
}

fn publish(state: &mut DiskState, commit: Prepared) {
    let mut notes = Existing::default();
    state.prepare(&commit, &mut notes).unwrap();
    state.publish(commit, &notes);
}

fn count(state: &DiskState) -> u64 {
    state.count(SPACE, &KeyRange::ALL).unwrap()
}

/// The journal's thread is writing a commit when the checkpoint takes over what the key was before.
#[test]
fn a_checkpoint_between_preparing_and_publishing_does_not_change_the_count() {
    for (first, second, expected) in [
        (put("a", 1), put("a", 2), 1),
        (put("a", 1), delete("a", 2), 0),
        (delete("a", 1), put("a", 2), 1),
        (delete("a", 1), delete("a", 2), 0),
    ] {
        let database = database();
        let mut state = DiskState::new(view(&database));
        publish(&mut state, first);
        let mut notes = Existing::default();
        state.prepare(&second, &mut notes).unwrap();
        let layers = state.snapshot();
        checkpoint(&database, &layers);
        state.stand_on(Ground::new(&layers, view(&database)).unwrap()).unwrap();
        state.publish(second, &notes);
        assert_eq!(count(&state), expected);
        assert_eq!(state.get(SPACE, b"a").unwrap().is_some(), expected == 1);
    }
}

/// A thread that was about to renew the state finds that another one has loaded everything again.
#[test]
fn a_state_never_goes_back_to_an_older_checkpoint() {
    let database = database();
    let mut state = DiskState::new(view(&database));
    publish(&mut state, put("a", 1));
    let layers = state.snapshot();
    checkpoint(&database, &layers);
    let old = Ground::new(&layers, view(&database)).unwrap();
    publish(&mut state, put("b", 2));
    checkpoint(&database, &state.snapshot());

    let mut state = DiskState::new(view(&database));
    publish(&mut state, put("c", 3));
    state.stand_on(old).unwrap();
    assert_eq!(count(&state), 3);
    assert!(state.get(SPACE, b"b").unwrap().is_some());
}
