//! Compiled guests on disk, so that a component is compiled once and not at each start (ADR 0008).
//!
//! A `.cwasm` is native code: whoever can write one that this process loads owns the process. So the folder is this
//! user's alone, and each file carries a MAC under a key that never leaves the folder.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use crate::limits::COMPILED_BYTES_MAX;

/// At the start of each file; another format has another number.
const MAGIC: &[u8; 8] = b"graft\0\0\x01";
const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// What stands before the native code.
const HEAD_BYTES: usize = MAGIC.len() + MAC_BYTES;

/// Why there is no cache. Guests are then compiled at each start.
#[derive(Debug, thiserror::Error)]
pub(super) enum CacheError {
    /// The folder cannot be made or used.
    #[error("the cache folder {} cannot be used", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// Others can read or write in it.
    #[error(
        "the cache folder {} is not this user's alone. It must be a folder of the user that runs Grafana, with mode 0700; \
         'cache' in grafana.ini, section [plugin.graft-datasource], can name another",
        .folder.display()
    )]
    NotOurs {
        /// Which.
        folder: PathBuf,
    },
}

/// A folder of compiled guests.
pub(super) struct Cache {
    folder: PathBuf,
    /// Keyed, and with nothing in it yet.
    mac: Hmac<Sha256>,
    /// What distinguishes this wasmtime and its settings from others.
    engine: u64,
}

/// Identifies a component by its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(component: &[u8]) -> Self {
        Self(Sha256::digest(component).into())
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes as four numbers, as this machine orders them.
    pub(super) fn words(&self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(self.0.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        words
    }
}

impl fmt::Display for Digest {
    /// In hexadecimal digits.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Cache {
    /// Opens a folder that is ours alone, see [`own_folder`].
    pub(super) fn open(folder: &Path, engine: &Engine) -> Result<Self, CacheError> {
        let failed = |error| CacheError::Folder { folder: folder.to_owned(), error };
        let key = match read_key(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(folder),
            read => read,
        };
        let mac = key.and_then(|key| Hmac::new_from_slice(&key).map_err(io::Error::other));
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), mac: mac.map_err(failed)?, engine: hasher.finish() })
    }

    /// The native code of a component, if it is here and this installation made it.
    pub(super) fn get(&self, digest: &Digest) -> Option<Bytes> {
        let path = self.path(digest);
        let file = open_ours(&path).ok()?;
        let mut bytes = Vec::new();
        let length = file.metadata().ok()?.len();
        bytes.reserve_exact(usize::try_from(length.min(COMPILED_BYTES_MAX)).ok()? + HEAD_BYTES);
        file.take(COMPILED_BYTES_MAX + HEAD_BYTES as u64).read_to_end(&mut bytes).ok()?;
        if !self.is_authentic(digest, &bytes) {
            tracing::warn!(path = %path.display(), "A cache file is not what this plugin wrote, and is made again");
            return None;
        }
        Some(Bytes::from(bytes).slice(HEAD_BYTES..))
    }

    /// Keeps native code. Another process may do the same at the same time: each file appears whole.
    pub(super) fn put(&self, digest: &Digest, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(&self.folder)?;
        file.write_all(MAGIC)?;
        file.write_all(&self.mac(digest, code).finalize().into_bytes())?;
        file.write_all(code)?;
        file.as_file().sync_all()?;
        file.persist(self.path(digest))?;
        Ok(())
    }

    /// Whether a file is one that this installation wrote for this component.
    fn is_authentic(&self, digest: &Digest, bytes: &[u8]) -> bool {
        let parts = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(MAC_BYTES));
        parts.is_some_and(|(mac, code)| self.mac(digest, code).verify_slice(mac).is_ok())
    }

    /// A file that was renamed to stand for another component or engine is as wrong as one that was changed.
    fn mac(&self, digest: &Digest, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(MAGIC);
        mac.update(&digest.0);
        mac.update(&self.engine.to_le_bytes());
        mac.update(code);
        mac
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.cwasm", self.engine))
    }
}

/// Makes the folder if there is none, and makes sure that it is this user's alone.
pub(super) fn own_folder(folder: &Path) -> Result<(), CacheError> {
    let failed = |error| CacheError::Folder { folder: folder.to_owned(), error };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let metadata = fs::symlink_metadata(folder).map_err(failed)?;
    let ours = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o077 == 0;
    match metadata.is_dir() && ours {
        true => Ok(()),
        false => Err(CacheError::NotOurs { folder: folder.to_owned() }),
    }
}

/// Opens a file of this user's that is no link and that nobody else can write.
pub(super) fn open_ours(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    let ours = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o077 == 0;
    if metadata.is_file() && ours { Ok(file) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn read_key(folder: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    open_ours(&folder.join(KEY_FILE))?.read_exact(&mut key)?;
    Ok(key)
}

/// Makes the key, unless another process was faster: then takes that one.
fn make_key(folder: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(folder)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(KEY_FILE)) {
        Ok(_file) => Ok(key),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => read_key(folder),
        Err(error) => Err(error.error),
    }
}
