//! Grafana's own process of the plugin, ended so that Grafana starts it anew: it does so within a second.
//!
//! Go's plugins kill whatever has the binary's name in its command line, an editor with the file open included. This is for
//! processes of this user that run the very file.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, geteuid, getpid, kill_process};

use super::folder::PluginFolder;

/// What Linux writes behind the path of a file that is no more, as after a new build.
const DELETED: &[u8] = b" (deleted)";

/// Ends the plugin's processes, but for this one. SIGTERM is enough: they are of this program.
pub(super) fn restart_plugin(folder: &PluginFolder) {
    let ended = binaries(folder).and_then(|binaries| end(&binaries));
    if let Err(error) = ended {
        tracing::warn!(%error, "Grafana's plugin could not be looked for: restart Grafana");
    }
}

/// The files that Grafana may start, without links.
fn binaries(folder: &PluginFolder) -> io::Result<HashSet<PathBuf>> {
    let mut binaries = HashSet::new();
    for file in fs::read_dir(&folder.path)? {
        let file = file?;
        let name = file.file_name();
        let system = name.as_bytes().strip_prefix(folder.executable.as_bytes());
        // Such as `_linux_amd64`.
        if system.is_some_and(|system| system.is_empty() || system.starts_with(b"_")) {
            binaries.insert(fs::canonicalize(file.path())?);
        }
    }
    Ok(binaries)
}

fn end(binaries: &HashSet<PathBuf>) -> io::Result<()> {
    for folder in fs::read_dir("/proc")? {
        let folder = folder?;
        let number = folder.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(process) = number.and_then(Pid::from_raw) else { continue };
        // Checked last and at once before the signal: a number can become another process's.
        if process != getpid() && is_own(&folder.path()) && runs(&folder.path(), binaries) {
            match kill_process(process, Signal::TERM) {
                Ok(()) => tracing::info!(
                    process = process.as_raw_nonzero(),
                    "Ended Grafana's process of the plugin, which Grafana starts anew"
                ),
                Err(error) => tracing::warn!(%error, "Grafana's process of the plugin goes on"),
            }
        }
    }
    Ok(())
}

fn is_own(process: &Path) -> bool {
    fs::metadata(process).is_ok_and(|folder| folder.uid() == geteuid().as_raw())
}

fn runs(process: &Path, binaries: &HashSet<PathBuf>) -> bool {
    let Ok(file) = fs::read_link(process.join("exe")) else { return false };
    let bytes = file.as_os_str().as_bytes();
    match bytes.strip_suffix(DELETED) {
        Some(path) => binaries.contains(Path::new(&OsString::from_vec(path.to_vec()))),
        None => binaries.contains(&file),
    }
}
