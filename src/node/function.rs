//! JavaScript functions over a value of ours, for calls that should convert next to nothing.

use super::errors::to_js;
use napi::bindgen_prelude::{FromNapiValue, Object, Unknown};
use napi::{Env, JsError, Result, sys};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

/// What Node calls.
pub(super) type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// A function that keeps `data` for its `callback`, which takes it with [`call`].
pub(super) fn function<T>(
    env: &Env,
    name: &str,
    data: &Rc<T>,
    callback: Callback,
) -> Result<sys::napi_value> {
    let data = Rc::into_raw(Rc::clone(data)).cast_mut().cast::<c_void>();
    let mut function = ptr::null_mut();
    // SAFETY: the name is as long as said; `data` lives until `release`.
    let status = unsafe {
        sys::napi_create_function(
            env.raw(),
            name.as_ptr().cast(),
            name.len().cast_signed(),
            Some(callback),
            data,
            &raw mut function,
        )
    };
    napi::check_status!(status, "Could not create a function")?;
    // SAFETY: `function` was made just now; `release` runs once it is collected.
    let status = unsafe {
        sys::napi_add_finalizer(
            env.raw(),
            function,
            data,
            Some(release::<T>),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    napi::check_status!(status, "Could not add a finalizer")?;
    Ok(function)
}

/// Runs a function that [`function`] made with a `T`; missing arguments are undefined. Errors and panics are
/// thrown.
pub(super) fn call<T: 'static, const ARGUMENTS: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    run: impl FnOnce(&T, [sys::napi_value; ARGUMENTS]) -> Result<sys::napi_value>,
) -> sys::napi_value {
    let work = || {
        let mut count = ARGUMENTS;
        let mut arguments = [ptr::null_mut(); ARGUMENTS];
        let mut data = ptr::null_mut();
        // SAFETY: `info` belongs to this call; missing arguments are filled with undefined.
        let status = unsafe {
            sys::napi_get_cb_info(
                env,
                info,
                &raw mut count,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
                &raw mut data,
            )
        };
        napi::check_status!(status, "Could not read the arguments")?;
        // SAFETY: `function` put a `T` there, which lives as long as the function.
        run(unsafe { &*data.cast::<T>() }, arguments)
    };
    let error = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error,
        Err(_) => to_js(crate::Error::internal("a call")),
    };
    // SAFETY: `env` is the environment of this call.
    unsafe { JsError::from(error).throw_into(env) };
    ptr::null_mut()
}

/// Sets a property to a value made just now.
pub(super) fn set(env: &Env, object: &mut Object<'_>, name: &str, value: sys::napi_value) -> Result<()> {
    // SAFETY: a value of this environment.
    let value = unsafe { Unknown::from_napi_value(env.raw(), value) }?;
    object.set(name, value)
}

/// An array buffer of JavaScript, and where its bytes are.
pub(super) fn array_buffer(env: &Env, bytes: usize) -> Result<(*mut c_void, sys::napi_value)> {
    let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the environment is alive.
    let status = unsafe { sys::napi_create_arraybuffer(env.raw(), bytes, &raw mut data, &raw mut buffer) };
    napi::check_status!(status, "Could not create a buffer")?;
    Ok((data, buffer))
}

unsafe extern "C" fn release<T>(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` came from `Rc::into_raw` of a `T`, and this runs once, on the thread of the environment.
    drop(unsafe { Rc::from_raw(data.cast::<T>()) });
}
