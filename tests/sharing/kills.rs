//! One of several processes is killed in each of its steps. The others go on, and lose nothing.

use crate::kind::Kind;
use crate::process::{Process, Step};
use crate::scene::{ALL, Act, FIRST, Scene, Then, story, third_dies};
use crate::support::{Documents, commit, documents, open, put};
use kixx_datastore::fs::OpenMode;
use kixx_datastore::kv::Store;
use kixx_datastore::stores::directory::Files;
use kixx_datastore::stores::disk::DataFile;
use kixx_datastore::stores::durable::{Base, Durable};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::tempdir;

/// Kills the victim in each of its steps, and goes on in the ways that `thens` gives for it; answers how many
/// steps there are.
fn kill_everywhere<K: Kind>(acts: &[Act], beside: bool, thens: impl Fn(usize) -> Vec<Then>) -> usize {
    for step in (1..).step_by(K::KILL_EVERY) {
        for then in thens(step) {
            let mut scene = Scene::<K>::new(beside);
            scene.victim.die_at(step);
            let outcome = scene.play(acts).and_then(|()| {
                if !scene.victim.is_dead() {
                    scene.victim.kill();
                }
                scene.go_on(then)
            });
            outcome.unwrap_or_else(|problem| {
                panic!("killed in step {step}, beside another: {beside}, then {then:?}: {problem}")
            });
            if scene.victim.steps() < step {
                println!("killed in one in {} of {step} steps", K::KILL_EVERY);
                return step;
            }
        }
    }
    unreachable!()
}

#[test]
fn others_go_on_whenever_one_is_killed() {
    let steps = kill_everywhere::<Files>(&story(), true, |_| ALL.to_vec());
    assert!(steps > 200, "{steps}");
}

#[test]
fn whoever_comes_goes_on_whenever_the_only_one_is_killed() {
    let steps = kill_everywhere::<Files>(&story(), false, |_| FIRST.to_vec());
    assert!(steps > 200, "{steps}");
}

/// Its steps are many, so after each one only one way to go on.
#[test]
fn others_on_disk_go_on_whenever_one_is_killed() {
    let steps = kill_everywhere::<DataFile>(&story(), true, |step| {
        vec![ALL[step / DataFile::KILL_EVERY % ALL.len()]]
    });
    assert!(steps > 300, "{steps}");
}

#[test]
fn whoever_comes_to_a_disk_goes_on_whenever_the_only_one_is_killed() {
    let steps = kill_everywhere::<DataFile>(&story(), false, |step| {
        vec![FIRST[step / DataFile::KILL_EVERY % FIRST.len()]]
    });
    assert!(steps > 300, "{steps}");
}

/// The journal is empty, only nobody was told; and the next one gets no further than the name of a segment.
#[test]
fn two_are_killed_while_one_journal_ends_and_the_next_begins() {
    let directory = tempdir().unwrap();
    let [witness, victim, next] = std::array::from_fn(|_| Process::new());
    let witnessing = open::<Files>(&witness, directory.path()).unwrap();
    let store = open::<Files>(&victim, directory.path()).unwrap();
    commit(&store, &[put("a", "{}")]).unwrap();
    store.checkpoint().wait().unwrap();
    third_dies::<Files>(directory.path());
    die_behind(&victim, Step::Remove);
    assert!(store.checkpoint().wait().is_err());

    let store = open::<Files>(&next, directory.path()).unwrap();
    die_behind(&next, Step::Open(OpenMode::CreateNew));
    assert!(commit(&store, &[put("b", "{}")]).is_err());
    witness.kill();
    drop(witnessing);
    let store = open::<Files>(&Process::new(), directory.path()).unwrap();
    assert_eq!(documents(&store).unwrap(), Documents::from([("a".to_owned(), (0, "{}".to_owned()))]));
    store.close().wait().unwrap();
}

/// The last record of one that was killed is whole. Whoever comes then does not see it, so nobody ever does.
fn what_was_not_there_does_not_come_back<K: Base>() {
    let directory = tempdir().unwrap();
    let [witness, victim, next] = std::array::from_fn(|_| Process::new());
    let witnessing = open::<K>(&witness, directory.path()).unwrap();
    let store = open::<K>(&victim, directory.path()).unwrap();
    commit(&store, &[put("a", "{}")]).unwrap();
    die_behind(&victim, Step::Write);
    assert!(commit(&store, &[put("b", "{}")]).is_err());

    let looking = open::<K>(&next, directory.path()).unwrap();
    let seen = documents(&looking).unwrap();
    next.kill();
    witness.kill();
    drop((witnessing, looking));
    let store = open::<K>(&Process::new(), directory.path()).unwrap();
    assert_eq!(documents(&store).unwrap(), seen);
    store.close().wait().unwrap();
}

#[test]
fn what_was_not_in_files_does_not_come_back() {
    what_was_not_there_does_not_come_back::<Files>();
}

#[test]
fn what_was_not_on_disk_does_not_come_back() {
    what_was_not_there_does_not_come_back::<DataFile>();
}

/// Kills `process` right after it has done this to a segment.
fn die_behind(process: &Process, last: Step) {
    let (killed, done) = (process.clone(), AtomicBool::new(false));
    process.watch(move |step, path| {
        if done.load(Ordering::SeqCst) {
            killed.kill();
        } else if step == last && path.extension().is_some_and(|extension| extension == "log") {
            done.store(true, Ordering::SeqCst);
        }
        Ok(())
    });
}
