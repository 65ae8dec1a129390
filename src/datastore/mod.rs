//! Puts the parts together: options, the engine of a directory, and the registry that shares it.

mod options;
mod registry;

pub use options::{Location, Options};
pub use registry::Registry;

use crate::fs::FileSystem;
use crate::kv::{Answer, Head, KeyRange, Sequence, Space, Store};
use crate::stores::directory::{DirectoryStore, LoadReport, OnDamage};
use crate::stores::memory::MemoryStore;
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A handle on a store. The last handle on a directory, closed or dropped, releases it.
pub struct Datastore {
    engine: Mutex<Option<Engine>>,
    store: Arc<dyn Store>,
    head: Head,
    report: LoadReport,
}

/// Figures about a store.
#[derive(Clone, Debug)]
pub struct Stats {
    /// How many documents there are.
    pub documents: u64,
    /// The newest commit.
    pub sequence: Sequence,
    /// How many documents are in the journal and not yet in their files.
    pub backlog: u64,
    /// Why files could not be brought up to date, if that is so.
    pub checkpoint_failure: Option<Error>,
}

/// What a handle holds on to.
enum Engine {
    Memory(Arc<MemoryStore>),
    Directory { registry: &'static Registry, path: PathBuf, store: Arc<DirectoryStore> },
}

impl Datastore {
    /// Opens a store: an empty one in memory, or that of a directory, which is loaded unless a handle in
    /// this process has it open. Blocks while files are read.
    pub fn open(fs: &Arc<dyn FileSystem>, options: &Options, damage: OnDamage) -> Result<Self> {
        match &options.location {
            Location::Memory => {
                let store = Arc::new(MemoryStore::new());
                Ok(Self {
                    head: store.head(),
                    store: Arc::clone(&store) as _,
                    report: LoadReport::default(),
                    engine: Mutex::new(Some(Engine::Memory(store))),
                })
            }
            Location::Directory(path) => {
                let registry = Registry::global();
                let (path, store) = registry.acquire(fs, path, options, damage)?;
                Ok(Self {
                    head: store.head(),
                    store: Arc::clone(&store) as _,
                    report: store.report().clone(),
                    engine: Mutex::new(Some(Engine::Directory { registry, path, store })),
                })
            }
        }
    }

    /// The store, to read and write.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The sequence number of the newest commit by anyone, always current.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What loading found.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Figures about the store.
    pub fn stats(&self) -> Result<Stats> {
        let documents = self.store.count(Space::DOCUMENTS, &KeyRange::ALL).wait()?;
        let (backlog, checkpoint_failure) = match &*self.engine.lock().unwrap_or_else(PoisonError::into_inner)
        {
            None => return Err(Error::closed()),
            Some(Engine::Memory(_)) => (0, None),
            Some(Engine::Directory { store, .. }) => (store.backlog(), store.checkpoint_failure()),
        };
        Ok(Stats { documents, sequence: self.store.sequence(), backlog, checkpoint_failure })
    }

    /// Lets go of the store. Blocks until its last handle has written everything out. Later calls do
    /// nothing.
    pub fn close(&self) -> Result<()> {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take();
        engine.map_or(Ok(()), Engine::release)
    }
}

impl Engine {
    fn release(self) -> Result<()> {
        match self {
            Self::Memory(store) => store.close().wait(),
            Self::Directory { registry, path, store } => {
                drop(store);
                registry.release(&path)
            }
        }
    }
}

impl Drop for Datastore {
    /// Releases on another thread, since this may be the JavaScript thread.
    fn drop(&mut self) {
        let engine = self.engine.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(engine) = engine {
            drop(Answer::blocking(move || engine.release()));
        }
    }
}
