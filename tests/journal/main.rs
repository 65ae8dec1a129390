//! The journal on real files: damage, failing disks, segments, group commit.

#![allow(unreachable_pub, reason = "one crate of several files")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod crashing_disk;
mod damage;
mod failing_disk;
mod faults;
mod group_commit;
mod map_store;
mod power_cuts;
mod segments;
mod support;
