//! Memory that JavaScript reads while other threads write it.

use crate::kv::Head;
use napi::bindgen_prelude::{FromNapiValue, JsValue, Uint32Array, Unknown};
use napi::{Env, Result, sys};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicU64;

/// A typed array over the two halves of `head`, which lives as long as the array; `None` where the runtime
/// forbids arrays on foreign memory.
pub(super) fn words(env: &Env, head: Head) -> Result<Option<Uint32Array>> {
    let data = ptr::from_ref(head.atomic()).cast_mut().cast::<c_void>();
    let keeper = Box::into_raw(Box::new(head)).cast::<c_void>();
    let mut buffer = ptr::null_mut();
    // SAFETY: `data` points to 8 bytes that `keeper` keeps alive until `release`.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            data,
            size_of::<AtomicU64>(),
            Some(release),
            keeper,
            &raw mut buffer,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: on failure the runtime did not take it over.
        unsafe { release(env.raw(), data, keeper) };
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

/// Lets go of the memory behind the array that [`words`] gave, which is empty from now on.
pub(super) fn forget(env: &Env, words: Unknown<'_>) -> Result<()> {
    let mut buffer = ptr::null_mut();
    // SAFETY: `words` is a value of this environment; what is not asked for may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env.raw(),
            words.raw(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut buffer,
            ptr::null_mut(),
        )
    };
    napi::check_status!(status, "Could not look into a typed array")?;
    // SAFETY: `buffer` is the array's own.
    let status = unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer) };
    napi::check_status!(status, "Could not detach a buffer")
}

unsafe extern "C" fn release(_env: sys::napi_env, _data: *mut c_void, keeper: *mut c_void) {
    // SAFETY: `keeper` came from `Box::into_raw`, and this runs once.
    drop(unsafe { Box::from_raw(keeper.cast::<Head>()) });
}
