//! Writing single documents: many in one call, in the flat form, each a batch of its own.

use super::documents::check;
use super::errors::to_js;
use super::handle::Handle;
use super::port::{PromiseId, Task};
use crate::Error;
use crate::documents::{assert_storable, key};
use crate::json::{self, FlatKind, FlatReader, Structures};
use crate::kv::{Batch, Check, Operation, Space};
use napi::Env;
use napi::bindgen_prelude::{External, Float64Array, Uint8Array};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

/// What JavaScript writes through.
pub struct Writer {
    handle: Rc<Handle>,
    structures: RefCell<Structures>,
    /// For the text of one document.
    body: RefCell<Vec<u8>>,
}

/// The writer of a handle.
#[napi(catch_unwind)]
pub fn open_writer(handle: &External<Rc<Handle>>) -> External<Writer> {
    let handle = Rc::clone(handle);
    External::new(Writer { handle, structures: RefCell::default(), body: RefCell::default() })
}

/// Tells the names of the next structure, each as the text of a JSON string.
#[napi(catch_unwind)]
pub fn define_structure(writer: &External<Writer>, names: Vec<String>) -> u32 {
    writer.structures.borrow_mut().define(&names) as u32
}

/// Commits `count` documents, each as a batch of its own. Of each there are in `kinds` and `numbers`: its
/// key; the kind and the value of its check; and the document, or null to delete it. The promise `id` gets
/// pairs of version (-1 for a deletion, -2 for a failure) and sequence number.
#[napi(catch_unwind)]
pub fn commit_each(
    env: &Env,
    writer: &External<Writer>,
    id: PromiseId,
    count: u32,
    kinds: Uint8Array,
    numbers: Float64Array,
    strings: String,
) -> napi::Result<()> {
    let mut reader = FlatReader::new(&kinds, &numbers, &strings);
    let batches = (0..count)
        .map(|_| writer.operation(&mut reader).map(Batch::of))
        .collect::<Result<Vec<_>, _>>()
        .map_err(to_js)?;
    let answer = writer.handle.store()?.commit_each(batches);
    writer.handle.submit(env, id, Task::Commits(answer))
}

impl Writer {
    fn operation(&self, reader: &mut FlatReader<'_>) -> Result<Operation, Error> {
        let malformed = || Error::internal("reading what is to be written");
        let key = key::encode_str(reader.string().ok_or_else(malformed)?);
        assert_storable(&key)?;
        let kind = reader.number().ok_or_else(malformed)?;
        let value = reader.number().ok_or_else(malformed)?;
        let check = check(kind as u32, value)?;
        self.write(reader, &key, check).ok_or_else(malformed)
    }

    fn write(&self, reader: &mut FlatReader<'_>, key: &[u8], check: Check) -> Option<Operation> {
        let (kind, number) = reader.value()?;
        let mut body = self.body.borrow_mut();
        body.clear();
        let body = match kind {
            FlatKind::Null => return Some(Operation::delete(Space::DOCUMENTS, key, check)),
            FlatKind::Object => {
                reader.object(&self.structures.borrow(), number, &mut body)?;
                &*body
            }
            FlatKind::Text => {
                body.extend_from_slice(reader.take(number)?.as_bytes());
                json::body_of_normalized(&mut body)?
            }
            _ => return None,
        };
        Some(Operation::put(Space::DOCUMENTS, key, check, body))
    }
}
