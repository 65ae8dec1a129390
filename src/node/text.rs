//! Text across the border: keys come as UTF-16, everything else as UTF-8.

use super::errors::to_js;
use crate::Error;
use crate::documents::key;
use crate::json;
use crate::kv::Entry;
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue, ValueType};
use napi::{Result, sys};

/// A document key or a bound, as [`key`] encodes it.
pub(super) struct Key(pub(super) Vec<u8>);

/// Longest key that is read without asking for its length first, in UTF-16 code units.
const SHORT_KEY_UNITS: usize = 128;

impl FromNapiValue for Key {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut short = [0; SHORT_KEY_UNITS];
        let length = unsafe { read_utf16(env, value, &mut short)? };
        if length < SHORT_KEY_UNITS - 1 {
            return Ok(Self(key::encode_utf16(&short[..length])));
        }
        let mut units = 0;
        let status =
            unsafe { sys::napi_get_value_string_utf16(env, value, std::ptr::null_mut(), 0, &raw mut units) };
        napi::check_status!(status, "A key must be a string")?;
        let mut long = vec![0; units + 1];
        let length = unsafe { read_utf16(env, value, &mut long)? };
        Ok(Self(key::encode_utf16(&long[..length])))
    }
}

impl TypeName for Key {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ValidateNapiValue for Key {}

/// Reads a string into `units`, as far as it fits; answers with how much there is then.
pub(super) unsafe fn read_utf16(
    env: sys::napi_env,
    value: sys::napi_value,
    units: &mut [u16],
) -> Result<usize> {
    let mut length = 0;
    let status = unsafe {
        sys::napi_get_value_string_utf16(env, value, units.as_mut_ptr(), units.len(), &raw mut length)
    };
    napi::check_status!(status, "A key must be a string")?;
    Ok(length)
}

/// UTF-8 that becomes a string, put together from parts that were text.
pub(super) struct Text(pub(super) Vec<u8>);

impl Text {
    /// For an answer that is given later.
    pub(super) fn into_string(self) -> crate::Result<String> {
        String::from_utf8(self.0).map_err(|_| not_utf8())
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> Result<sys::napi_value> {
        create_string(env, &text.0)
    }
}

/// A JavaScript string of UTF-8, without a copy on the way.
pub(super) fn create_string(env: sys::napi_env, text: &[u8]) -> napi::Result<sys::napi_value> {
    let create = if text.is_ascii() {
        sys::napi_create_string_latin1
    } else {
        str::from_utf8(text).map_err(|_| to_js(not_utf8()))?;
        sys::napi_create_string_utf8
    };
    let mut string = std::ptr::null_mut();
    // SAFETY: the environment of this call, and `text` is as long as said.
    let status = unsafe { create(env, text.as_ptr().cast(), text.len().cast_signed(), &raw mut string) };
    napi::check_status!(status, "Could not create a string of {} bytes", text.len())?;
    Ok(string)
}

fn not_utf8() -> Error {
    Error::corrupt("A document or a row of a view is not UTF-8")
}

/// Appends `items` as a JSON array.
pub(super) fn write_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Appends the documents of `entries` as a JSON array, `null` for those that are not there.
pub(super) fn write_documents<'a>(out: &mut Vec<u8>, entries: impl IntoIterator<Item = Option<&'a Entry>>) {
    write_array(out, entries, |out, entry| match entry {
        Some(entry) => json::write_document(out, entry.version(), entry.value()),
        None => out.extend_from_slice(b"null"),
    });
}

/// Appends a stored key as a JSON string.
pub(super) fn write_key(out: &mut Vec<u8>, bytes: &[u8]) {
    let decoded = key::decode(bytes);
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, &*decoded);
}

/// Appends a number.
pub(super) fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
}
