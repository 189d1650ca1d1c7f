//! Queries of several rounds: pages, jobs, what becomes of a page that cannot be had, and secrets in every place of a request.

use std::sync::atomic::{AtomicUsize, Ordering};

use graft_launch::{Datasource, Plugin, Query};
use serde_json::{Value, json};

use crate::support::{Answer, Api, Folder, error, frames, plugin};

fn odd(uid: &str, url: &str) -> Datasource {
    Datasource::new(uid, url).settings(json!({"guest": "odd", "maxRetries": 0}))
}

fn query(behaviour: &str) -> Query {
    Query::new("A", json!({ "behaviour": behaviour }))
}

/// Three pages, by cursor or by link; the third is another answer for those who want one.
async fn pages(third: Answer) -> Api {
    let page =
        |rows: &str, next: Value| Answer::json(format!("{{\"rows\": {rows}, \"next\": {next}}}"));
    Api::start(move |seen| match seen.line.as_str() {
        "GET /base/rows?limit=2" => page("[0, 1]", json!("b")),
        "GET /base/rows?limit=2&after=b" => page("[2, 3]", json!("c/ä")),
        "GET /base/rows?limit=2&after=c%2F%C3%A4" => third.clone(),
        line => Answer::json(json!({ "message": line }).to_string()).status(404),
    })
    .await
}

#[tokio::test]
async fn pages_by_cursor_become_one_frame() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = pages(Answer::json(r#"{"rows": [4], "next": null}"#)).await;
    let datasource = odd("a", &format!("{}/base", api.url));
    let response = plugin.query_data(datasource.query_data([query("cursor-pages")])).await.unwrap();
    let frames = frames(&response, "A");
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].floats(0), Some(vec![0.0, 1.0, 2.0, 3.0, 4.0]));
    let meta = frames[0].meta();
    assert_eq!(meta["custom"]["exchanges"].as_array().unwrap().len(), 3, "{meta}");
    assert_eq!(meta["executedQueryString"].as_str().unwrap().lines().count(), 3, "{meta}");
}

#[tokio::test]
async fn a_dashboard_shows_the_pages_before_one_that_cannot_be_had_and_a_rule_fails() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = pages(Answer::json(r#"{"message": "disk full"}"#).status(500)).await;
    let datasource = odd("a", &format!("{}/base", api.url));
    let response = plugin.query_data(datasource.query_data([query("cursor-pages")])).await.unwrap();
    let frames = frames(&response, "A");
    assert_eq!(frames[0].floats(0), Some(vec![0.0, 1.0, 2.0, 3.0]));
    let meta = frames[0].meta();
    let notice = &meta["notices"][0];
    assert_eq!(notice["severity"], "warning");
    let text = notice["text"].as_str().unwrap();
    assert!(
        text.starts_with("Not all of the data is shown") && text.contains("disk full"),
        "{text}"
    );
    assert_eq!(meta["custom"]["exchanges"][2]["status"], 500, "{meta}");
    assert!(plugin.logged(|line| line.says("Query ended early")).await.is_some());

    let mut rule = datasource.query_data([query("cursor-pages")]);
    rule.headers.insert("FromAlert".to_owned(), "true".to_owned());
    let response = plugin.query_data(rule).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "downstream"), "{sentence}");
    assert!(sentence.contains("disk full"), "{sentence}");
}

#[tokio::test]
async fn a_dashboard_shows_the_pages_that_the_limits_of_rows_let_in() {
    let folder = Folder::with(&["fixtures/odd"]);
    let plugin = Plugin::launch(folder.launch().setting("rows", "4")).await.unwrap();
    let api = pages(Answer::json(r#"{"rows": [4], "next": null}"#)).await;
    let datasource = odd("a", &format!("{}/base", api.url));
    let response = plugin.query_data(datasource.query_data([query("cursor-pages")])).await.unwrap();
    let frames = frames(&response, "A");
    assert_eq!(frames[0].floats(0), Some(vec![0.0, 1.0, 2.0, 3.0]));
    let text = frames[0].meta()["notices"][0]["text"].to_string();
    assert!(text.contains("Not all of the data is shown") && text.contains("'rows'"), "{text}");
}

#[tokio::test]
async fn an_api_whose_pages_go_in_a_circle_is_told_from_one_that_ends() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = pages(Answer::json(r#"{"rows": [4], "next": "c/ä"}"#)).await;
    let datasource = odd("a", &format!("{}/base", api.url));
    let response = plugin.query_data(datasource.query_data([query("cursor-pages")])).await.unwrap();
    let text = frames(&response, "A")[0].meta()["notices"][0]["text"].to_string();
    assert!(text.contains("in a circle"), "{text}");
    assert_eq!(api.lines().len(), 3);
}

#[tokio::test]
async fn pages_by_link_are_followed_below_the_datasources_url_and_nowhere_else() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let linked =
        |rows: &str, link: &'static str| Answer::json(rows.to_owned()).header("link", link);
    let api = Api::start(move |seen| match seen.line.as_str() {
        "GET /base/rows?limit=2" => linked("[0, 1]", "<?limit=2&page=2>; rel=\"next\""),
        "GET /base/rows?limit=2&page=2" => linked("[2]", "</base/more>; rel=next"),
        "GET /base/more" => linked("[3]", "<http://169.254.169.254/latest>; rel=next"),
        line => Answer::json(json!({ "message": line }).to_string()).status(404),
    })
    .await;
    let datasource = odd("a", &format!("{}/base", api.url));
    let response = plugin.query_data(datasource.query_data([query("linked-pages")])).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (500, "plugin"), "{sentence}");
    assert!(sentence.contains("169.254.169.254"), "{sentence}");
    assert_eq!(api.lines().len(), 3);
}

#[tokio::test]
async fn a_job_is_asked_for_until_it_is_done() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let asked = AtomicUsize::new(0);
    let api = Api::start(move |seen| match seen.line.as_str() {
        "GET /jobs" => Answer::json(r#"{"id": "7/8"}"#),
        "GET /jobs/7%2F8" if asked.fetch_add(1, Ordering::Relaxed) < 3 => {
            Answer::json(r#"{"done": false}"#)
        }
        "GET /jobs/7%2F8" => Answer::json(r#"{"done": true}"#),
        "GET /jobs/7%2F8/rows" => Answer::json("[1, 2]"),
        line => Answer::json(json!({ "message": line }).to_string()).status(404),
    })
    .await;
    // What may be served again is asked anew all the same.
    let settings = json!({"guest": "odd", "cacheFor": 3600});
    let datasource = Datasource::new("a", &api.url).settings(settings);
    let response = plugin.query_data(datasource.query_data([query("job")])).await.unwrap();
    assert_eq!(frames(&response, "A")[0].floats(0), Some(vec![1.0, 2.0]));
    assert_eq!(api.lines().len(), 6);
}

#[tokio::test]
async fn a_job_that_takes_longer_than_its_query_is_told_as_such() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|seen| match seen.line.as_str() {
        "GET /jobs" => Answer::json(r#"{"id": "7"}"#),
        _ => Answer::json(r#"{"done": false}"#).header("retry-after", "18446744073709551615"),
    })
    .await;
    let datasource = odd("a", &api.url);
    let response = plugin.query_data(datasource.query_data([query("job")])).await.unwrap();
    let (status, source, sentence) = error(&response, "A");
    assert_eq!((status, source), (504, "downstream"), "{sentence}");
    assert!(sentence.contains("It was not ready in the query's time"), "{sentence}");
    assert_eq!(api.lines().len(), 2);
}

#[tokio::test]
async fn a_secret_stands_in_each_place_as_that_place_wants_it() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|seen| Answer::json(json!(seen.line).to_string())).await;
    let secret = "a/b?c&d=\"e\" ü{{secret:apiKey}}";
    let datasource = odd("a", &api.url).secret("apiKey", secret);
    let response = plugin.query_data(datasource.query_data([query("send-secrets")])).await.unwrap();
    let seen = api.seen();
    assert_eq!(seen.len(), 2, "{response:?}");
    let in_path = "a%2Fb%3Fc%26d%3D%22e%22%20%C3%BC%7B%7Bsecret%3AapiKey%7D%7D";
    let in_form = "a%2Fb%3Fc%26d%3D%22e%22+%C3%BC%7B%7Bsecret%3AapiKey%7D%7D";
    for seen in &seen {
        assert_eq!(seen.line, format!("POST /key/{in_path}/rows?key={in_form}"));
        assert_eq!(seen.headers["x-key"].as_bytes(), secret.as_bytes());
    }
    let mut bodies: Vec<_> = seen.iter().map(|seen| seen.body.clone()).collect();
    bodies.sort();
    assert_eq!(bodies, [format!("key={in_form}"), json!({ "key": secret }).to_string()]);
    // The inspector shows where it was, and not what it is.
    let meta = frames(&response, "A")[0].meta().to_string();
    assert!(meta.contains("/key/{{secret:apiKey}}/rows?key={{secret:apiKey}}"), "{meta}");
    assert!(!meta.contains("a%2Fb") && !meta.contains("a/b"), "{meta}");
}

#[tokio::test]
async fn whoever_asks_names_no_secret() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let datasource = odd("a", &api.url).secret("apiKey", "s3cret");
    for text in ["{{secret:apiKey}}", "%7B%7Bsecret:apiKey%7D%7D"] {
        let query = Query::new("A", json!({"behaviour": "readings", "\u{fc}\\": text}));
        let response = plugin.query_data(datasource.query_data([query])).await.unwrap();
        let (status, source, sentence) = error(&response, "A");
        assert_eq!((status, source), (400, "downstream"), "{sentence}");
        assert!(sentence.contains("which only a guest may write"), "{sentence}");
    }
    let request = datasource.call_resource("GET", "echo?text=%7B%7Bsecret%3AapiKey%7D%7D");
    let answer = plugin.call_resource(request).await.unwrap();
    assert_eq!(answer.code, 400);
    assert_eq!(api.lines().len(), 0);
}

#[tokio::test]
async fn a_secret_that_is_not_set_or_would_climb_is_named_and_nothing_is_sent() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|_seen| Answer::json("[]")).await;
    let unset = odd("a", &api.url);
    let response = plugin.query_data(unset.query_data([query("send-secrets")])).await.unwrap();
    let (status, _source, sentence) = error(&response, "A");
    assert_eq!(status, 400, "{sentence}");
    assert!(sentence.contains("apiKey"), "{sentence}");
    let climbing = odd("b", &api.url).secret("apiKey", "..");
    let response = plugin.query_data(climbing.query_data([query("send-secrets")])).await.unwrap();
    let (status, _source, sentence) = error(&response, "A");
    assert_eq!(status, 400, "{sentence}");
    assert!(sentence.contains("apiKey"), "{sentence}");
    assert_eq!(api.lines().len(), 0);
}
