//! One engine per directory per process, shared by all threads, closed with its last handle.

use super::{Options, Rights, Storage};
use crate::fs::FileSystem;
use crate::kv::{Answer, Head, Store};
use crate::stores::directory::{DirectoryStore, ReadOnlyStore};
use crate::stores::disk::DiskStore;
use crate::stores::durable::{CheckpointTotals, Durable, LoadReport, OnDamage, OpenOptions};
use crate::stores::journal::JournalTotals;
use crate::stores::memory::Memory;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

/// The open directories. Those who only read have an engine of their own.
#[derive(Default)]
pub struct Registry {
    slots: Mutex<HashMap<Place, Slot>>,
    changed: Condvar,
}

/// What an engine is open for: a canonical path, and what may be done there.
pub type Place = (PathBuf, Rights);

/// The engine of a directory.
#[derive(Clone)]
pub enum Engine {
    /// It writes.
    Writer(Arc<dyn Durable>),
    /// It only reads.
    Reader(Arc<ReadOnlyStore>),
}

enum Slot {
    /// Being opened or closed by some thread. Others wait.
    Busy,
    Open {
        engine: Engine,
        options: Options,
        handles: usize,
    },
}

impl Registry {
    /// The registry of this process.
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Registry> = LazyLock::new(Registry::default);
        &GLOBAL
    }

    /// The engine of `directory`, opened if no handle has it open, and its place. Balance with
    /// [`Registry::release`].
    pub fn acquire(
        &self,
        fs: &Arc<dyn FileSystem>,
        directory: &Path,
        options: &Options,
        damage: OnDamage,
    ) -> Result<(Place, Engine)> {
        if options.rights == Rights::ReadWrite {
            fs.create_directory(directory)
                .map_err(|error| Error::io("create the directory", directory, error))?;
        }
        let path = fs.canonicalize(directory).map_err(|error| Error::io("resolve", directory, error))?;
        let place = (path, options.rights);
        if let Some(engine) = self.share_or_reserve(&place, options)? {
            return Ok((place, engine));
        }
        let mut reservation = Reservation { registry: self, place: &place, outcome: None };
        let open = OpenOptions { damage, ..options.directory };
        let engine = match options.rights {
            Rights::ReadWrite => Engine::Writer(match options.storage {
                Storage::Files => Arc::new(DirectoryStore::open(fs, &place.0, &open)?),
                Storage::Disk => Arc::new(DiskStore::open(fs, &place.0, &open)?),
            }),
            Rights::ReadOnly => Engine::Reader(Arc::new(ReadOnlyStore::open(fs, &place.0, &open)?)),
        };
        reservation.outcome =
            Some(Slot::Open { engine: engine.clone(), options: options.clone(), handles: 1 });
        drop(reservation);
        Ok((place, engine))
    }

    /// Lets go of one handle; the last one closes the engine and answers once that is done.
    pub fn release(&self, place: &Place) -> Result<()> {
        let mut slots = self.lock();
        let Some(Slot::Open { handles, .. }) = slots.get_mut(place) else { return Ok(()) };
        *handles -= 1;
        if *handles > 0 {
            return Ok(());
        }
        let last = slots.insert(place.clone(), Slot::Busy);
        drop(slots);
        let _reservation = Reservation { registry: self, place, outcome: None };
        match last {
            Some(Slot::Open { engine, .. }) => engine.store().close().wait(),
            _ => Ok(()),
        }
    }

    /// A share of the open engine; or nothing, and then the caller has to open it and settle the slot.
    fn share_or_reserve(&self, place: &Place, wanted: &Options) -> Result<Option<Engine>> {
        let mut slots = self.lock();
        loop {
            match slots.get_mut(place) {
                None => {
                    slots.insert(place.clone(), Slot::Busy);
                    return Ok(None);
                }
                Some(Slot::Busy) => {
                    slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Slot::Open { engine, options, handles }) => {
                    options.assert_shareable(wanted)?;
                    *handles += 1;
                    return Ok(Some(engine.clone()));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// To read and, if that is allowed, write.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Writer(store) => Arc::clone(store) as _,
            Self::Reader(store) => Arc::clone(store) as _,
        }
    }

    /// The newest commit, to be read without a lock; a reader has to look for it.
    pub fn head(&self) -> Option<Head> {
        match self {
            Self::Writer(store) => Some(store.head()),
            Self::Reader(_) => None,
        }
    }

    /// What loading found.
    pub fn report(&self) -> &LoadReport {
        match self {
            Self::Writer(store) => store.report(),
            Self::Reader(store) => store.report(),
        }
    }

    /// How many documents are in the journal and not yet in their files, as far as this process knows.
    pub fn backlog(&self) -> u64 {
        match self {
            Self::Writer(store) => store.backlog(),
            Self::Reader(_) => 0,
        }
    }

    /// What the documents take of memory.
    pub fn memory(&self) -> Result<Memory> {
        match self {
            Self::Writer(store) => store.memory(),
            Self::Reader(store) => store.memory(),
        }
    }

    /// Brings all files up to date now; a reader has none to write.
    pub fn checkpoint(&self) -> Answer<()> {
        match self {
            Self::Writer(store) => store.checkpoint(),
            Self::Reader(_) => Ok(()).into(),
        }
    }

    /// What was committed, and what became of it.
    pub fn totals(&self) -> Option<(JournalTotals, CheckpointTotals)> {
        match self {
            Self::Writer(store) => Some((store.journal_totals(), store.checkpoint_totals())),
            Self::Reader(_) => None,
        }
    }

    /// Why files could not be brought up to date.
    pub fn checkpoint_failure(&self) -> Option<Error> {
        match self {
            Self::Writer(store) => store.checkpoint_failure(),
            Self::Reader(_) => None,
        }
    }
}

/// A busy slot. Dropping it, even in a panic, puts `outcome` in its place.
struct Reservation<'a> {
    registry: &'a Registry,
    place: &'a Place,
    outcome: Option<Slot>,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut slots = self.registry.lock();
        match self.outcome.take() {
            Some(slot) => slots.insert(self.place.clone(), slot),
            None => slots.remove(self.place),
        };
        self.registry.changed.notify_all();
    }
}
