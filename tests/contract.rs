//! One suite for every store: what `kv::Store` promises, as its users notice it. A new store adds one line at
//! the end of this file, and one function that opens it in `contract/harness.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "contract/batches.rs"]
mod batches;
#[path = "contract/busy.rs"]
mod busy;
#[path = "contract/changes.rs"]
mod changes;
#[path = "contract/harness.rs"]
mod harness;
#[path = "contract/lifecycle.rs"]
mod lifecycle;
#[path = "contract/model.rs"]
mod model;
#[path = "contract/reads.rs"]
mod reads;
#[path = "contract/snapshots.rs"]
mod snapshots;
#[path = "contract/threads.rs"]
mod threads;

/// The suite for one store, as a module of tests.
macro_rules! contract {
    ($store:ident, $open:expr) => {
        mod $store {
            contract! { @tests $open;
                reads {
                    what_was_put_is_there
                    absent_keys_and_spaces_are_empty
                    spaces_are_apart
                    keys_and_values_may_be_any_bytes
                    ranges_respect_their_bounds
                    bounds_in_the_wrong_order_are_an_empty_range
                    pages_begin_at_any_offset
                    resident_stores_answer_at_once
                    a_look_sees_what_get_does
                }
                batches {
                    checks_hold_or_conflict
                    versions_count_the_puts
                    exact_versions_are_kept
                    what_is_there_may_be_left_out
                    what_only_checks_leaves_no_trace
                    sequences_grow_and_mark_entries
                    a_conflict_changes_nothing
                    a_conflict_says_what_and_where
                    later_operations_see_earlier_ones
                    deleting_nothing_is_no_error
                    an_empty_batch_changes_nothing
                    keys_and_values_that_are_too_long_are_refused
                }
                snapshots {
                    later_commits_do_not_move_a_snapshot
                    each_snapshot_has_its_own_moment
                }
                changes {
                    every_changed_key_is_told_once
                    a_conflict_is_no_change
                    changes_between_moments_are_told
                    moments_of_others_are_too_old
                    long_ago_is_too_old
                }
                lifecycle {
                    a_closed_store_answers_closed
                    flushing_keeps_everything
                    what_was_acknowledged_is_there_after_reopening
                }
                threads {
                    increments_lose_nothing
                    only_one_insert_of_a_key_wins
                    readers_see_batches_whole
                }
                model {
                    random_batches_match_a_plain_map
                }
            }
        }
    };
    (@tests $open:expr; $($topic:ident { $($test:ident)+ })+) => {
        $(mod $topic {
            $(#[test]
            fn $test() {
                crate::$topic::$test(&mut $open());
            })+
        })+
    };
}

contract!(memory, crate::harness::memory);
contract!(indexed_memory, crate::harness::indexed_memory);
contract!(directory, crate::harness::directory);
contract!(disk, crate::harness::disk);
contract!(busy_disk, crate::harness::busy_disk);
