//! Reading single documents: a function of its own for each handle, with buffers that it shares with
//! JavaScript, so that a read is one call that converts next to nothing.

use super::function::{array_buffer, call, function, set};
use super::handle::{Handle, ready_answer};
use super::text::{Key, create_string};
use crate::json::{self, FlatKind, Flattener, MAX_VALUES};
use crate::kv::{Entry, Space};
use napi::bindgen_prelude::{External, FromNapiValue, Object, ToNapiValue};
use napi::{Env, Result, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::ptr;
use std::rc::Rc;

/// Before the numbers of the values: the sequence number of the document.
const SEQUENCE_AT: usize = 0;
const VALUES_AT: usize = 1;

/// What both functions of a reader work on.
struct Reader {
    handle: Rc<Handle>,
    buffers: RefCell<Buffers>,
    flattener: RefCell<Flattener>,
    text: RefCell<Vec<u8>>,
}

/// Array buffers of JavaScript, `MAX_VALUES` kinds and one number more.
struct Buffers {
    kinds: *mut u8,
    numbers: *mut f64,
    env: sys::napi_env,
    references: [sys::napi_ref; 2],
}

/// `{ get, names, kinds, numbers }`.
///
/// `get(key, knownSequence)` answers with null if there is no such document, undefined if it is still at
/// `knownSequence`; otherwise `numbers[0]` is its sequence number, and the answer is its text if `kinds[0]`
/// is 7, or the strings of its flat form, which lies in `kinds` and from `numbers[1]` on. `names(structure)`
/// answers with a JSON array.
#[napi(catch_unwind)]
pub fn open_reader<'env>(env: &'env Env, handle: &External<Rc<Handle>>) -> Result<Object<'env>> {
    let (kinds, kinds_buffer) = array_buffer(env, MAX_VALUES)?;
    let (numbers, numbers_buffer) = array_buffer(env, (VALUES_AT + MAX_VALUES) * size_of::<f64>())?;
    let reader = Rc::new(Reader {
        handle: Rc::clone(handle),
        buffers: RefCell::new(Buffers {
            kinds: kinds.cast(),
            numbers: numbers.cast(),
            env: env.raw(),
            references: [reference(env, kinds_buffer)?, reference(env, numbers_buffer)?],
        }),
        flattener: RefCell::default(),
        text: RefCell::default(),
    });
    let mut object = Object::new(env)?;
    set(env, &mut object, "get", function(env, "get", &reader, get)?)?;
    set(env, &mut object, "names", function(env, "names", &reader, names)?)?;
    set(env, &mut object, "kinds", kinds_buffer)?;
    set(env, &mut object, "numbers", numbers_buffer)?;
    Ok(object)
}

impl Reader {
    fn get(&self, env: sys::napi_env, key: &Key, known_sequence: f64) -> Result<sys::napi_value> {
        let Some(entry) = ready_answer(self.handle.store()?.get(Space::DOCUMENTS, &key.0))? else {
            // SAFETY: `env` is the environment of this call.
            return unsafe { ToNapiValue::to_napi_value(env, napi::bindgen_prelude::Null) };
        };
        let sequence = entry.sequence() as f64;
        #[expect(clippy::float_cmp, reason = "whole numbers")]
        if sequence == known_sequence {
            // SAFETY: as above.
            return unsafe { ToNapiValue::to_napi_value(env, ()) };
        }
        let mut buffers = self.buffers.borrow_mut();
        let (kinds, numbers) = buffers.parts();
        let (head, values) = numbers.split_at_mut(VALUES_AT);
        head[SEQUENCE_AT] = sequence;
        let mut flattener = self.flattener.borrow_mut();
        if let Some(flat) = flattener.flatten(entry.version(), entry.value(), kinds, values) {
            return create_string(env, flat.strings.as_bytes());
        }
        kinds[0] = FlatKind::Text as u8;
        self.text(env, &entry)
    }

    fn text(&self, env: sys::napi_env, entry: &Entry) -> Result<sys::napi_value> {
        let mut text = self.text.borrow_mut();
        text.clear();
        json::write_document(&mut text, entry.version(), entry.value());
        create_string(env, &text)
    }
}

impl Buffers {
    fn parts(&mut self) -> (&mut [u8], &mut [f64]) {
        // SAFETY: the references keep the array buffers, which are as long as that, and nobody but this
        // thread uses them.
        unsafe {
            (
                std::slice::from_raw_parts_mut(self.kinds, MAX_VALUES),
                std::slice::from_raw_parts_mut(self.numbers, VALUES_AT + MAX_VALUES),
            )
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        for reference in self.references {
            // SAFETY: made by `reference`, and dropped on the thread of the environment. A failure only
            // keeps a buffer.
            unsafe { sys::napi_delete_reference(self.env, reference) };
        }
    }
}

unsafe extern "C" fn get(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |reader: &Reader, [key, known_sequence]| {
        // SAFETY: arguments of this call.
        let (key, known_sequence) =
            unsafe { (Key::from_napi_value(env, key)?, f64::from_napi_value(env, known_sequence)?) };
        reader.get(env, &key, known_sequence)
    })
}

unsafe extern "C" fn names(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |reader: &Reader, [structure]| {
        // SAFETY: an argument of this call.
        let structure = unsafe { u32::from_napi_value(env, structure)? };
        let names = reader.flattener.borrow().names(structure as usize);
        // SAFETY: `env` is the environment of this call.
        unsafe { ToNapiValue::to_napi_value(env, names) }
    })
}

fn reference(env: &Env, value: sys::napi_value) -> Result<sys::napi_ref> {
    let mut reference = ptr::null_mut();
    // SAFETY: `value` is a value of this environment.
    let status = unsafe { sys::napi_create_reference(env.raw(), value, 1, &raw mut reference) };
    napi::check_status!(status, "Could not keep a buffer")?;
    Ok(reference)
}
