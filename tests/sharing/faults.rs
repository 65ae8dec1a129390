//! One of several processes meets a failure in each of its steps, and lives. The others don't notice.

use crate::kind::Kind;
use crate::process::Step;
use crate::scene::{Scene, Then, story};
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::disk::DataFile;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn others_do_not_notice_a_failure_of_one() {
    fail_everywhere::<Files>();
}

#[test]
fn others_on_disk_do_not_notice_a_failure_of_one() {
    fail_everywhere::<DataFile>();
}

fn fail_everywhere<K: Kind>() {
    for step in 1.. {
        let mut scene = Scene::<K>::new(true);
        let steps = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&steps);
        scene.victim.watch(move |kind, path| {
            // No system refuses to let go of a lock.
            let counts = !matches!(kind, Step::Page | Step::Unlock | Step::Fall);
            if !counts || counted.fetch_add(1, Ordering::SeqCst) + 1 != step {
                return Ok(());
            }
            Err(io::Error::other(format!("{kind:?} of {} fails", path.display())))
        });
        let outcome = scene.play_with_faults(&story()).and_then(|()| {
            scene.victim.kill();
            scene.go_on(Then::Write)
        });
        outcome.unwrap_or_else(|problem| panic!("a failure in step {step}: {problem}"));
        if steps.load(Ordering::SeqCst) < step {
            println!("a failure in each of {step} steps");
            assert!(step > 100, "{step}");
            return;
        }
    }
}
