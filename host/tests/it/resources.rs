//! Resource calls: what the host itself answers, and what guests do.

use graft_launch::Datasource;
use graft_proto::pluginv2::{CallResourceRequest, StringList};
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;

use crate::support::{Answer, Api, plugin};

fn odd(url: &str) -> Datasource {
    Datasource::new("odd", url).settings(json!({"guest": "odd"}))
}

fn document(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// The values of a response's header field.
fn values<'a>(answer: &'a graft_launch::Answer, name: &str) -> &'a [String] {
    let field = answer.headers.iter().find(|(own, _values)| own == name);
    field.map_or(&[], |(_name, values)| values)
}

fn header(name: &str, value: &str) -> (String, StringList) {
    (name.to_owned(), StringList { values: vec![value.to_owned()] })
}

#[tokio::test]
async fn an_editor_learns_which_guests_there_are_before_one_is_chosen() {
    let (plugin, folder) = plugin(&["fixtures/odd", "things"]).await;
    folder.put("broken.wasm", b"no component");
    let nothing_chosen = Datasource::new("new", "");
    let answer = plugin.call_resource(nothing_chosen.call_resource("GET", "guests")).await.unwrap();
    assert_eq!(answer.code, 200);
    assert_eq!(values(&answer, "content-type"), ["application/json"]);
    let guests = document(&answer.body);
    let names: Vec<_> =
        guests["guests"].as_array().unwrap().iter().map(|guest| &guest["name"]).collect();
    assert_eq!(names, ["broken", "odd", "things"]);
    let error = guests["guests"][0]["error"].as_str().unwrap();
    assert!(error.contains("not a WebAssembly component"), "{error}");
    assert_eq!(guests["guests"][2]["title"], "Things");
}

#[tokio::test]
async fn an_editor_learns_the_schemas_of_its_guest_or_of_one_it_names() {
    let (plugin, _folder) = plugin(&["fixtures/odd", "things"]).await;
    let own = plugin.call_resource(odd("").call_resource("GET", "schema")).await.unwrap();
    let own = document(&own.body);
    assert_eq!((&own["name"], &own["secrets"][0]["name"]), (&json!("odd"), &json!("apiKey")));
    assert_eq!(own["methods"], json!(["GET", "POST"]));

    let request = odd("").call_resource("GET", "schema?guest=things");
    let other = document(&plugin.call_resource(request).await.unwrap().body);
    assert_eq!(other["name"], "things");
    assert_eq!(other["querySchema"]["type"], "object");

    let request = odd("").call_resource("GET", "schema?guest=none");
    let missing = plugin.call_resource(request).await.unwrap();
    assert_eq!(missing.code, 400);
    let message = document(&missing.body)["message"].to_string();
    assert!(message.contains("There is no guest 'none'"), "{message}");
}

#[tokio::test]
async fn the_version_is_there_even_without_a_data_source() {
    let (plugin, _folder) = plugin(&[]).await;
    let request = CallResourceRequest {
        path: "version".to_owned(),
        url: "version".to_owned(),
        method: "GET".to_owned(),
        ..CallResourceRequest::default()
    };
    let answer = plugin.call_resource(request.clone()).await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({"plugin": "graft-datasource", "version": version, "contract": "0.1.0"});
    assert_eq!(document(&answer.body), expected);

    let posted = CallResourceRequest { method: "post".to_owned(), ..request.clone() };
    let posted = plugin.call_resource(posted).await.unwrap();
    assert_eq!((posted.code, values(&posted, "allow")), (405, ["GET".to_owned()].as_slice()));

    let nobodys = CallResourceRequest { path: "cities".to_owned(), ..request };
    assert_eq!(plugin.call_resource(nobodys).await.unwrap().code, 400);
}

#[tokio::test]
async fn a_guest_is_asked_with_all_but_credentials() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let mut request = odd("").call_resource("POST", "echo?a=1&a=%20b");
    request.body = "body".into();
    request.headers.extend([
        header("Content-Type", "text/plain"),
        header("If-None-Match", "\"1\""),
        header("Cookie", "canary"),
        header("Authorization", "canary"),
        header("X-Webauth-User", "canary"),
    ]);
    let answer = plugin.call_resource(request).await.unwrap();
    let seen = String::from_utf8_lossy(&answer.body);
    for part in
        ["\"POST\"", "\"echo\"", "\" b\"", "\"text/plain\"", "if-none-match", "98, 111, 100, 121"]
    {
        assert!(seen.contains(part), "{part} is not in {seen}");
    }
    assert!(!seen.contains("canary"), "{seen}");
    assert_eq!(values(&answer, "x-odd"), ["yes"]);
    assert!(values(&answer, "set-cookie").is_empty());
}

#[tokio::test]
async fn a_guest_asks_its_api_and_as_many_rounds_as_it_takes() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|seen| match seen.line.as_str() {
        "GET /resource" => Answer::json("[1]"),
        _ => Answer::json("{}").status(404),
    })
    .await;
    let answer = plugin.call_resource(odd(&api.url).call_resource("GET", "api")).await.unwrap();
    assert_eq!((answer.code, answer.body.as_slice()), (200, b"[1]".as_slice()));
    let answer = plugin.call_resource(odd(&api.url).call_resource("GET", "rounds")).await.unwrap();
    assert_eq!(answer.body, b"after three rounds");
}

#[tokio::test]
async fn a_large_body_comes_in_parts_of_which_the_first_has_the_status() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let request = odd("").call_resource("GET", "large");
    let messages = plugin.resource().call_resource(request).await.unwrap().into_inner();
    let messages: Vec<_> = messages.map(Result::unwrap).collect().await;
    assert_eq!(messages.len(), 4);
    assert_eq!(messages[0].code, 200);
    assert!(messages[1..].iter().all(|part| part.code == 0 && part.headers.is_empty()));
    assert_eq!(messages.iter().map(|part| part.body.len()).sum::<usize>(), 1 << 20);
}

#[tokio::test]
async fn what_goes_wrong_is_a_status_with_a_sentence() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let api = Api::start(|_seen| Answer::json(r#"{"message":"who are you"}"#).status(401)).await;
    for (url, path, code, part) in [
        (&api.url, "nowhere", 404, "There is no resource 'nowhere'"),
        (&api.url, "panic", 500, "Guest 'odd 0.1.0' is faulty"),
        (&api.url, "status?status=99", 500, "a resource response of status 99"),
        // A 401 would sign the user out of Grafana.
        (&api.url, "api", 400, "who are you"),
        (&"http://127.0.0.1:1".to_owned(), "api", 502, "127.0.0.1:1"),
    ] {
        let answer = plugin.call_resource(odd(url).call_resource("GET", path)).await.unwrap();
        let message = document(&answer.body)["message"].to_string();
        assert_eq!((answer.code, message.contains(part)), (code, true), "{path}: {message}");
    }
    let answer = plugin.call_resource(odd("").call_resource("GET", "status?status=204")).await;
    let answer = answer.unwrap();
    assert_eq!((answer.code, answer.body.len()), (204, 0));
    assert!(values(&answer, "content-type").is_empty());
}

#[tokio::test]
async fn an_author_learns_whether_an_alert_rule_could_evaluate_a_query() {
    let (plugin, _folder) = plugin(&["fixtures/odd"]).await;
    let mut request = odd("http://127.0.0.1:1").call_resource("POST", "alert-readiness");
    let queries = json!([
        {"refId": "A", "behaviour": "answer"},
        {"refId": "B", "behaviour": "pages"},
        {"refId": "C", "behaviour": "refuse"},
        {"refId": "D", "behaviour": "many-requests"},
    ]);
    let body = json!({"queries": queries, "from": "1000", "to": "2000"});
    request.body = body.to_string().into();
    let answer = plugin.call_resource(request.clone()).await.unwrap();
    assert_eq!(answer.code, 200);
    let results = &document(&answer.body)["results"];
    assert_eq!(
        (&results["A"]["ready"], &results["A"]["readAs"]),
        (&json!(true), &json!("numbers"))
    );
    assert_eq!(results["C"]["reasons"], json!(["As it was told to."]));
    assert!(results["D"]["reasons"][0].as_str().unwrap().contains("limit 'requests'"));
    for ref_id in ["C", "D"] {
        assert_eq!(results[ref_id]["ready"], false, "{ref_id}");
    }

    request.body = "{}".into();
    let answer = plugin.call_resource(request).await.unwrap();
    let message = document(&answer.body)["message"].to_string();
    assert_eq!((answer.code, message.contains("missing field")), (400, true), "{message}");
}
