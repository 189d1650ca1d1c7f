//! From a guest's crate to its component.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::componentize::componentize;
use crate::toolchain::{Toolchain, folder_of};

/// Which crate is to be built.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The crate's Cargo.toml; else cargo looks for one from the current folder upwards.
    pub manifest_path: Option<PathBuf>,
    /// The crate's name, where a workspace has several.
    pub package: Option<String>,
    /// Where cargo keeps what it compiled.
    pub target_dir: Option<PathBuf>,
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The crate's name, as a guest would have it: with `-` where Rust has `_`.
    pub name: String,
    /// The component.
    pub component: Vec<u8>,
}

impl Build {
    /// Compiles the crate and makes a component of it. What cargo and the compiler say goes to stderr.
    pub fn run(&self) -> anyhow::Result<Built> {
        let toolchain = Toolchain::find(folder_of(self.manifest_path.as_deref()))?;
        let library = self.compile(&toolchain)?;
        let core = std::fs::read(&library.file)
            .with_context(|| format!("{} cannot be read", library.file.display()))?;
        let component = componentize(&core)
            .with_context(|| format!("crate '{}' does not make a guest", library.name))?;
        Ok(Built { name: library.name, component })
    }

    fn compile(&self, toolchain: &Toolchain) -> anyhow::Result<Library> {
        let mut command = toolchain.cargo_build();
        command.args(["--lib", "--message-format=json-render-diagnostics"]).stdout(Stdio::piped());
        if let Some(manifest) = &self.manifest_path {
            command.arg("--manifest-path").arg(manifest);
        }
        if let Some(package) = &self.package {
            command.arg("--package").arg(package);
        }
        if let Some(folder) = &self.target_dir {
            command.arg("--target-dir").arg(folder);
        }
        let mut cargo = command.spawn().context("cargo cannot be run: is Rust installed?")?;
        let mut libraries = Vec::new();
        if let Some(messages) = cargo.stdout.take() {
            for message in BufReader::new(messages).lines() {
                libraries.extend(library(&message.context("cargo's messages cannot be read")?));
            }
        }
        let status = cargo.wait().context("cargo is lost")?;
        if !status.success() {
            bail!("the guest does not compile; cargo says why above");
        }
        one(libraries)
    }
}

/// What cargo compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Library {
    name: String,
    file: PathBuf,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// The library that a message of cargo speaks of. Other lines, which a build script may print, are skipped.
fn library(message: &str) -> Option<Library> {
    let Message { reason, target, filenames } = serde_json::from_str(message).ok()?;
    let target = target.filter(|_target| reason == "compiler-artifact")?;
    if !target.crate_types.iter().any(|kind| kind == "cdylib") {
        return None;
    }
    let is_module = |file: &PathBuf| file.extension() == Some("wasm".as_ref());
    let file = filenames.into_iter().find(is_module)?;
    Some(Library { name: target.name.replace('_', "-"), file })
}

fn one(mut libraries: Vec<Library>) -> anyhow::Result<Library> {
    match libraries.pop() {
        Some(library) if libraries.is_empty() => Ok(library),
        Some(last) => {
            let names: Vec<_> =
                libraries.iter().chain([&last]).map(|library| library.name.as_str()).collect();
            bail!("there are several guests: choose one of {} by `--package`", names.join(", "))
        }
        None => bail!(
            "the crate makes no WebAssembly module: write `crate-type = [\"cdylib\", \"rlib\"]` into section [lib] of its \
             Cargo.toml"
        ),
    }
}

/// Writes a file whole or not at all, and its folder if need be, so that nobody reads half a guest.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    let beside = path.with_extension("wasm.new");
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(reason: &str, kind: &str) -> String {
        format!(
            r#"{{"reason":"{reason}","target":{{"name":"my_api","crate_types":["{kind}","rlib"]}},
                "filenames":["/t/my_api.wasm","/t/libmy_api.rlib"]}}"#
        )
    }

    fn my_api() -> Library {
        Library { name: "my-api".to_owned(), file: "/t/my_api.wasm".into() }
    }

    #[test]
    fn cargo_says_where_the_module_is() {
        assert_eq!(library(&message("compiler-artifact", "cdylib")), Some(my_api()));
    }

    #[test]
    fn other_messages_are_skipped() {
        assert_eq!(library(&message("compiler-artifact", "lib")), None);
        assert_eq!(library(&message("build-script-executed", "cdylib")), None);
        assert_eq!(library("a build script's word"), None);
    }

    #[test]
    fn exactly_one_library_is_a_guest() {
        assert_eq!(one(vec![my_api()]).unwrap(), my_api());
        let none = one(Vec::new()).unwrap_err().to_string();
        assert!(none.contains(r#"crate-type = ["cdylib", "rlib"]"#), "{none}");
        let other = Library { name: "other".to_owned(), file: PathBuf::new() };
        let several = one(vec![my_api(), other]).unwrap_err().to_string();
        assert!(several.contains("my-api, other"), "{several}");
    }

    #[test]
    fn a_guest_is_written_into_a_folder_that_was_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guests/x.wasm");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
