//! The plugin as a developer runs it beside Grafana, and Grafana's own process of it that tells where.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use graft_launch::{Address, Datasource, Launch, Plugin, Query};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;

use crate::support::{built, cache, frames};

/// Longer than anything here takes on the busiest machine.
const LONG: Duration = Duration::from_secs(30);

/// A plugin's folder as in Grafana's plugin folder.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        // A hard link needs the same file system. The binary's path is this folder's, which sets its processes apart.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let installed = Self(folder);
        fs::hard_link(env!("CARGO_BIN_EXE_gpx_graft"), installed.path("gpx_graft_linux_amd64"))
            .unwrap();
        fs::write(installed.path("plugin.json"), include_str!("../../../plugin.json")).unwrap();
        fs::create_dir(installed.path("guests")).unwrap();
        symlink(built("fixtures/odd"), installed.path("guests/odd.wasm")).unwrap();
        installed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As Grafana starts it.
    fn launch(&self) -> Launch {
        Launch::new(self.path("gpx_graft_linux_amd64")).setting("cache", cache())
    }

    /// As a developer does, in the plugin's folder.
    fn run_standalone(&self) -> Child {
        self.standalone(env!("CARGO_BIN_EXE_gpx_graft")).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The same by the folder's own binary, and its log once Grafana can find it.
    async fn run_own_standalone(&self) -> (Child, Lines<BufReader<ChildStderr>>) {
        let mut command = self.standalone(self.path("gpx_graft_linux_amd64"));
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_says(&mut log, "Grafana finds this plugin").await;
        (child, log)
    }

    fn standalone(&self, binary: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(binary);
        command
            .arg("-standalone")
            .env_remove("grafana_plugin_type")
            .env("GF_PLUGIN_CACHE", cache())
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

/// Waits for a line of a log.
async fn assert_says(log: &mut Lines<BufReader<ChildStderr>>, words: &str) {
    let mut seen = Vec::new();
    while let Ok(Ok(Some(line))) = timeout(LONG, log.next_line()).await {
        if line.contains(words) {
            return;
        }
        seen.push(line);
    }
    panic!("no '{words}' in {seen:#?}");
}

fn signal(process: &Child, signal: Signal) {
    let process = Pid::from_raw(process.id().unwrap() as i32).unwrap();
    kill_process(process, signal).unwrap();
}

async fn assert_answers(plugin: &Plugin) {
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let query = Query::new("A", json!({"behaviour": "answer"}));
    let response = plugin.query_data(odd.query_data([query])).await.unwrap();
    assert_eq!(frames(&response, "A").len(), 1);
}

/// Waits until a plugin says that it ends, and for its end.
async fn assert_ends(plugin: Plugin) {
    assert!(plugin.logged(|line| line.says("ending")).await.is_some(), "{:?}", plugin.log());
    let exit = plugin.exited().await.unwrap();
    assert!(exit.status.success() && exit.stdout.is_empty(), "{exit:?}");
}

#[tokio::test]
async fn grafana_finds_a_standalone_plugin_and_loses_it_again() {
    let installed = Installed::new();
    let plugin = Plugin::launch(installed.launch()).await.unwrap();
    assert!(matches!(plugin.handshake().address, Address::Unix(_)));

    let mut standalone = installed.run_standalone();
    // So that Grafana starts it anew.
    assert_ends(plugin).await;
    let address = fs::read_to_string(installed.path("standalone.txt")).unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let number = fs::read_to_string(installed.path("pid.txt")).unwrap();
    assert_eq!(number, standalone.id().unwrap().to_string());

    let locator = Plugin::launch(installed.launch()).await.unwrap();
    assert_eq!(locator.handshake().line, format!("1|2|tcp|{address}|grpc"));
    assert_answers(&locator).await;
    let check = HealthCheckRequest { service: "plugin".to_owned() };
    let health = locator.health().check(check).await.unwrap_err();
    assert_eq!(health.code(), Code::Unimplemented, "nothing of go-plugin's");

    signal(&standalone, Signal::INT);
    assert!(standalone.wait().await.unwrap().success());
    assert!(!installed.path("standalone.txt").exists() && !installed.path("pid.txt").exists());
    assert_ends(locator).await;

    let plugin = Plugin::launch(installed.launch()).await.unwrap();
    assert!(matches!(plugin.handshake().address, Address::Unix(_)));
    plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_standalone_plugin_that_was_killed_leaves_grafana_with_its_own() {
    let installed = Installed::new();
    let plugin = Plugin::launch(installed.launch()).await.unwrap();
    let mut standalone = installed.run_standalone();
    assert_ends(plugin).await;
    let locator = Plugin::launch(installed.launch()).await.unwrap();
    standalone.kill().await.unwrap();
    assert_ends(locator).await;

    let plugin = Plugin::launch(installed.launch()).await.unwrap();
    assert_answers(&plugin).await;
    let log = plugin.log();
    assert!(log.iter().any(|line| line.says("which does not run any more")), "{log:?}");
    plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn of_two_standalone_plugins_the_later_lives() {
    let installed = Installed::new();
    let (mut earlier, _log) = installed.run_own_standalone().await;
    let (mut later, mut log) = installed.run_own_standalone().await;
    assert!(timeout(LONG, earlier.wait()).await.unwrap().unwrap().success(), "it made way");
    let number = fs::read_to_string(installed.path("pid.txt")).unwrap();
    assert_eq!(number, later.id().unwrap().to_string());

    let locator = Plugin::launch(installed.launch()).await.unwrap();
    let address = fs::read_to_string(installed.path("standalone.txt")).unwrap();
    assert_eq!(locator.handshake().line, format!("1|2|tcp|{address}|grpc"));
    assert_answers(&locator).await;
    // As when the terminal closes; and nothing else has ended it before.
    signal(&later, Signal::HUP);
    assert_says(&mut log, "SIGHUP: ending").await;
    assert!(timeout(LONG, later.wait()).await.unwrap().unwrap().success());
    assert!(!installed.path("standalone.txt").exists() && !installed.path("pid.txt").exists());
    assert_ends(locator).await;
}

#[tokio::test]
async fn an_address_in_the_environment_is_handed_on() {
    let installed = Installed::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = elsewhere.local_addr().unwrap().to_string();
    let launch = installed.launch();
    let launch = launch.variable("GF_PLUGIN_GRPC_ADDRESS_GRAFT_DATASOURCE", &address);
    let locator = Plugin::launch(launch).await.unwrap();
    assert_eq!(locator.handshake().line, format!("1|2|tcp|{address}|grpc"));
    let process = Pid::from_raw(locator.process_id().unwrap() as i32).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    assert_ends(locator).await;
}

#[tokio::test]
async fn files_that_say_nothing_of_use_are_told_of_and_ignored() {
    let installed = Installed::new();
    fs::write(installed.path("standalone.txt"), "somewhere").unwrap();
    let plugin = Plugin::launch(installed.launch()).await.unwrap();
    assert!(matches!(plugin.handshake().address, Address::Unix(_)));
    let log = plugin.log();
    let line = log.iter().find(|line| line.says("says 'somewhere'"));
    assert_eq!(line.unwrap().entry.as_ref().unwrap().level, "warn");
    plugin.shutdown().await.unwrap();
}
