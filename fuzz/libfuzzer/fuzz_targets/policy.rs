//! See `graft_fuzz::policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| graft_fuzz::policy(data));
