//! Crashes of every kind at every operation of the stores, on a simulated disk.
//!
//! The environment directs longer runs: `CRASH_IMAGES` (how many images at least), `CRASH_SEED` (of the first
//! history), `CRASH_REPLAY` (one image, as a failure prints it).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bugs;
mod campaign;
mod compaction;
mod driver;
mod exhaustive;
mod kind;
mod oracle;
mod plan;
mod regressions;
mod seam;
mod seam_file;

use campaign::{ImageName, one_history};
use kind::Kind;
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::disk::DataFile;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// How many images a usual run tries at least.
const IMAGES: usize = 20_000;
/// The same of the store on disk, whose file is larger.
const DISK_IMAGES: usize = 3_000;

#[test]
fn no_crash_of_a_directory_loses_or_invents_a_commit() {
    campaign_of::<Files>(IMAGES);
}

#[test]
fn no_crash_of_a_store_on_disk_loses_or_invents_a_commit() {
    campaign_of::<DataFile>(DISK_IMAGES);
}

fn campaign_of<K: Kind>(images: usize) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let wanted = number("CRASH_IMAGES").map_or(images, |images| usize::try_from(images).unwrap());
    let first = number("CRASH_SEED").unwrap_or(1);
    if let Ok(name) = std::env::var("CRASH_REPLAY") {
        let only = ImageName::parse(&name).expect("CRASH_REPLAY");
        let images =
            one_history::<K>(only.seed, None, Some(&only)).unwrap_or_else(|problem| panic!("{problem}"));
        println!("image {name}: good, {images} tried");
        return;
    }
    let (seeds, images, started) = (AtomicU64::new(first), AtomicUsize::new(0), Instant::now());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while images.load(Ordering::Relaxed) < wanted {
                    let seed = seeds.fetch_add(1, Ordering::Relaxed);
                    let tried =
                        one_history::<K>(seed, None, None).unwrap_or_else(|problem| panic!("{problem}"));
                    images.fetch_add(tried, Ordering::Relaxed);
                }
            });
        }
    });
    let (images, last) = (images.into_inner(), seeds.into_inner());
    println!("{images} crash images of the histories {first} to {} in {:.1?}", last - 1, started.elapsed());
    assert!(images >= wanted);
}
