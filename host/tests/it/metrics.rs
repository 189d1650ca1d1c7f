//! What the plugin counts, as Grafana hands it to Prometheus.

use std::io::Write as _;
use std::process::{Command, Stdio};

use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::{CollectMetricsRequest, PluginContext};
use serde_json::json;

use crate::support::{Answer, Api, Folder, error, frames, plugin};

/// All metrics, asked as Grafana does: with the plugin's id and nothing else.
pub(crate) async fn metrics(plugin: &Plugin) -> String {
    let context =
        PluginContext { plugin_id: "graft-datasource".to_owned(), ..PluginContext::default() };
    let request = CollectMetricsRequest { plugin_context: Some(context) };
    let response = plugin.diagnostics().collect_metrics(request).await.unwrap();
    String::from_utf8(response.into_inner().metrics.unwrap().prometheus.to_vec()).unwrap()
}

/// The value of a series, which must be there.
#[track_caller]
fn value(metrics: &str, series: &str) -> f64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().unwrap()
}

#[tokio::test]
async fn requests_calls_and_exchanges_are_counted_and_promtool_has_nothing_to_say() {
    let (plugin, _folder) = plugin(&["things", "fixtures/odd"]).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let things = Datasource::new("t", &api.url).settings(json!({"guest": "things", "thing": "b"}));
    let query = Query::new("A", json!({"table": "day", "fields": ["_avg"]}));
    let response = plugin.query_data(things.query_data([query.clone()])).await.unwrap();
    frames(&response, "A");
    let odd = Datasource::new("o", "").settings(json!({"guest": "odd"}));
    let traps = Query::new("A", json!({"behaviour": "recurse-forever"}));
    let response = plugin.query_data(odd.query_data([traps])).await.unwrap();
    error(&response, "A");
    let nowhere = Datasource::new("n", "http://127.0.0.1:9");
    let nowhere = nowhere.settings(json!({"guest": "things", "thing": "b"}));
    let response = plugin.query_data(nowhere.query_data([query])).await.unwrap();
    error(&response, "A");

    let metrics = metrics(&plugin).await;
    for (series, expected) in [
        (
            r#"grafana_plugin_request_total{endpoint="queryData",status="ok",status_source="plugin"}"#,
            1.0,
        ),
        (
            r#"grafana_plugin_request_total{endpoint="queryData",status="error",status_source="plugin"}"#,
            1.0,
        ),
        (
            r#"grafana_plugin_request_total{endpoint="queryData",status="error",status_source="downstream"}"#,
            1.0,
        ),
        (r#"graft_request_duration_seconds_count{endpoint="queryData",status="ok"}"#, 1.0),
        (
            r#"graft_guest_calls_total{export="query.transform",guest="things",outcome="ok",version="0.1.0"}"#,
            1.0,
        ),
        (
            r#"graft_guest_calls_total{export="query.transform",guest="odd",outcome="stack",version="0.1.0"}"#,
            1.0,
        ),
        (r#"graft_guest_memory_bytes_count{guest="things",version="0.1.0"}"#, 3.0),
        (
            r#"plugins_datasource_request_total{code="200",datasource_type="graftdatasource",datasource_uid="t",method="GET"}"#,
            1.0,
        ),
        (
            r#"plugins_datasource_response_size_bytes_sum{datasource_type="graftdatasource",datasource_uid="t"}"#,
            2.0,
        ),
        (
            r#"graft_exchange_failures_total{datasource_type="graftdatasource",datasource_uid="n",kind="unreachable"}"#,
            1.0,
        ),
        ("graft_datasources", 3.0),
        ("graft_guests", 2.0),
    ] {
        assert_eq!(value(&metrics, series), expected, "{series}");
    }
    for series in [
        r#"graft_guest_cpu_seconds_total{guest="things",version="0.1.0"}"#,
        r#"graft_guest_input_bytes_total{guest="things",version="0.1.0"}"#,
        r#"graft_guest_output_bytes_total{guest="things",version="0.1.0"}"#,
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(value(&metrics, series) > 0.0, "{series}");
    }
    // Whole seconds.
    assert!(value(&metrics, "process_cpu_seconds_total") >= 0.0);
    let promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    // Not every machine has it.
    if let Ok(mut promtool) = promtool {
        promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
        assert!(promtool.wait().unwrap().success());
    }
}

#[tokio::test]
async fn each_request_is_a_line_of_the_log_with_the_sdks_keys() {
    let folder = Folder::with(&["things"]);
    let plugin = Plugin::launch(folder.launch()).await.unwrap();
    let nowhere = Datasource::new("n", "http://127.0.0.1:9");
    let nowhere = nowhere.settings(json!({"guest": "things", "thing": "b"}));
    let query = Query::new("A", json!({"table": "day", "fields": ["_avg"]}));
    let mut request = tonic::Request::new(nowhere.query_data([query]));
    for pair in ["rule_uid:::r1", "@level:::7", "dsUid:::other"] {
        request.metadata_mut().append("loggerparamsctxmetadata", pair.parse().unwrap());
    }
    plugin.data().query_data(request).await.unwrap();
    let line = plugin.logged(|line| line.says("Plugin Request Completed")).await.unwrap();
    let entry = line.entry.unwrap();
    assert_eq!(entry.level, "error");
    for (key, expected) in [
        ("pluginId", "graft-datasource"),
        ("endpoint", "queryData"),
        ("status", "error"),
        ("statusSource", "downstream"),
        ("dsName", "n"),
        ("dsUid", "n"),
        ("uname", "Admin"),
        ("rule_uid", "r1"),
    ] {
        assert_eq!(entry.fields[key], expected, "{key} of {line}", line = entry.message);
    }
    assert!(entry.fields.contains_key("duration"));
    assert!(!entry.fields.contains_key("level"));
}
