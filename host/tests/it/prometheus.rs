//! A real Prometheus server that scrapes itself, asked through the whole path and, beside it, directly.

mod server;

use graft_launch::frames::Frame;
use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::QueryDataResponse;
use graft_proto::pluginv2::check_health_response::HealthStatus;
use serde_json::{Value, json};

use self::server::Prometheus;
use crate::support::{Folder, error, frames, plugin};

/// A server with some seconds of data, the plugin, and the data source that an admin would make of them.
struct Asked {
    server: Prometheus,
    plugin: Plugin,
    _folder: Folder,
    datasource: Datasource,
}

impl Asked {
    /// None, loudly, where there is no Prometheus to be started.
    async fn start() -> Option<Self> {
        let server = Prometheus::start().await?;
        let (plugin, _folder) = plugin(&["prometheus"]).await;
        let settings = json!({"guest": "prometheus", "timeInterval": "1s"});
        let datasource = Datasource::new("prometheus", &server.url).settings(settings);
        Some(Self { server, plugin, _folder, datasource })
    }

    /// Asks for an expression over the last seconds that are complete, one point a second.
    async fn ask(&self, model: Value) -> QueryDataResponse {
        let query = Query::new("A", model).interval(1_000).points(1_000);
        let query = query.range(self.server.start * 1_000, self.server.end * 1_000);
        self.plugin.query_data(self.datasource.query_data([query])).await.unwrap()
    }

    /// What the server itself answers.
    async fn directly(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let (start, end) = (self.server.start.to_string(), self.server.end.to_string());
        let range = [("start", start.as_str()), ("end", end.as_str()), ("step", "1")];
        let parameters: Vec<_> = match path {
            "query_range" => parameters.iter().chain(&range).copied().collect(),
            _ => parameters.to_vec(),
        };
        self.server.get(path, &parameters).await
    }
}

/// A series: its labels as JSON, and points of milliseconds and value.
type Series = (String, Vec<(i64, String)>);

/// The series of frames of a time and a value each, in the order of their labels.
fn series_of_frames(frames: &[Frame]) -> Vec<Series> {
    let mut series: Vec<_> = frames.iter().map(series_of_frame).collect();
    series.sort();
    series
}

fn series_of_frame(frame: &Frame) -> Series {
    let labels = frame.schema().field(1).metadata().get("labels").cloned().unwrap_or_default();
    let times = frame.times(0).unwrap();
    let values = frame.floats(1).unwrap();
    let points = times.iter().zip(values).map(|(time, value)| (time / 1_000_000, shown(value)));
    (labels, points.collect())
}

/// The same of the server's own answer.
fn series_of_answer(answer: &Value) -> Vec<Series> {
    let result = answer["data"]["result"].as_array().unwrap();
    let mut series: Vec<_> = result
        .iter()
        .map(|series| {
            let points = match &series["values"] {
                Value::Array(points) => points.clone(),
                _ => vec![series["value"].clone()],
            };
            let points = points.iter().map(|point| {
                let seconds = point[0].as_f64().unwrap();
                let value: f64 = point[1].as_str().unwrap().parse().unwrap();
                #[expect(clippy::cast_possible_truncation, reason = "milliseconds of today fit")]
                let milliseconds = (seconds * 1e3).round() as i64;
                (milliseconds, shown(value))
            });
            (series["metric"].to_string(), points.collect())
        })
        .collect();
    series.sort();
    series
}

/// A number as text, so that not-a-numbers compare equal.
fn shown(value: f64) -> String {
    format!("{value:?}")
}

#[tokio::test]
async fn a_range_is_what_the_server_itself_says() {
    let Some(asked) = Asked::start().await else { return };
    for expression in ["up", "prometheus_http_requests_total", "0 / (up - 1)", "-1 / (up - 1)"] {
        let answer = asked.directly("query_range", &[("query", expression)]).await;
        let response = asked.ask(json!({"expr": expression, "range": true})).await;
        let expected = series_of_answer(&answer);
        assert!(!expected.is_empty() && expected[0].1.len() > 1, "{expression}: {answer}");
        let frames = frames(&response, "A");
        assert_eq!(series_of_frames(&frames), expected, "{expression}");
        let executed = frames[0].meta()["executedQueryString"].to_string();
        assert!(executed.contains(&expression.replace('"', "\\\"")), "{executed}");
        for frame in &frames {
            let meta = frame.meta();
            assert_eq!(
                (&meta["type"], &meta["typeVersion"]),
                (&json!("timeseries-multi"), &json!([0, 1]))
            );
            assert!(!frame.schema().field(0).is_nullable(), "alerting needs a time for each row");
        }
    }
}

#[tokio::test]
async fn an_instant_is_what_the_server_itself_says() {
    let Some(asked) = Asked::start().await else { return };
    let time = asked.server.end.to_string();
    let expression = "prometheus_http_requests_total";
    let parameters = [("query", expression), ("time", time.as_str())];
    let answer = asked.directly("query", &parameters).await;
    let response = asked.ask(json!({"expr": expression, "instant": true, "range": false})).await;
    assert_eq!(series_of_frames(&frames(&response, "A")), series_of_answer(&answer));
}

#[tokio::test]
async fn a_metric_of_many_series_keeps_every_label() {
    let Some(asked) = Asked::start().await else { return };
    let expression = r#"{__name__=~"prometheus_.+|go_.+"}"#;
    let answer = asked.directly("query_range", &[("query", expression)]).await;
    let response = asked.ask(json!({"expr": expression, "range": true})).await;
    let expected = series_of_answer(&answer);
    assert!(expected.len() > 100, "{} series", expected.len());
    assert_eq!(series_of_frames(&frames(&response, "A")), expected);
}

#[tokio::test]
async fn a_broken_expression_is_told_in_the_servers_words() {
    let Some(asked) = Asked::start().await else { return };
    let response = asked.ask(json!({"expr": "rate(up[", "range": true})).await;
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (400, "downstream"));
    assert!(sentence.contains("parse error"), "{sentence}");
}

#[tokio::test]
async fn no_data_is_said_in_a_way_that_alerting_understands() {
    let Some(asked) = Asked::start().await else { return };
    let response = asked.ask(json!({"expr": "no_such_metric", "range": true})).await;
    let frames = frames(&response, "A");
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].schema().fields().len(), 0);
    assert_eq!(frames[0].meta()["type"], "timeseries-multi");
}

#[tokio::test]
async fn save_and_test_knows_the_server() {
    let Some(asked) = Asked::start().await else { return };
    let health = asked.plugin.check_health(asked.datasource.check_health()).await.unwrap();
    assert_eq!(health.status(), HealthStatus::Ok, "{}", health.message);
    assert!(health.message.contains("Prometheus"), "{}", health.message);
}
