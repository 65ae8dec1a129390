//! Damage of every kind at seeded places: what is read is right, and what is not is named.

use crate::ruins::{PAGE, Ruin, TIMEOUT, closed, crashed, real};
use crate::support::try_open;
use kixx_datastore::fs::simulated::{Choices, Seeded};
use kixx_datastore::stores::disk::compact;

const COUNT: usize = 600;
const ROUNDS: usize = 16;

/// One wrong bit is put right, wherever it is, unless the page is large.
#[test]
fn a_flipped_bit_costs_nothing() {
    let ruin = closed(COUNT);
    // So that there is little in it that nobody looks at.
    compact(&real(), ruin.path(), TIMEOUT).unwrap();
    for seed in 1..3 {
        let bytes = ruin.bytes();
        let mut random = Seeded(seed);
        let (mut damaged, mut lost) = (0, 0);
        for _ in 0..ROUNDS {
            let at = random.choose(bytes.len());
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << random.choose(8);
            let (found, gone) = check(&ruin.with(&bytes), &format!("seed {seed}, byte {at}"));
            damaged += usize::from(found);
            lost += gone;
        }
        println!("seed {seed}: {damaged} of {ROUNDS} flipped bits were found, {lost} documents lost");
        assert!(damaged > ROUNDS / 4 && lost == 0, "{damaged}, {lost}");
    }
}

/// Every byte of the first page that means something.
#[test]
fn every_byte_of_the_first_page_may_be_wrong() {
    let ruin = closed(300);
    let bytes = ruin.bytes();
    for at in (0..320).filter(|at| at % 12 == 0 || *at < 12) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0xff;
        check(&ruin.with(&bytes), &format!("byte {at}"));
    }
}

#[test]
fn bytes_of_any_page_may_be_others() {
    let mut lost = 0;
    for (ruin, seed) in [(closed(COUNT), 3), (crashed(COUNT), 4)] {
        let bytes = ruin.bytes();
        let mut random = Seeded(seed);
        for round in 0..ROUNDS {
            let length = [2, 8, 100, 512][round % 4];
            let at = random.choose(bytes.len() - length);
            let mut bytes = bytes.clone();
            bytes[at..at + length].iter_mut().for_each(|byte| *byte = random.bits().to_le_bytes()[0]);
            lost += check(&ruin.with(&bytes), &format!("seed {seed}, {length} bytes at {at}")).1;
        }
    }
    println!("{lost} documents lost");
    assert!(lost > 0);
}

#[test]
fn pages_may_be_zeros_or_others() {
    let ruin = crashed(COUNT);
    let bytes = ruin.bytes();
    let pages = bytes.len() / PAGE;
    let mut random = Seeded(5);
    for _ in 0..ROUNDS / 2 {
        let (page, other) = (1 + random.choose(pages - 1), 1 + random.choose(pages - 1));
        let (here, there) = (page * PAGE..(page + 1) * PAGE, other * PAGE..(other + 1) * PAGE);
        let mut zeros = bytes.clone();
        zeros[here.clone()].fill(0);
        check(&ruin.with(&zeros), &format!("page {page} of zeros"));
        let mut swapped = bytes.clone();
        swapped[here.clone()].copy_from_slice(&bytes[there.clone()]);
        swapped[there].copy_from_slice(&bytes[here]);
        check(&ruin.with(&swapped), &format!("page {page} swapped with {other}"));
    }
}

/// A disk that loses writes: the page is a good one, of another time.
#[test]
fn a_page_of_another_time_is_not_taken() {
    let (older, newer) = twice();
    let (old, new) = (older.bytes(), newer.bytes());
    let mut lost = 0;
    for page in 1..new.len().min(old.len()) / PAGE {
        let place = page * PAGE..(page + 1) * PAGE;
        if old[place.clone()] == new[place.clone()] {
            continue;
        }
        let mut bytes = new.clone();
        bytes[place.clone()].copy_from_slice(&old[place]);
        lost += check(&newer.with(&bytes), &format!("page {page} of another time")).1;
    }
    assert!(lost > 0);
}

#[test]
fn a_file_may_be_cut_anywhere() {
    let ruin = closed(COUNT);
    let bytes = ruin.bytes();
    let mut random = Seeded(6);
    let mut lengths: Vec<usize> = (0..8).map(|_| random.choose(bytes.len())).collect();
    lengths.extend([0, 1, 319, 320, PAGE - 1, PAGE, 2 * PAGE, bytes.len() - PAGE, bytes.len() - 1]);
    for length in lengths {
        let (found, _) = check(&ruin.with(&bytes[..length]), &format!("cut to {length}"));
        assert!(found, "cut to {length}");
    }
}

#[test]
fn of_no_data_file_at_all_everything_is_lost() {
    let ruin = closed(50);
    let garbage: Vec<u8> =
        (0..1_u32 << 16).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for bytes in [vec![0; 1 << 18], garbage, b"{\"_rev\":0}".to_vec()] {
        let ruin = ruin.with(&bytes);
        assert_eq!(ruin.repaired("no data file").1.len(), ruin.documents.len());
    }
}

/// Whether damage was found, and how many documents are lost.
#[track_caller]
fn check(ruin: &Ruin, what: &str) -> (bool, usize) {
    let found = ruin.verified();
    if found.findings.is_empty() {
        // Nobody looks at that place.
        let store = try_open(ruin.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(crate::ruins::documents(&store) == ruin.documents, "{what}: not found");
        assert_eq!(found.documents, ruin.documents.len() as u64, "{what}");
        return (false, 0);
    }
    (true, ruin.repaired(what).1.len())
}

/// The same store before and after documents were replaced.
fn twice() -> (Ruin, Ruin) {
    let older = closed(250);
    let directory = crate::support::image(older.path());
    let store = try_open(directory.path()).unwrap();
    crate::ruins::fill(&store, 250);
    let documents = crate::ruins::documents(&store);
    kixx_datastore::kv::Store::close(&store).wait().unwrap();
    (older, Ruin { directory, documents })
}
