//! Compiled guests on disk, so that a component is compiled once and not at each start (ADR 0008); and their descriptions, so that
//! those can be listed which nobody loads.
//!
//! A `.cwasm` is native code: whoever can write one that this process loads owns the process. So the folder is this
//! user's alone, and each file carries a MAC under a key that never leaves the folder.

mod prune;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use crate::limits::{CACHE_USE_PRECISION, COMPILED_BYTES_MAX, DESCRIPTION_BYTES_MAX};

/// The length of what each file starts with.
const MAGIC_BYTES: usize = 8;
/// What the names of files begin with that are being written.
const UNFINISHED: &str = "new-";
const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// What stands before the native code.
const HEAD_BYTES: usize = MAGIC_BYTES + MAC_BYTES;

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
    /// What distinguishes this version of the host from others, besides.
    version: u64,
}

/// What is kept of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Native code, for this engine.
    Code,
    /// What the guest said about itself to this version of the host, JSON.
    Description,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Code, Self::Description];

    /// At the start of each file, and of what its MAC is over, so that one kind never passes for another. Another format has another
    /// number.
    fn magic(self) -> &'static [u8; MAGIC_BYTES] {
        match self {
            Self::Code => b"graft\0\0\x01",
            Self::Description => b"graft\0d\x01",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Code => "cwasm",
            Self::Description => "description",
        }
    }

    /// As much as is read of it. What JSON escapes takes up to six times as much as the guest's own bytes.
    fn bytes_max(self) -> u64 {
        match self {
            Self::Code => COMPILED_BYTES_MAX,
            Self::Description => 6 * DESCRIPTION_BYTES_MAX as u64,
        }
    }
}

/// Identifies a component by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Opens the folder, which must be ours alone, and makes it if there is none, see [`own_folder`].
    pub(super) fn open(folder: &Path, engine: &Engine) -> Result<Self, CacheError> {
        own_folder(folder)?;
        let failed = |error| CacheError::Folder { folder: folder.to_owned(), error };
        let key = match read_key(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(folder),
            read => read,
        };
        let mac = key.and_then(|key| Hmac::new_from_slice(&key).map_err(io::Error::other));
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let engine = hasher.finish();
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        let (folder, mac) = (folder.to_owned(), mac.map_err(failed)?);
        Ok(Self { folder, mac, engine, version: hasher.finish() })
    }

    /// What is kept of a component, if it is here and this installation made it.
    pub(super) fn get(&self, kind: Kind, digest: &Digest) -> Option<Bytes> {
        let path = self.path(kind, digest);
        let file = open_ours(&path).ok()?;
        let mut bytes = Vec::new();
        let metadata = file.metadata().ok()?;
        let most = kind.bytes_max();
        bytes.reserve_exact(usize::try_from(metadata.len().min(most)).ok()? + HEAD_BYTES);
        (&file).take(most + HEAD_BYTES as u64).read_to_end(&mut bytes).ok()?;
        if !self.is_authentic(kind, digest, &bytes) {
            tracing::warn!(path = %path.display(), "A cache file is not what this plugin wrote, and is made again");
            return None;
        }
        let now = SystemTime::now();
        let last = metadata.modified().ok().and_then(|last| now.duration_since(last).ok());
        if last.is_some_and(|last| last > CACHE_USE_PRECISION) {
            // Otherwise it is removed, and made again.
            let _written = file.set_modified(now);
        }
        Some(Bytes::from(bytes).slice(HEAD_BYTES..))
    }

    /// Keeps something. Another process may do the same at the same time: each file appears whole.
    pub(super) fn put(&self, kind: Kind, digest: &Digest, content: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        file.write_all(kind.magic())?;
        file.write_all(&self.mac(kind, digest, content).finalize().into_bytes())?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(self.path(kind, digest))?;
        Ok(())
    }

    /// Whether a file is one that this installation wrote for this component.
    fn is_authentic(&self, kind: Kind, digest: &Digest, bytes: &[u8]) -> bool {
        let rest = bytes.strip_prefix(kind.magic());
        let parts = rest.and_then(|rest| rest.split_at_checked(MAC_BYTES));
        parts
            .is_some_and(|(mac, content)| self.mac(kind, digest, content).verify_slice(mac).is_ok())
    }

    /// A file that was renamed to stand for another component or engine is as wrong as one that was changed.
    fn mac(&self, kind: Kind, digest: &Digest, content: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(kind.magic());
        mac.update(&digest.0);
        mac.update(&self.made_by(kind).to_le_bytes());
        mac.update(content);
        mac
    }

    /// What may read it.
    fn made_by(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Code => self.engine,
            Kind::Description => self.version,
        }
    }

    fn path(&self, kind: Kind, digest: &Digest) -> PathBuf {
        let (made_by, extension) = (self.made_by(kind), kind.extension());
        self.folder.join(format!("{digest}-{made_by:016x}.{extension}"))
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
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(KEY_FILE)) {
        Ok(_file) => Ok(key),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => read_key(folder),
        Err(error) => Err(error.error),
    }
}
