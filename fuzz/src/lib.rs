//! What the fuzzers throw bytes at.
