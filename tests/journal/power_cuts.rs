//! The power is cut at every call to the file system, also during the recovery from another cut.

use crate::crashing_disk::CrashingDisk;
use crate::support::{Random, enter, records};
use kixx_datastore::stores::journal::{Log, Options, Writer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RUNS: u64 = 16;
const STEPS: usize = 25;

type Image = BTreeMap<PathBuf, Vec<u8>>;

/// What a journal may hold after a power cut.
#[derive(Clone, Default)]
struct Expected {
    /// Every commit that was or is being written, from the first on.
    commits: Vec<Vec<u8>>,
    /// How many of them have to be there.
    durable: usize,
    /// How many the files of the store hold.
    checkpoint: usize,
    /// Whether the journal is being removed, so that it may be gone.
    removing: bool,
}

#[test]
fn every_durable_commit_survives_and_nothing_else_appears() {
    let mut images = 0;
    for seed in 0..RUNS {
        images += run(seed);
    }
    assert!(images > 1_000, "only {images} power cuts");
}

fn run(seed: u64) -> usize {
    let mut random = Random(seed);
    let mut expected = Expected::default();
    let disk = CrashingDisk::new(&Image::new(), seed);
    let mut writer = recover(&disk, seed);
    let mut images = 0;
    for _ in 0..STEPS {
        let before = expected.clone();
        let mut during = step(&mut writer, &disk, &mut expected, &mut random);
        during.durable = before.durable;
        for image in disk.take_images() {
            check(&image, &during, seed);
            images += 1;
        }
    }
    if random.below(2) == 0 {
        expected.removing = true;
        let all = expected.commits.len() as u64;
        writer.remove(all).unwrap();
        for image in disk.take_images() {
            check(&image, &expected, seed);
            images += 1;
        }
        assert!(Log::read(Arc::new(disk), Path::new("d")).unwrap().is_empty());
    } else {
        // Goes on from what one of the cuts left.
        drop(writer);
        if let Some(image) = disk.take_images().pop() {
            again(&image, &expected, seed);
        }
    }
    images
}

/// Does something, and answers what there may be while it is being done. `expected` is brought up to date.
fn step(writer: &mut Writer, disk: &CrashingDisk, expected: &mut Expected, random: &mut Random) -> Expected {
    match random.below(8) {
        0 => {
            writer.sync().unwrap();
            expected.durable = expected.commits.len();
        }
        1 => {
            let checkpoint = random.below(expected.commits.len() + 1);
            expected.checkpoint = expected.checkpoint.max(checkpoint);
            writer.record_checkpoint(checkpoint as u64).unwrap();
            writer.remove_segments().unwrap();
            expected.durable = writer.synced_sequence() as usize;
        }
        kind => {
            let payloads: Vec<Vec<u8>> = (0..=random.below(4))
                .map(|_| {
                    let limit = if random.below(10) == 0 { 300_000 } else { 900 };
                    let length = random.below(limit);
                    random.bytes(length)
                })
                .collect();
            let borrowed: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
            let mut during = expected.clone();
            during.commits.extend_from_slice(&payloads);
            if kind == 2 {
                disk.fail_write(random.below(3), random.below(2_000));
            }
            let appended = match kind % 2 {
                0 => writer.append_synced(&mut records(&borrowed)),
                _ => writer.append(&mut records(&borrowed)),
            };
            disk.heal();
            if appended.is_ok() {
                expected.commits.clone_from(&during.commits);
            }
            expected.durable = writer.synced_sequence() as usize;
            return during;
        }
    }
    expected.clone()
}

fn recover(disk: &CrashingDisk, seed: u64) -> Writer {
    let mut salt = seed << 32;
    let options = Options {
        segment_bytes: 5_000,
        salt: Box::new(move || {
            salt += 1;
            salt
        }),
    };
    enter(Arc::new(disk.clone()), Path::new("d"), options).unwrap()
}

/// Recovers from a power cut, and answers how many commits there are.
fn check(image: &Image, expected: &Expected, seed: u64) -> usize {
    let disk = CrashingDisk::new(image, seed);
    let log = Log::read(Arc::new(disk), Path::new("d"))
        .unwrap_or_else(|error| panic!("seed {seed}: a power cut is no damage: {error}"));
    let last = log.last_sequence() as usize;
    if last == 0 && expected.removing {
        return 0;
    }
    assert!(last >= expected.durable, "seed {seed}: {last} of {} commits are left", expected.durable);
    let checkpoint = log.checkpoint() as usize;
    assert!(checkpoint <= expected.checkpoint.max(if expected.removing { last } else { 0 }), "seed {seed}");
    let mut next = checkpoint;
    log.replay(log.checkpoint(), |sequence, payload| {
        assert_eq!(sequence as usize, next + 1, "seed {seed}");
        assert!(
            expected.commits.get(next).is_some_and(|commit| commit == payload),
            "seed {seed}: commit {sequence}"
        );
        next += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(next, last, "seed {seed}");
    last
}

/// Recovers from a power cut with the power cut again at every call, and goes on.
fn again(image: &Image, expected: &Expected, seed: u64) {
    let last = check(image, expected, seed);
    let disk = CrashingDisk::new(image, seed + 1);
    let mut writer = recover(&disk, seed + (1 << 20));
    // Whoever has read the commits relies on them, so they all have to stay.
    let recovered =
        Expected { durable: last, commits: expected.commits[..last].to_vec(), ..expected.clone() };
    let images = disk.take_images();
    for (index, image) in images.iter().enumerate() {
        let after = index + 1 == images.len();
        check(image, if after { &recovered } else { expected }, seed);
    }
    let mut grown = recovered.clone();
    grown.commits.push(b"after".to_vec());
    writer.append_synced(&mut records(&[b"after"])).unwrap();
    for image in disk.take_images() {
        check(&image, &grown, seed);
    }
    grown.durable += 1;
    for image in disk.take_images() {
        check(&image, &grown, seed);
    }
}
