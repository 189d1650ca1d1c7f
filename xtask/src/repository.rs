//! Where things are in the repository.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use walkdir::{DirEntry, WalkDir};

/// Folders that no one in the repository wrote.
const FOREIGN_FOLDERS: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Where cargo puts what it makes, and we what we make.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        // Relative to where cargo was called, as cargo reads it.
        Some(folder) => std::path::absolute(&folder).unwrap_or_else(|_error| folder.into()),
        None => root().join("target"),
    }
}

/// A command that runs in the root.
///
/// What `cargo run` tells this program about its own package is not for others: build scripts of dependencies (ring's is one) look at
/// the same variables, and would build anew whenever cargo is run by hand after it was run from here.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _value) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs this, in the root.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The same, ended with all that it started when its time is over, such as `30m`. Its status is then 124.
pub(crate) fn cargo_within(time: &str) -> Command {
    let mut timeout = command("timeout");
    timeout.args(["--kill-after=10s", time]).arg(cargo().get_program());
    timeout
}

/// Whether this is a run that nobody watches, in which nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// All files below a folder of the repository, in order, without foreign ones.
pub(crate) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_own = |entry: &DirEntry| {
        let name = entry.file_name();
        !FOREIGN_FOLDERS.iter().any(|foreign| name == *foreign)
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(is_own) {
        let entry = entry.context("a folder of the repository cannot be read")?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// A path as people write it, from the root.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_found_and_foreign_ones_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b/own.rs", "a.rs", "node_modules/x/foreign.js"] {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let found = files(folder.path()).unwrap();
        assert_eq!(found, ["a.rs", "b/own.rs"].map(|file| folder.path().join(file)));
    }

    #[test]
    fn the_root_is_where_the_contract_is() {
        assert!(root().join("wit/world.wit").exists());
        assert_eq!(shown(&root().join("wit/world.wit")), "wit/world.wit");
    }
}
