//! A plugin that a developer runs, under a debugger for instance, and that Grafana finds: contract section 7.
//!
//! The developer's process serves plain gRPC and writes where into two files of the plugin's folder. Grafana goes on starting
//! the plugin's binary there; that one sees the files and, instead of serving, hands on the address ([`Locator`]).

mod folder;
mod locator;
mod neighbours;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, process};

use tempfile::NamedTempFile;

pub use folder::{NoPluginFolder, PluginFolder};
pub use locator::{Ignored, Locator};

/// The plugin's id, as in plugin.json.
pub(super) const PLUGIN_ID: &str = "graft-datasource";

/// Where the developer's process listens, for it and for Grafana's: the plugin's id is in the name.
const ADDRESS_VARIABLE: &str = "GF_PLUGIN_GRPC_ADDRESS_GRAFT_DATASOURCE";
/// Holds the address.
const ADDRESS_FILE: &str = "standalone.txt";
/// Holds the process number.
const PROCESS_FILE: &str = "pid.txt";

/// Any free port, for Grafana on this machine. Go's plugins listen on every interface, although whoever reaches this port
/// speaks with the plugin as Grafana does, without a password: so that takes an address that says so.
const DEFAULT_ADDRESS: &str = "127.0.0.1:0";

/// Where a developer's plugin is to listen, `host:port`; without a host it is this machine alone.
pub fn address(variables: &HashMap<OsString, OsString>) -> String {
    match address_variable(variables) {
        Some(address) if address.starts_with(':') => format!("127.0.0.1{address}"),
        Some(address) => address,
        None => DEFAULT_ADDRESS.to_owned(),
    }
}

fn address_variable(variables: &HashMap<OsString, OsString>) -> Option<String> {
    let value = variables.get(OsStr::new(ADDRESS_VARIABLE))?.to_string_lossy().trim().to_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// The two files, while the developer's plugin runs.
#[derive(Debug)]
pub struct Announcement {
    folder: PluginFolder,
    address: String,
}

/// The files cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("Grafana cannot be told of this process: '{}' cannot be written", .path.display())]
pub struct AnnounceError {
    path: PathBuf,
    #[source]
    error: io::Error,
}

impl Announcement {
    /// Writes the files, and ends the plugin that Grafana runs, so that Grafana starts it anew and it finds them.
    pub fn make(folder: PluginFolder, address: &str) -> Result<Self, AnnounceError> {
        let announcement = Self { folder, address: address.to_owned() };
        // Whoever finds an address looks for its process.
        for (name, content) in [(PROCESS_FILE, own_number()), (ADDRESS_FILE, address.to_owned())] {
            let path = announcement.folder.path.join(name);
            write(&path, &content).map_err(|error| AnnounceError { path, error })?;
        }
        neighbours::restart_plugin(&announcement.folder);
        // Last: whoever reads it may start another process, which must not be taken for Grafana's of before.
        tracing::info!(
            address,
            folder = %announcement.folder.path.display(),
            "Grafana finds this plugin from now on; Ctrl-C ends it"
        );
        Ok(announcement)
    }

    /// Whether a file still says what this process wrote: another developer's process may have taken over.
    fn is_own(&self, name: &str, content: &str) -> bool {
        fs::read_to_string(self.folder.path.join(name)).is_ok_and(|found| found == content)
    }
}

/// Grafana's plugin serves by itself again.
impl Drop for Announcement {
    fn drop(&mut self) {
        let was_found = self.is_own(PROCESS_FILE, &own_number());
        for (name, content) in [(ADDRESS_FILE, &self.address), (PROCESS_FILE, &own_number())] {
            let path = self.folder.path.join(name);
            if self.is_own(name, content)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(%error, "'{}' stays: remove it by hand", path.display());
            }
        }
        // Else it would end the process that took over, if that runs the folder's own binary.
        if was_found {
            neighbours::restart_plugin(&self.folder);
        }
    }
}

fn own_number() -> String {
    process::id().to_string()
}

/// Writes a file at one stroke, so that nobody reads half of it; it is this user's alone, as every temporary file is.
fn write(path: &Path, content: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
