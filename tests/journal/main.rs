//! The journal on real files: damage, failing disks, segments, group commit.

#![allow(unreachable_pub, reason = "one crate of several files")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod damage;
mod failing_disk;
mod faults;
mod group_commit;
mod segments;
mod support;
mod torn_writes;
