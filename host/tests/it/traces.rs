//! One trace from Grafana's span through the plugin to the API.

use std::fmt::Write as _;

use graft_launch::{Datasource, Launch, Plugin, Query};
use graft_proto::pluginv2::QueryDataRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

use crate::support::collector::{Collector, attribute, spans};
use crate::support::{Answer, Api, Folder, frames};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const GRAFANAS_SPAN: &str = "00f067aa0ba902b7";

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// A plugin with the things guest, as a Grafana that traces starts it.
async fn traced(collector: &str, change: impl FnOnce(Launch) -> Launch) -> (Plugin, Folder) {
    let folder = Folder::with(&["things"]);
    let launch = folder.launch().variable("GF_INSTANCE_OTLP_ADDRESS", collector);
    let launch = launch.variable("GF_PLUGIN_VERSION", "9.8.7");
    (Plugin::launch(change(launch)).await.unwrap(), folder)
}

/// A query that belongs to Grafana's trace.
fn query(api: &Api, headers: &[(&'static str, &str)]) -> tonic::Request<QueryDataRequest> {
    let things = Datasource::new("t", &api.url).settings(json!({"guest": "things", "thing": "b"}));
    let mut request = tonic::Request::new(
        things.query_data([Query::new("A", json!({"table": "day", "fields": ["_avg"]}))]),
    );
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    request
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let span = spans.iter().find(|span| span.name == name && hex(&span.trace_id) == TRACE);
    span.unwrap_or_else(|| panic!("no span {name} in {spans:#?}"))
}

#[tokio::test]
async fn a_request_is_one_trace_from_grafana_to_the_api() {
    let collector = Collector::start().await;
    let debug = |launch: Launch| launch.setting("log_level", "debug");
    let (plugin, _folder) = traced(&collector.address, debug).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let unsampled = "00-11111111111111111111111111111111-2222222222222222-00";
    plugin.data().query_data(query(&api, &[("traceparent", unsampled)])).await.unwrap();
    let traceparent = format!("00-{TRACE}-{GRAFANAS_SPAN}-01");
    let response = plugin.data().query_data(query(&api, &[("traceparent", &traceparent)])).await;
    frames(response.unwrap().get_ref(), "A");

    let sent = collector.requests(1).await;
    let resource = format!("{:?}", sent[0].resource);
    assert!(resource.contains("graft-datasource") && resource.contains("9.8.7"), "{resource}");
    let spans = spans(&sent);
    let request = named(&spans, "sdk.queryData");
    assert_eq!(hex(&request.parent_span_id), GRAFANAS_SPAN);
    for (key, value) in [
        ("plugin_id", "graft-datasource"),
        ("org_id", "1"),
        ("datasource_name", "t"),
        ("datasource_uid", "t"),
        ("user", "Admin"),
        ("request_status", "ok"),
        ("status_source", "plugin"),
    ] {
        assert_eq!(attribute(request, key), value, "{key}");
    }
    let query = named(&spans, "query");
    assert_eq!((&query.parent_span_id, attribute(query, "refId")), (&request.span_id, "A".into()));
    for export in ["query.build-requests", "query.transform"] {
        let call = named(&spans, export);
        assert_eq!(call.parent_span_id, query.span_id);
        let guest = (attribute(call, "guest"), attribute(call, "version"));
        assert_eq!(guest, ("things".to_owned(), "0.1.0".to_owned()));
    }
    let exchange = named(&spans, "HTTP Outgoing Request");
    assert_eq!(exchange.parent_span_id, query.span_id);
    let url = attribute(exchange, "http.url");
    assert_eq!(url, format!("{}/api/things/b/db/day/frames", api.url), "without its query");
    assert_eq!(attribute(exchange, "http.method"), "GET");
    assert_eq!(attribute(exchange, "http.status_code"), "200");

    let seen = api.seen();
    let parents: Vec<_> =
        seen.iter().map(|seen| seen.headers["traceparent"].to_str().unwrap()).collect();
    assert_eq!(parents[1], format!("00-{TRACE}-{}-01", hex(&exchange.span_id)));
    assert!(parents[0].starts_with("00-11111111111111111111111111111111-"), "{parents:?}");
    assert!(parents[0].ends_with("-00"), "{parents:?}");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "what Grafana does not sample");

    let line =
        plugin.logged(|line| line.says("Plugin Request Completed") && line.text.contains(TRACE));
    assert_eq!(line.await.unwrap().entry.unwrap().fields["traceId"], TRACE);
    // Written on a guest's thread.
    let call = plugin.logged(|line| line.says("Call") && line.text.contains("query.transform"));
    let fields = call.await.unwrap().entry.unwrap().fields;
    assert_eq!(fields["dsUid"], "t");
    assert!(fields.keys().all(|key| !key.starts_with("otel") && *key != "plugin_id"), "{fields:?}");
}

#[tokio::test]
async fn without_tracing_the_api_still_hears_of_grafanas_trace() {
    let (plugin, _folder) = crate::support::plugin(&["things"]).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let traceparent = format!("00-{TRACE}-{GRAFANAS_SPAN}-01");
    plugin.data().query_data(query(&api, &[("traceparent", &traceparent)])).await.unwrap();
    plugin.data().query_data(query(&api, &[])).await.unwrap();
    let seen = api.seen();
    assert_eq!(seen[0].headers["traceparent"], traceparent);
    assert!(!seen[1].headers.contains_key("traceparent"));
}

#[tokio::test]
async fn jaegers_header_goes_on_if_grafana_uses_it() {
    let collector = Collector::start().await;
    let jaeger = |launch: Launch| launch.variable("GF_INSTANCE_OTLP_PROPAGATION", "jaeger");
    let (plugin, _folder) = traced(&collector.address, jaeger).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let came = format!("{TRACE}:{GRAFANAS_SPAN}:0:1");
    plugin.data().query_data(query(&api, &[("uber-trace-id", &came)])).await.unwrap();
    let sent = collector.requests(1).await;
    let spans = spans(&sent);
    assert_eq!(hex(&named(&spans, "sdk.queryData").parent_span_id), GRAFANAS_SPAN);
    let exchange = hex(&named(&spans, "HTTP Outgoing Request").span_id);
    let seen = api.seen();
    assert_eq!(seen[0].headers["uber-trace-id"], format!("{TRACE}:{exchange}:0:1"));
    assert!(!seen[0].headers.contains_key("traceparent"));
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_one_warning_and_nothing_else() {
    for address in ["127.0.0.1:9", "not an address"] {
        let (plugin, _folder) = traced(address, |launch| launch).await;
        let api = Api::start(|_seen| Answer::json("[]")).await;
        let response = plugin.data().query_data(query(&api, &[])).await.unwrap();
        frames(response.get_ref(), "A");
        plugin.logged(|line| line.says("Traces cannot be sent")).await.unwrap();
        plugin.data().query_data(query(&api, &[])).await.unwrap();
        let exit = plugin.shutdown().await.unwrap();
        assert!(exit.status.success());
        let warnings = exit.log.iter().filter(|line| line.says("Traces"));
        assert_eq!(warnings.count(), 1, "{:#?}", exit.log);
    }
}

#[tokio::test]
async fn a_variable_that_cannot_be_read_is_a_warning_with_its_name() {
    let collector = Collector::start().await;
    let odd = |launch: Launch| launch.variable("GF_INSTANCE_OTLP_SAMPLER_TYPE", "dice");
    let (plugin, _folder) = traced(&collector.address, odd).await;
    let line = plugin.logged(|line| line.says("GF_INSTANCE_OTLP_SAMPLER_TYPE")).await.unwrap();
    assert_eq!(line.entry.unwrap().level, "warn");
    let api = Api::start(|_seen| Answer::json("[]")).await;
    plugin.data().query_data(query(&api, &[])).await.unwrap();
    assert_eq!(collector.requests(1).await.len(), 1);
}
