//! One engine per directory per process, shared by all threads, closed with its last handle.

use super::Options;
use crate::fs::FileSystem;
use crate::kv::Store;
use crate::stores::directory::{DirectoryStore, OnDamage, OpenOptions};
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

/// The open directories by canonical path.
#[derive(Default)]
pub struct Registry {
    slots: Mutex<HashMap<PathBuf, Slot>>,
    changed: Condvar,
}

enum Slot {
    /// Being opened or closed by some thread. Others wait.
    Busy,
    Open {
        store: Arc<DirectoryStore>,
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

    /// The engine of `directory`, opened if no handle has it open, and its canonical path. Balance with
    /// [`Registry::release`].
    pub fn acquire(
        &self,
        fs: &Arc<dyn FileSystem>,
        directory: &Path,
        options: &Options,
        damage: OnDamage,
    ) -> Result<(PathBuf, Arc<DirectoryStore>)> {
        fs.create_directory(directory)
            .map_err(|error| Error::io("create the directory", directory, error))?;
        let path = fs.canonicalize(directory).map_err(|error| Error::io("resolve", directory, error))?;
        if let Some(store) = self.share_or_reserve(&path, options)? {
            return Ok((path, store));
        }
        let mut reservation = Reservation { registry: self, path: &path, outcome: None };
        let open = OpenOptions { damage, ..options.directory };
        let store = Arc::new(DirectoryStore::open(fs, &path, &open)?);
        reservation.outcome =
            Some(Slot::Open { store: Arc::clone(&store), options: options.clone(), handles: 1 });
        drop(reservation);
        Ok((path, store))
    }

    /// Lets go of one handle; the last one closes the engine and answers once that is done.
    pub fn release(&self, path: &Path) -> Result<()> {
        let mut slots = self.lock();
        let Some(Slot::Open { handles, .. }) = slots.get_mut(path) else { return Ok(()) };
        *handles -= 1;
        if *handles > 0 {
            return Ok(());
        }
        let last = slots.insert(path.to_owned(), Slot::Busy);
        drop(slots);
        let _reservation = Reservation { registry: self, path, outcome: None };
        match last {
            Some(Slot::Open { store, .. }) => store.close().wait(),
            _ => Ok(()),
        }
    }

    /// A share of the open engine; or nothing, and then the caller has to open it and settle the slot.
    fn share_or_reserve(&self, path: &Path, wanted: &Options) -> Result<Option<Arc<DirectoryStore>>> {
        let mut slots = self.lock();
        loop {
            match slots.get_mut(path) {
                None => {
                    slots.insert(path.to_owned(), Slot::Busy);
                    return Ok(None);
                }
                Some(Slot::Busy) => {
                    slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Slot::Open { store, options, handles }) => {
                    options.assert_shareable(wanted)?;
                    *handles += 1;
                    return Ok(Some(Arc::clone(store)));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A busy slot. Dropping it, even in a panic, puts `outcome` in its place.
struct Reservation<'a> {
    registry: &'a Registry,
    path: &'a Path,
    outcome: Option<Slot>,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut slots = self.registry.lock();
        match self.outcome.take() {
            Some(slot) => slots.insert(self.path.to_owned(), slot),
            None => slots.remove(self.path),
        };
        self.registry.changed.notify_all();
    }
}
