//! See `graft_fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| graft_fuzz::frames(data));
