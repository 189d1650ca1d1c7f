//! The plugin's part in the browser: `module.js`, with the editors that Grafana shows.

use std::path::PathBuf;
use std::time::Duration;

use crate::repository::{command, root, target};
use crate::setup;
use crate::step::{loudly, quietly, step};

/// What is built from it, in this order.
pub(crate) const FILES: [&str; 2] = ["module.js", "module.js.map"];

/// Where its sources are.
pub(crate) fn folder() -> PathBuf {
    root().join("frontend")
}

/// Builds it and says in which folder its files are.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    setup::frontend()?;
    let out = target().join("frontend");
    step("frontend", || quietly(command("node").arg("build.mjs").arg(&out).current_dir(folder())))?;
    Ok(out)
}

/// Checks its types and style, builds it and runs its tests.
pub(crate) fn check() -> anyhow::Result<Duration> {
    loudly(
        "the frontend's checks",
        command("npm").args(["run", "--silent", "check"]).current_dir(folder()),
    )
}
