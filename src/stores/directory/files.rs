//! The Kixx format: one JSON file per document, `encodeURIComponent(key) + '.json'`.

use super::file_name::{FileKey, Spelling, key_of_file_name};
use crate::fs::{DirectoryEntry, EntryKind, FileSystem};
use crate::json;
use crate::kv::Entry;
use crate::stores::maintenance::Progress;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;

/// At most so many threads read files, so at most so many are open at once.
const LOAD_THREADS: usize = 4;
/// Fewer files than this are not worth another thread.
const FILES_PER_THREAD: usize = 2_000;

/// What a directory of documents holds.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The documents in the order of their keys, all with sequence 0.
    pub(super) entries: Vec<Entry>,
    /// Keys whose file has another name than the one that we would write.
    pub(super) strays: HashMap<Box<[u8]>, String>,
    /// Files that are not documents, in the order of their names.
    pub(super) bad: Vec<BadFile>,
}

/// A file that ends in `.json` and holds no document.
#[derive(Clone, Debug)]
pub(super) struct BadFile {
    pub(super) name: String,
    /// The key that its name stands for.
    pub(super) key: Option<Box<[u8]>>,
    pub(super) reason: String,
}

/// The text of a document's file.
pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let mut text = Vec::with_capacity(entry.value().len() + 32);
    json::write_document(&mut text, entry.version(), entry.value());
    text
}

/// Reads every document of `directory` and changes nothing. Other entries are passed over.
pub(super) fn load(fs: &dyn FileSystem, directory: &Path) -> Result<Loaded> {
    let (names, others) = document_names(fs, directory)?;
    let read = |name: &String| read_document(fs, directory, name);
    Ok(gather(read_documents(&names, read)?, others))
}

/// As [`load`], but a file that can't be read is a bad file too.
pub(super) fn examine(fs: &dyn FileSystem, directory: &Path, progress: &Progress) -> Result<Loaded> {
    let (names, others) = document_names(fs, directory)?;
    progress.add_total(names.len() as u64);
    let read = |name: &String| {
        progress.step();
        read_document(fs, directory, name).or_else(|error| {
            let key = match key_of_file_name(name) {
                FileKey::Key(key, _) => Some(key.into()),
                _ => None,
            };
            Ok(bad(name, key, error.to_string()))
        })
    };
    Ok(gather(read_documents(&names, read)?, others))
}

/// What one thread read. Small, whatever the number of files: what is dropped after loading leaves holes in
/// the memory.
#[derive(Default)]
struct Part {
    entries: Vec<Entry>,
    strays: Vec<(Entry, String)>,
    bad: Vec<BadFile>,
}

fn read_documents(names: &[String], read: impl Fn(&String) -> Result<File> + Sync) -> Result<Vec<Part>> {
    let threads = names.len().div_ceil(FILES_PER_THREAD).clamp(1, LOAD_THREADS);
    let share = names.len().div_ceil(threads).max(1);
    let read_part = |names: &[String]| {
        let mut part = Part::default();
        for name in names {
            match read(name)? {
                File::Document { entry, stray: None } => part.entries.push(entry),
                File::Document { entry, stray: Some(name) } => part.strays.push((entry, name)),
                File::Bad(bad) => part.bad.push(bad),
                File::Gone => {}
            }
        }
        Ok(part)
    };
    thread::scope(|scope| {
        let running: Vec<_> = names.chunks(share).map(|names| scope.spawn(|| read_part(names))).collect();
        running
            .into_iter()
            .map(|part| part.join().map_err(|_| Error::internal("a thread that reads files"))?)
            .collect()
    })
}

fn gather(parts: Vec<Part>, others: Vec<BadFile>) -> Loaded {
    let mut loaded = Loaded { bad: others, ..Loaded::default() };
    loaded.entries.reserve_exact(parts.iter().map(|part| part.entries.len() + part.strays.len()).sum());
    for part in parts {
        loaded.entries.extend(part.entries);
        loaded.bad.extend(part.bad);
        for (entry, name) in part.strays {
            if loaded.strays.contains_key(entry.key()) {
                loaded.bad.push(twin(name, entry.key()));
            } else {
                loaded.strays.insert(entry.key().into(), name);
                loaded.entries.push(entry);
            }
        }
    }
    loaded.entries.sort_unstable_by(|a, b| a.key().cmp(b.key()));
    refuse_twins(&mut loaded);
    loaded.bad.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    loaded
}

/// One error that names every bad file.
pub(super) fn corrupt(directory: &Path, bad: &[BadFile]) -> Error {
    let list: Vec<String> = bad.iter().map(|file| format!("{}: {}", file.name, file.reason)).collect();
    Error::corrupt(format!(
        "{} of the files in {} cannot be read as documents, nothing was changed. Mend them, or load with \
         {{ quarantine: true }} to move them aside.\n  {}",
        bad.len(),
        directory.display(),
        list.join("\n  ")
    ))
}

enum File {
    Document {
        entry: Entry,
        stray: Option<String>,
    },
    Bad(BadFile),
    /// Removed since the directory was listed.
    Gone,
}

/// Names that end in `.json`, sorted, since files that were written together lie together; and among them
/// what is no file.
fn document_names(fs: &dyn FileSystem, directory: &Path) -> Result<(Vec<String>, Vec<BadFile>)> {
    let entries =
        fs.read_directory(directory).map_err(|error| Error::io("read the directory", directory, error))?;
    let (mut names, mut others) = (Vec::new(), Vec::new());
    for DirectoryEntry { name, kind } in entries {
        let Ok(name) = name.into_string() else { continue };
        let key = match key_of_file_name(&name) {
            FileKey::NotOurs => continue,
            FileKey::Key(key, _) => Some(key.into()),
            FileKey::Bad(_) => None,
        };
        if kind == EntryKind::File {
            names.push(name);
        } else {
            let what = if kind == EntryKind::Directory { "a directory" } else { "no regular file" };
            others.push(BadFile { name, key, reason: format!("it is {what}") });
        }
    }
    names.sort_unstable();
    Ok((names, others))
}

fn read_document(fs: &dyn FileSystem, directory: &Path, name: &str) -> Result<File> {
    let (key, stray) = match key_of_file_name(name) {
        FileKey::NotOurs => return Ok(File::Gone),
        FileKey::Bad(reason) => return Ok(bad(name, None, reason)),
        FileKey::Key(key, Spelling::Canonical) => (key, None),
        FileKey::Key(key, Spelling::Other) => (key, Some(name.to_owned())),
    };
    let path: PathBuf = directory.join(name);
    let text = match fs.read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::Gone),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    Ok(match json::split_revision(&text) {
        Ok(document) => File::Document {
            entry: Entry::new(&key, &document.body, document.version.unwrap_or(0), 0),
            stray,
        },
        Err(error) => bad(name, Some(key.into()), error.to_string()),
    })
}

fn bad(name: &str, key: Option<Box<[u8]>>, reason: String) -> File {
    File::Bad(BadFile { name: name.to_owned(), key, reason })
}

/// Two files may stand for one key only if one of them was named by hand. The other one counts.
fn refuse_twins(loaded: &mut Loaded) {
    let Loaded { entries, strays, bad } = loaded;
    for pair in entries.windows(2) {
        if let [first, second] = pair
            && first.key() == second.key()
        {
            bad.push(twin(strays.get(first.key()).cloned().unwrap_or_default(), first.key()));
        }
    }
}

fn twin(name: String, key: &[u8]) -> BadFile {
    let reason = "stands for the same key as another file; keep one of them".to_owned();
    BadFile { name, key: Some(key.into()), reason }
}
