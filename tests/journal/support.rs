//! Journals whose commits are plain payloads, and a seeded random number generator.

use crate::failing_disk::FailingDisk;
use kixx_datastore::Result;
use kixx_datastore::fs::{FileSystem, PrivatePage};
use kixx_datastore::stores::journal::{JournalPage, Log, Options, Records, Sharing, Writer};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct Journal {
    pub directory: tempfile::TempDir,
    pub disk: FailingDisk,
}

impl Journal {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), disk: FailingDisk::default() }
    }

    /// A copy of `files` as a journal of its own.
    pub fn of(files: &[(PathBuf, Vec<u8>)]) -> Self {
        let journal = Self::new();
        for (path, bytes) in files {
            fs::write(journal.path().join(path.file_name().unwrap()), bytes).unwrap();
        }
        journal
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn read(&self) -> Result<Log> {
        Log::read(Arc::new(self.disk.clone()), self.path())
    }

    pub fn writer(&self) -> Writer {
        self.writer_with(1 << 20)
    }

    pub fn writer_with(&self, segment_bytes: u64) -> Writer {
        let mut salt = 0x5eed;
        let salt = Box::new(move || {
            salt += 1;
            salt
        });
        enter(Arc::new(self.disk.clone()), self.path(), Options { segment_bytes, salt }).unwrap()
    }

    /// What the first writer does before it writes.
    pub fn repair(&self) -> Result<()> {
        enter(Arc::new(self.disk.clone()), self.path(), Options::default()).map(drop)
    }

    /// What a reader finds: the commits that no checkpoint covers.
    pub fn commits(&self) -> Result<Vec<(u64, Vec<u8>)>> {
        let mut commits = Vec::new();
        let log = self.read()?;
        log.replay(log.checkpoint(), |sequence, payload| {
            commits.push((sequence, payload.to_vec()));
            Ok(())
        })?;
        Ok(commits)
    }

    pub fn sequences(&self) -> Vec<u64> {
        self.commits().unwrap().into_iter().map(|commit| commit.0).collect()
    }

    /// The segments, oldest first, with their content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

/// A writer whose turn it is.
pub fn enter(fs: Arc<dyn FileSystem>, directory: &Path, options: Options) -> Result<Writer> {
    let log = Log::read(Arc::clone(&fs), directory)?;
    let page = JournalPage::create(Arc::new(PrivatePage::default()), &log.position(), false);
    let sharing = Sharing { page, lock: None, loaders: None };
    let mut writer = Writer::new(fs, directory, sharing, options);
    writer.enter().map(|()| writer)
}

pub fn records(payloads: &[&[u8]]) -> Records {
    let mut records = Records::default();
    for payload in payloads {
        records
            .push(|bytes| {
                bytes.extend_from_slice(payload);
                Ok(())
            })
            .unwrap();
    }
    records
}

/// A segment without the zeros behind its records.
pub fn without_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

/// The `SplitMix64` generator: good enough to pick what to break.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}
