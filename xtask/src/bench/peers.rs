//! The plugins in other languages that the host is compared with, built from `bench/peers`.

use graft_launch::Launch;

use crate::repository::{root, target};
use crate::setup;
use crate::step::{quietly, step};

/// The plugin in Go, built as Grafana's own build tool does: without C.
pub(super) fn go() -> anyhow::Result<Launch> {
    setup::go()?;
    let binary = target().join("bench-peers/gpx_things");
    step("plugin in Go", || {
        let go = || setup::go_in("bench/peers/go");
        quietly(go().args(["vet", "./..."]))?;
        quietly(go().args(["test", "./..."]))?;
        quietly(go().args(["build", "-o"]).arg(&binary).env("CGO_ENABLED", "0"))
    })?;
    Ok(Launch::new(binary))
}

/// The plugin in Python.
pub(super) fn python() -> anyhow::Result<Launch> {
    let environment = setup::python_peer()?;
    let python = Launch::new(environment.join("bin/python"));
    // What is generated from the protocol lies there.
    let python = python.variable("PYTHONPATH", &environment);
    Ok(python.argument(root().join("bench/peers/python/things.py")))
}
