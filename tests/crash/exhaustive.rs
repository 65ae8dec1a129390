//! Short histories: all images after every operation.

use crate::driver::run;
use crate::kind::Kind;
use crate::oracle::Loss;
use crate::plan::{Faults, Plan, Size};
use kixx_datastore::fs::simulated::{Exhaustive, Seeded};
use kixx_datastore::kv::Durability;
use kixx_datastore::stores::directory::Files;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

const HISTORIES: u64 = 6;
/// Where one moment has more outcomes, these are tried.
const OUTCOMES_PER_MOMENT: usize = 20_000;

#[test]
fn every_crash_of_short_histories_is_recovered() {
    let (mut images, mut moments, mut cut) = (0, 0, 0);
    for seed in 0..HISTORIES {
        let mut random = Seeded(seed);
        let durability = if seed % 3 == 2 { Durability::Os } else { Durability::Sync };
        let plan = Plan { steps: 2, durability, faults: Faults::None, size: Size::Small };
        let (disk, states) = Files::first_disk();
        let (oracle, outcome) = run::<Files>(&disk, states, plan, &mut random, None);
        outcome.unwrap_or_else(|problem| panic!("history {seed}: {problem}"));
        let mut history = disk.history();
        let mut seen = HashSet::new();
        loop {
            let allowed = oracle.allowed(history.done(), Loss::Power);
            let mut choices = Exhaustive::default();
            let mut outcomes = 0;
            loop {
                let image = history.crash(&mut choices);
                let mut hasher = DefaultHasher::new();
                (image.files(), allowed.iter().map(|state| &**state).collect::<Vec<_>>()).hash(&mut hasher);
                if seen.insert(hasher.finish()) {
                    let plan = Plan { steps: 0, ..plan };
                    let (_, outcome) = run::<Files>(&image, allowed.clone(), plan, &mut random, None);
                    outcome.unwrap_or_else(|problem| {
                        let (done, last) = (history.done(), history.describe(1).concat());
                        panic!("history {seed}, outcome {outcomes} of operation {done}, {last}: {problem}")
                    });
                    images += 1;
                }
                outcomes += 1;
                if !choices.advance() {
                    break;
                }
                if outcomes == OUTCOMES_PER_MOMENT {
                    cut += 1;
                    break;
                }
            }
            moments += 1;
            if !history.advance() {
                break;
            }
        }
    }
    println!("{images} different images at {moments} moments, {cut} of them not exhausted");
    assert!(images > 500, "only {images} images");
}
