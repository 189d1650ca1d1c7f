//! Guests that took the process down, and are not tried again until their file changes, so that none can do it over and over.
//!
//! wasmtime contains what guests do; this is for the day on which it does not. While a thread runs a guest, a file that is mapped into
//! memory says so, and outlives the process (`record`); a signal that ends the process marks the guest that its thread was running
//! (`signals`). The next process reads what the last one left behind, and leaves a mark for the component's digest.

mod record;
mod signals;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::cache::{Digest, open_ours};
pub(super) use record::Noted;
use record::Record;

/// What the names of records begin with.
const RECORD: &str = "running-";
/// What the names of marks end with.
const MARK: &str = ".quarantined";

/// The marks in a folder, and the record of this process.
pub(super) struct Quarantine {
    folder: PathBuf,
    record: Record,
}

impl Quarantine {
    /// Reads what processes before this one left in `folder`, which is this user's alone, and begins a record of this one.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if is_record(&path)
                && let Err(error) = settle(folder, &path)
            {
                tracing::warn!(%error, path = %path.display(), "What an earlier process left behind cannot be read");
            }
        }
        let record = Record::begin(folder, RECORD)?;
        signals::install();
        Ok(Self { folder: folder.to_owned(), record })
    }

    /// The mark of a component that took a process down; none if there is none.
    pub(super) fn mark_of(&self, digest: &Digest) -> Option<PathBuf> {
        let path = mark(&self.folder, digest);
        path.exists().then_some(path)
    }

    /// Notes, until the returned value is dropped, that this thread runs the component.
    pub(super) fn note(&self, digest: &Digest) -> Noted {
        self.record.note(digest)
    }
}

fn is_record(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(RECORD))
}

/// Marks what was running when the process of this record crashed. One that is still at work holds a lock.
fn settle(folder: &Path, record: &Path) -> io::Result<()> {
    let file = open_ours(record)?;
    if file.try_lock().is_err() {
        return Ok(());
    }
    for digest in record::crashed(&file)? {
        let path = mark(folder, &digest);
        tracing::error!(path = %path.display(), "A guest took the plugin down and is not run any more");
        let mut file = File::create(&path)?;
        writeln!(
            file,
            "The guest with this SHA-256 took the plugin down. It is not run again as long as this file is here."
        )?;
        file.sync_all()?;
    }
    // Only now, so that nothing is lost if the marks cannot be written.
    fs::remove_file(record)
}

fn mark(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{digest}{MARK}"))
}
