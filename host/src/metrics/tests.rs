use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

/// Metrics of which something was counted in each family.
fn counted() -> Metrics {
    let metrics = Metrics::new().unwrap();
    metrics.request("queryData", "ok", "plugin", Duration::from_millis(3));
    metrics.compile_cache(true);
    metrics.datasources_ready(2);
    metrics
}

/// The lines with samples of a family.
fn samples(metrics: &Metrics, family: &str) -> Vec<String> {
    let text = metrics.text().unwrap();
    let lines = text.lines().filter(|line| line.starts_with(family));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_request_is_counted_and_timed() {
    let metrics = counted();
    assert_eq!(
        samples(&metrics, "grafana_plugin_request_total"),
        [
            r#"grafana_plugin_request_total{endpoint="queryData",status="ok",status_source="plugin"} 1"#
        ]
    );
    let count = r#"graft_request_duration_seconds_count{endpoint="queryData",status="ok"} 1"#;
    assert!(samples(&metrics, "graft_request_duration_seconds").contains(&count.to_owned()));
    assert_eq!(
        samples(&metrics, "graft_compile_cache"),
        [r#"graft_compile_cache_requests_total{result="hit"} 1"#]
    );
    assert_eq!(samples(&metrics, "graft_datasources"), ["graft_datasources 2"]);
    assert_eq!(samples(&metrics, "process_start_time_seconds").len(), 1);
}

#[test]
fn calls_are_counted_by_export_and_outcome() {
    let metrics = Metrics::new().unwrap();
    let guest = metrics.guest("things", "0.1.0");
    for outcome in ["ok", "refused", "ok"] {
        guest.call("query.transform").end(outcome);
    }
    drop(guest.call("describe"));
    let sample = |export, outcome, count| {
        format!(
            r#"graft_guest_calls_total{{export="{export}",guest="things",outcome="{outcome}",version="0.1.0"}} {count}"#
        )
    };
    assert_eq!(
        samples(&metrics, "graft_guest_calls_total"),
        [
            sample("describe", "cancelled", 1),
            sample("query.transform", "ok", 2),
            sample("query.transform", "refused", 1),
        ]
    );
}

#[test]
fn the_series_of_a_guest_go_with_its_last_handle() {
    let metrics = Metrics::new().unwrap();
    let (one, other) = (metrics.guest("things", "1"), metrics.guest("things", "1"));
    assert!(Arc::ptr_eq(&one, &other));
    let newer = metrics.guest("things", "2");
    for guest in [&one, &newer] {
        guest.call("describe").end("ok");
        guest.used(Duration::from_millis(1), 1 << 20);
    }
    drop(one);
    assert_eq!(samples(&metrics, "graft_guest_calls_total").len(), 2);
    assert_eq!(samples(&metrics, "graft_guests"), ["graft_guests 2"]);
    drop(other);
    assert_eq!(samples(&metrics, "graft_guest_calls_total").len(), 1);
    assert!(!metrics.text().unwrap().contains(r#"version="1""#));
    drop(newer);
    assert!(!metrics.text().unwrap().contains("things"));
}

#[test]
fn the_series_of_a_datasource_go_with_its_last_handle_and_begin_anew() {
    let metrics = Metrics::new().unwrap();
    for _time in 0..2 {
        let datasource = metrics.datasource("u");
        datasource.response("GET", 200, 10, Duration::from_millis(1));
        datasource.failure("unreachable");
        let lines = samples(&metrics, "plugins_datasource_request_total");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains(r#"code="200""#) && lines[0].ends_with(" 1"), "{lines:?}");
    }
    assert!(!metrics.text().unwrap().contains("datasource_uid"));
}

#[test]
fn statuses_that_an_api_invents_are_one_series() {
    let metrics = Metrics::new().unwrap();
    let datasource = metrics.datasource("u");
    for status in [299, 499, 999, 200] {
        datasource.response("GET", status, 0, Duration::ZERO);
    }
    let lines = samples(&metrics, "plugins_datasource_request_total");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains(r#"code="other""#) && lines[1].ends_with(" 3"), "{lines:?}");
}

#[test]
fn promtool_has_nothing_to_say() {
    let metrics = counted();
    let (guest, datasource) = (metrics.guest("g", "1"), metrics.datasource("u"));
    guest.call("describe").end("ok");
    datasource.response("GET", 200, 10, Duration::from_millis(1));
    datasource.failure("tls");
    let promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    // Not every machine has it.
    let Ok(mut promtool) = promtool else { return };
    promtool.stdin.take().unwrap().write_all(metrics.text().unwrap().as_bytes()).unwrap();
    assert!(promtool.wait().unwrap().success());
}
