//! Memory that JavaScript reads while other threads write it.

use napi::bindgen_prelude::{FromNapiValue, Uint32Array};
use napi::{Env, Result, sys};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A typed array over the two words of `number`, which lives as long as the array; `None` where the runtime
/// forbids arrays on foreign memory.
pub(super) fn words(env: &Env, number: Arc<AtomicU64>) -> Result<Option<Uint32Array>> {
    let data = Arc::into_raw(number).cast_mut().cast::<c_void>();
    let mut buffer = ptr::null_mut();
    // SAFETY: `data` points to 8 bytes that the strong count taken by `into_raw` keeps alive until `release`.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            data,
            size_of::<AtomicU64>(),
            Some(release),
            ptr::null_mut(),
            &raw mut buffer,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: on failure the runtime did not take over the count.
        unsafe { release(env.raw(), data, ptr::null_mut()) };
        return Ok(None);
    }
    let mut array = ptr::null_mut();
    // SAFETY: `buffer` is an array buffer of 8 bytes in this environment.
    let status = unsafe {
        sys::napi_create_typedarray(
            env.raw(),
            sys::TypedarrayType::uint32_array,
            2,
            buffer,
            0,
            &raw mut array,
        )
    };
    napi::check_status!(status, "Could not create a typed array")?;
    // SAFETY: `array` is a value of this environment.
    unsafe { Uint32Array::from_napi_value(env.raw(), array) }.map(Some)
}

unsafe extern "C" fn release(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` came from `Arc::into_raw`, and this runs once.
    drop(unsafe { Arc::from_raw(data.cast::<AtomicU64>()) });
}
