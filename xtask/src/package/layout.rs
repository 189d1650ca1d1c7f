//! Which files the plugin's folder has, and with which rights.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::manifest::Manifest;
use crate::frontend;
use crate::host::executable_name;
use crate::repository::{files, root, shown};

/// The rights of a program. Grafana's validator wants exactly these.
pub(super) const PROGRAM: u32 = 0o755;

/// The rights of all else.
pub(super) const FILE: u32 = 0o644;

/// What is for admins to read, and for Grafana.
const DOCUMENTS: [&str; 4] = ["plugin.json", "README.md", "CHANGELOG.md", "LICENSE"];

/// What a plugin that was once run by hand leaves behind, and Grafana would take for an instruction.
const LEFT_BY_RUNNING: [&str; 2] = ["standalone.txt", "pid.txt"];

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path in the plugin's folder, with `/`.
    pub(super) name: String,
    /// Where its content is.
    pub(super) source: PathBuf,
    /// Its rights.
    pub(super) mode: u32,
}

impl Entry {
    /// Its content.
    pub(super) fn content(&self) -> anyhow::Result<Vec<u8>> {
        fs::read(&self.source).with_context(|| format!("{} cannot be read", shown(&self.source)))
    }
}

/// All files of the package, by name.
pub(super) fn entries(
    manifest: &Manifest,
    binary: &Path,
    module: &Path,
    guests: &[PathBuf],
) -> anyhow::Result<Vec<Entry>> {
    let file = |name: String, source: PathBuf| Entry { name, source, mode: FILE };
    let mut entries: Vec<_> =
        DOCUMENTS.iter().map(|name| file((*name).to_owned(), root().join(name))).collect();
    for source in files(&root().join("img"))? {
        entries.push(file(shown(&source), source));
    }
    for name in frontend::FILES {
        entries.push(file(name.to_owned(), module.join(name)));
    }
    for guest in guests {
        let name = guest.file_name().context("a guest is a file")?;
        entries.push(file(format!("guests/{}", name.display()), guest.clone()));
    }
    let name = executable_name(&manifest.executable);
    entries.push(Entry { name, source: binary.to_owned(), mode: PROGRAM });
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// Checks what a package holds, as paths from its root with their rights.
pub(super) fn check(manifest: &Manifest, packed: &BTreeMap<String, u32>) -> anyhow::Result<()> {
    let root = format!("{}/", manifest.id);
    if let Some(stranger) = packed.keys().find(|name| !name.starts_with(&root)) {
        bail!("the package has '{stranger}' outside of its only folder '{root}'");
    }
    let mut wanted = vec![
        (executable_name(&manifest.executable), PROGRAM),
        ("guests/prometheus.wasm".to_owned(), FILE),
        ("guests/things.wasm".to_owned(), FILE),
    ];
    let names = DOCUMENTS.iter().chain(&frontend::FILES).copied();
    let names = names.chain(manifest.logos.iter().map(String::as_str));
    wanted.extend(names.map(|name| (name.to_owned(), FILE)));
    for (name, mode) in wanted {
        match packed.get(&format!("{root}{name}")) {
            None => bail!("the package has no '{name}'"),
            Some(found) if *found != mode => {
                bail!("'{name}' has the rights {found:o} in the package, but must have {mode:o}")
            }
            Some(_) => {}
        }
    }
    if let Some(name) =
        LEFT_BY_RUNNING.iter().find(|name| packed.contains_key(&format!("{root}{name}")))
    {
        bail!("the package has '{name}', which must not be handed on");
    }
    Ok(())
}

/// Writes a file with its rights, and the folder that it lies in.
pub(super) fn put(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be written", shown(path));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::write(path, content).with_context(cannot)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::read(&root().join("plugin.json"), env!("CARGO_PKG_VERSION")).unwrap()
    }

    /// What a package has to hold, and no more.
    fn packed() -> BTreeMap<String, u32> {
        let guests = ["/t/prometheus.wasm", "/t/things.wasm"].map(PathBuf::from);
        let entries =
            entries(&manifest(), Path::new("/t/gpx_graft"), Path::new("/t"), &guests).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| &*entry.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let packed = |entry: Entry| (format!("graft-datasource/{}", entry.name), entry.mode);
        entries.into_iter().map(packed).collect()
    }

    fn complaint(change: impl FnOnce(&mut BTreeMap<String, u32>)) -> String {
        let mut packed = packed();
        change(&mut packed);
        check(&manifest(), &packed).unwrap_err().to_string()
    }

    #[test]
    fn the_files_of_the_repository_are_a_whole_package() {
        check(&manifest(), &packed()).unwrap();
    }

    #[test]
    fn what_grafana_would_not_load_is_named() {
        let program = format!("graft-datasource/{}", executable_name("gpx_graft"));
        let missing = complaint(|packed| {
            packed.remove("graft-datasource/module.js");
        });
        assert_eq!(missing, "the package has no 'module.js'");
        let rights = complaint(|packed| {
            packed.insert(program, 0o744);
        });
        assert!(rights.contains("has the rights 744"), "{rights}");
        let outside = complaint(|packed| {
            packed.insert("dist/module.js".to_owned(), FILE);
        });
        assert!(outside.contains("'dist/module.js' outside"), "{outside}");
        let left = complaint(|packed| {
            packed.insert("graft-datasource/pid.txt".to_owned(), FILE);
        });
        assert!(left.contains("'pid.txt'"), "{left}");
    }
}
