//! The contract in other languages: one guest each, for the same imaginary API of sensors.

use expect_test::expect;
use graft_launch::{Datasource, Query};
use graft_proto::pluginv2::check_health_response::HealthStatus;
use serde_json::json;

use crate::support::{Answer, Api, error, frames, plugin};

async fn answers_as_a_guest_in_rust_does(guest: &str) {
    let (plugin, _folder) = plugin(&[&format!("fixtures/{guest}")]).await;
    let api = Api::start(|seen| match seen.line.as_str() {
        "GET /status" => Answer::json(r#"{"version": "2.4.1"}"#),
        line if line.contains("sensor=gone") => {
            Answer::json(r#"{"message":"no such sensor"}"#).status(404)
        }
        _ => Answer::json(
            r#"[{"time":1700000000.5,"value":21.5,"state":"ok"},{"time":1700000060,"value":null,"state":"ü"}]"#,
        ),
    })
    .await;
    let sensors = Datasource::new(guest, &api.url).settings(json!({"guest": guest}));
    let health = plugin.check_health(sensors.check_health()).await.unwrap();
    let message = "The sensors API answers, version 2.4.1.";
    assert_eq!((health.status(), health.message.as_str()), (HealthStatus::Ok, message));

    let queries = [
        Query::new("A", json!({"sensor": "hall"})),
        Query::new("B", json!({})),
        Query::new("C", json!({"sensor": "gone"})),
    ];
    let response = plugin.query_data(sensors.query_data(queries)).await.unwrap();
    let frames = frames(&response, "A");
    expect![[r#"
        +-------------------------+-------+-------+
        | time                    | value | state |
        +-------------------------+-------+-------+
        | 2023-11-14T22:13:20.500 | 21.5  | ok    |
        | 2023-11-14T22:14:20     |       | ü     |
        +-------------------------+-------+-------+"#]]
    .assert_eq(&frames[0].table().unwrap());
    assert_eq!(frames[0].schema().field(1).metadata()["labels"], r#"{"sensor":"hall"}"#);
    assert_eq!(frames[0].meta()["type"], "timeseries-wide");

    assert_eq!(
        error(&response, "B"),
        (400, "downstream", "Choose a sensor: the query names none.")
    );
    assert_eq!(error(&response, "C"), (404, "downstream", "no such sensor"));
}

#[tokio::test]
async fn a_guest_in_javascript_answers_a_query() {
    answers_as_a_guest_in_rust_does("javascript").await;
}

#[tokio::test]
async fn a_guest_in_python_answers_a_query() {
    answers_as_a_guest_in_rust_does("python").await;
}
