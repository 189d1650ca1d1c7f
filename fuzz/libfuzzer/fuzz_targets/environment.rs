//! See `graft_fuzz::environment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| graft_fuzz::environment(data));
