//! Debian's packages, where this is a Debian whose packages we may install.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use anyhow::{Context as _, bail};

use crate::repository::command;
use crate::step::{quietly, step};

/// Installs packages.
pub(super) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let names = packages.join(" ");
    if !Path::new("/etc/debian_version").exists() {
        bail!("this is no Debian, so {names} has to be installed by hand");
    }
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root && quietly(command("sudo").args(["-n", "true"])).is_err() {
        bail!("installing needs root: run `sudo apt-get install {names}`");
    }
    let apt = |arguments: &[&str]| quietly(apt_get(is_root).args(arguments));
    static LISTS: Once = Once::new();
    LISTS.call_once(|| {
        // What cannot be brought up to date may still be good enough.
        let _updated = step("Debian's package lists", || apt(&["update"]));
    });
    step(format!("Debian packages {names}"), || {
        apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
            .with_context(|| format!("{names} cannot be installed"))
    })?;
    Ok(())
}

/// Installs packages with a service, but only where that is not started, as in a container.
pub(super) fn install_without_starting(packages: &[&str]) -> anyhow::Result<()> {
    if Path::new("/run/systemd/system").exists() {
        bail!(
            "Debian would start a service of it on this machine: put {} into the PATH yourself",
            packages.join(" ")
        );
    }
    install(packages)
}

fn apt_get(is_root: bool) -> Command {
    let mut apt = command(if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        apt.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    }
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}
