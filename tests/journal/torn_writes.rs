//! A power cut leaves any part of what was not flushed, sector by sector.

use crate::support::{Journal, Random, records};

const SECTOR_BYTES: usize = 512;

#[test]
fn what_was_flushed_survives_whatever_became_of_the_rest() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let journal = Journal::new();
        let mut writer = journal.writer_with(300_000);
        let mut flushed = None;
        for _ in 0..1 + random.below(6) {
            let payloads: Vec<Vec<u8>> = (0..1 + random.below(5))
                .map(|_| {
                    let length = if random.below(8) == 0 { 100_000 } else { 1_500 };
                    let length = random.below(length);
                    random.bytes(length)
                })
                .collect();
            let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
            writer.append(&mut records(&payloads)).unwrap();
            if random.below(3) == 0 {
                writer.sync().unwrap();
                flushed = Some((journal.files(), writer.last_sequence()));
            }
        }
        drop(writer);
        let after = journal.files();
        let commits = journal.commits().unwrap();
        // Rolling flushes the segment before, so only the last one has anything to lose.
        let last = after.len() - 1;
        let kept = flushed.as_ref().and_then(|(files, _)| files.get(last)).map(|file| file.1.clone());
        let durable = flushed.map_or(0, |flushed| flushed.1);
        for _ in 0..10 {
            let mut torn = after.clone();
            torn[last].1 = tear(kept.as_deref(), &after[last].1, &mut random);
            let torn = Journal::of(&torn);
            let recovered = torn.commits().unwrap();
            assert_eq!(recovered, commits[..recovered.len()], "seed {seed}");
            assert!(recovered.len() as u64 >= durable, "seed {seed} lost commit {durable}");
            torn.writer().append_synced(&mut records(&[b"on"])).unwrap();
            assert_eq!(torn.sequences().len(), recovered.len() + 1, "seed {seed}");
        }
    }
}

/// Each sector as it was when last flushed, or as it was written after, or zeros where the file grew. Of a new
/// segment the first chunk was flushed when it was made.
fn tear(flushed: Option<&[u8]>, written: &[u8], random: &mut Random) -> Vec<u8> {
    let mut made = written[..64].to_vec();
    made.resize(256 << 10, 0);
    let flushed = flushed.unwrap_or(&made);
    let mut torn = flushed.to_vec();
    torn.resize(if random.below(2) == 0 { written.len() } else { flushed.len() }, 0);
    let share = random.below(4);
    for (torn, written) in torn.chunks_mut(SECTOR_BYTES).zip(written.chunks(SECTOR_BYTES)) {
        if random.below(4) <= share && torn.len() <= written.len() {
            torn.copy_from_slice(&written[..torn.len()]);
        }
    }
    torn
}
