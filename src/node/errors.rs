//! Errors as JavaScript gets them: one JSON text, from which `lib/` makes the classes.

use crate::Error;
use std::error::Error as _;

/// `{"code":...,"message":...}` and `key`, `expected`, `cause` where they fit.
pub(super) fn to_json(error: &Error) -> String {
    let mut fields = serde_json::Map::new();
    let mut put = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    put("code", error.kind().code());
    put("message", error.message());
    if let Some(key) = error.key() {
        put("key", key);
    }
    if let Some(expected) = error.expected() {
        put("expected", expected);
    }
    if let Some(cause) = error.source() {
        put("cause", &cause.to_string());
    }
    serde_json::Value::Object(fields).to_string()
}

/// To throw from a synchronous function.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn to_js(error: Error) -> napi::Error {
    napi::Error::from_reason(to_json(&error))
}
