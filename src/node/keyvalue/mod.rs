//! Key-value stores: handles, single keys, and walks.

mod access;
mod batches;
mod convert;
mod cursors;
mod handle;
mod transactions;
mod watches;

use napi::sys;

fn is_undefined(env: sys::napi_env, value: sys::napi_value) -> napi::Result<bool> {
    let mut kind = 0;
    // SAFETY: a value of this environment.
    let status = unsafe { sys::napi_typeof(env, value, &raw mut kind) };
    napi::check_status!(status, "Could not look at a value")?;
    Ok(kind == sys::ValueType::napi_undefined)
}
