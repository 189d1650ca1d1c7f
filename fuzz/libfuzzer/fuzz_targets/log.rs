//! See `graft_fuzz::log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| graft_fuzz::log(data));
