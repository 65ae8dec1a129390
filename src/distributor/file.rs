//! The file that a memory store is saved to.
//!
//! Layout, all little-endian: `kixxkv1\n`; for each entry, in the order of the keys, the length of its key
//! and of its value's form (u32 each), the key and the form; `0xffff_ffff`; how many entries there are
//! (u64); the CRC-32C of all before (u32).

use crate::fs::{File, FileSystem, OpenMode};
use crate::json::utf16;
use crate::keyvalue::{Cursor, KeyValues, MAX_ENTRY_KEY_BYTES, Selection, value};
use crate::kv::block_on;
use crate::{Error, Result};
use crc32c::{crc32c, crc32c_append};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MAGIC: &[u8] = b"kixxkv1\n";
const END: u32 = u32::MAX;

/// So many bytes are written at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Saves the entries as they are now, without those that have expired. The file takes its place only when it
/// is whole and durable. Answers how many there are. Blocks.
pub fn save(fs: &dyn FileSystem, values: &KeyValues, path: &Path) -> Result<u64> {
    let cursor = values.cursor(Selection::prefix(b"")).wait()?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let temporary = temporary(path);
    let saved = write(fs, cursor, &temporary).and_then(|count| {
        fs.rename(&temporary, path).map_err(|error| Error::io("rename", &temporary, error))?;
        fs.sync_directory(directory).map_err(|error| Error::io("flush", directory, error))?;
        Ok(count)
    });
    if saved.is_err() {
        // The file that is in the way now is not one that anybody knows.
        let _ = fs.remove_file(&temporary);
    }
    saved
}

/// Puts the entries of a file in place of all that the store has: all of them or, if the file is damaged
/// (`Corrupt`), none. Answers how many are left that have not expired. Blocks.
pub fn load(fs: &dyn FileSystem, values: &Arc<KeyValues>, path: &Path) -> Result<u64> {
    let bytes = fs.read(path).map_err(|error| Error::io("read", path, error))?;
    let mut entries = parse(&bytes).map_err(|problem| {
        Error::corrupt(format!("{} is no saved store: {problem}. Nothing was loaded", path.display()))
    })?;
    let now = values.now();
    entries.retain(|(_, form)| value::is_live(form, now));
    let count = entries.len() as u64;
    let owned = entries.into_iter().map(|(key, form)| (key.into(), Some(form.into()))).collect();
    block_on(values.replace(owned))?;
    Ok(count)
}

fn write(fs: &dyn FileSystem, mut cursor: Cursor, path: &Path) -> Result<u64> {
    let file = fs.open(path, OpenMode::CreateNew).map_err(|error| Error::io("create", path, error))?;
    let failed = |error| Error::io("write", path, error);
    let mut out = Writer { file: &*file, path, chunk: MAGIC.to_vec(), offset: 0, checksum: 0 };
    let mut count = 0;
    loop {
        let entries = block_on(cursor.next())?;
        if entries.is_empty() {
            break;
        }
        count += entries.len() as u64;
        for entry in &entries {
            out.length(entry.key())?;
            out.length(entry.value())?;
            out.push(entry.key())?;
            out.push(entry.value())?;
        }
    }
    out.push(&END.to_le_bytes())?;
    out.push(&count.to_le_bytes())?;
    out.flush()?;
    let checksum = out.checksum;
    out.push(&checksum.to_le_bytes())?;
    out.flush()?;
    file.sync_data().map_err(failed)?;
    Ok(count)
}

struct Writer<'a> {
    file: &'a dyn File,
    path: &'a Path,
    chunk: Vec<u8>,
    offset: u64,
    checksum: u32,
}

impl Writer<'_> {
    fn length(&mut self, bytes: &[u8]) -> Result<()> {
        let too_long = |_| Error::assertion("An entry is too long to be saved");
        self.push(&u32::try_from(bytes.len()).map_err(too_long)?.to_le_bytes())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.checksum = crc32c_append(self.checksum, &self.chunk);
        let failed = |error| Error::io("write", self.path, error);
        self.file.write_at(self.offset, &self.chunk).map_err(failed)?;
        self.offset += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(())
    }
}

/// Keys and forms.
type Entries<'a> = Vec<(&'a [u8], &'a [u8])>;

fn parse(bytes: &[u8]) -> Result<Entries<'_>, String> {
    let cut = || "it is cut".to_owned();
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or_else(cut)?;
    let mut rest = content.strip_prefix(MAGIC).ok_or("it does not begin as one")?;
    if crc32c(content) != u32::from_le_bytes(*checksum) {
        return Err("its checksum is wrong".to_owned());
    }
    let mut entries: Entries<'_> = Vec::new();
    loop {
        let key_length = length(&mut rest).ok_or_else(cut)?;
        if key_length == END {
            break;
        }
        let form_length = length(&mut rest).ok_or_else(cut)?;
        let key = take(&mut rest, key_length).ok_or_else(cut)?;
        let form = take(&mut rest, form_length).ok_or_else(cut)?;
        let is_next = entries.last().is_none_or(|(last, _)| *last < key);
        if !is_next || key.len() > MAX_ENTRY_KEY_BYTES || utf16::decode_units(key).is_none() {
            return Err(format!("entry {} has a key that can't be there", entries.len() + 1));
        }
        value::decode(form).map_err(|error| error.to_string())?;
        entries.push((key, form));
    }
    if rest != (entries.len() as u64).to_le_bytes() {
        return Err("it has another number of entries than it says".to_owned());
    }
    Ok(entries)
}

fn length(rest: &mut &[u8]) -> Option<u32> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    Some(u32::from_le_bytes(*length))
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(length as usize)?;
    *rest = behind;
    Some(taken)
}

/// A name beside the file that nobody else uses.
fn temporary(path: &Path) -> PathBuf {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::OsFileSystem;
    use crate::keyvalue::value::{Content, Kind};
    use crate::keyvalue::{Action, Clock, Millis, Request};
    use crate::stores::memory::MemoryStore;
    use std::sync::atomic::AtomicU64;

    #[derive(Default)]
    struct Time(AtomicU64);

    impl Clock for Time {
        fn now(&self) -> Millis {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn store(clock: &Arc<Time>) -> Arc<KeyValues> {
        Arc::new(KeyValues::new(Arc::new(MemoryStore::new()), Arc::clone(clock) as _))
    }

    fn set(values: &Arc<KeyValues>, key: &str, text: &[u8], expires: Option<Millis>) {
        let form = value::encode(Content { kind: Kind::Bytes, bytes: text }, expires);
        let request = Request { key: key.as_bytes().into(), action: Action::Set(form) };
        values.write(request).wait().unwrap();
    }

    fn all(values: &KeyValues) -> Vec<(String, Vec<u8>)> {
        let mut cursor = values.cursor(Selection::prefix(b"")).wait().unwrap();
        let mut found = Vec::new();
        loop {
            let entries = block_on(cursor.next()).unwrap();
            if entries.is_empty() {
                return found;
            }
            let text = |entry: &crate::kv::Entry| String::from_utf8(entry.key().to_vec()).unwrap();
            found.extend(entries.iter().map(|entry| (text(entry), entry.value().to_vec())));
        }
    }

    #[test]
    fn what_is_saved_is_loaded_in_place_of_what_there_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("saved");
        let clock = Arc::new(Time::default());
        let (from, to) = (store(&clock), store(&clock));
        set(&from, "expires", b"1", Some(100));
        set(&from, "gone", b"2", Some(10));
        set(&from, "large", &vec![7; 3 * CHUNK_BYTES], None);
        set(&from, "soon", b"3", Some(20));
        clock.0.store(10, Ordering::SeqCst);
        assert_eq!(save(&OsFileSystem::PRIVATE, &from, &path).unwrap(), 3);
        set(&to, "other", b"4", None);
        clock.0.store(20, Ordering::SeqCst);
        assert_eq!(load(&OsFileSystem::PRIVATE, &to, &path).unwrap(), 2);
        assert_eq!(all(&to), all(&from));
        assert_eq!(all(&to).iter().map(|(key, _)| &**key).collect::<Vec<_>>(), ["expires", "large"]);
        clock.0.store(100, Ordering::SeqCst);
        assert_eq!(block_on(to.count(b"")).unwrap(), 1);
        let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
    }

    #[test]
    fn a_file_with_any_byte_changed_or_cut_is_refused_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("saved");
        let values = store(&Arc::default());
        set(&values, "a", b"1", None);
        set(&values, "b", b"2", Some(5_000));
        save(&OsFileSystem::PRIVATE, &values, &path).unwrap();
        let before = all(&values);
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = load(&OsFileSystem::PRIVATE, &values, &path).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{error}");
            assert!(error.message().contains("saved"), "{error}");
            assert_eq!(all(&values), before);
        };
        for at in 0..good.len() {
            refused(&good[..at]);
            let mut bad = good.clone();
            bad[at] ^= 1;
            refused(&bad);
        }
        refused(&[&good[..], b"\0"].concat());
    }

    #[test]
    fn a_file_with_a_right_checksum_and_wrong_content_is_refused() {
        let entry = |key: &[u8], form: &[u8]| {
            let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
            [&length(key)[..], &length(form), key, form].concat()
        };
        let file = |entries: &[u8], count: u64| {
            let mut file = [MAGIC, entries, &END.to_le_bytes(), &count.to_le_bytes()].concat();
            file.extend(crc32c(&file).to_le_bytes());
            file
        };
        let problem = |entries: &[u8], count| parse(&file(entries, count)).err();
        assert_eq!(problem(&entry(b"a", b"\0"), 1), None);
        assert!(problem(&entry(b"a", b"\0"), 2).is_some());
        assert!(problem(&[entry(b"b", b"\0"), entry(b"a", b"\0")].concat(), 2).is_some());
        assert!(problem(&[entry(b"a", b"\0"), entry(b"a", b"\0")].concat(), 2).is_some());
        assert!(problem(&entry(b"\xff", b"\0"), 1).is_some());
        assert!(problem(&entry(b"a", b"\x07"), 1).is_some());
        assert!(problem(&entry(b"a", b""), 1).is_some());
    }

    #[test]
    fn a_save_that_fails_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let values = store(&Arc::default());
        let path = directory.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        let error = save(&OsFileSystem::PRIVATE, &values, &path).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Storage);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        let missing = save(&OsFileSystem::PRIVATE, &values, &directory.path().join("no/such")).unwrap_err();
        assert_eq!(missing.kind(), crate::ErrorKind::Storage);
    }
}
