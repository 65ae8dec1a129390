//! Random histories: a crash image after every operation, and crashes of the recoveries.

use crate::bugs::Bug;
use crate::driver::{run, run_from};
use crate::kind::Kind;
use crate::oracle::{Loss, Oracle};
use crate::plan::{Faults, Plan, Size};
use kixx_datastore::fs::simulated::{Choices, History, Seeded};
use kixx_datastore::kv::Durability;
use kixx_datastore::stores::directory::Files;
use std::fmt;

/// Each goes on with what a crash of the one before left.
const GENERATIONS: usize = 3;
/// Images after one operation.
const SAMPLES: usize = 2;
/// How many operations a failure lists.
const OPERATIONS_SHOWN: usize = 30;

/// Which image, so that it can be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    pub(crate) seed: u64,
    generation: usize,
    operation: usize,
    sample: usize,
}

impl ImageName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
        let mut next = || parts.next().flatten();
        let mut small = || next().and_then(|number| usize::try_from(number).ok());
        let seed = small()? as u64;
        Some(Self { seed, generation: small()?, operation: small()?, sample: small()? })
    }

    fn random(&self) -> Seeded {
        let place = (self.generation * 1_000_000 + self.operation) * 100 + self.sample;
        Seeded(Seeded(self.seed ^ 0x5eed).bits() ^ Seeded(place as u64).bits())
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.seed, self.generation, self.operation, self.sample)
    }
}

/// Runs the history of `seed` and crashes it everywhere, or tries `only` one image. Answers how many images
/// were tried, or what is wrong and how to see it again.
pub(crate) fn one_history<K: Kind>(
    seed: u64,
    bug: Option<Bug>,
    only: Option<&ImageName>,
) -> Result<usize, String> {
    let mut random = Seeded(seed);
    let (mut disk, mut states) = K::first_disk();
    let mut images = 0;
    for generation in 0..GENERATIONS {
        let plan = random_plan(&mut random, bug);
        let (oracle, outcome) = run::<K>(&disk, states, plan, &mut random, bug);
        outcome.map_err(|problem| format!("history {seed}, generation {generation}, {plan:?}: {problem}"))?;
        let mut history = disk.history();
        let next = random.choose(history.total() + 1);
        let mut left = None;
        loop {
            let operation = history.done();
            for sample in 0..if bug.is_some() { 1 } else { SAMPLES } {
                let name = ImageName { seed, generation, operation, sample };
                if only.is_none_or(|only| *only == name) {
                    images += crash::<K>(&history, &oracle, plan, &name, bug)?;
                }
            }
            if operation == next {
                left = Some((history.crash(&mut random), oracle.allowed(operation, Loss::Power)));
            }
            if !history.advance() {
                break;
            }
        }
        let Some(left) = left else { return Ok(images) };
        (disk, states) = left;
    }
    Ok(images)
}

/// Crashes here, recovers, crashes the recovery, and recovers again. Answers how many images these were.
fn crash<K: Kind>(
    history: &History,
    oracle: &Oracle,
    plan: Plan,
    name: &ImageName,
    bug: Option<Bug>,
) -> Result<usize, String> {
    let mut random = name.random();
    let loss = if random.choose(10) == 0 { Loss::Process } else { Loss::Power };
    let disk = match loss {
        Loss::Process => history.kill(),
        Loss::Power => history.crash(&mut random),
    };
    let told = |crashes: &str, problem: String| {
        let last = history.describe(OPERATIONS_SHOWN).join("\n    ");
        format!(
            "image {name} ({loss:?}, {plan:?}{crashes}): {problem}\n  after\n    {last}\n  \
             to see it again: npm run test:crash -- --replay {name}"
        )
    };
    let faults = if random.choose(4) == 0 { Faults::Sometimes } else { Faults::None };
    let plan = Plan { steps: random.choose(3), faults, ..plan };
    let allowed = oracle.allowed(history.done(), Loss::Power);
    let lost_with_power = allowed.len() - oracle.allowed(history.done(), loss).len();
    let before = Oracle::new(allowed, lost_with_power);
    let (recovery, outcome) = run_from::<K>(&disk, before, plan, &mut random, bug);
    outcome.map_err(|problem| told("", problem))?;

    let mut history = disk.history();
    history.advance_to(random.choose(history.total() + 1));
    let disk = history.crash(&mut random);
    let allowed = recovery.allowed(history.done(), Loss::Power);
    let plan = Plan { steps: 0, faults: Faults::None, ..plan };
    let (_, outcome) = run::<K>(&disk, allowed, plan, &mut random, bug);
    outcome.map_err(|problem| {
        let during = history.describe(OPERATIONS_SHOWN).join("\n    ");
        told(&format!(", and a second crash after\n    {during}\n  "), problem)
    })?;
    Ok(2)
}

fn random_plan(random: &mut Seeded, bug: Option<Bug>) -> Plan {
    let durability = match random.choose(5) {
        0 => Durability::Os,
        1 => Durability::Batched,
        _ => Durability::Sync,
    };
    let faults = match random.choose(6) {
        _ if bug.is_some_and(Bug::shows_in_faults) => Faults::Often,
        0..=2 => Faults::None,
        3..=4 => Faults::Sometimes,
        _ => Faults::Often,
    };
    Plan { steps: 2 + random.choose(10), durability, faults, size: Size::Any }
}

#[test]
fn a_seed_stands_for_one_history() {
    let operations = |seed: u64| {
        let mut random = Seeded(seed);
        let (disk, states) = Files::first_disk();
        let plan =
            Plan { steps: 12, durability: Durability::Sync, faults: Faults::Sometimes, size: Size::Any };
        run::<Files>(&disk, states, plan, &mut random, None).1.unwrap();
        let mut history = disk.history();
        let mut operations = Vec::new();
        while history.advance() {
            operations.extend(history.describe(1));
        }
        operations
    };
    for seed in 0..20 {
        let (first, second) = (operations(seed), operations(seed));
        let other = (0..first.len()).find(|at| first.get(*at) != second.get(*at));
        assert_eq!(other, None, "history {seed}");
        assert_eq!(first.len(), second.len(), "history {seed}");
    }
}
