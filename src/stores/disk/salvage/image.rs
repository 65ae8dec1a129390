//! A data file as it is, opened to read only.

use super::Bounds;
use super::header::{HEADER_BYTES, Header};
use super::page::{PAGE_BYTES, Pointer, Widths, u32_at, u64_at};
use super::walk::{Source, Step, Walker};
use crate::fs::{File, FileSystem, LockKind, OpenMode, RangeLocks};
use crate::{Error, ErrorKind, Result};
use std::cell::Cell;
use std::ops::Bound;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// As the library has it: whoever reads what a transaction left has the byte with its number locked, behind
/// this one, and whoever looks which is the last one has those of the header locked.
const TRANSACTIONS: u64 = (1 << 62) + 1_024;
const LOOK_AGAIN: Duration = Duration::from_millis(1);
const NORMAL_TABLE: u8 = 3;

/// Who may be writing to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stores::disk) enum Pinned {
    /// Nobody.
    AtRest,
    /// Others. They keep the pages of the last transaction; no wait for them is longer than this.
    Live(Duration),
}

/// The file at one moment.
pub(in crate::stores::disk) struct Image {
    file: Box<dyn File>,
    length: u64,
    header: Header,
    pinned: Pinned,
    /// In how many pages a wrong bit was looked for.
    mended: Cell<usize>,
    /// Falls with it.
    _pin: Option<Box<dyn RangeLocks>>,
}

/// A table of the file.
#[derive(Debug)]
pub(in crate::stores::disk) struct Table {
    pub(in crate::stores::disk) name: String,
    /// How many pairs it has, if that is sure.
    pub(in crate::stores::disk) length: Option<u64>,
    root: Option<Pointer>,
    widths: Widths,
    source: Source,
}

impl Image {
    /// Opens the file at `path`. What is wrong with it is in [`Image::problems`].
    pub(in crate::stores::disk) fn open(fs: &dyn FileSystem, path: &Path, pinned: Pinned) -> Result<Self> {
        let failed = |error| Error::io("open", path, error);
        let file = fs.open(path, OpenMode::Read).map_err(failed)?;
        let read = || -> Result<Header> {
            let mut bytes = [0; HEADER_BYTES];
            file.read_at(0, &mut bytes).map_err(|error| Error::io("read", path, error))?;
            Ok(Header::decode(&bytes))
        };
        let (header, pin) = match pinned {
            Pinned::AtRest => (read()?, None),
            Pinned::Live(patience) => {
                let locks = fs.range_locks(path).map_err(failed)?;
                let first = (Bound::Included(0), Bound::Excluded(HEADER_BYTES as u64));
                lock(&*locks, first, path, patience)?;
                let header = read()?;
                let at = TRANSACTIONS.saturating_add(header.slot.transaction.min(1 << 60));
                lock(&*locks, (Bound::Included(at), Bound::Excluded(at + 1)), path, patience)?;
                locks.unlock(first).map_err(failed)?;
                (header, Some(locks))
            }
        };
        let length = file.length().map_err(failed)?;
        Ok(Self { file, length, header, pinned, mended: Cell::new(0), _pin: pin })
    }

    /// What is wrong with the first page, and with the length.
    pub(in crate::stores::disk) fn problems(&self) -> Vec<String> {
        let mut problems = self.header.problems.clone();
        let (is, was) = (self.length, self.header.length);
        let is_closed = self.pinned == Pinned::AtRest && !self.header.is_open;
        if is < HEADER_BYTES as u64 {
            return vec![format!("it has {is} bytes only")];
        }
        if is_closed && is != was {
            problems.push(format!("it has {is} bytes, and had {was} when it was closed"));
        } else if self.pinned == Pinned::AtRest && is % PAGE_BYTES != 0 {
            problems.push(format!("it has {is} bytes, which is no number of whole pages"));
        }
        problems
    }

    /// Whether only a newer version can read it.
    pub(in crate::stores::disk) fn is_newer(&self) -> bool {
        self.header.slot.is_newer || self.header.other.is_newer && !self.header.slot.is_whole
    }

    /// The tables of the store.
    pub(in crate::stores::disk) fn tables(&self, damage: &mut dyn FnMut(String)) -> Result<Vec<Table>> {
        self.tables_of(self.header.slot.tables, damage)
    }

    /// Those of the library, which change at any time while others write.
    pub(in crate::stores::disk) fn system_tables(
        &self,
        damage: &mut dyn FnMut(String),
    ) -> Result<Vec<Table>> {
        match self.pinned {
            Pinned::AtRest => self.tables_of(self.header.slot.system_tables, damage),
            Pinned::Live(_) => Ok(Vec::new()),
        }
    }

    fn tables_of(&self, root: Option<Pointer>, damage: &mut dyn FnMut(String)) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        let Some(root) = root else { return Ok(tables) };
        let source = if self.header.slot.is_whole { Source::Whole } else { Source::Damaged };
        let mut visit = |step: Step<'_>| {
            match step {
                Step::Pair(name, definition) => tables.extend(Table::decode(name, definition, Source::Whole)),
                Step::Trouble(problem) => damage(problem),
                Step::Remains(remains) => {
                    damage(format!(
                        "the page at byte {}, of the list of tables: its checksum is wrong",
                        remains.at
                    ));
                    let pairs = remains.pairs.into_iter().flatten();
                    tables.extend(
                        pairs.filter_map(|(name, table)| Table::decode(name, table, Source::Damaged)),
                    );
                }
                Step::Gap(problem) => damage(format!("{problem}, of the list of tables")),
            }
            Ok(())
        };
        let mut walker = Walker { image: self, widths: Widths::default(), visit: &mut visit };
        walker.walk(root, source, Bounds::default(), 0)?;
        Ok(tables)
    }

    /// Gives `visit` all that is in a table, in the order of the keys.
    pub(in crate::stores::disk) fn walk(
        &self,
        table: &Table,
        visit: &mut dyn FnMut(Step<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(root) = table.root else { return Ok(()) };
        let mut walker = Walker { image: self, widths: table.widths, visit };
        walker.walk(root, table.source, Bounds::default(), 0)
    }

    /// The bytes of a page, or why there are none.
    pub(super) fn page(&self, pointer: Pointer) -> Result<Vec<u8>, String> {
        let place = pointer.place().filter(|place| place.end <= self.length);
        let place = place.ok_or("it lies behind the end of the file")?;
        let length = usize::try_from(place.end - place.start).map_err(|_| "it is too long")?;
        let mut bytes = vec![0; length];
        match self.file.read_at(place.start, &mut bytes) {
            Ok(read) if read == length => Ok(bytes),
            Ok(_) => Err("it lies behind the end of the file".to_owned()),
            Err(error) => Err(format!("it can't be read: {error}")),
        }
    }

    /// Whether to look for a wrong bit once more.
    pub(super) fn may_mend(&self, at_most: usize) -> bool {
        self.mended.set(self.mended.get() + 1);
        self.mended.get() <= at_most
    }
}

impl Table {
    /// As the library writes it: kind, length, root with checksum and length, widths, names of types.
    fn decode(name: &[u8], bytes: &[u8], source: Source) -> Option<Self> {
        let flag = |at: usize| bytes.get(at).map(|flag| *flag != 0);
        let width = |at| Some(if flag(at)? { Some(u32_at(bytes, at + 1)?) } else { None });
        if *bytes.first()? != NORMAL_TABLE {
            return None;
        }
        Some(Self {
            name: String::from_utf8_lossy(name).into_owned(),
            length: u64_at(bytes, 1).filter(|_| source == Source::Whole),
            root: if flag(9)? { Some(Pointer::decode(bytes.get(10..)?)?) } else { None },
            widths: Widths { key: width(42)?, value: width(47)? },
            source,
        })
    }
}

fn lock(locks: &dyn RangeLocks, range: crate::fs::ByteRange, path: &Path, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !locks.try_lock(range, LockKind::Shared).map_err(|error| Error::io("lock", path, error))? {
        if Instant::now() >= deadline {
            let message = format!("{} is locked by a process that does not go on", path.display());
            return Err(Error::new(ErrorKind::Locked, message));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}
