//! Files that may be guests.

use graft_host::guest::fuzzing::{count, judge};

/// Judges a file, and counts what is in it even if it is no guest.
pub fn component(data: &[u8]) {
    for judged in [judge(data), count(data)] {
        if let Err(sentence) = judged {
            assert!(!sentence.is_empty() && sentence.len() < 4_000, "{sentence}");
            assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
        }
    }
}
