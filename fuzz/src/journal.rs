//! Journals: any bytes are read or refused, and what was read stays so through repairs and further writing.
//! Journals that were written and then damaged lose nothing that the format can know, and invent nothing.

use super::damage::{Damage, any_damage};
use super::forge::{self, Files};
use super::input::Input;
use kixx_datastore::fs::simulated::SimulatedDisk;
use kixx_datastore::fs::{FileSystem, OpenMode, PrivatePage};
use kixx_datastore::stores::journal::{JournalPage, Log, Options, Records, Sharing, Writer, decode_commit};
use kixx_datastore::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DIRECTORY: &str = "journal";
const MAX_DAMAGES: usize = 6;
const MAX_OPENINGS: u64 = 3;
const MAX_STEPS: usize = 16;

/// The bytes as segments, as fields of segments, or as what to write and to damage.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    match input.byte() % 4 {
        0 => drop(check_files(&raw_segments(&mut input))),
        1 => drop(check_files(&forge::segments(&mut input))),
        _ => check_damaged(&mut input),
    }
}

/// What a reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    commits: Vec<(u64, Vec<u8>)>,
    last_sequence: u64,
    checkpoint: u64,
}

fn raw_segments(input: &mut Input<'_>) -> Files {
    let (first, count) = (u64::from(input.byte() % 2) + 1, u64::from(input.byte() % 3));
    let mut files = Files::new();
    for id in first..first + count {
        let length = usize::from(input.u16());
        files.insert(id, input.take(length).to_vec());
    }
    files.insert(first + count, input.0.to_vec());
    files
}

/// What these files hold; nothing if they are refused.
fn check_files(files: &Files) -> Option<Found> {
    let disk = disk_with(files);
    let before = disk.files();
    let read = read(&disk);
    assert_eq!(disk.files(), before, "reading changes nothing");
    let (log, found) = match read {
        Ok(read) => read,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.message().contains("journal-"), "{error}");
            return None;
        }
    };
    let sequences = found.commits.iter().map(|commit| commit.0);
    assert!(found.checkpoint <= found.last_sequence, "{found:?}");
    assert!(sequences.eq(found.checkpoint + 1..=found.last_sequence), "{found:?}");
    for (sequence, payload) in &found.commits {
        if let Err(error) = decode_commit(*sequence, payload) {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
    drop(log);
    // Whoever writes first repairs.
    drop(writer(&disk, options(1 << 20, 0xbe4)));
    let repaired = disk.files();
    let (log, again) = self::read(&disk).unwrap();
    assert_eq!((&again, log.torn_bytes()), (&found, 0));
    let writer = writer(&disk, options(1 << 20, 0xaf7e));
    assert_eq!(disk.files(), repaired, "a second repair changes nothing");
    go_on(&disk, writer, &found);
    Some(found)
}

/// Writes behind what was found, then says that the files of the store hold everything.
fn go_on(disk: &SimulatedDisk, mut writer: Writer, found: &Found) {
    let next = found.last_sequence + 1;
    writer.append_synced(&mut records(&[b"after"])).unwrap();
    let mut expected = Found { last_sequence: next, ..found.clone() };
    expected.commits.push((next, b"after".to_vec()));
    assert_eq!(read(disk).unwrap().1, expected);
    writer.record_checkpoint(next).unwrap();
    writer.remove_segments().unwrap();
    assert_eq!(read(disk).unwrap().1, Found { commits: Vec::new(), last_sequence: next, checkpoint: next });
    writer.remove(next).unwrap();
    assert!(read(disk).unwrap().0.is_empty());
}

/// Writes a journal, damages it, and compares.
fn check_damaged(input: &mut Input<'_>) {
    let length = usize::from(input.byte());
    let program = input.take(length);
    let (files, written) = write(program, 1);
    let (foreign, _) = write(program, 2);
    let (log, whole) = read(&disk_with(&files)).expect("an undamaged journal");
    assert_eq!((whole.last_sequence, log.torn_bytes()), (written.len() as u64, 0));
    drop(log);
    check_commits(&whole, &written);
    let mut damaged = files.clone();
    let mut spots = Vec::new();
    while !input.is_empty() && spots.len() < MAX_DAMAGES {
        spots.push(any_damage(input, &mut damaged, &foreign));
    }
    let Some(found) = check_files(&damaged) else { return };
    assert!(found.last_sequence <= whole.last_sequence, "invented: {found:?}");
    check_commits(&found, &written);
    if let [Some(damage)] = &spots[..] {
        // What the checkpoint covers is in files.
        check_loss(&files, damage, whole.last_sequence - found.last_sequence.max(whole.checkpoint));
    }
}

/// Every commit is the one that was written.
fn check_commits(found: &Found, written: &[Vec<u8>]) {
    for (sequence, payload) in &found.commits {
        assert_eq!(Some(payload), written.get(usize::try_from(*sequence).unwrap() - 1), "commit {sequence}");
    }
}

/// Damage to one place may only lose the end of the last segment, and only what nothing behind the damage
/// says to have been durable.
fn check_loss(files: &Files, damage: &Damage, lost: u64) {
    if lost == 0 {
        return;
    }
    let (newest, bytes) = files.last_key_value().expect("something was lost");
    assert_eq!(damage.segment, *newest, "lost from a segment that another one follows");
    assert!(damage.place.end > forge::SEGMENT_HEADER_BYTES, "a header was durable before its records");
    let records = forge::records(bytes);
    let commits: Vec<_> = records.iter().filter(|record| record.is_commit).collect();
    let first_lost = commits[commits.len() - usize::try_from(lost).unwrap()];
    assert!(first_lost.end > damage.place.start, "lost what lies before the damage");
    let proof = records
        .iter()
        .find(|record| record.start >= damage.place.end && record.synced > first_lost.start as u64);
    assert!(proof.is_none(), "lost at {} although {proof:?} says that it was durable", first_lost.start);
}

/// Carries out a program: the segments, with few of the zeros behind the records, and the payloads of the
/// commits, from the first on.
fn write(program: &[u8], salt: u64) -> (Files, Vec<Vec<u8>>) {
    let mut input = Input(program);
    let disk = disk_with(&Files::new());
    let segment_bytes = 64 + 4 * u64::from(input.byte());
    let zeros = usize::from(input.byte() % 48);
    let mut written: Vec<Vec<u8>> = Vec::new();
    for opening in 0..MAX_OPENINGS {
        let mut writer = writer(&disk, options(segment_bytes, salt << 32 | opening << 16));
        // Numbers begin again where nothing was left.
        written.truncate(usize::try_from(writer.last_sequence()).unwrap());
        work(&mut writer, &mut input, salt, &mut written);
    }
    let files = segments_of(&disk, zeros);
    if files.is_empty() {
        written.clear();
    }
    (files, written)
}

/// Steps of a program, up to one that means a crash.
fn work(writer: &mut Writer, input: &mut Input<'_>, salt: u64, written: &mut Vec<Vec<u8>>) {
    let mut steps = 0;
    while !input.is_empty() && steps < MAX_STEPS {
        steps += 1;
        let step = input.byte();
        match step % 8 {
            0..4 => {
                let payloads: Vec<Vec<u8>> = (0..=step >> 6)
                    .map(|_| (usize::from(input.byte() % 64), input.byte()))
                    .map(|(length, byte)| vec![byte ^ salt.to_le_bytes()[0]; length])
                    .collect();
                let texts: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
                let appended = match step & 8 {
                    0 => writer.append(&mut records(&texts)),
                    _ => writer.append_synced(&mut records(&texts)),
                };
                appended.unwrap();
                written.extend(payloads);
            }
            4 => writer.sync().unwrap(),
            5 => {
                let behind = u64::from(step >> 5);
                writer.record_checkpoint(writer.last_sequence().saturating_sub(behind)).unwrap();
            }
            6 => writer.remove_segments().unwrap(),
            _ => return,
        }
    }
}

/// A writer whose turn it is.
fn writer(disk: &SimulatedDisk, options: Options) -> Writer {
    let (log, _) = read(disk).unwrap();
    let page = JournalPage::create(Arc::new(PrivatePage::default()), &log.position(), false);
    let sharing = Sharing { page, lock: None, loaders: None };
    let mut writer = Writer::new(Arc::new(disk.clone()), Path::new(DIRECTORY), sharing, options);
    writer.enter().unwrap();
    writer
}

fn options(segment_bytes: u64, first_salt: u64) -> Options {
    let mut salts = first_salt..;
    Options { segment_bytes, salt: Box::new(move || salts.next().unwrap_or_default()) }
}

fn records(payloads: &[&[u8]]) -> Records {
    let mut records = Records::default();
    for payload in payloads {
        let write = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(payload);
            Ok(())
        };
        records.push(write).unwrap();
    }
    records
}

fn read(disk: &SimulatedDisk) -> Result<(Log, Found)> {
    let log = Log::read(Arc::new(disk.clone()), Path::new(DIRECTORY))?;
    let mut commits = Vec::new();
    log.replay(log.checkpoint(), |sequence, payload| {
        commits.push((sequence, payload.to_vec()));
        Ok(())
    })?;
    let (last_sequence, checkpoint) = (log.last_sequence(), log.checkpoint());
    Ok((log, Found { commits, last_sequence, checkpoint }))
}

fn disk_with(files: &Files) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.create_directory(Path::new(DIRECTORY)).unwrap();
    for (id, bytes) in files {
        let path = PathBuf::from(DIRECTORY).join(format!("journal-{id:016x}.log"));
        disk.open(&path, OpenMode::CreateNew).unwrap().write_at(0, bytes).unwrap();
    }
    disk
}

fn segments_of(disk: &SimulatedDisk, zeros: usize) -> Files {
    let id = |path: &Path| {
        let name = path.file_stem()?.to_str()?.strip_prefix("journal-")?;
        u64::from_str_radix(name, 16).ok()
    };
    let content = |bytes: &[u8]| {
        let used = forge::records(bytes).last().map_or(forge::SEGMENT_HEADER_BYTES, |record| record.end);
        bytes[..bytes.len().min(used + zeros)].to_vec()
    };
    disk.files().iter().map(|(path, bytes)| (id(path).unwrap(), content(bytes))).collect()
}
