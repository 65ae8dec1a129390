#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kixx_datastore_fuzz::journal::check(data));
