//! The guests of this repository, as components in `target/guests`. What is up to date is not built again: the JavaScript and the
//! Python guest take long.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use graft_cli::build::{Build, write};
use walkdir::WalkDir;

use crate::repository::{command, files, root, shown, target};
use crate::setup::{self, Stamp};
use crate::step::{Step, quietly, step};

/// Builds all guests.
pub(crate) fn run() -> anyhow::Result<()> {
    for name in names()? {
        build(&name)?;
    }
    setup::or_left_out("the JavaScript fixture", javascript())?;
    setup::or_left_out("the Python fixture", python())?;
    Ok(())
}

/// The guests in Rust: folders of `guests` and of `guests/fixtures` with a crate that makes a module, as paths below `guests`.
fn names() -> anyhow::Result<Vec<String>> {
    let guests = root().join("guests");
    let mut names = Vec::new();
    for entry in WalkDir::new(&guests).min_depth(1).max_depth(2).sort_by_file_name() {
        let entry = entry.context("folder 'guests' cannot be read")?;
        if is_guest(&entry.path().join("Cargo.toml"))? {
            let name = entry.path().strip_prefix(&guests).unwrap_or(entry.path());
            names.push(name.display().to_string());
        }
    }
    Ok(names)
}

/// Whether this is the manifest of a crate that a module is made of; others are libraries for tests.
fn is_guest(manifest: &Path) -> anyhow::Result<bool> {
    if !manifest.exists() {
        return Ok(false);
    }
    let text = std::fs::read_to_string(manifest);
    let text = text.with_context(|| format!("{} cannot be read", shown(manifest)))?;
    Ok(text.contains("\"cdylib\""))
}

/// The guests that the project ships with the plugin, by name: those that are not for tests.
pub(crate) fn shipped() -> anyhow::Result<Vec<String>> {
    Ok(names()?.into_iter().filter(|name| !name.starts_with("fixtures")).collect())
}

/// Builds one of the guests in Rust and says where it is.
pub(crate) fn build(name: &str) -> anyhow::Result<PathBuf> {
    let toolchain = setup::toolchain()?;
    let folder = root().join("guests").join(name);
    let out = target().join("guests").join(format!("{name}.wasm"));
    let mut inputs = vec![root().join("Cargo.toml"), root().join("Cargo.lock")];
    for source in [&folder, &root().join("guest-sdk"), &root().join("cli/src")] {
        inputs.extend(files(source)?);
    }
    unless_up_to_date(&out, inputs, toolchain.version(), || {
        let step = Step::announce(format!("guest {name}"));
        let build = Build {
            manifest_path: Some(folder.join("Cargo.toml")),
            target_dir: Some(target().join("guests-build")),
            ..Build::default()
        };
        write(&out, &build.run()?.component)?;
        step.done();
        Ok(())
    })?;
    Ok(out)
}

/// Builds the guest in JavaScript and says where it is.
pub(crate) fn javascript() -> anyhow::Result<PathBuf> {
    setup::javascript()?;
    let folder = root().join("guests/fixtures/javascript");
    let out = fixture("javascript");
    let version = quietly(command("node").arg("--version"))?;
    unless_up_to_date(&out, files(&folder)?, &version, || {
        step("guest javascript, a fixture", || {
            quietly(command("node").arg("build.mjs").arg(&out).current_dir(&folder))
        })?;
        Ok(())
    })?;
    Ok(out)
}

/// Builds the guest in Python and says where it is.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    let environment = setup::python()?;
    let out = fixture("python");
    unless_up_to_date(&out, files(&root().join("guests/fixtures/python"))?, "", || {
        step("guest python, a fixture", || {
            quietly(
                command(environment.join("bin/componentize-py"))
                    .args(["-d", "wit", "-w", "datasource", "componentize", "--stub-wasi"])
                    .args(["-p", "guests/fixtures/python", "guest", "-o"])
                    .arg(&out),
            )
        })?;
        Ok(())
    })?;
    Ok(out)
}

/// Where a guest in another language goes.
fn fixture(name: &str) -> PathBuf {
    target().join("guests/fixtures").join(format!("{name}.wasm"))
}

/// Builds a guest unless it was built from these files, the contract and this version of its tools.
fn unless_up_to_date(
    out: &Path,
    mut inputs: Vec<PathBuf>,
    version: &str,
    build: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    inputs.extend(files(&root().join("wit"))?);
    let stamp = Stamp::of(&inputs, version)?;
    let mark = out.with_extension("inputs");
    if out.exists() && stamp.is_on(&mark) {
        return Ok(());
    }
    if let Some(folder) = out.parent() {
        let cannot = || format!("folder {} cannot be made", shown(folder));
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    build()?;
    stamp.put_on(&mark)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_guests_in_rust_are_the_crates() {
        let names = names().unwrap();
        assert!(names.contains(&"things".to_owned()), "{names:?}");
        for other in ["fixtures", "fixtures/python", "fixtures/hostile"] {
            assert!(!names.iter().any(|name| name == other), "{other}");
        }
        assert_eq!(shipped().unwrap(), ["prometheus", "things"]);
    }

    #[test]
    fn a_guest_is_built_again_only_when_something_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (source, out) = (folder.path().join("source"), folder.path().join("out/x.wasm"));
        let built = Cell::new(0);
        let build = |content: &str| {
            std::fs::write(&source, content).unwrap();
            unless_up_to_date(&out, vec![source.clone()], "1", || {
                built.set(built.get() + 1);
                Ok(std::fs::write(&out, content)?)
            })
            .unwrap();
            built.get()
        };
        assert_eq!([build("a"), build("a"), build("b")], [1, 1, 2]);
        std::fs::remove_file(&out).unwrap();
        assert_eq!(build("b"), 3);
    }

    #[test]
    fn a_build_that_failed_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("x.wasm");
        let fail = || unless_up_to_date(&out, Vec::new(), "1", || anyhow::bail!("no"));
        assert!(fail().is_err() && fail().is_err());
    }
}
