//! A story that several processes play, and how it has to go on.

use crate::kind::Kind;
use crate::process::{Process, Step};
use crate::support::{Documents, commit, delete, documents, open, put};
use kixx_datastore::Error;
use kixx_datastore::kv::{Operation, Store, Write};
use kixx_datastore::stores::durable::{Durable, DurableStore};
use std::io;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// What the victim does, one after the other, and what happens in between.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Open,
    Commit(Vec<Operation>),
    Checkpoint,
    Close,
    /// The survivor commits.
    Beside(Vec<Operation>),
    /// A third process is killed while it writes a commit.
    Third,
}

/// What is done first after the kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Read,
    Write,
    Checkpoint,
    Close,
    Open,
    /// The survivor is killed too.
    Kill,
}

pub(crate) struct Scene<K: Kind> {
    directory: TempDir,
    pub(crate) victim: Process,
    store: Option<DurableStore<K>>,
    survivor: Process,
    beside: Option<DurableStore<K>>,
    /// What was acknowledged, and what it is if the commit counts that was under way.
    known: Documents,
    maybe: Option<Documents>,
    /// Whether somebody has written since. Before that, a commit that counts need not be visible.
    settled: bool,
}

type Outcome = Result<(), String>;

impl<K: Kind> Scene<K> {
    pub(crate) fn new(beside: bool) -> Self {
        let directory = tempdir().unwrap();
        K::prepare(directory.path());
        let survivor = Process::new();
        Self {
            victim: Process::new(),
            store: None,
            beside: beside.then(|| open(&survivor, directory.path()).unwrap()),
            survivor,
            directory,
            known: Documents::from([("file".to_owned(), (7, "{}".to_owned()))]),
            maybe: None,
            settled: false,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Goes through `acts` until the victim is dead.
    pub(crate) fn play(&mut self, acts: &[Act]) -> Outcome {
        for act in acts {
            let done = self.act(act);
            if self.victim.is_dead() {
                return Ok(());
            }
            done.map_err(|error| format!("{act:?} before anybody was killed: {error}"))?;
            self.known = self.maybe.take().unwrap_or_else(|| self.known.clone());
        }
        Ok(())
    }

    fn act(&mut self, act: &Act) -> Result<(), Error> {
        match (act, &self.store) {
            (Act::Open, _) => self.store = Some(open(&self.victim, self.path())?),
            (Act::Commit(operations), Some(store)) => {
                self.maybe = Some(after(&self.known, operations));
                commit(store, operations)?;
            }
            (Act::Checkpoint, Some(store)) => store.checkpoint().wait()?,
            (Act::Close, Some(store)) => store.close().wait()?,
            (Act::Beside(operations), store) => {
                let store = self.beside.as_ref().or(store.as_ref()).unwrap();
                self.maybe = Some(after(&self.known, operations));
                commit(store, operations)?;
            }
            (Act::Third, _) => third_dies::<K>(self.path()),
            // It could not be opened.
            (_, None) => {}
        }
        Ok(())
    }

    /// As [`Scene::play`], where acts of the victim may fail: then they leave no trace.
    pub(crate) fn play_with_faults(&mut self, acts: &[Act]) -> Outcome {
        for act in acts {
            match self.act(act) {
                Ok(()) => self.known = self.maybe.take().unwrap_or_else(|| self.known.clone()),
                Err(error) if matches!(act, Act::Beside(_)) => return Err(format!("{act:?}: {error}")),
                Err(_) => self.maybe = None,
            }
            if let Some(beside) = self.beside.take() {
                self.look(&beside).map_err(|problem| format!("after {act:?}: {problem}"))?;
                self.beside = Some(beside);
            }
        }
        Ok(())
    }

    /// What `store` holds, which decides whether the commit counts that was under way.
    fn look(&mut self, store: &DurableStore<K>) -> Outcome {
        let found = documents(store).map_err(|error| format!("reading: {error}"))?;
        if self.maybe.as_ref() == Some(&found) {
            self.known = found;
            self.maybe = None;
        } else if self.known != found {
            return Err(format!("there is {found:?}, not {:?} or {:?}", self.known, self.maybe));
        } else if self.settled {
            self.maybe = None;
        }
        Ok(())
    }

    fn write(&mut self, store: &DurableStore<K>, key: &str) -> Outcome {
        let operations = [put(key, "{}"), put("shared", "{}")];
        commit(store, &operations).map_err(|error| format!("committing {key}: {error}"))?;
        self.known = after(&self.known, &operations);
        self.maybe = self.maybe.take().map(|maybe| after(&maybe, &operations));
        self.settled = true;
        Ok(())
    }

    /// Others go on: they see the same, write, see that, and leave it in order.
    pub(crate) fn go_on(&mut self, then: Then) -> Outcome {
        let beside = match self.beside.take() {
            Some(store) => store,
            None => open(&self.survivor, self.path()).map_err(|error| format!("opening: {error}"))?,
        };
        match then {
            Then::Read => self.look(&beside)?,
            Then::Write => self.write(&beside, "first")?,
            Then::Checkpoint => {
                beside.checkpoint().wait().map_err(|error| format!("first checkpoint: {error}"))?;
            }
            Then::Close => return self.end(&beside),
            Then::Open => {
                let store = self.opened()?;
                self.look(&store)?;
                store.close().wait().map_err(|error| format!("first closing: {error}"))?;
            }
            Then::Kill => {
                self.survivor.kill();
                let store = self.opened()?;
                self.look(&store)?;
                return self.end(&store);
            }
        }
        self.look(&beside)?;
        self.write(&beside, "then")?;
        let (process, last) = self.another()?;
        self.look(&last)?;
        self.write(&last, "last")?;
        self.look(&beside)?;
        beside.checkpoint().wait().map_err(|error| format!("checkpoint: {error}"))?;
        self.survivor.kill();
        process.kill();
        let after_all = self.opened()?;
        self.look(&after_all)?;
        self.end(&after_all)
    }

    fn another(&self) -> Result<(Process, DurableStore<K>), String> {
        let process = Process::new();
        let store = open(&process, self.path()).map_err(|error| format!("opening once more: {error}"))?;
        Ok((process, store))
    }

    fn opened(&self) -> Result<DurableStore<K>, String> {
        self.another().map(|(_, store)| store)
    }

    fn end(&mut self, store: &DurableStore<K>) -> Outcome {
        store.close().wait().map_err(|error| format!("closing: {error}"))?;
        let expected: Vec<_> = std::iter::once(&self.known).chain(&self.maybe).collect();
        K::check_closed(self.path(), &expected)
    }
}

pub(crate) fn third_dies<K: Kind>(directory: &Path) {
    let third = Process::new();
    let store = open::<K>(&third, directory).unwrap();
    let killed = third.clone();
    third.watch(move |step, path| match step {
        Step::Write if path.extension().is_some_and(|extension| extension == "log") => {
            killed.kill();
            Err(io::Error::other("killed"))
        }
        _ => Ok(()),
    });
    assert!(commit(&store, &[put("third", "{}")]).is_err());
}

fn after(documents: &Documents, operations: &[Operation]) -> Documents {
    let mut after = documents.clone();
    for operation in operations {
        let key = String::from_utf8(operation.key().to_vec()).unwrap();
        match operation.write {
            Write::Put(_) => {
                let version = after.get(&key).map_or(0, |(version, _)| version + 1);
                after.insert(key, (version, String::from_utf8(operation.value().to_vec()).unwrap()));
            }
            Write::Delete => drop(after.remove(&key)),
        }
    }
    after
}

/// With commits and checkpoints of all, and repairs of what others left.
pub(crate) fn story() -> Vec<Act> {
    vec![
        Act::Open,
        Act::Commit(vec![put("a", r#"{"v":1}"#), put("shared", r#"{"v":1}"#)]),
        Act::Beside(vec![put("b", r#"{"v":1}"#), delete("file")]),
        Act::Commit(vec![put("shared", r#"{"v":2}"#)]),
        Act::Checkpoint,
        Act::Commit(vec![delete("a")]),
        Act::Third,
        Act::Commit(vec![put("c", "{}")]),
        Act::Checkpoint,
        Act::Third,
        Act::Checkpoint,
        Act::Beside(vec![put("d", "{}")]),
        Act::Close,
    ]
}

pub(crate) const ALL: [Then; 6] =
    [Then::Read, Then::Write, Then::Checkpoint, Then::Close, Then::Open, Then::Kill];

/// Where nobody else is there.
pub(crate) const FIRST: [Then; 3] = [Then::Read, Then::Checkpoint, Then::Close];
