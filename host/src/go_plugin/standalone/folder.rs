//! The folder that Grafana knows as the plugin's, found from where a developer stands: as Grafana's Go SDK finds it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use walkdir::WalkDir;

use super::PLUGIN_ID;

/// What Grafana reads of a plugin is a page or two.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// A folder with the plugin's plugin.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFolder {
    /// The folder, absolute.
    pub path: PathBuf,
    /// What the names of the plugin's binaries begin with.
    pub(super) executable: String,
}

/// There is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "no plugin.json with the id '{PLUGIN_ID}' is in or below '{}'. Run this program in the plugin's folder, or above it",
    .below.display()
)]
pub struct NoPluginFolder {
    below: PathBuf,
}

#[derive(Deserialize)]
struct Manifest {
    id: String,
    executable: String,
}

impl PluginFolder {
    /// Looks below `current`; from a folder `pkg`, where Go has its sources, below its parent; and if that has a folder `dist`,
    /// where Grafana's tools build into, only there. The first in the order of names counts.
    pub fn find(current: &Path) -> Result<Self, NoPluginFolder> {
        let base = match current.parent() {
            Some(parent) if current.ends_with("pkg") => parent,
            _ => current,
        };
        let dist = base.join("dist");
        let base = if dist.is_dir() { dist } else { base.to_owned() };
        // A folder that cannot be read hides nothing of ours.
        let files = WalkDir::new(&base).sort_by_file_name().into_iter().filter_map(Result::ok);
        let mut manifests =
            files.filter(|file| file.file_name() == "plugin.json" && !file.file_type().is_dir());
        let found = manifests.find_map(|file| {
            let manifest = read(file.path()).ok().filter(|manifest| manifest.id == PLUGIN_ID)?;
            let folder = fs::canonicalize(file.path().parent()?).ok()?;
            Some(Self { path: folder, executable: manifest.executable })
        });
        found.ok_or(NoPluginFolder { below: base })
    }
}

fn read(path: &Path) -> io::Result<Manifest> {
    let file = File::open(path)?.take(MANIFEST_BYTES_MAX);
    Ok(serde_json::from_reader(io::BufReader::new(file))?)
}
