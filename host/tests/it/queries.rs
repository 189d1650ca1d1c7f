//! Several queries in one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use graft_launch::{Datasource, Query};
use graft_proto::pluginv2::DataQuery;
use serde_json::json;

use crate::support::{Answer, Api, answer, error, frames, plugin};

fn things(url: &str) -> Datasource {
    Datasource::new("things", url).settings(json!({"guest": "things", "thing": "boiler"}))
}

fn table(ref_id: &str, table: &str) -> Query {
    Query::new(ref_id, json!({"table": table, "fields": ["_avg"]}))
}

/// A things API whose table is the answer to give.
async fn api() -> Api {
    Api::start(|seen| {
        let table = seen.line.split('/').nth(5).unwrap_or_default();
        match table {
            "page" => {
                Answer::html(500, "<html><title>Oh no</title><body>stack trace</body></html>")
            }
            "half" => Answer::json(r#"[{"name":"_time","values":[1700000000,"#),
            "error" => Answer::json(r#"{"message":"no such table"}"#).status(404),
            _ => Answer::json(
                r#"[{"name":"_time","values":[1700000000]},{"name":"_avg","values":[1.5]}]"#,
            ),
        }
    })
    .await
}

#[tokio::test]
async fn four_queries_that_fail_do_not_disturb_the_fifth() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let api = api().await;
    let broken = DataQuery {
        json: "{\"table\":".into(),
        ..things("").query_data([table("D", "x")]).queries.remove(0)
    };
    let mut request = things(&api.url).query_data([
        table("A", "page"),
        table("B", "half"),
        Query::new("C", json!({"table": "day"})),
        table("E", "day"),
    ]);
    request.queries.push(broken);
    let response = plugin.query_data(request).await.unwrap();
    assert_eq!(response.responses.len(), 5);

    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "downstream"));
    assert!(sentence.contains("Oh no") && !sentence.contains("stack trace"), "{sentence}");
    let (status, source, sentence) = error(&response, "B");
    assert_eq!((status, source), (502, "downstream"));
    assert!(sentence.contains("ends too soon") || sentence.contains("EOF"), "{sentence}");
    let (status, source, sentence) = error(&response, "C");
    assert_eq!((status, source), (400, "downstream"));
    assert_eq!(sentence, "The query does not fit: missing field `fields`.");
    let (status, source, sentence) = error(&response, "D");
    assert_eq!((status, source), (400, "downstream"));
    assert!(
        sentence.starts_with("The query is not valid: it is not a JSON object ("),
        "{sentence}"
    );

    let frames = frames(&response, "E");
    assert!(frames[0].table().unwrap().contains("1.5"));
    assert_eq!(frames[0].metadata()["refId"], "E");
}

#[tokio::test]
async fn the_apis_own_error_keeps_its_status_and_words() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let api = api().await;
    let request = things(&api.url).query_data([table("A", "error")]);
    let response = plugin.query_data(request).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (404, "downstream"));
    assert!(sentence.contains("no such table"), "{sentence}");
}

#[tokio::test]
async fn the_queries_of_a_request_are_asked_side_by_side() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let (arrived, all) = (Arc::new(AtomicUsize::new(0)), 5);
    // Answers only when all have arrived, so that one after the other would never end.
    let api = Api::start_async({
        let arrived = Arc::clone(&arrived);
        let barrier = Arc::new(tokio::sync::Barrier::new(all));
        move |_seen| {
            let (arrived, barrier) = (Arc::clone(&arrived), Arc::clone(&barrier));
            async move {
                arrived.fetch_add(1, Ordering::SeqCst);
                barrier.wait().await;
                Answer::json("[]")
            }
        }
    })
    .await;
    let queries = ["A", "B", "C", "D", "E"].map(|ref_id| table(ref_id, ref_id));
    let response = plugin.query_data(things(&api.url).query_data(queries)).await.unwrap();
    assert_eq!(arrived.load(Ordering::SeqCst), all);
    assert!(response.responses.values().all(|answer| answer.status == 200), "{response:?}");
}

#[tokio::test]
async fn a_request_without_queries_is_answered_with_none() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let response = plugin.query_data(things("http://127.0.0.1:9").query_data([])).await.unwrap();
    assert!(response.responses.is_empty());
}

#[tokio::test]
async fn a_request_without_a_data_source_is_a_broken_envelope() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let mut request = things("").query_data([table("A", "day")]);
    request.plugin_context = None;
    let status = plugin.query_data(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().contains("pluginContext"), "{status}");
}

#[tokio::test]
async fn no_data_is_a_frame_with_a_kind_and_no_fields() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let request = things(&api.url).query_data([table("A", "day")]);
    let response = plugin.query_data(request).await.unwrap();
    assert_eq!(answer(&response, "A").frames.len(), 1);
    let frames = frames(&response, "A");
    assert_eq!(frames[0].schema().fields().len(), 0);
    assert_eq!(frames[0].meta()["type"], "timeseries-wide");
    assert_eq!(frames[0].meta()["typeVersion"], json!([0, 1]));
}

#[tokio::test]
async fn an_alert_rule_gets_no_data_where_a_panel_gets_no_rows() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let empty = r#"[{"name":"_time","values":[]},{"name":"_avg","values":[]}]"#;
    let api = Api::start(move |_seen| Answer::json(empty)).await;
    let mut request = things(&api.url).query_data([table("A", "day")]);
    let response = plugin.query_data(request.clone()).await.unwrap();
    assert_eq!(frames(&response, "A")[0].schema().fields().len(), 2);

    request.headers.insert("FromAlert".to_owned(), "true".to_owned());
    let response = plugin.query_data(request).await.unwrap();
    let frames = frames(&response, "A");
    assert_eq!(frames[0].schema().fields().len(), 0);
    assert_eq!(frames[0].meta()["type"], "timeseries-wide");
}

#[tokio::test]
async fn a_frame_that_is_not_of_its_kind_is_the_guests_fault() {
    let (plugin, _folder) = plugin(&["things"]).await;
    let falling = r#"[{"name":"_time","values":[2,1]},{"name":"_avg","values":[1.5,1.5]}]"#;
    let api = Api::start(move |_seen| Answer::json(falling)).await;
    let response = plugin.query_data(things(&api.url).query_data([table("A", "day")])).await;
    let response = response.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "plugin"));
    let expected = "frame 0 ('day'), field 0 ('_time') does not fit the kind 'timeseries-wide': its time in row 1 is before";
    assert!(sentence.starts_with("Guest 'things ") && sentence.contains(expected), "{sentence}");
}

#[tokio::test]
async fn a_guest_that_refuses_without_a_word_is_blamed_in_one() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let datasource = Datasource::new("odd", "").settings(json!({"guest": "odd"}));
    let query = Query::new("A", json!({"behaviour": "refuse-silently"}));
    let response = plugin.query_data(datasource.query_data([query])).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (400, "downstream"));
    assert!(sentence.contains("Guest 'odd 0.1.0' refused with status 400"), "{sentence}");
}
