//! Whatever can go wrong on the way to an API and back: what the user reads, whose fault it is, and how often the API was asked.

use std::time::Duration;

use graft_launch::{Datasource, Plugin, Query};
use serde_json::json;

use crate::support::faulty::Fault::{Drip, Flood, Hang, Reset};
use crate::support::faulty::{Fault, Faulty, bomb, response, whole};
use crate::support::{Folder, error, frames};

/// What comes of a fault.
struct Expected {
    status: i32,
    /// What the sentence says, among others.
    words: &'static [&'static str],
    /// How often the API was asked.
    requests: usize,
}

const fn expected(status: i32, words: &'static [&'static str], requests: usize) -> Expected {
    Expected { status, words, requests }
}

/// A plugin with limits that a test reaches soon.
async fn launched() -> (Plugin, Folder) {
    let folder = Folder::with(&["fixtures/odd"]);
    let launch = folder.launch().setting("response_bytes", "4MiB");
    (Plugin::launch(launch).await.unwrap(), folder)
}

async fn check(
    name: &str,
    fault: impl Fn(usize) -> Vec<Fault> + Send + Sync + 'static,
    expected: &Expected,
    plugin: &Plugin,
) {
    let api = Faulty::start(fault).await;
    let datasource =
        Datasource::new(name, &api.url).settings(json!({"guest": "odd", "timeout": 2}));
    // A guest that reads JSON, and tells of a status that is no success.
    let query = Query::new("A", json!({"behaviour": "readings"}));
    let response = plugin.query_data(datasource.query_data([query])).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (expected.status, "downstream"), "{name}: {sentence}");
    for words in expected.words {
        assert!(sentence.contains(words), "{name}: {words} in {sentence}");
    }
    assert_eq!(api.requests(), expected.requests, "{name}: {sentence}");
}

macro_rules! faults {
    ($($name:ident: $fault:expr => $expected:expr;)+) => {
        $(#[tokio::test]
        async fn $name() {
            let (plugin, _folder) = launched().await;
            check(stringify!($name), $fault, &$expected, &plugin).await;
        })+
    };
}

faults! {
    a_connection_that_is_reset_before_the_answer: |_| vec![Reset]
        => expected(502, &["It was tried 3 times."], 3);
    a_connection_that_is_reset_in_the_middle_of_the_body:
        |_| vec![response("200 OK", "content-length: 100\r\n", b"[{"), Reset]
        => expected(502, &["2 of 100 bytes", "It was tried 3 times."], 3);
    a_body_that_drips: |_| vec![response("200 OK", "content-length: 1000\r\n", b""), Drip]
        => expected(504, &["within 2.", "'Timeout'"], 1);
    a_server_that_says_nothing: |_| vec![Hang]
        => expected(504, &["within 2.", "'Timeout'"], 1);
    a_body_without_end: |_| vec![response("200 OK", "", b""), Flood]
        => expected(502, &["4194304 bytes", "'response_bytes'"], 1);
    a_body_that_is_announced_too_large:
        |_| vec![response("200 OK", "content-length: 4194305\r\n", b""), Hang]
        => expected(502, &["4194304 bytes", "'response_bytes'"], 1);
    a_small_body_that_grows_without_end:
        |_| vec![whole("200 OK", "content-encoding: gzip\r\n", &bomb(256 << 20))]
        => expected(502, &["200 times of its compressed size", "'decompression_ratio'"], 1);
    a_body_that_is_shorter_than_it_says: |_| vec![response("200 OK", "content-length: 9\r\n", b"[]")]
        => expected(502, &["2 of 9 bytes"], 3);
    a_chunked_body_without_its_end:
        |_| vec![response("200 OK", "transfer-encoding: chunked\r\n", b"2\r\n[]\r\n")]
        => expected(502, &["It was tried 3 times."], 3);
    a_compressed_body_that_is_none:
        |_| vec![whole("200 OK", "content-encoding: gzip\r\n", b"[]")]
        => expected(502, &["It was tried 3 times."], 3);
    what_is_no_http: |_| vec![Fault::Send(b"220 mail.example ESMTP\r\n".to_vec())]
        => expected(502, &["HTTP"], 3);
    too_many_requests_without_a_word_when:
        |_| vec![whole("429 Too Many Requests", "", br#"{"message": "slow down"}"#)]
        => expected(429, &["slow down"], 3);
    too_many_requests_and_an_hour_to_wait:
        |_| vec![whole("429 Too Many Requests", "retry-after: 3600\r\n", br#"{"message": "slow down"}"#)]
        => expected(429, &["slow down"], 1);
    too_many_requests_and_half_a_second_to_wait:
        |_| vec![whole("429 Too Many Requests", "retry-after: 0\r\n", br#"{"message": "slow down"}"#)]
        => expected(429, &["slow down"], 3);
    a_server_that_is_away: |_| vec![whole("503 Service Unavailable", "", b"<h1>no</h1>")]
        => expected(503, &["503"], 3);
    a_server_that_is_broken: |_| vec![whole("500 Internal Server Error", "", br#"{"error": {"message": "no disk"}}"#)]
        => expected(500, &["no disk"], 1);
    a_redirect_to_itself: |_| vec![whole("302 Found", "location: /\r\n", b"")]
        => expected(502, &["redirected 10 times"], 11);
    a_redirect_to_another_host: |_| vec![whole("302 Found", "location: http://127.0.0.2:9/\r\n", b"")]
        => expected(502, &["http://127.0.0.2:9"], 1);
    a_redirect_to_a_metadata_service:
        |_| vec![whole("307 Temporary Redirect", "location: http://169.254.169.254/latest/\r\n", b"")]
        => expected(502, &["169.254.169.254"], 1);
    a_redirect_to_nowhere: |_| vec![whole("302 Found", "location: file:///etc/passwd\r\n", b"")]
        => expected(502, &["file:"], 1);
    a_header_without_end:
        |_| vec![response("200 OK", &format!("x: {}\r\n", "y".repeat(100 << 10)), b"[]")]
        => expected(502, &["'header_bytes'"], 1);
}

#[tokio::test]
async fn a_server_that_flaps_is_not_seen_to_but_told_of() {
    let (plugin, _folder) = launched().await;
    let api = Faulty::start(|number| match number {
        0 | 1 => vec![whole("503 Service Unavailable", "", b"")],
        _ => vec![whole("200 OK", "", br#"[{"time": 1, "value": 5}]"#)],
    })
    .await;
    let datasource = Datasource::new("flaps", &api.url).settings(json!({"guest": "odd"}));
    let query = Query::new("A", json!({"behaviour": "readings"}));
    let response = plugin.query_data(datasource.query_data([query])).await.unwrap();
    let frames = frames(&response, "A");
    assert_eq!((frames[0].floats(1), api.requests()), (Some(vec![5.0]), 3));
    let meta = frames[0].meta();
    assert_eq!(meta["custom"]["exchanges"][0]["retries"], 2, "{meta}");
    let executed = meta["executedQueryString"].as_str().unwrap();
    assert!(
        executed.starts_with("GET http://127.0.0.1:") && executed.ends_with("2 retries"),
        "{executed}"
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_exchange() {
    let (plugin, _folder) = launched().await;
    let api = Faulty::start(|_| vec![Hang]).await;
    let settings = json!({"guest": "odd", "timeout": 3600});
    let datasource = Datasource::new("gone", &api.url).settings(settings);
    let query = Query::new("A", json!({"behaviour": "readings"}));
    let request = datasource.query_data([query]);
    let mut client = plugin.data();
    let asking = tokio::spawn(async move { client.query_data(request).await });
    while api.requests() == 0 {
        tokio::task::yield_now().await;
    }
    asking.abort();
    api.left_alone().await;
}

#[tokio::test]
async fn a_callers_deadline_ends_the_exchange() {
    let (plugin, _folder) = launched().await;
    let api = Faulty::start(|_| vec![Hang]).await;
    let settings = json!({"guest": "odd", "timeout": 3600});
    let datasource = Datasource::new("late", &api.url).settings(settings);
    let query = Query::new("A", json!({"behaviour": "readings"}));
    let mut request = tonic::Request::new(datasource.query_data([query]));
    request.set_timeout(Duration::from_millis(500));
    // There is an answer in time, or none; in any case the API is left alone.
    if let Ok(response) = plugin.data().query_data(request).await {
        let response = response.into_inner();
        let (status, source, sentence) = error(&response, "A");
        assert_eq!((status, source), (504, "downstream"), "{sentence}");
    }
    api.left_alone().await;
}
