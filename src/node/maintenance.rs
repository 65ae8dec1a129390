//! Looking after a directory: verification, repair, checkpoints.

use super::handle::Handle;
use super::port::{Port, PromiseId, Task};
use crate::fs::{FileSystem, Modes, OsFileSystem};
use crate::kv::Answer;
use crate::stores::directory;
use crate::stores::disk::{self, Compaction, has_data_file};
use crate::stores::maintenance::{Finding, Progress, Repair, Verification};
use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A function over a directory that answers with text.
type Work = fn(&Arc<dyn FileSystem>, &Path, Duration, &Progress) -> crate::Result<String>;

/// Checks every file of a directory and changes nothing; resolves with `{"findings":[...],...}`. Answers with
/// something to give to `progress`. `lock_timeout` is in milliseconds.
#[napi(catch_unwind)]
pub fn verify(
    env: &Env,
    port: &External<Rc<Port>>,
    id: PromiseId,
    directory: String,
    lock_timeout: u32,
) -> napi::Result<External<Arc<Progress>>> {
    start(env, port, id, (directory, lock_timeout), |fs, path, timeout, progress| {
        let verify = if has_data_file(&**fs, path)? { disk::verify } else { directory::verify };
        verify(fs, path, timeout, progress).map(|found| verification(&found).to_string())
    })
}

/// Moves aside what keeps a directory from being loaded, or with `dry_run` only says so; resolves with
/// `{"moved":[...],"written":n,"lost":[...]}`. As `verify` otherwise.
#[napi(catch_unwind)]
pub fn repair(
    env: &Env,
    port: &External<Rc<Port>>,
    id: PromiseId,
    directory: String,
    lock_timeout: u32,
    dry_run: u32,
) -> napi::Result<External<Arc<Progress>>> {
    let work: Work = if dry_run == 0 {
        |fs, path, timeout, progress| {
            let repair = if has_data_file(&**fs, path)? { disk::repair } else { directory::repair };
            repair(fs, path, timeout, progress).map(|done| repaired(&done))
        }
    } else {
        |fs, path, timeout, progress| {
            let is_on_disk = has_data_file(&**fs, path)?;
            let plan = if is_on_disk { disk::plan_repair } else { directory::plan_repair };
            plan(fs, path, timeout, progress).map(|plan| repaired(&plan))
        }
    };
    start(env, port, id, (directory, lock_timeout), work)
}

/// Moves the pages of a data file together; resolves with `{"before":n,"after":n}`, its lengths in bytes. As
/// `verify` otherwise.
#[napi(catch_unwind)]
pub fn compact(
    env: &Env,
    port: &External<Rc<Port>>,
    id: PromiseId,
    directory: String,
    lock_timeout: u32,
) -> napi::Result<External<Arc<Progress>>> {
    start(env, port, id, (directory, lock_timeout), |fs, path, timeout, _| {
        let Compaction { before, after } = disk::compact(fs, path, timeout)?;
        Ok(json!({ "before": before, "after": after }).to_string())
    })
}

/// `[done, total]`, in files.
#[napi(catch_unwind)]
pub fn progress(progress: &External<Arc<Progress>>) -> Vec<f64> {
    let (done, total) = progress.get();
    vec![done as f64, total as f64]
}

/// Brings all files up to date, so that the journal can forget.
#[napi(catch_unwind)]
pub fn checkpoint(env: &Env, handle: &External<Rc<Handle>>, id: PromiseId) -> napi::Result<()> {
    let answer = handle.datastore()?.checkpoint();
    handle.submit(env, id, Task::text(async move { answer.await.map(|()| None) }))
}

fn start(
    env: &Env,
    port: &External<Rc<Port>>,
    id: PromiseId,
    (directory, lock_timeout): (String, u32),
    work: Work,
) -> napi::Result<External<Arc<Progress>>> {
    let progress = Arc::new(Progress::default());
    let counted = Arc::clone(&progress);
    let answer = Answer::blocking(move || {
        let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::new(Modes::PRIVATE));
        let path = PathBuf::from(directory);
        let path = fs.canonicalize(&path).map_err(|error| crate::Error::io("resolve", &path, error))?;
        work(&fs, &path, Duration::from_millis(u64::from(lock_timeout)), &counted).map(Some)
    });
    port.submit(env, id, Task::text(answer))?;
    Ok(External::new(progress))
}

fn verification(found: &Verification) -> Value {
    json!({
        "findings": found.findings.iter().map(finding).collect::<Vec<_>>(),
        "notes": found.notes.iter().map(finding).collect::<Vec<_>>(),
        "documents": found.documents,
        "files": found.files,
        "segments": found.segments,
        "commits": found.commits,
        "processes": found.processes,
    })
}

fn repaired(repair: &Repair) -> String {
    let moved = repair
        .moved
        .iter()
        .map(|(found, to)| json!({ "file": found.file, "problem": found.problem, "movedTo": to }));
    let lost: Vec<Value> = repair.lost.iter().map(finding).collect();
    json!({ "moved": moved.collect::<Vec<_>>(), "written": repair.written, "lost": lost }).to_string()
}

fn finding(finding: &Finding) -> Value {
    let Finding { file, problem, key, after, before } = finding;
    let mut shown = json!({ "file": file, "problem": problem });
    for (name, value) in [("key", key), ("after", after), ("before", before)] {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    shown
}
