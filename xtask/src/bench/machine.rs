//! What figures were measured with, without which they say nothing.

use std::fs;

use crate::repository::{command, root, target};
use crate::setup;
use crate::step::quietly;

/// The machine and the versions, a line each.
pub(super) fn describe(is_apart: bool) -> Vec<String> {
    let where_they_ran = if is_apart {
        "the plugin has one core to itself; who asks it and the API share another"
    } else {
        "one core, which the plugin, who asks it and the API share"
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    [
        Some(format!(
            "Processor: {}, {cores} of its threads usable; {where_they_ran}",
            processor()
        )),
        line("/proc/sys/kernel/osrelease").map(|kernel| format!("Kernel: Linux {kernel}")),
        Some(format!("Graft {}, commit {}", env!("CARGO_PKG_VERSION"), commit())),
        first_line(command("rustc").arg("--version")),
        go(),
        python(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    model(&text).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Not all architectures have one.
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn commit() -> String {
    let git = |arguments: &[&str]| quietly(command("git").args(arguments)).ok();
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    let is_changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    let commit = commit.map_or_else(|| "unknown".to_owned(), |commit| commit.trim().to_owned());
    if is_changed { format!("{commit}, with changes") } else { commit }
}

fn go() -> Option<String> {
    let version = first_line(command("go").args(["env", "GOVERSION"]))?;
    let module = "github.com/grafana/grafana-plugin-sdk-go";
    let sdk = first_line(setup::go_in("bench/peers/go").args(["list", "-m", module]))?;
    Some(format!("{version}, {}", sdk.replace(module, "grafana-plugin-sdk-go")))
}

fn python() -> Option<String> {
    let version = first_line(command(target().join("bench-python/bin/python")).arg("--version"))?;
    let packages = fs::read_to_string(root().join("bench/peers/python/requirements.txt")).ok()?;
    let packages = packages.lines().map(|line| line.replace("==", " "));
    let of_interest = |line: &String| !line.contains("tools") && !line.contains("health");
    let packages: Vec<_> = packages.filter(of_interest).collect();
    Some(format!("{version}, {}", packages.join(", ")))
}

fn first_line(command: &mut std::process::Command) -> Option<String> {
    quietly(command).ok()?.lines().next().map(str::to_owned)
}

fn line(file: &str) -> Option<String> {
    fs::read_to_string(file).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_model_is_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Processor 7\nflags\t: a b\n";
        assert_eq!(model(cpuinfo).as_deref(), Some("A Processor 7"));
        assert_eq!(model("processor\t: 0\n"), None);
    }
}
