//! Loading: the files, and over them what the journal holds. Others may write meanwhile.

use super::file_name::file_name;
use super::files::{self, BadFile};
use super::names::Names;
use crate::fs::FileSystem;
use crate::kv::{Change, Entry, Sequence, Space};
use crate::stores::durable::{Due, Internal, OnDamage};
use crate::stores::journal::{JournalPage, Log, Place, decode_commit};
use crate::stores::maintenance::{move_aside, name_of};
use crate::stores::memory::Snapshot;
use crate::stores::memory::tree::Tree;
use crate::{Error, Result};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory as it was at one commit.
pub(super) struct LoadedFiles {
    pub(super) tree: Tree,
    /// Behind that commit.
    pub(super) place: Place,
    pub(super) names: Names,
    /// Keys whose file has another name than the one that we would write.
    pub(super) strays: HashMap<Box<[u8]>, String>,
    /// Keys whose files may be older than the state.
    pub(super) recovered: Vec<Due>,
    /// The names of the files that were moved aside.
    pub(super) quarantined: Vec<String>,
}

/// What has to change in an older state.
pub(super) struct Changed {
    pub(super) changes: Vec<Change>,
    pub(super) place: Place,
    pub(super) strays: HashMap<Box<[u8]>, String>,
    /// As in [`LoadedFiles`]: also of documents that are again as they were.
    pub(super) recovered: Vec<Due>,
}

/// The newest state of each key that the journal knows, and the commit that made it.
pub(super) type Recovered = BTreeMap<Arc<[u8]>, (Option<Entry>, Sequence)>;

/// Files and journal. Segments must stay meanwhile: see [`Internal::keep_segments`].
struct Found {
    files: files::Loaded,
    recovered: Recovered,
    place: Place,
    quarantined: Vec<String>,
}

/// Loads `directory`. `Corrupt` names the files that are not documents.
pub(super) fn load(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    internal: &Internal,
    page: &JournalPage,
    damage: OnDamage,
) -> Result<LoadedFiles> {
    let Found { files, recovered, place, quarantined } = find(fs, directory, internal, page, damage)?;
    let keys = keys(&recovered);
    let tree = Tree::from_sorted(merge(files.entries, recovered));
    let names = names(page, &tree)?;
    Ok(LoadedFiles { tree, place, names, strays: files.strays, recovered: keys, quarantined })
}

/// Loads `directory` again and compares. What differs counts as changed by the newest commit. Segments must
/// stay meanwhile.
pub(super) fn load_again(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    internal: &Internal,
    page: &JournalPage,
    before: &Snapshot,
) -> Result<Changed> {
    let Found { files, recovered, place, .. } = find(fs, directory, internal, page, OnDamage::Refuse)?;
    let keys = keys(&recovered);
    let changes = compare(before, merge(files.entries, recovered), place.sequence);
    Ok(Changed { changes, place, strays: files.strays, recovered: keys })
}

/// The documents in `directory`, in the order of their keys, while others write; and where to go on behind
/// them. Segments must stay meanwhile. `Closed` if the others went.
pub(super) fn find_live(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    internal: &Internal,
    page: &JournalPage,
) -> Result<(Vec<Entry>, Place)> {
    let Found { files, recovered, place, .. } = find(fs, directory, internal, page, OnDamage::Refuse)?;
    Ok((merge(files.entries, recovered), place))
}

/// The same while nobody writes.
pub(super) fn find_at_rest(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    internal: &Internal,
) -> Result<Vec<Entry>> {
    let log = Log::read(Arc::clone(fs), &internal.path)?;
    let recovered = replay(&log, log.checkpoint())?;
    let files = files::load(&**fs, directory)?;
    match damaged(&files, &recovered) {
        bad if bad.is_empty() => Ok(merge(files.entries, recovered)),
        bad => Err(files::corrupt(directory, &bad)),
    }
}

/// What has to change to get from `before` to the documents `now`; the commit `sequence` changes it.
pub(super) fn compare(before: &Snapshot, now: Vec<Entry>, sequence: Sequence) -> Vec<Change> {
    let mut changes = Vec::new();
    let empty = Tree::default();
    let mut old = before.tree(Space::DOCUMENTS).unwrap_or(&empty).iter().peekable();
    let mut new = now.into_iter().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.key().cmp(new.key()),
        };
        let before = if order.is_le() { old.next() } else { None };
        let now = if order.is_ge() { new.next() } else { None };
        let same = match (before, &now) {
            (Some(before), Some(now)) => before.version() == now.version() && before.value() == now.value(),
            _ => false,
        };
        if !same {
            let key = before.or(now.as_ref()).map(|entry| entry.key().into()).unwrap_or_default();
            let renew = |entry: Entry| Entry::new(entry.key(), entry.value(), entry.version(), sequence);
            changes.push(Change { space: Space::DOCUMENTS, key, entry: now.map(renew) });
        }
    }
    changes
}

fn find(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    internal: &Internal,
    page: &JournalPage,
    damage: OnDamage,
) -> Result<Found> {
    let mut quarantined = Vec::new();
    loop {
        // In this order: what files are made of is in them by the first number, and whatever they hold was
        // published by the second.
        let checkpoint = page.checkpoint();
        let files = files::load(&**fs, directory)?;
        let newest = page.sequence();
        if page.is_retired() {
            return Err(Error::closed());
        }
        let log = Log::read_through(Arc::clone(fs), &internal.path, checkpoint, newest)?;
        let recovered = replay(&log, checkpoint)?;
        let bad = damaged(&files, &recovered);
        match (damage, log.end().or_else(|| Place::of_page(page, newest))) {
            (OnDamage::Refuse, _) if !bad.is_empty() => return Err(files::corrupt(directory, &bad)),
            (OnDamage::Quarantine, _) if !bad.is_empty() => {
                quarantined.extend(quarantine(&**fs, directory, &internal.path, &bad)?);
            }
            (_, Some(place)) => return Ok(Found { files, recovered, place, quarantined }),
            // Somebody wrote the first segment just now.
            (_, None) => {}
        }
    }
}

/// The bad files that count: where the journal has a newer document the file was being written.
pub(super) fn damaged(files: &files::Loaded, recovered: &Recovered) -> Vec<BadFile> {
    let is_damage = |file: &&BadFile| file.key.as_deref().is_none_or(|key| !recovered.contains_key(key));
    files.bad.iter().filter(is_damage).cloned().collect()
}

fn replay(log: &Log, checkpoint: Sequence) -> Result<Recovered> {
    let mut recovered = Recovered::new();
    log.replay(checkpoint, |sequence, payload| {
        for change in decode_commit(sequence, payload)? {
            recovered.insert(change.key, (change.entry, sequence));
        }
        Ok(())
    })?;
    Ok(recovered)
}

fn keys(recovered: &Recovered) -> Vec<Due> {
    let due =
        |(key, (_, sequence)): (&Arc<[u8]>, &(_, Sequence))| ((Space::DOCUMENTS, Arc::clone(key)), *sequence);
    recovered.iter().map(due).collect()
}

/// The files' documents and over them the journal's, in the order of their keys.
fn merge(files: Vec<Entry>, journal: Recovered) -> Vec<Entry> {
    if journal.is_empty() {
        return files;
    }
    let mut merged: Vec<Entry> =
        files.into_iter().filter(|entry| !journal.contains_key(entry.key())).collect();
    merged.extend(journal.into_values().filter_map(|(entry, _)| entry));
    // Two sorted runs, which a stable sort merges in linear time.
    merged.sort_by(|a, b| a.key().cmp(b.key()));
    merged
}

fn names(page: &JournalPage, tree: &Tree) -> Result<Names> {
    if !page.is_case_insensitive() {
        return Ok(Names::case_sensitive());
    }
    let taken: Result<Vec<(Box<[u8]>, String)>> =
        tree.iter().map(|entry| Ok((entry.key().into(), file_name(entry.key())?))).collect();
    Ok(Names::case_insensitive(taken?))
}

/// Moves `bad` files into the quarantine, and answers with the names that they have there.
fn quarantine(
    fs: &dyn FileSystem,
    directory: &Path,
    internal: &Path,
    bad: &[BadFile],
) -> Result<Vec<String>> {
    let paths: Vec<PathBuf> = bad.iter().map(|file| directory.join(&file.name)).collect();
    let moved = move_aside(fs, internal, &paths)?;
    Ok(moved.iter().map(|path| name_of(path)).collect())
}
