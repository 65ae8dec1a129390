use super::*;
use crate::fs::{LockKind, PAGE_BYTES};

fn write(path: &Path, mode: OpenMode, bytes: &[u8]) -> io::Result<()> {
    OsFileSystem::PRIVATE.open(path, mode)?.write_at(0, bytes)
}

#[test]
fn directories_are_made_with_their_parents_and_may_exist() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/b/c");
    OsFileSystem::PRIVATE.create_directory(&path).unwrap();
    OsFileSystem::PRIVATE.create_directory(&path).unwrap();
    assert!(path.is_dir());
}

#[test]
fn a_directory_can_not_take_the_place_of_a_file() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    write(&path, OpenMode::CreateNew, b"x").unwrap();
    assert_eq!(OsFileSystem::PRIVATE.create_directory(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let below = OsFileSystem::PRIVATE.create_directory(&path.join("below")).unwrap_err();
    assert!(below.raw_os_error().is_some(), "{below:?}");
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let (directory, file) = (root.path().join("d"), root.path().join("d/f"));
    OsFileSystem::PRIVATE.create_directory(&directory).unwrap();
    write(&file, OpenMode::CreateNew, b"x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!((mode(&directory), mode(&file)), (0, 0));
}

#[test]
fn open_modes_say_what_may_exist() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    assert_eq!(write(&path, OpenMode::Write, b"x").unwrap_err().kind(), ErrorKind::NotFound);
    write(&path, OpenMode::CreateNew, b"12345").unwrap();
    assert_eq!(write(&path, OpenMode::CreateNew, b"x").unwrap_err().kind(), ErrorKind::AlreadyExists);
    write(&path, OpenMode::Write, b"ab").unwrap();
    assert_eq!(OsFileSystem::PRIVATE.read(&path).unwrap(), b"ab345");
    write(&path, OpenMode::Truncate, b"new").unwrap();
    assert_eq!(OsFileSystem::PRIVATE.read(&path).unwrap(), b"new");
}

#[test]
fn files_are_written_at_offsets_and_cut() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let file = OsFileSystem::PRIVATE.open(&path, OpenMode::CreateNew).unwrap();
    file.write_at(4, b"later").unwrap();
    file.write_at(0, b"1234").unwrap();
    assert_eq!(file.length().unwrap(), 9);
    file.set_length(2).unwrap();
    file.set_length(4).unwrap();
    file.sync_data().unwrap();
    assert_eq!(OsFileSystem::PRIVATE.read(&path).unwrap(), b"12\0\0");
}

#[test]
fn few_and_many_files_are_flushed() {
    let root = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..20).map(|number| root.path().join(number.to_string())).collect();
    for path in &paths {
        write(path, OpenMode::CreateNew, b"x").unwrap();
    }
    for count in [0, 1, 8, 9, 20] {
        OsFileSystem::PRIVATE.sync_files(root.path(), &paths[..count]).unwrap();
    }
    let missing = OsFileSystem::PRIVATE.sync_files(root.path(), &[root.path().join("missing")]).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    OsFileSystem::PRIVATE.sync_directory(root.path()).unwrap();
}

#[test]
fn directories_list_what_they_hold() {
    let root = tempfile::tempdir().unwrap();
    OsFileSystem::PRIVATE.create_directory(&root.path().join("directory")).unwrap();
    write(&root.path().join("file"), OpenMode::CreateNew, b"").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("file", root.path().join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("dangling")).unwrap();
    }
    let mut entries = OsFileSystem::PRIVATE.read_directory(root.path()).unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let entry = |name: &str, kind| DirectoryEntry { name: name.into(), kind };
    let mut expected = vec![entry("directory", EntryKind::Directory), entry("file", EntryKind::File)];
    if cfg!(unix) {
        expected.insert(0, entry("dangling", EntryKind::Other));
        expected.push(entry("link", EntryKind::File));
    }
    assert_eq!(entries, expected);
    let missing = OsFileSystem::PRIVATE.read_directory(&root.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn a_rename_takes_the_place_of_what_was_there() {
    let root = tempfile::tempdir().unwrap();
    let (from, to) = (root.path().join("from"), root.path().join("to"));
    write(&from, OpenMode::CreateNew, b"new").unwrap();
    write(&to, OpenMode::CreateNew, b"old").unwrap();
    OsFileSystem::PRIVATE.rename(&from, &to).unwrap();
    assert_eq!(OsFileSystem::PRIVATE.read(&to).unwrap(), b"new");
    assert!(!from.exists());
}

#[test]
fn a_lock_keeps_others_out_and_names_its_holder() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("lock");
    let (first, second) =
        (OsFileSystem::PRIVATE.open_lock(&path).unwrap(), OsFileSystem::PRIVATE.open_lock(&path).unwrap());
    assert!(first.try_lock(LockKind::Exclusive).unwrap());
    first.write_note("process 12345").unwrap();
    assert!(!second.try_lock(LockKind::Exclusive).unwrap() && !second.try_lock(LockKind::Shared).unwrap());
    assert_eq!(second.read_note(), "process 12345");
    first.write_note("7").unwrap();
    assert_eq!(second.read_note(), "7", "a shorter name replaces a longer one");
    assert!(first.try_lock(LockKind::Shared).unwrap() && second.try_lock(LockKind::Shared).unwrap());
    assert!(!second.try_lock(LockKind::Exclusive).unwrap());
    drop(first);
    assert!(second.try_lock(LockKind::Exclusive).unwrap() && second.is_current().unwrap());
    OsFileSystem::PRIVATE.remove_file(&path).unwrap();
    let third = OsFileSystem::PRIVATE.open_lock(&path).unwrap();
    assert!(third.try_lock(LockKind::Exclusive).unwrap());
    assert!(third.is_current().unwrap() && !second.is_current().unwrap());
}

#[test]
fn one_of_many_holds_the_lock_while_files_come_and_go() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("lock");
    let holders = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (path, holders) = (&path, &holders);
            scope.spawn(move || {
                let mut turns = 0;
                while turns < 50 {
                    let lock = OsFileSystem::PRIVATE.open_lock(path).unwrap();
                    if lock.try_lock(LockKind::Exclusive).unwrap() && lock.is_current().unwrap() {
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                        std::thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                        OsFileSystem::PRIVATE.remove_file(path).unwrap();
                        turns += 1;
                    }
                }
            });
        }
    });
}

#[test]
fn a_page_is_the_same_memory_for_all_until_it_is_made_anew() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("page");
    assert_eq!(
        OsFileSystem::PRIVATE.open_page(&path, PageAccess::Read).err().map(|error| error.kind()),
        Some(ErrorKind::NotFound)
    );
    let made = OsFileSystem::PRIVATE.create_page(&path).unwrap();
    let reader = OsFileSystem::PRIVATE.open_page(&path, PageAccess::Read).unwrap();
    let other = OsFileSystem::PRIVATE.open_page(&path, PageAccess::Write).unwrap();
    made.words()[3].store(7, Ordering::SeqCst);
    other.words()[4].store(8, Ordering::SeqCst);
    assert_eq!([3, 4].map(|at| reader.words()[at].load(Ordering::SeqCst)), [7, 8]);
    let next = OsFileSystem::PRIVATE.create_page(&path).unwrap();
    assert!(next.words().iter().all(|word| word.load(Ordering::SeqCst) == 0));
    assert_eq!(reader.words()[3].load(Ordering::SeqCst), 7, "who has the old one keeps it");
    fs::write(&path, vec![0; PAGE_BYTES - 1]).unwrap();
    assert!(OsFileSystem::PRIVATE.open_page(&path, PageAccess::Write).is_err(), "half a page is none");
}

#[test]
fn who_waits_at_a_page_is_woken() {
    use std::time::{Duration, Instant};
    let root = tempfile::tempdir().unwrap();
    let page = OsFileSystem::PRIVATE.create_page(&root.path().join("page")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while page.words()[9].load(Ordering::SeqCst) == 0 {
                page.wait(9, 0, Duration::from_secs(60));
            }
        });
        page.words()[9].store(1, Ordering::SeqCst);
        page.wake(9);
    });
    let started = Instant::now();
    page.wait(9, 0, Duration::from_secs(60));
    assert!(started.elapsed() < Duration::from_secs(30), "it has another value than was seen");
}

#[test]
fn the_case_probe_answers_as_the_directory_behaves_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let answer = OsFileSystem::PRIVATE.is_case_insensitive(root.path()).unwrap();
    assert!(OsFileSystem::PRIVATE.read_directory(root.path()).unwrap().is_empty());
    write(&root.path().join("name"), OpenMode::CreateNew, b"").unwrap();
    assert_eq!(root.path().join("NAME").exists(), answer);
    assert!(OsFileSystem::PRIVATE.is_case_insensitive(&root.path().join("missing")).is_err());
}

#[test]
fn errors_keep_the_code_of_the_operating_system() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing");
    assert!(OsFileSystem::PRIVATE.read(&missing).unwrap_err().raw_os_error().is_some());
    assert!(OsFileSystem::PRIVATE.canonicalize(&missing).unwrap_err().raw_os_error().is_some());
    assert!(OsFileSystem::PRIVATE.remove_file(&missing).unwrap_err().raw_os_error().is_some());
    assert!(OsFileSystem::PRIVATE.remove_directory(&missing).unwrap_err().raw_os_error().is_some());
}
