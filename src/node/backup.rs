//! Backups: lines out of a snapshot, and lines back in as one batch. Files, checksums and compression are
//! JavaScript's.

use super::errors::to_js;
use super::handle::{Handle, ready, ready_answer};
use super::port::{PromiseId, Task};
use crate::Error;
use crate::documents::backup::{self, Export, Import, OnConflict, Part};
use crate::kv::{Answer, Changes, Moment, Sequence, Space};
use napi::Env;
use napi::bindgen_prelude::{Buffer, External, Uint8Array};
use napi_derive::napi;
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

/// A snapshot that is written out.
pub struct Source {
    moment: Moment,
    /// Until it is closed.
    export: RefCell<Option<Export>>,
}

/// Lines that are taken in, until they are committed or let go.
pub struct Target(RefCell<Option<Import>>);

/// The store as it is now, to be written out.
#[napi(catch_unwind)]
pub fn open_export(handle: &External<Rc<Handle>>) -> napi::Result<External<Rc<Source>>> {
    let (read, moment) = ready_answer(handle.store()?.moment())?;
    let export = RefCell::new(Some(Export::all(read)));
    Ok(External::new(Rc::new(Source { moment, export })))
}

/// The moment of an export and how many lines there are: `{"id":...,"sequence":n,"total":n}`.
#[napi(catch_unwind)]
pub fn export_moment(source: &External<Rc<Source>>) -> napi::Result<String> {
    let export = source.export.borrow();
    let total = export.as_ref().map_or(Ok(0), |export| ready(export.total()))?;
    let Moment { history: [epoch, segment], sequence } = source.moment;
    Ok(json!({ "id": format!("{epoch:016x}{segment:016x}"), "sequence": sequence, "total": total })
        .to_string())
}

/// Takes only what changed since the moment `id`, `sequence`. Resolves with a text, or with nothing if the
/// store does not know that.
#[napi(catch_unwind)]
pub fn export_changes(
    env: &Env,
    handle: &External<Rc<Handle>>,
    promise: PromiseId,
    source: &External<Rc<Source>>,
    id: String,
    sequence: f64,
) -> napi::Result<()> {
    let number =
        |digits: Option<&str>| u64::from_str_radix(digits.unwrap_or_default(), 16).unwrap_or_default();
    let history = [number(id.get(..16)), number(id.get(16..))];
    let since = Moment { history, sequence: sequence as Sequence };
    let changes = handle.store()?.changes_between(Space::DOCUMENTS, since, source.moment);
    let source = Rc::clone(source);
    let text = async move {
        let Changes::Keys(keys) = changes.await? else { return Ok(None) };
        source.export.borrow_mut().as_mut().ok_or_else(Error::closed)?.narrow(keys);
        Ok(Some("known".to_owned()))
    };
    handle.submit(env, promise, Task::text(text))
}

/// The next lines, of about `bytes`; an empty buffer at the end.
#[napi(catch_unwind)]
pub fn export_lines(source: &External<Rc<Source>>, bytes: u32) -> napi::Result<Buffer> {
    let mut export = source.export.borrow_mut();
    let export = export.as_mut().ok_or_else(|| to_js(Error::closed()))?;
    ready(export.lines(bytes as usize)).map(Buffer::from)
}

/// How many documents and deletions were written out: `[documents, deletions]`.
#[napi(catch_unwind)]
pub fn export_counts(source: &External<Rc<Source>>) -> Vec<f64> {
    counts(source.export.borrow().as_ref().map(Export::counts))
}

/// Lets go of the snapshot.
#[napi(catch_unwind)]
pub fn close_export(source: &External<Rc<Source>>) {
    source.export.take();
}

/// Lines that are only looked at.
#[napi(catch_unwind)]
pub fn open_check() -> External<Target> {
    External::new(Target(RefCell::new(Some(Import::check()))))
}

/// Lines that are to be written. `conflict`: 0 fail, 1 skip, 2 overwrite.
#[napi(catch_unwind)]
pub fn open_import(handle: &External<Rc<Handle>>, conflict: u32) -> napi::Result<External<Target>> {
    let on_conflict = match conflict {
        1 => OnConflict::Skip,
        2 => OnConflict::Overwrite,
        _ => OnConflict::Fail,
    };
    let import = Import::write(&*handle.store()?, on_conflict);
    Ok(External::new(Target(RefCell::new(Some(import)))))
}

/// Begins with the next file, which is older than those before.
#[napi(catch_unwind)]
pub fn import_begin(target: &External<Target>, increment: u32) -> napi::Result<()> {
    with(target, |import| {
        import.begin(if increment == 0 { Part::Full } else { Part::Increment });
        Ok(())
    })
}

/// Takes in the lines that `bytes`, whole lines, begin with; answers how many bytes that were.
#[napi(catch_unwind)]
pub fn import_lines(target: &External<Target>, bytes: Uint8Array) -> napi::Result<f64> {
    with(target, |import| import.lines(&bytes)).map(|taken| taken as f64)
}

/// How many documents and deletions this file had so far: `[documents, deletions]`.
#[napi(catch_unwind)]
pub fn import_counts(target: &External<Target>) -> Vec<f64> {
    counts(target.0.borrow().as_ref().map(Import::counts))
}

/// Writes what was taken in, all of it or nothing. Resolves with `{"documents":n,"skipped":n}`.
#[napi(catch_unwind)]
pub fn commit_import(
    env: &Env,
    handle: &External<Rc<Handle>>,
    promise: PromiseId,
    target: &External<Target>,
) -> napi::Result<()> {
    let store = handle.store()?;
    let import = target.0.take().ok_or_else(|| to_js(Error::closed()))?;
    // Not here, where a large one would keep everybody waiting.
    let written = Answer::blocking(move || {
        let (batch, on_conflict) = import.finish();
        crate::kv::block_on(backup::commit(&*store, batch, on_conflict))
    });
    let text = async move {
        let (documents, skipped) = written.await?;
        Ok(Some(json!({ "documents": documents, "skipped": skipped }).to_string()))
    };
    handle.submit(env, promise, Task::text(text))
}

/// Lets go of what was taken in.
#[napi(catch_unwind)]
pub fn close_import(target: &External<Target>) {
    let import = target.0.take();
    // There may be a million things to free.
    drop(Answer::blocking(move || {
        drop(import);
        Ok(())
    }));
}

fn with<T>(target: &Target, work: impl FnOnce(&mut Import) -> crate::Result<T>) -> napi::Result<T> {
    let mut import = target.0.borrow_mut();
    let import = import.as_mut().ok_or_else(|| to_js(Error::closed()))?;
    work(import).map_err(to_js)
}

fn counts(counts: Option<(u64, u64)>) -> Vec<f64> {
    let (documents, deletions) = counts.unwrap_or_default();
    vec![documents as f64, deletions as f64]
}
