//! The plugin's binary and the folder in which Grafana expects it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use graft_launch::Launch;
use serde_json::Value;
use tempfile::TempDir;

use crate::repository::{cargo, root};
use crate::step::Step;

/// Builds the plugin's binary and says where it is.
pub(crate) fn build(is_release: bool) -> anyhow::Result<PathBuf> {
    build_binary("graft-host", "gpx_graft", is_release)
}

/// Builds a binary of the workspace and says where it is.
pub(crate) fn build_binary(package: &str, name: &str, is_release: bool) -> anyhow::Result<PathBuf> {
    let profile = if is_release { "release" } else { "dev" };
    let step = Step::announce(format!("{name}, profile {profile}"));
    let mut command = cargo();
    command.args(["build", "--package", package, "--bin", name, "--profile", profile]);
    let binary = binary(&mut command, name)?;
    step.done();
    Ok(binary)
}

/// Says where the plugin's binary is that `cargo test` compiled beside the tests. Asked after that, it compiles nothing: a
/// build of the plugin alone could have other features of its dependencies.
pub(crate) fn built_for_tests() -> anyhow::Result<PathBuf> {
    binary(cargo().args(["test", "--workspace", "--no-run"]), "gpx_graft")
}

/// Runs a build of cargo's and finds a binary among what came of it.
fn binary(command: &mut Command, name: &str) -> anyhow::Result<PathBuf> {
    command.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut build = command.spawn().context("cargo cannot be run")?;
    let mut binary = None;
    if let Some(messages) = build.stdout.take() {
        for message in BufReader::new(messages).lines() {
            let message = message.context("cargo's messages cannot be read")?;
            // The tests of a binary have a number after its name.
            let is_meant = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == name);
            binary = executable(&message).filter(is_meant).or(binary);
        }
    }
    if !build.wait().context("cargo is lost")?.success() {
        bail!("{name} does not compile; cargo says why above");
    }
    binary.with_context(|| format!("cargo did not say where it put {name}"))
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

/// A plugin folder as Grafana expects it, which goes when this value is dropped.
pub(crate) struct Installed {
    folder: TempDir,
    binary: PathBuf,
}

impl Installed {
    /// Lays out the folder: the binary, what Grafana reads about it, and guests.
    pub(crate) fn new(binary: &Path, guests: &[PathBuf]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("graft-datasource-").tempdir()?;
        let place = folder.path();
        let name = executable_name("gpx_graft");
        put(&root().join("plugin.json"), &place.join("plugin.json"))?;
        put(binary, &place.join(&name))?;
        std::fs::set_permissions(place.join(&name), PermissionsExt::from_mode(0o755))?;
        std::fs::create_dir(place.join("guests"))?;
        for guest in guests {
            let name = guest.file_name().context("a guest is a file")?;
            put(guest, &place.join("guests").join(name))?;
        }
        let binary = place.join(name);
        Ok(Self { folder, binary })
    }

    /// How Grafana starts it, with a cache of its own that is empty at first.
    pub(crate) fn launch(&self) -> Launch {
        Launch::new(&self.binary).setting("cache", self.folder.path().join("cache"))
    }
}

/// A link costs nothing, but does not reach another file system.
fn put(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::hard_link(from, to)
        .or_else(|_error| std::fs::copy(from, to).map(drop))
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

/// The name that Grafana runs: the `executable` of plugin.json with this machine's system and architecture, as Go names them.
pub(crate) fn executable_name(executable: &str) -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{executable}_{system}_{architecture}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_the_binary_is() {
        let message = r#"{"reason":"compiler-artifact","executable":"/t/debug/gpx_graft"}"#;
        assert_eq!(executable(message), Some("/t/debug/gpx_graft".into()));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
        assert_eq!(executable("a build script's word"), None);
    }

    #[test]
    fn a_plugin_folder_is_as_grafana_expects_it() {
        let folder = tempfile::tempdir().unwrap();
        let (binary, guest) = (folder.path().join("binary"), folder.path().join("things.wasm"));
        std::fs::write(&binary, "").unwrap();
        std::fs::write(&guest, "").unwrap();
        let installed = Installed::new(&binary, &[guest]).unwrap();
        let place = installed.folder.path();
        let executable = place.join(executable_name("gpx_graft"));
        assert_eq!(installed.binary, executable);
        assert_eq!(executable.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert!(place.join("plugin.json").exists() && place.join("guests/things.wasm").exists());
    }
}
