//! The process's configuration, read purely from its environment: nothing is opened or looked up.
//!
//! Grafana passes each key of grafana.ini, section `[plugin.graft-datasource]`, as `GF_PLUGIN_<KEY>` in upper case, and
//! its own version as `GF_VERSION` (contract section 6.2). What cannot be read ends the start: a limit that an admin set
//! and did not get would be worse than none. Messages name keys as grafana.ini does.

mod keys;
mod limit_keys;
mod otlp;
mod trust_keys;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use tracing::Level;

use crate::guest::Trust;
use crate::limits::Limits;
use crate::traces;
pub use keys::{Key, keys};

/// What every variable with a key of grafana.ini begins with.
const PREFIX: &str = "GF_PLUGIN_";

/// How alike two keys are (Jaro-Winkler, from 0 to 1) if the one is a slip for the other. `cache_folder` is as far from
/// `cache` as a slip goes (0.883); what Grafana and other software set under the same prefix stays below 0.65.
const SLIP_SIMILARITY: f64 = 0.88;

/// How this process runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The bounds, as an admin changed them.
    pub limits: Limits,
    /// Where guests are looked for, in this order. Absolute if the executable's path is; need not exist.
    pub guest_folders: Vec<PathBuf>,
    /// Where compiled guests are kept. None if nobody says where; then they are compiled at every start.
    pub cache_folder: Option<PathBuf>,
    /// Which files in those folders are guests.
    pub trust: Trust,
    /// The hosts that data sources may allow to their guests, besides their own; None for any.
    pub allowed_hosts: Option<Vec<String>>,
    /// The least important lines that are logged.
    pub log_level: Level,
    /// Grafana's version, such as `12.0.0`. None if Grafana did not say.
    pub grafana_version: Option<String>,
    /// Where traces go; None without tracing.
    pub traces: Option<traces::Settings>,
    /// What of Grafana's tracing cannot be done as it says. A sentence each.
    pub traces_warnings: Vec<String>,
    /// Keys that nobody reads and that look like a slip for one of ours. For a warning each; sorted.
    pub unknown: Vec<UnknownKey>,
}

/// A key of grafana.ini that nobody reads. Its `Display` is the warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key, lower case.
    pub key: String,
    /// The key that was probably meant.
    pub meant: &'static str,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "'{}' in grafana.ini, section [plugin.graft-datasource], has no effect: did you mean '{}'?",
            self.key, self.meant
        )
    }
}

/// Why the configuration cannot be used. The admin's to mend.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{key}' is '{value}' in grafana.ini, section [plugin.graft-datasource], which is not {expected}. Mend the value, or \
     remove it for the default."
)]
pub struct ConfigError {
    /// The key, as grafana.ini has it.
    pub key: &'static str,
    /// What it is set to.
    pub value: String,
    /// What it can be set to.
    pub expected: String,
}

impl Config {
    /// Reads the environment, given as its variables. `executable` is this program's own path.
    pub fn from_variables(
        variables: &HashMap<OsString, OsString>,
        executable: &Path,
    ) -> Result<Self, ConfigError> {
        let variables = Variables(variables);
        let (traces, traces_warnings) = otlp::read(&variables);
        Ok(Self {
            limits: limit_keys::read(&variables)?,
            guest_folders: guest_folders(&variables, executable)?,
            cache_folder: cache_folder(&variables)?,
            trust: trust_keys::read(&variables)?,
            allowed_hosts: allowed_hosts(&variables),
            log_level: log_level(&variables)?,
            grafana_version: variables.text("GF_VERSION"),
            traces,
            traces_warnings,
            unknown: unknown(&variables),
        })
    }
}

/// The folder beside the executable, then those of the key `guests`.
fn guest_folders(
    variables: &Variables<'_>,
    executable: &Path,
) -> Result<Vec<PathBuf>, ConfigError> {
    let mut folders = vec![executable.with_file_name("guests")];
    let added = variables.key(keys::GUESTS).unwrap_or_default();
    for folder in added.split(',').map(str::trim).filter(|folder| !folder.is_empty()) {
        let folder = absolute(keys::GUESTS, folder)?;
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    Ok(folders)
}

/// The key `allowed_hosts`.
fn allowed_hosts(variables: &Variables<'_>) -> Option<Vec<String>> {
    let hosts = variables.key(keys::ALLOWED_HOSTS)?;
    if hosts.trim() == keys::NO_HOSTS {
        return Some(Vec::new());
    }
    let hosts = hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
    Some(hosts.map(str::to_ascii_lowercase).collect())
}

/// The key `cache`, else a folder of our own where the XDG Base Directory Specification has caches.
fn cache_folder(variables: &Variables<'_>) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(folder) = variables.key(keys::CACHE) {
        return absolute(keys::CACHE, folder.trim()).map(Some);
    }
    // The specification: "consider the path invalid and ignore it" if it is relative.
    let folder = |name| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = folder("XDG_CACHE_HOME");
    let caches = caches.or_else(|| folder("HOME").map(|home| home.join(".cache")));
    Ok(caches.map(|caches| caches.join("graft")))
}

/// A path that does not depend on the folder that Grafana happens to run in.
fn absolute(key: &'static str, path: &str) -> Result<PathBuf, ConfigError> {
    let folder = PathBuf::from(path);
    if folder.is_absolute() {
        return Ok(folder);
    }
    let expected = "an absolute path: it would be read from the folder that Grafana runs in";
    Err(ConfigError { key, value: path.to_owned(), expected: expected.to_owned() })
}

fn log_level(variables: &Variables<'_>) -> Result<Level, ConfigError> {
    let Some(value) = variables.key(keys::LOG_LEVEL) else { return Ok(Level::INFO) };
    match value.trim().to_ascii_lowercase().as_str() {
        "trace" => Ok(Level::TRACE),
        "debug" => Ok(Level::DEBUG),
        "info" => Ok(Level::INFO),
        "warn" => Ok(Level::WARN),
        "error" => Ok(Level::ERROR),
        _ => {
            let expected = keys::LOG_LEVELS.to_owned();
            Err(ConfigError { key: keys::LOG_LEVEL, value, expected })
        }
    }
}

/// Other software has variables of the same prefix, so that an unknown key is no error.
fn unknown(variables: &Variables<'_>) -> Vec<UnknownKey> {
    let keys = keys();
    let names = variables.0.keys().filter_map(|name| name.to_str()?.strip_prefix(PREFIX));
    let mut unknown: Vec<UnknownKey> = names
        .map(str::to_ascii_lowercase)
        .filter(|name| keys.iter().all(|known| known.key != *name))
        .filter_map(|name| {
            let similarity = |known: &Key| strsim::jaro_winkler(&name, known.key);
            let meant =
                keys.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)))?;
            (similarity(meant) >= SLIP_SIMILARITY)
                .then(|| UnknownKey { meant: meant.key, key: name.clone() })
        })
        .collect();
    unknown.sort_by(|one, other| one.key.cmp(&other.key));
    unknown
}

/// The environment; a variable that is set to nothing counts as not set.
struct Variables<'a>(&'a HashMap<OsString, OsString>);

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(OsStr::new(name)).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// The value of a key of grafana.ini. That file is text, so a value that is not cannot come from there.
    fn key(&self, key: &str) -> Option<String> {
        self.text(&format!("{PREFIX}{}", key.to_ascii_uppercase()))
    }
}
