//! Removes from the cache what nobody needs any more: what was not used for long, what another version made, and what a process
//! left that died while it wrote. Nothing else in the folder is touched, whatever it is.

#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use rustix::process::geteuid;

use super::{Cache, Kind, UNFINISHED};
use crate::limits::{CACHE_ENTRIES_MAX, CACHE_FOREIGN_MAX, CACHE_UNFINISHED_MAX, CACHE_UNUSED_MAX};

/// Hexadecimal digits of a component's digest, and of what made a file.
const DIGEST_DIGITS: usize = 64;
const MADE_BY_DIGITS: usize = 16;
/// Letters and digits at the end of an unfinished file's name.
const UNFINISHED_LETTERS: usize = 6;

impl Cache {
    /// Removes what is not needed and returns how many files that were. What cannot be removed stays.
    pub(in super::super) fn prune(&self) -> usize {
        self.prune_at(SystemTime::now())
    }

    fn prune_at(&self, now: SystemTime) -> usize {
        let Ok(entries) = fs::read_dir(&self.folder) else { return 0 };
        let removed = entries.take(CACHE_ENTRIES_MAX).flatten().filter(|entry| {
            let name = entry.file_name();
            let Some(most) = name.to_str().and_then(|name| self.most(name)) else { return false };
            // Of a link this is the link itself.
            let Ok(metadata) = entry.metadata() else { return false };
            if !metadata.is_file() || metadata.uid() != geteuid().as_raw() {
                return false;
            }
            let unused = metadata.modified().ok().and_then(|last| now.duration_since(last).ok());
            unused.is_some_and(|unused| unused > most) && fs::remove_file(entry.path()).is_ok()
        });
        removed.count()
    }

    /// How long a file of this name is kept without being used. None if it is none of ours.
    fn most(&self, name: &str) -> Option<Duration> {
        if let Some(letters) = name.strip_prefix(UNFINISHED) {
            let ours = letters.len() == UNFINISHED_LETTERS
                && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return ours.then_some(CACHE_UNFINISHED_MAX);
        }
        let (rest, extension) = name.split_once('.')?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
        let (digest, made_by) = rest.split_once('-')?;
        let is_hexadecimal = |digits: &str, count: usize| {
            let digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
            digits.len() == count && digits.bytes().all(digit)
        };
        if !is_hexadecimal(digest, DIGEST_DIGITS) || !is_hexadecimal(made_by, MADE_BY_DIGITS) {
            return None;
        }
        let ours = u64::from_str_radix(made_by, 16) == Ok(self.made_by(kind));
        Some(if ours { CACHE_UNUSED_MAX } else { CACHE_FOREIGN_MAX })
    }
}
