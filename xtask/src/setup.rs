//! What the other commands need besides Rust, installed where it is missing. Everything is quick when it is there already.

mod debian;
mod python;
mod stamp;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use graft_cli::toolchain::{TARGET, Toolchain};

pub(crate) use self::stamp::Stamp;
use crate::repository::{command, is_ci, root};
use crate::step::{quietly, step};

/// What the Python environment holds.
const PYTHON_REQUIREMENTS: [&str; 2] =
    ["guests/fixtures/python/requirements.txt", "host/tests/requirements.txt"];

/// Sets up all there is.
pub(crate) fn run(rustup: bool) -> anyhow::Result<()> {
    let toolchain = if rustup { by_rustup() } else { toolchain() }?;
    println!("Guests are compiled by {}.", toolchain.version());
    for (what, there) in [
        ("Python: the Python fixture and the golden Arrow files' check", python().map(drop)),
        ("JavaScript: the JavaScript fixture", javascript()),
        ("JavaScript: Grafana's editors", frontend()),
        ("Prometheus: what compares with a real one", prometheus()),
        ("servers that HTTP goes through: what asks real ones", servers()),
        ("Go: the conformance tests and the plugin that benchmarks compare with", go()),
        ("Python: the plugin that benchmarks compare with", python_peer().map(drop)),
    ] {
        if or_left_out(what, there)?.is_some() {
            println!("{what}: ready.");
        }
    }
    Ok(())
}

/// A compiler for guests.
pub(crate) fn toolchain() -> anyhow::Result<Toolchain> {
    let missing = match Toolchain::find(root()) {
        Ok(toolchain) => return Ok(toolchain),
        Err(missing) => missing.to_string(),
    };
    debian::install(&["rustc-web", "rust-web-src"]).with_context(|| missing.clone())?;
    Toolchain::find(root())
}

/// The usual compiler with the target that guests need.
fn by_rustup() -> anyhow::Result<Toolchain> {
    if !matches!(Toolchain::find(root()), Ok(Toolchain::Installed { .. })) {
        step(format!("rustup: the target {TARGET}"), || {
            quietly(command("rustup").args(["target", "add", TARGET]))
        })?;
    }
    Toolchain::find(root())
}

/// The folder of a Python environment with what the Python fixture and the tests' scripts need.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    python::environment("python", &PYTHON_REQUIREMENTS)
}

/// The folder of a Python environment with what the plugin in Python needs, the modules of Grafana's protocol among it.
pub(crate) fn python_peer() -> anyhow::Result<PathBuf> {
    let requirements = ["bench/peers/python/requirements.txt"];
    let environment = python::environment("bench-python", &requirements)?;
    python::protocol(&environment, &requirements)?;
    Ok(environment)
}

/// What the JavaScript fixture needs.
pub(crate) fn javascript() -> anyhow::Result<()> {
    node_packages("JavaScript packages", &root().join("guests/fixtures/javascript"))
}

/// What the frontend needs.
pub(crate) fn frontend() -> anyhow::Result<()> {
    node_packages("packages of the frontend", &crate::frontend::folder())
}

/// The packages that a folder's lock file names, in the folder's `node_modules`.
fn node_packages(what: &str, folder: &Path) -> anyhow::Result<()> {
    let stamp = Stamp::of(&[folder.join("package-lock.json")], "")?;
    let mark = folder.join("node_modules/.graft-packages");
    if stamp.is_on(&mark) {
        return Ok(());
    }
    step(what, || {
        quietly(command("npm").arg("ci").current_dir(folder))
            .context("Node.js 20.19 or newer with npm is needed")
    })?;
    stamp.put_on(&mark)
}

/// A Prometheus to compare with, and its checks of metrics.
pub(crate) fn prometheus() -> anyhow::Result<()> {
    let is_there = || quietly(command("prometheus").arg("--version")).is_ok();
    if is_there() {
        return Ok(());
    }
    debian::install_without_starting(&["prometheus"])
}

/// Servers of HTTP, of proxies and of tokens, and what checks signatures as AWS does.
pub(crate) fn servers() -> anyhow::Result<()> {
    let programs = [("apache2", "-v"), ("nginx", "-v"), ("tinyproxy", "-v"), ("microsocks", "-h")];
    let is_there = |(program, argument): &(&str, &str)| {
        // Debian has some where only root's PATH leads.
        [(*program).to_owned(), format!("/usr/sbin/{program}")]
            .iter()
            .any(|program| command(program).arg(argument).output().is_ok())
    };
    if !programs.iter().all(is_there) || !Path::new(NGINX_STREAM).exists() {
        let packages =
            ["apache2-bin", "nginx", "libnginx-mod-stream", "tinyproxy-bin", "microsocks"];
        debian::install_without_starting(&packages)?;
    }
    node_packages("packages of the tests' servers", &root().join("host/tests/servers"))?;
    python().map(drop)
}

/// nginx's module for what is not HTTP.
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

/// A Go that is new enough for the conformance tests.
pub(crate) fn go() -> anyhow::Result<()> {
    if quietly(command("go").arg("version")).is_err() {
        debian::install(&["golang-go"])?;
    }
    let too_old = "the Go that is here does not fit conformance/go.mod: install the version that it names, or a newer one";
    quietly(in_conformance().args(["list", "-m"])).map(drop).context(too_old)
}

/// Go in the module of the conformance tests.
pub(crate) fn in_conformance() -> Command {
    go_in("conformance")
}

/// Go in a module of this repository, which neither fetches another Go nor changes what the module depends on.
pub(crate) fn go_in(module: &str) -> Command {
    let mut go = command("go");
    go.current_dir(root().join(module));
    go.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=readonly");
    go
}

/// What can be done without: where nobody watches, that is an error; else it is said in one sentence.
pub(crate) fn or_left_out<T>(what: &str, there: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match there {
        Ok(there) => Ok(Some(there)),
        Err(error) if is_ci() => {
            Err(error.context(format!("{what} cannot be left out where CI=true")))
        }
        Err(error) => {
            eprintln!("Left out is {what}: {error:#}");
            Ok(None)
        }
    }
}
