//! Opening a directory: come in, load, and be ready to write.

use super::INTERNAL_DIRECTORY;
use super::base::{Base, Published};
use super::core::{Core, Parts};
use super::members::{Access, Door, Found, Internal, Member};
use crate::fs::{FileSystem, LockFile, Page, PrivatePage};
use crate::kv::{Durability, KeyRange, Sequence, Space};
use crate::stores::journal::{self, Form, JournalPage, Log, Sharing, WriteLock, Writer};
use crate::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What to do with files that are not documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// Fail, and change nothing.
    Refuse,
    /// Move them to `.datastore/quarantine/`, and go on.
    Quarantine,
}

/// How many bytes of a data file are kept in memory unless asked otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 64 << 20;

/// How to open a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// When a commit is acknowledged.
    pub durability: Durability,
    /// How long after it was acknowledged a commit is durable, with [`Durability::Batched`].
    pub flush_interval: Duration,
    /// Together with other processes, or alone.
    pub access: Access,
    /// How long to wait for other processes.
    pub lock_timeout: Duration,
    /// What to do with files that are not documents.
    pub damage: OnDamage,
    /// How many bytes of a data file to keep in memory.
    pub cache_bytes: usize,
    /// What a data file has to be; `UNKNOWN` for what it is.
    pub form: Form,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Sync,
            flush_interval: Duration::from_secs(2),
            access: Access::Shared,
            lock_timeout: Duration::from_secs(10),
            damage: OnDamage::Refuse,
            cache_bytes: DEFAULT_CACHE_BYTES,
            form: Form::DISK,
        }
    }
}

/// What loading found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// How many documents there were.
    pub documents: u64,
    /// The names of the files that were moved aside.
    pub quarantined: Vec<String>,
}

/// A directory that is ready to be used.
pub(super) struct Opened<B: Base> {
    pub(super) core: Core<B>,
    pub(super) writer: Writer,
    pub(super) member: Member,
    pub(super) report: LoadReport,
}

pub(super) fn open<B: Base>(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    options: &OpenOptions,
) -> Result<Opened<B>> {
    refuse_network(&**fs, directory, options.access)?;
    let internal = Internal {
        fs: Arc::clone(fs),
        path: directory.join(INTERNAL_DIRECTORY),
        timeout: options.lock_timeout,
    };
    let (door, found) = internal.enter(options.access)?;
    let base = match B::open(&internal, directory, options) {
        Ok(base) => base,
        Err(error) => {
            if let Found::Nobody(members) = found {
                leave_as_found(&internal, members, door);
            }
            return Err(error);
        }
    };
    let (members, page) = match found {
        Found::Others(members, page) => (members, page),
        Found::Nobody(members) => match begin(&base, directory, &internal, &door, options.access) {
            Ok(page) => (members, page),
            Err(error) => {
                leave_as_found(&internal, members, door);
                return Err(error);
            }
        },
    };
    let member = Member::join(&internal, members, page, options.access)?;
    let segments = internal.keep_segments()?;
    drop(door);
    let opened = prepare(base, directory, &internal, &member, options);
    drop(segments);
    match opened {
        Ok((core, writer, report)) => Ok(Opened { core, writer, member, report }),
        Err(error) => {
            if let Ok(door) = internal.door()
                && member.is_alone(&door).is_ok_and(|alone| alone)
            {
                drop(member);
                let _ = door.clear();
            }
            Err(error)
        }
    }
}

/// Goes, when nobody else is in. What killed processes left keeps the directory.
fn leave_as_found(internal: &Internal, members: Box<dyn LockFile>, door: Door) {
    drop(members);
    // Their page may be all that tells of the form.
    if internal.left_page().is_none() {
        let _ = door.clear();
    }
}

/// Locks and shared memory do not reach other machines.
pub(in crate::stores) fn refuse_network(fs: &dyn FileSystem, directory: &Path, access: Access) -> Result<()> {
    if access == Access::Exclusive {
        return Ok(());
    }
    let kind = fs.network_kind(directory).map_err(|error| Error::io("look at", directory, error))?;
    let Some(kind) = kind else { return Ok(()) };
    let message = format!(
        "{} is on a network file system ({kind}), where processes of several machines would not see each \
         other's locks and writes. Use a local directory, or {{ exclusive: true }} in one single process",
        directory.display()
    );
    Err(Error::new(ErrorKind::Storage, message).with_expected("a local directory, or exclusive: true"))
}

/// Checks the journal that others have left, and makes the page. Changes nothing else: the first to write
/// repairs the journal.
fn begin<B: Base>(
    base: &B,
    directory: &Path,
    internal: &Internal,
    door: &Door,
    access: Access,
) -> Result<JournalPage> {
    let fs = &internal.fs;
    let through = base.through()?;
    let log = Log::read_through(Arc::clone(fs), &internal.path, through, Sequence::MAX)?;
    let insensitive =
        fs.is_case_insensitive(directory).map_err(|error| Error::io("look into", directory, error))?;
    let page: Arc<dyn Page> = match access {
        Access::Shared => door.new_page()?,
        Access::Exclusive => {
            door.remove_page();
            Arc::new(PrivatePage::default())
        }
    };
    let page = JournalPage::create(page, &log.position_from(through)?, insensitive);
    page.set_form(base.form());
    Ok(page)
}

fn prepare<B: Base>(
    base: B,
    directory: &Path,
    internal: &Internal,
    member: &Member,
    options: &OpenOptions,
) -> Result<(Core<B>, Writer, LoadReport)> {
    let (fs, page) = (&internal.fs, member.page.clone());
    let mut loaded = base.load(internal, &page, options.damage)?;
    let report = LoadReport {
        documents: loaded.state.count(Space::DOCUMENTS, &KeyRange::ALL)?,
        quarantined: std::mem::take(&mut loaded.quarantined),
    };
    let sharing = sharing(&**fs, internal, page.clone(), options.access)?;
    let mut writer = Writer::new(Arc::clone(fs), &internal.path, sharing, journal::Options::default());
    if loaded.place.sequence > 0 && page.is_unsure() {
        // What killed processes left may not be durable yet, and is about to be read.
        writer.enter()?;
        writer.leave();
    }
    writer.repair_if_left()?;
    let parts = Parts {
        base,
        fs: Arc::clone(fs),
        directory: directory.to_owned(),
        identity: fs.identity(directory).map_err(|error| Error::io("look at", directory, error))?,
        internal: internal.clone(),
        page,
        checkpointing: internal.checkpoint_lock()?,
    };
    Ok((Core::new(parts, loaded), writer, report))
}

fn sharing(fs: &dyn FileSystem, internal: &Internal, page: JournalPage, access: Access) -> Result<Sharing> {
    let (lock, loaders): (_, Option<Box<dyn LockFile>>) = match access {
        Access::Shared => {
            let lock = WriteLock::open(fs, &internal.path, internal.timeout)?;
            (Some(lock), Some(internal.loaders()?))
        }
        Access::Exclusive => (None, None),
    };
    Ok(Sharing { page, lock, loaders })
}
