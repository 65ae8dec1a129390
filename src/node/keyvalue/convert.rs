//! Keys and values across the border. Keys are strings. Values are strings or `Uint8Array`s.

use super::super::errors::to_js;
use super::super::text::{Key, read_utf16};
use crate::json::utf16;
use crate::keyvalue::value::{self, Content, Kind};
use crate::keyvalue::{Millis, assert_key};
use napi::bindgen_prelude::FromNapiValue;
use napi::{Result, sys};
use std::ptr;

/// Reads what JavaScript gives; buffers are used again.
#[derive(Default)]
pub(super) struct Input {
    units: Vec<u16>,
    bytes: Vec<u8>,
}

/// Strings are read without asking for their length first if they are shorter, in UTF-16 code units.
const SHORT_UNITS: usize = 4096;

/// Larger buffers are let go.
const MAX_KEPT_UNITS: usize = 1 << 20;

/// Shorter keys, in UTF-16 code units, need no allocation to be looked up if they are ASCII.
const SHORT_KEY_UNITS: usize = 64;

/// Looks a key up.
pub(super) fn with_key<T>(
    env: sys::napi_env,
    key: sys::napi_value,
    look_up: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<T> {
    let mut units = [0; SHORT_KEY_UNITS];
    // SAFETY: an argument of this call.
    let length = unsafe { read_utf16(env, key, &mut units) }?;
    let is_ascii = units[..length].iter().fold(0, |all, unit| all | unit) < 0x80;
    if length < SHORT_KEY_UNITS - 1 && is_ascii {
        let bytes = units.map(|unit| unit as u8);
        return look_up(&bytes[..length]);
    }
    // SAFETY: as above.
    look_up(&unsafe { Key::from_napi_value(env, key) }?.0)
}

/// A key to write.
pub(super) fn storable_key(env: sys::napi_env, key: sys::napi_value) -> Result<Box<[u8]>> {
    with_key(env, key, |key| {
        assert_key(key).map_err(to_js)?;
        Ok(key.into())
    })
}

impl Input {
    /// The form of a value.
    pub(super) fn form(
        &mut self,
        env: sys::napi_env,
        value: sys::napi_value,
        expires: Option<Millis>,
    ) -> Result<Box<[u8]>> {
        if let Some(length) = self.read_string(env, value)? {
            let form = value::encode(value::of_units(&self.units[..length], &mut self.bytes), expires);
            if self.units.len() > MAX_KEPT_UNITS {
                *self = Self::default();
            }
            return Ok(form);
        }
        let bytes = bytes(env, value)?;
        Ok(value::encode(Content { kind: Kind::Bytes, bytes }, expires))
    }

    /// Reads a string into `units`; answers with its length, or nothing for what is no string.
    fn read_string(&mut self, env: sys::napi_env, value: sys::napi_value) -> Result<Option<usize>> {
        self.units.resize(self.units.len().max(SHORT_UNITS), 0);
        let mut length = 0;
        let read = |units: *mut u16, room: usize, length: &mut usize| {
            // SAFETY: `units` has so much room, or is null to ask for the length.
            let status = unsafe { sys::napi_get_value_string_utf16(env, value, units, room, length) };
            if status == sys::Status::napi_string_expected {
                return Ok(false);
            }
            napi::check_status!(status, "Could not read a string").map(|()| true)
        };
        if !read(self.units.as_mut_ptr(), self.units.len(), &mut length)? {
            return Ok(None);
        }
        if length + 1 == self.units.len() {
            read(ptr::null_mut(), 0, &mut length)?;
            self.units.resize(length + 1, 0);
            read(self.units.as_mut_ptr(), self.units.len(), &mut length)?;
        }
        Ok(Some(length))
    }
}

/// A number; nothing if it is negative.
pub(super) fn millis(env: sys::napi_env, value: sys::napi_value) -> Result<Option<Millis>> {
    // SAFETY: an argument of this call.
    let number = unsafe { f64::from_napi_value(env, value) }?;
    Ok((number >= 0.0).then_some(number as Millis))
}

/// A string in JavaScript.
pub(super) fn create_string(env: sys::napi_env, content: Content<'_>) -> Result<sys::napi_value> {
    let mut string = ptr::null_mut();
    let length = content.bytes.len();
    let status = if content.kind == Kind::Latin1 {
        let bytes = content.bytes.as_ptr().cast();
        // SAFETY: the environment of this call, and the bytes are as many as said.
        unsafe { sys::napi_create_string_latin1(env, bytes, length.cast_signed(), &raw mut string) }
    } else {
        let units = value::units(content.bytes);
        // SAFETY: as above.
        unsafe {
            sys::napi_create_string_utf16(env, units.as_ptr(), units.len().cast_signed(), &raw mut string)
        }
    };
    napi::check_status!(status, "Could not create a string of {length} bytes")?;
    Ok(string)
}

/// A key in JavaScript.
pub(super) fn create_key(env: sys::napi_env, key: &[u8]) -> Result<sys::napi_value> {
    if key.is_ascii() {
        return create_string(env, Content { kind: Kind::Latin1, bytes: key });
    }
    let units = utf16::decode_units(key).ok_or_else(|| to_js(crate::Error::corrupt("A key is no text")))?;
    create_string(env, value::of_units(&units, &mut Vec::new()))
}

/// A new `Uint8Array`.
pub(super) fn create_bytes(env: sys::napi_env, bytes: &[u8]) -> Result<sys::napi_value> {
    let (mut data, mut buffer, mut array) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the environment of this call; the buffer is as long as what is copied into it.
    unsafe {
        let status = sys::napi_create_arraybuffer(env, bytes.len(), &raw mut data, &raw mut buffer);
        napi::check_status!(status, "Could not create a buffer of {} bytes", bytes.len())?;
        if !bytes.is_empty() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast::<u8>(), bytes.len());
        }
        let kind = sys::TypedarrayType::uint8_array;
        let status = sys::napi_create_typedarray(env, kind, bytes.len(), buffer, 0, &raw mut array);
        napi::check_status!(status, "Could not create a typed array")?;
    }
    Ok(array)
}

/// The value with this form in JavaScript.
pub(super) fn create_value(env: sys::napi_env, form: &[u8]) -> Result<sys::napi_value> {
    let content = value::decode(form).map_err(to_js)?;
    match content.kind {
        Kind::Bytes => create_bytes(env, content.bytes),
        Kind::Latin1 | Kind::Utf16 => create_string(env, content),
    }
}

/// The bytes of a `Uint8Array`, to be copied before JavaScript runs again.
fn bytes<'a>(env: sys::napi_env, value: sys::napi_value) -> Result<&'a [u8]> {
    let (mut data, mut length) = (ptr::null_mut(), 0);
    let (unused, ignored) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: what is not asked for may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            value,
            ignored,
            &raw mut length,
            &raw mut data,
            unused,
            ptr::null_mut(),
        )
    };
    napi::check_status!(status, "A value must be a string or a Uint8Array")?;
    if data.is_null() {
        return Ok(&[]);
    }
    // SAFETY: JavaScript checked that it is a `Uint8Array`, which has so many bytes there.
    Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) })
}
