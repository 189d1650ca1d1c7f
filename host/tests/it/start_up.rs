//! How the process starts and ends.

use std::process::{Command, Stdio};

use graft_launch::{Address, Datasource, Plugin, Query};
use graft_proto::pluginv2::DataFrameFormat;
use graft_proto::pluginv2::data_client::DataClient;
use serde_json::json;
use tonic_health::pb::HealthCheckRequest;

use crate::support::{Folder, frames, plugin};

#[test]
fn a_person_who_runs_the_binary_is_told_what_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_gpx_graft"))
        .env_remove("grafana_plugin_type")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "stdout belongs to the handshake");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Grafana starts it"), "{text}");
    assert!(text.contains("cargo xtask demo"), "{text}");
    assert!(text.contains("-standalone"), "{text}");
}

#[test]
fn a_person_can_ask_for_the_version() {
    let run = |argument| {
        Command::new(env!("CARGO_BIN_EXE_gpx_graft")).arg(argument).stdin(Stdio::null()).output()
    };
    let output = run("-version").unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert_eq!(output.stdout, concat!(env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    let output = run("--verbose").unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("'--verbose'") && text.contains("-standalone"), "{text}");
}

#[tokio::test]
async fn grafana_can_connect_as_often_as_it_likes() {
    for network in ["unix", "tcp"] {
        let folder = Folder::with(&["fixtures/odd"]);
        let plugin = Plugin::launch(folder.launch().setting("network", network)).await.unwrap();
        let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
        let mut side_by_side = Vec::new();
        for _connection in 0..4 {
            let channel = plugin.connect().await.unwrap();
            side_by_side.push(channel.clone());
            // This one is dropped before the next is opened.
            let _gone = plugin.connect().await.unwrap();
            for channel in &side_by_side {
                let mut client = DataClient::new(channel.clone());
                let answered = client.query_data(odd.query_data([query("A")])).await.unwrap();
                assert_eq!(frames(answered.get_ref(), "A").len(), 1);
            }
        }
        plugin.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn who_asks_for_multiplexing_reads_that_there_is_none() {
    let folder = Folder::with(&[]);
    let launch = folder.launch().variable("PLUGIN_MULTIPLEX_GRPC", "true");
    let plugin = Plugin::launch(launch).await.unwrap();
    let line = &plugin.handshake().line;
    assert!(line.ends_with("|grpc||false"), "{line}");
    plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_plugin_starts_answers_and_ends_as_grafana_expects() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    assert!(matches!(plugin.handshake().address, Address::Unix(_)));
    let check = HealthCheckRequest { service: "plugin".to_owned() };
    plugin.health().check(check).await.unwrap();
    let exit = plugin.shutdown().await.unwrap();
    assert!(exit.status.success(), "{:?}", exit.status);
    assert!(exit.stdout.is_empty(), "{:?}", exit.stdout);
    for line in &exit.log {
        assert!(line.entry.is_ok(), "not a line of the log: {}", line.text);
    }
}

#[tokio::test]
async fn the_plugin_serves_tcp_where_the_admin_says_so() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().setting("network", "tcp")).await.unwrap();
    assert!(matches!(plugin.handshake().address, Address::Tcp(_)));
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let response = plugin.query_data(odd.query_data([query("A")])).await.unwrap();
    assert_eq!(frames(&response, "A").len(), 1);
    plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_plugin_needs_nothing_of_grafanas_own_environment() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().skip_host_environment()).await.unwrap();
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let response = plugin.query_data(odd.query_data([query("A")])).await.unwrap();
    assert_eq!(frames(&response, "A").len(), 1);
    plugin.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_setting_that_cannot_be_read_ends_the_start_with_its_name() {
    let folder = Folder::with(&[]);
    let launched = Plugin::launch(folder.launch().setting("guest_memory_bytes", "lots")).await;
    let Err(failed) = launched else { panic!("it started") };
    let line = failed.log.iter().find(|line| line.says("'guest_memory_bytes' is 'lots'"));
    let line = line.unwrap_or_else(|| panic!("{failed}"));
    assert_eq!(line.entry.as_ref().unwrap().level, "error");
}

#[tokio::test]
async fn frames_come_as_arrow_or_json_as_asked_and_say_which() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let odd = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let mut request = odd.query_data([query("A")]);
    let response = plugin.query_data(request.clone()).await.unwrap();
    assert_eq!(response.responses["A"].format(), DataFrameFormat::Arrow);
    assert!(response.responses["A"].frames[0].starts_with(b"ARROW1"));

    request.format = DataFrameFormat::Json.into();
    let response = plugin.query_data(request).await.unwrap();
    let answer = &response.responses["A"];
    assert_eq!((answer.format(), answer.status), (DataFrameFormat::Json, 200));
    let frame: serde_json::Value = serde_json::from_slice(&answer.frames[0]).unwrap();
    assert_eq!(frame["data"]["values"], json!([[1.0]]));
    assert_eq!(frame["schema"]["refId"], "A");
}

fn query(ref_id: &str) -> Query {
    Query::new(ref_id, json!({"behaviour": "answer"}))
}
