//! What admins install: the plugin's folder as Grafana expects it, and a zip of it. Both are proven before anybody gets them: the zip
//! is read again, and the binary in it is started and asked.

mod archive;
mod layout;
mod manifest;
mod proof;

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use self::layout::Entry;
use self::manifest::Manifest;
use crate::repository::{root, shown, target};
use crate::step::step;
use crate::{frontend, guests, host};

/// How to pack.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Pack the plugin without optimisations, which takes some minutes less to build. Not for users.
    #[arg(long)]
    debug: bool,
}

impl Arguments {
    /// Of what the tests have built.
    pub(crate) fn debug() -> Self {
        Self { debug: true }
    }
}

/// Builds everything, packs it, and proves it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let manifest = Manifest::read(&root().join("plugin.json"), env!("CARGO_PKG_VERSION"))?;
    let module = frontend::build()?;
    let shipped = guests::shipped()?;
    let guests: anyhow::Result<Vec<_>> = shipped.iter().map(|name| guests::build(name)).collect();
    // The tests' binary is at hand where they ran.
    let binary = if arguments.debug { host::built_for_tests()? } else { host::build(true)? };
    let entries = layout::entries(&manifest, &binary, &module, &guests?)?;

    let packages = target().join("package");
    let folder = packages.join(&manifest.id);
    let zip = packages.join(format!("{}-{}.zip", manifest.id, manifest.version));
    step("plugin folder", || lay_out(&entries, &folder))?;
    step("zip", || archive::write(&manifest.id, &entries, &zip))?;
    let unpacked = tempfile::tempdir().context("no folder for the proof can be made")?;
    let packed = step("zip, read again", || archive::unpack(&zip, unpacked.path()))?;
    layout::check(&manifest, &packed)?;
    let said = tokio::runtime::Runtime::new()
        .context("the runtime's threads cannot be started")?
        .block_on(proof::start(&unpacked.path().join(&manifest.id), &manifest))?;

    println!("\nThe plugin in the package says: {said}");
    for made in [&folder, &zip] {
        println!("{}", shown(made));
    }
    if arguments.debug {
        println!("This package is not optimised: do not hand it on.");
    }
    if cfg!(target_env = "gnu") {
        println!(
            "It runs on Linux with glibc, such as Grafana's Ubuntu images, and not on Alpine."
        );
    }
    Ok(())
}

/// Makes the folder anew, so that nothing is left of an older one.
fn lay_out(entries: &[Entry], folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", shown(folder)))?;
    }
    for entry in entries {
        layout::put(&folder.join(&entry.name), &entry.content()?, entry.mode)?;
    }
    Ok(())
}
