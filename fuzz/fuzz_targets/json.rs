#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kixx_datastore_fuzz::json::check(data));
