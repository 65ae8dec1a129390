//! Named key-value stores: one for each name in a process, shared by all threads, closed with its last
//! handle.

mod disk;
mod directory_name;
mod file;
mod registry;
mod scope;

pub use disk::{DiskOptions, open_disk};
pub use file::{load, save};
pub use scope::scope;

use crate::fs::FileSystem;
use crate::keyvalue::{DUE, ENTRIES, KeyValues};
use crate::kv::{Answer, Store};
use crate::stores::disk::DiskStore;
use crate::stores::durable::Durable;
use crate::stores::memory::{Memory, MemoryStore};
use crate::{Error, Result};
use registry::Registry;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What tells a store from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The canonical base directory, or none.
    pub scope: Option<PathBuf>,
    /// Where its entries are. Stores of different backends may have one id.
    pub backend: Backend,
    /// How it is called.
    pub id: String,
}

/// Where the entries of a store are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// In memory: lost with the store.
    Memory,
    /// In a directory of its own.
    Disk,
}

/// A handle on a store. The last one, closed or dropped, closes the store.
pub struct Named {
    name: Name,
    values: Arc<KeyValues>,
    is_held: Mutex<bool>,
}

/// What is open.
#[derive(Clone)]
struct Opened {
    values: Arc<KeyValues>,
    base: Base,
    options: DiskOptions,
}

/// What is below the entries.
#[derive(Clone)]
enum Base {
    Memory(Arc<MemoryStore>),
    Disk(Arc<DiskStore>),
}

/// A store that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Its name.
    pub name: Name,
    /// How many handles there are.
    pub handles: usize,
    /// How many entries it has.
    pub entries: u64,
    /// What they take of memory.
    pub memory: Footprint,
}

/// What a store takes of memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The values.
    pub values: usize,
    /// The keys, what finds them, and what knows when they expire.
    pub keys: usize,
    /// Pages of a file.
    pub cache: usize,
}

/// A store with more entries is closed on a thread of its own: freeing them takes time.
const MAX_ENTRIES_FREED_AT_ONCE: u64 = 10_000;

static OPEN: LazyLock<Registry<Name, Opened>> = LazyLock::new(Registry::default);

impl Named {
    /// The store of that name, which is opened if no handle has it open. Blocks while a disk store is opened.
    pub fn open(fs: &Arc<dyn FileSystem>, name: Name, options: &DiskOptions) -> Result<Self> {
        let opened = OPEN.acquire(&name, || {
            let base = match (name.backend, &name.scope) {
                (Backend::Memory, _) => Base::Memory(Arc::new(MemoryStore::with_index(ENTRIES))),
                (Backend::Disk, Some(base)) => {
                    let directory = base.join(directory_name::of(&name.id)?);
                    Base::Disk(open_disk(fs, &directory, options)?)
                }
                (Backend::Disk, None) => {
                    return Err(Error::assertion("A disk store needs a Distributor with a directory"));
                }
            };
            Ok(Opened { values: KeyValues::open(base.store())?, base, options: options.clone() })
        })?;
        let named = Self { name, values: opened.values, is_held: Mutex::new(true) };
        if opened.options != *options {
            let id = &named.name.id;
            let message = format!("The store \"{id}\" is open with other options. Give all handles the same");
            return Err(Error::assertion(message));
        }
        Ok(named)
    }

    /// The store.
    pub fn values(&self) -> &Arc<KeyValues> {
        &self.values
    }

    /// Figures about the store.
    pub fn figures(&self) -> Answer<Vec<Figures>> {
        figures_of(|name| *name == self.name)
    }

    /// Lets go of the store; the last handle closes it. Later calls do nothing.
    pub fn close(&self) -> Answer<()> {
        let mut is_held = self.is_held.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *is_held, false) {
            return Ok(()).into();
        }
        let name = self.name.clone();
        let close = move || OPEN.release(&name, |opened| opened.values.close().wait());
        if self.is_freed_at_once() { close().into() } else { Answer::blocking(close) }
    }

    fn is_freed_at_once(&self) -> bool {
        let is_small = |entries| entries <= MAX_ENTRIES_FREED_AT_ONCE;
        self.values.is_volatile() && self.values.size().wait().is_ok_and(is_small)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        drop(self.close());
    }
}

impl Base {
    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Disk(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    fn footprint(&self) -> Result<Footprint> {
        match self {
            Self::Memory(store) => {
                let Memory { values, keys } = store.memory(ENTRIES)?;
                let rows = store.memory(DUE)?;
                Ok(Footprint { values, keys: keys + rows.keys + rows.values, cache: 0 })
            }
            Self::Disk(store) => {
                let Memory { values, keys } = store.memory()?;
                Ok(Footprint { values, keys, cache: store.cached_bytes() })
            }
        }
    }
}

/// The open stores of a scope.
pub fn figures(scope: Option<&PathBuf>) -> Answer<Vec<Figures>> {
    figures_of(|name| name.scope.as_ref() == scope)
}

fn figures_of(is_wanted: impl Fn(&Name) -> bool) -> Answer<Vec<Figures>> {
    let open: Vec<_> = OPEN.list().into_iter().filter(|(name, ..)| is_wanted(name)).collect();
    Answer::later(async move {
        let mut figures = Vec::with_capacity(open.len());
        for (name, opened, handles) in open {
            // It may have been closed since.
            if let (Ok(entries), Ok(memory)) = (opened.values.size().await, opened.base.footprint()) {
                figures.push(Figures { name, handles, entries, memory });
            }
        }
        figures.sort_by(|a, b| (&a.name.id, a.name.backend as u8).cmp(&(&b.name.id, b.name.backend as u8)));
        Ok(figures)
    })
}
