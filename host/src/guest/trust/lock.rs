//! `guests.lock`: what `sha256sum *.wasm` writes, and comments.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::TrustError;
use crate::guest::cache::Digest;
use crate::guest::description::shown;

/// Digits of a SHA-256 digest.
const DIGITS: usize = 64;

/// A folder's lock.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Digests, in lower case hexadecimal digits, by the names of files.
    digests: HashMap<String, String>,
}

impl Lock {
    /// Reads a lock. A line that is neither a digest with a name, nor empty, nor a comment, makes it none: what an admin wrote and
    /// does not count would be worse than no lock.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self, TrustError> {
        let mut digests = HashMap::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let refuse =
                |reason| Err(TrustError::Lock { path: path.to_owned(), line: index + 1, reason });
            let Ok(line) = std::str::from_utf8(line) else {
                return refuse("is not text".to_owned());
            };
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (digest, file) = match entry(line) {
                Ok(entry) => entry,
                Err(reason) => return refuse(reason.to_owned()),
            };
            if digests.insert(file.to_owned(), digest).is_some() {
                return refuse(format!("names {} a second time", shown(file)));
            }
        }
        Ok(Self { path: path.to_owned(), digests })
    }

    /// Whether the file `path` is the one that the lock names.
    pub(super) fn check(&self, path: &Path, digest: &Digest) -> Result<(), TrustError> {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = digest.to_string();
        let path = self.path.clone();
        match self.digests.get(&file) {
            Some(expected) if *expected == found => Ok(()),
            Some(expected) => {
                Err(TrustError::Changed { path, file, expected: expected.clone(), found })
            }
            None => Err(TrustError::NotLocked { path, file, found }),
        }
    }
}

/// The digest and the name in a line; two blanks between them, or a blank and a star, which says that the file was read as binary.
fn entry(line: &str) -> Result<(String, &str), &'static str> {
    let (digest, name) = line.split_at_checked(DIGITS).unwrap_or((line, ""));
    if digest.len() != DIGITS || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("does not begin with a SHA-256 digest, which has 64 hexadecimal digits");
    }
    let name = name.strip_prefix("  ").or_else(|| name.strip_prefix(" *"));
    let name = name.ok_or("has no file's name after two blanks behind its digest")?;
    let name = name.strip_prefix("./").unwrap_or(name);
    if name.is_empty() || name.trim() != name {
        return Err("has no file's name after two blanks behind its digest");
    }
    if name.contains('/') {
        return Err("names a file in another folder, which has a lock of its own");
    }
    Ok((digest.to_ascii_lowercase(), name))
}
