use super::*;
use crate::fs::LockKind;
use std::collections::BTreeSet;

fn all_crashes(disk: &SimulatedDisk) -> BTreeSet<BTreeMap<PathBuf, Vec<u8>>> {
    let mut history = disk.history();
    history.advance_to(usize::MAX);
    let mut choices = Exhaustive::default();
    let mut images = BTreeSet::new();
    loop {
        let files = history.crash(&mut choices).files();
        images.insert(files.into_iter().map(|(path, content)| (path, (*content).clone())).collect());
        if !choices.advance() {
            return images;
        }
    }
}

fn image(files: &[(&str, &[u8])]) -> BTreeMap<PathBuf, Vec<u8>> {
    files.iter().map(|(path, content)| (PathBuf::from(path), content.to_vec())).collect()
}

fn create(disk: &SimulatedDisk, path: &str, content: &[u8]) -> Box<dyn File> {
    let file = disk.open(Path::new(path), OpenMode::CreateNew).unwrap();
    file.write_at(0, content).unwrap();
    file
}

#[test]
fn content_and_name_are_durable_each_by_its_own_flush() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "a", b"xy");
    let any = [image(&[]), image(&[("a", b"")]), image(&[("a", b"\0\0")]), image(&[("a", b"xy")])];
    assert_eq!(all_crashes(&disk), BTreeSet::from(any));
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), BTreeSet::from([image(&[]), image(&[("a", b"xy")])]));
    disk.sync_directory(Path::new("")).unwrap();
    assert_eq!(all_crashes(&disk), BTreeSet::from([image(&[("a", b"xy")])]));
}

#[test]
fn blocks_are_torn_independently() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "a", &[1; 1024]);
    file.sync_data().unwrap();
    disk.sync_directory(Path::new("")).unwrap();
    file.write_at(0, &[2; 1024]).unwrap();
    let blocks = |first: u8, second: u8| image(&[("a", &[[first; 512], [second; 512]].concat())]);
    let any = [blocks(1, 1), blocks(1, 2), blocks(2, 1), blocks(2, 2)];
    assert_eq!(all_crashes(&disk), BTreeSet::from(any));
}

#[test]
fn renames_and_removals_are_lost_or_done_in_any_order() {
    let disk = SimulatedDisk::new();
    create(&disk, "a", b"a").sync_data().unwrap();
    create(&disk, "b", b"b").sync_data().unwrap();
    disk.sync_directory(Path::new("")).unwrap();
    disk.rename(Path::new("a"), Path::new("c")).unwrap();
    disk.remove_file(Path::new("b")).unwrap();
    let images = all_crashes(&disk);
    assert_eq!(images.len(), 8);
    assert!(images.contains(&image(&[("a", b"a")])), "the later one may be all that is left");
    assert_eq!(disk.files().len(), 1);
}

#[test]
fn a_failed_flush_never_comes_back() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "a", b"old");
    file.sync_data().unwrap();
    disk.sync_directory(Path::new("")).unwrap();
    file.write_at(0, b"new").unwrap();
    let io = Fault { call: Call::SyncFile, after: 0, times: 1, failure: Failure::Io, arriving: 0 };
    disk.fail(io);
    assert!(file.sync_data().is_err());
    assert_eq!(disk.heal(), 1);
    file.sync_data().unwrap();
    assert_eq!(disk.read(Path::new("a")).unwrap(), b"new", "the cache has it");
    let images = all_crashes(&disk);
    assert_eq!(images.len(), 1, "and whatever the device has is decided");
    file.write_at(0, b"new").unwrap();
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), BTreeSet::from([image(&[("a", b"new")])]));
}

#[test]
fn a_short_write_leaves_its_beginning() {
    let disk = SimulatedDisk::new();
    let file = disk.open(Path::new("a"), OpenMode::CreateNew).unwrap();
    disk.fail(Fault { call: Call::Write, after: 1, times: 1, failure: Failure::Full, arriving: 2 });
    file.write_at(0, b"one").unwrap();
    assert_eq!(file.write_at(3, b"two").unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!((disk.read(Path::new("a")).unwrap(), disk.heal()), (b"onetw".to_vec(), 1));
    file.write_at(3, b"two").unwrap();
}

#[test]
fn a_lock_has_one_holder_or_many_who_share_it() {
    let disk = SimulatedDisk::new();
    let open = || disk.open_lock(Path::new("lock")).unwrap();
    let (first, second) = (open(), open());
    assert!(first.try_lock(LockKind::Exclusive).unwrap());
    assert!(!second.try_lock(LockKind::Shared).unwrap());
    assert!(first.try_lock(LockKind::Shared).unwrap() && second.try_lock(LockKind::Shared).unwrap());
    assert!(!second.try_lock(LockKind::Exclusive).unwrap());
    drop(first);
    assert!(second.try_lock(LockKind::Exclusive).unwrap());
    assert!(disk.files().is_empty());
}
