//! Whether a guest's file is the one that the admin meant: pinned by a lock in its folder, or signed by a vendor whose key the admin
//! configured (ADR 0010).
//!
//! What is judged are the bytes that are compiled, in memory: the guest's file is not read a second time. Nothing of a guest is looked
//! at before, not even its outermost layer.

mod lock;
mod signature;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::cache::Digest;
use lock::Lock;
pub use signature::SignatureKey;
use signature::{SignatureError, verify};

use crate::limits::{LOCK_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// The file in a folder of guests that pins them.
const LOCK_FILE: &str = "guests.lock";
/// What a signature's file ends with, behind the name of the file that it signs.
const SIGNATURE_EXTENSION: &str = "wasm.minisig";

/// What an admin demands of guests' files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trust {
    /// Whether a folder without a lock has no guests.
    pub require_lock: bool,
    /// The public keys whose signatures count.
    pub keys: Vec<SignatureKey>,
    /// Whether a guest without a signature by one of `keys` is none.
    pub require_signature: bool,
}

/// Why a guest's file is not trusted. Reads as the end of "guest 'x' cannot be loaded: ".
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The lock, or the signature, cannot be read.
    #[error("{} cannot be read ({error})", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Larger than any lock or signature.
    #[error("{} is longer than {limit} bytes", .path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// What it may be.
        limit: u64,
    },
    /// The lock has lines that are none.
    #[error("line {line} of {} {reason}", .path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
    /// No lock where there has to be one.
    #[error("there is no {LOCK_FILE} in {}, and 'require_lock' is on", .folder.display())]
    NoLock {
        /// The folder.
        folder: PathBuf,
    },
    /// The lock does not name the file.
    #[error("{} does not list {file}, whose SHA-256 digest is {}", .path.display(), short(.found))]
    NotLocked {
        /// The lock.
        path: PathBuf,
        /// The guest's file.
        file: String,
        /// The file's digest, in hexadecimal digits.
        found: String,
    },
    /// The lock names another file.
    #[error(
        "{file} is not the file that {} names: its SHA-256 digest is {}, and not {}",
        .path.display(), short(.found), short(.expected)
    )]
    Changed {
        /// The lock.
        path: PathBuf,
        /// The guest's file.
        file: String,
        /// The lock's digest, in hexadecimal digits.
        expected: String,
        /// The file's.
        found: String,
    },
    /// No signature where there has to be one.
    #[error("there is no signature {}, and 'require_signature' is on", .path.display())]
    NoSignature {
        /// Where it would be.
        path: PathBuf,
    },
    /// The signature does not count.
    #[error("its signature {} {error}", .path.display())]
    Signature {
        /// The signature's file.
        path: PathBuf,
        /// Why not.
        error: SignatureError,
    },
}

impl TrustError {
    /// Whether the machine is to blame, so that another try makes sense although no file has changed.
    pub(super) fn is_of_host(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// What has to be done, a sentence.
    pub(super) fn who_mends(&self) -> String {
        let lock = "`sha256sum *.wasm > guests.lock` writes it anew";
        match self {
            Self::Read { .. } | Self::TooLarge { .. } => {
                "The admin of Grafana's machine can mend that.".to_owned()
            }
            Self::Lock { .. } => {
                format!("The admin of Grafana's machine can mend that; {lock}.")
            }
            Self::NoLock { .. } => format!(
                "If the guests there are what they should be, the admin of Grafana's machine can lock them: {lock}."
            ),
            Self::NotLocked { .. } | Self::Changed { .. } => format!(
                "The admin of Grafana's machine can install the file that was meant or, if it is this one, lock it: {lock}."
            ),
            Self::NoSignature { .. } | Self::Signature { .. } => {
                "The admin of Grafana's machine can install a file that the guest's vendor has signed, with its signature \
                 beside it; 'signature_keys' in grafana.ini, section [plugin.graft-datasource], says whose signatures count."
                    .to_owned()
            }
        }
    }
}

impl Trust {
    /// Judges a guest's file by its bytes, and what lies beside it.
    pub(super) fn check(
        &self,
        path: &Path,
        component: &[u8],
        digest: &Digest,
    ) -> Result<(), TrustError> {
        let lock = lock_of(path);
        match read(&lock, LOCK_BYTES_MAX)? {
            Some(text) => Lock::parse(&lock, &text)?.check(path, digest)?,
            None if self.require_lock => {
                let folder = path.parent().unwrap_or(path).to_owned();
                return Err(TrustError::NoLock { folder });
            }
            None => {}
        }
        if self.keys.is_empty() && !self.require_signature {
            return Ok(());
        }
        let path = signature_of(path);
        match read(&path, SIGNATURE_BYTES_MAX)? {
            Some(text) => verify(component, &text, &self.keys)
                .map_err(|error| TrustError::Signature { path, error }),
            None if self.require_signature => Err(TrustError::NoSignature { path }),
            None => Ok(()),
        }
    }

    /// The files beside a guest's that decide whether it is trusted, whether they are there or not.
    pub(super) fn files(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        let signature = (!self.keys.is_empty()).then(|| signature_of(path));
        [lock_of(path)].into_iter().chain(signature)
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_file_name(LOCK_FILE)
}

fn signature_of(path: &Path) -> PathBuf {
    path.with_extension(SIGNATURE_EXTENSION)
}

/// A small file's text; none if there is no file. What cannot be read as it should be is never taken for a file that is not there.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, TrustError> {
    let failed = |error| TrustError::Read { path: path.to_owned(), error };
    let file = match open(path) {
        Ok(file) => file,
        // A link to nothing, on the other hand, is there.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(path) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = Vec::new();
    file.take(limit + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > limit {
        return Err(TrustError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(Some(text))
}

/// Opens a regular file, and waits for nothing: to open a pipe could take for ever.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a regular file"))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// The beginning of a digest, which is enough to tell files apart that nobody made to look alike.
fn short(digest: &str) -> String {
    const DIGITS: usize = 12;
    digest.chars().take(DIGITS).chain(['…']).collect()
}
