//! Reading and writing single keys: functions of their own for each handle, so that a call converts next to
//! nothing.

use super::super::errors::to_js;
use super::super::function::{array_buffer, call, function, set};
use super::super::port::{MakeValue, PromiseId, Task};
use super::convert::{self, Input, create_value};
use super::handle::StoreHandle;
use crate::keyvalue::value::{self, Content, Kind};
use crate::keyvalue::{Action, KeyValues, Request};
use crate::kv::{Answer, Committed, Entry, Look};
use napi::bindgen_prelude::{External, Object, ToNapiValue};
use napi::{Env, Result, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Values up to this length go through a buffer that is shared with JavaScript. Bytes are copied from there:
/// making an array buffer takes longer.
const SHARED_BYTES: usize = 4096;

/// The value that is at a key.
enum Found {
    Nothing,
    /// It lies in the shared buffer.
    Copied(Kind, usize),
    /// It is too long for that, or malformed.
    Whole(Entry),
}

struct Access {
    handle: Rc<StoreHandle>,
    input: RefCell<Input>,
    shared: *mut u8,
}

/// `{ get, exists, set, del, setNx, swap, shared }`.
///
/// `get(key)` answers with a string, undefined, a number of bytes that lie in `shared`, or a `Uint8Array`.
/// `exists(key)` answers with a boolean, and so do the writes: `set(key, value, expiresIn)`, `del(key)`,
/// `setNx(key, value, expiresIn)`, `swap(key, expected, value, expiresIn)`; `expiresIn` is -1 for never.
/// What is not there at once is a negative number: the promise that gets it. A write that waits for the end
/// of the synchronous step answers with null: see `submitWrites`.
#[napi(catch_unwind)]
pub fn open_access<'env>(env: &'env Env, handle: &External<Rc<StoreHandle>>) -> Result<Object<'env>> {
    let (shared, buffer) = array_buffer(env, SHARED_BYTES)?;
    let access =
        Rc::new(Access { handle: Rc::clone(handle), input: RefCell::default(), shared: shared.cast() });
    let mut object = Object::new(env)?;
    set(env, &mut object, "get", function(env, "get", &access, get)?)?;
    set(env, &mut object, "exists", function(env, "exists", &access, exists)?)?;
    set(env, &mut object, "set", function(env, "set", &access, put)?)?;
    set(env, &mut object, "del", function(env, "del", &access, delete)?)?;
    set(env, &mut object, "setNx", function(env, "setNx", &access, set_if_absent)?)?;
    set(env, &mut object, "swap", function(env, "swap", &access, swap)?)?;
    set(env, &mut object, "shared", buffer)?;
    Ok(object)
}

/// Commits the writes that wait. The promise `id` gets pairs of 0 or, if it was left undone, -1 (-2 for a
/// failure) and sequence number.
#[napi(catch_unwind)]
pub fn submit_writes(env: &Env, handle: &External<Rc<StoreHandle>>, id: PromiseId) -> Result<()> {
    let requests = handle.queue.take();
    let answer = handle.values()?.write_each(requests);
    let answer = Answer::later(async move {
        let results = answer.await?.into_iter();
        Ok(results.map(|result| result.map(|done| told(done.is_some()))).collect())
    });
    handle.submit(env, id, Task::Commits(answer))
}

/// What the port makes a version of: 0 if the write was done, otherwise -1.
fn told(is_done: bool) -> Committed {
    Committed { versions: vec![is_done.then_some(0)], ..Committed::default() }
}

impl Access {
    fn get(&self, env: sys::napi_env, key: sys::napi_value) -> Result<sys::napi_value> {
        let mut found = Found::Nothing;
        let look =
            &mut |entry: Option<&Entry>| found = entry.map_or(Found::Nothing, |entry| self.take(entry));
        if let Some(answer) = self.look_up(env, key, look)? {
            return self.wait(env, answer, |env, found| match found {
                None => undefined(env.raw()),
                Some(entry) => create_value(env.raw(), entry.value()),
            });
        }
        match found {
            Found::Nothing => undefined(env),
            // SAFETY: `env` is the environment of this call.
            Found::Copied(Kind::Bytes, length) => unsafe { ToNapiValue::to_napi_value(env, length as u32) },
            Found::Copied(kind, length) => {
                // SAFETY: `take` has copied so much there, and no other call has on this thread since.
                let bytes = unsafe { std::slice::from_raw_parts(self.shared, length) };
                convert::create_string(env, Content { kind, bytes })
            }
            Found::Whole(entry) => create_value(env, entry.value()),
        }
    }

    fn exists(&self, env: sys::napi_env, key: sys::napi_value) -> Result<sys::napi_value> {
        let mut is_there = false;
        match self.look_up(env, key, &mut |entry| is_there = entry.is_some())? {
            Some(answer) => self.wait(env, answer, |env, found| boolean(env.raw(), found.is_some())),
            None => boolean(env, is_there),
        }
    }

    /// Calls `look` with what is at `key`. Where that is not there at once, answers with what will come.
    fn look_up(
        &self,
        env: sys::napi_env,
        key: sys::napi_value,
        look: &mut Look<'_>,
    ) -> Result<Option<Answer<Option<Entry>>>> {
        convert::with_key(env, key, |key| {
            self.handle.with(|values| {
                if let Some(looked) = values.look_at_once(key, look) {
                    return looked.map_err(to_js).map(|()| None);
                }
                let mut answer = values.get(key);
                let Some(found) = poll(&mut answer) else { return Ok(Some(answer)) };
                look(found?.as_ref());
                Ok(None)
            })?
        })
    }

    /// What JavaScript gets of an entry. Must not call V8: its collector may close the store, which is
    /// locked.
    fn take(&self, entry: &Entry) -> Found {
        match value::decode(entry.value()) {
            Ok(Content { kind, bytes }) if bytes.len() <= SHARED_BYTES => {
                // SAFETY: the array buffer has room for so much, and is there: JavaScript calls the function
                // as a method of the object that keeps it.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.shared, bytes.len()) };
                Found::Copied(kind, bytes.len())
            }
            _ => Found::Whole(entry.clone()),
        }
    }

    fn write(
        &self,
        env: sys::napi_env,
        values: &Arc<KeyValues>,
        key: sys::napi_value,
        action: Action,
    ) -> Result<sys::napi_value> {
        let request = Request { key: convert::storable_key(env, key)?, action };
        if !values.is_volatile() {
            self.handle.queue.borrow_mut().push(request);
            // SAFETY: `env` is the environment of this call.
            return unsafe { ToNapiValue::to_napi_value(env, napi::bindgen_prelude::Null) };
        }
        let mut answer = values.write(request);
        match poll(&mut answer) {
            Some(done) => boolean(env, done?.is_some()),
            None => self.wait(env, answer, |env, done: Option<Committed>| boolean(env.raw(), done.is_some())),
        }
    }

    fn form(
        &self,
        env: sys::napi_env,
        values: &KeyValues,
        value: sys::napi_value,
        expires_in: sys::napi_value,
    ) -> Result<Box<[u8]>> {
        let expires = convert::millis(env, expires_in)?.map(|millis| values.now().saturating_add(millis));
        self.input.borrow_mut().form(env, value, expires)
    }

    fn wait<T: 'static>(
        &self,
        env: sys::napi_env,
        answer: Answer<T>,
        make: fn(&Env, T) -> Result<sys::napi_value>,
    ) -> Result<sys::napi_value> {
        let future = async move {
            let value = answer.await?;
            Ok(Box::new(move |env: &Env| make(env, value)) as MakeValue)
        };
        let id = self.handle.wait(&Env::from_raw(env), future)?;
        // SAFETY: `env` is the environment of this call.
        unsafe { ToNapiValue::to_napi_value(env, id as f64) }
    }
}

/// The result if it is there at once.
fn poll<T>(answer: &mut Answer<T>) -> Option<Result<T>> {
    if let Answer::Ready(_) = answer {
        let Answer::Ready(result) = std::mem::replace(answer, Answer::Taken) else { return None };
        return Some(result.map_err(to_js));
    }
    match Pin::new(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result.map_err(to_js)),
        Poll::Pending => None,
    }
}

fn undefined(env: sys::napi_env) -> Result<sys::napi_value> {
    // SAFETY: `env` is the environment of this call.
    unsafe { ToNapiValue::to_napi_value(env, ()) }
}

fn boolean(env: sys::napi_env, value: bool) -> Result<sys::napi_value> {
    // SAFETY: as above.
    unsafe { ToNapiValue::to_napi_value(env, value) }
}

unsafe extern "C" fn get(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |access: &Access, [key]| access.get(env, key))
}

unsafe extern "C" fn exists(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |access: &Access, [key]| access.exists(env, key))
}

unsafe extern "C" fn put(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |access: &Access, [key, value, expires_in]| {
        let values = access.handle.values()?;
        let form = access.form(env, &values, value, expires_in)?;
        access.write(env, &values, key, Action::Set(form))
    })
}

unsafe extern "C" fn delete(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |access: &Access, [key]| access.write(env, &access.handle.values()?, key, Action::Delete))
}

unsafe extern "C" fn set_if_absent(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |access: &Access, [key, value, expires_in]| {
        let values = access.handle.values()?;
        let form = access.form(env, &values, value, expires_in)?;
        access.write(env, &values, key, Action::SetIfAbsent(form))
    })
}

unsafe extern "C" fn swap(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    call(env, info, |access: &Access, [key, expected, value, expires_in]| {
        let values = access.handle.values()?;
        let expected = access.input.borrow_mut().form(env, expected, None)?;
        let value = if super::is_undefined(env, value)? {
            None
        } else {
            Some(access.form(env, &values, value, expires_in)?)
        };
        access.write(env, &values, key, Action::Swap { expected, value })
    })
}
