//! Python environments below `target`, each with packages of its own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::debian;
use super::stamp::Stamp;
use crate::repository::{command, root, target};
use crate::step::{quietly, step};

/// The folder of an environment with the packages that these files name.
pub(super) fn environment(name: &str, requirements: &[&str]) -> anyhow::Result<PathBuf> {
    let environment = target().join(name);
    let requirements = files(requirements);
    let stamp = Stamp::of(&requirements, "")?;
    let mark = environment.join(".requirements");
    if stamp.is_on(&mark) {
        return Ok(environment);
    }
    let create = || quietly(command("python3").args(["-m", "venv"]).arg(&environment));
    step("Python environment", || {
        create().or_else(|error| {
            debian::install(&["python3", "python3-venv"]).context(error.to_string())?;
            create()
        })
    })?;
    step("Python packages", || {
        let mut pip = command(environment.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        for file in &requirements {
            pip.arg("--requirement").arg(file);
        }
        quietly(&mut pip)
    })?;
    stamp.put_on(&mark)?;
    Ok(environment)
}

/// Generates the modules of Grafana's protocol into an environment, by the tools that these files name.
pub(super) fn protocol(environment: &Path, requirements: &[&str]) -> anyhow::Result<()> {
    let stamp = Stamp::of(&files(&[&["proto/pluginv2.proto"], requirements].concat()), "")?;
    let mark = environment.join(".protocol");
    if stamp.is_on(&mark) {
        return Ok(());
    }
    step("Python modules of Grafana's protocol", || {
        let mut tool = command(environment.join("bin/python"));
        tool.args(["-m", "grpc_tools.protoc", "--proto_path=proto", "proto/pluginv2.proto"]);
        for option in ["--python_out", "--grpc_python_out"] {
            tool.arg(option).arg(environment);
        }
        quietly(&mut tool)
    })?;
    stamp.put_on(&mark)
}

fn files(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| root().join(name)).collect()
}
