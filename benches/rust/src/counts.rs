//! Runs a hot path some times, to be counted by callgrind; without arguments, lists the paths with the
//! operations of one run. Two counts differ by what the additional runs take, so the rest does not count.

use hot_paths::{HOT_PATHS, OPERATIONS};
use kixx_datastore::{Error, Result};
use std::env;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, runs] = &arguments[..] else {
        for path in HOT_PATHS {
            println!("{} {OPERATIONS}", path.name);
        }
        return Ok(());
    };
    let path = HOT_PATHS.iter().find(|path| path.name == name);
    let path = path.ok_or_else(|| Error::assertion(format!("There is no hot path {name}")))?;
    let runs = runs.parse().map_err(|_| Error::assertion(format!("{runs} is no number of runs")))?;
    let mut run = (path.prepare)();
    (0_u32..runs).try_for_each(|_| run())
}
