use graft_guest::testing::Guest;
use graft_guest::{Body, Method};

use super::*;
use crate::Prometheus;

fn call(method: &str, path: &str) -> ResourceRequest {
    ResourceRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        parameters: vec![("start", "1").into()],
        headers: Vec::new(),
        body: if method == "POST" {
            b"match%5B%5D=up%7Ba%3D%22b%22%7D".to_vec()
        } else {
            Vec::new()
        },
    }
}

fn pairs(parameters: &[Parameter]) -> Vec<(&str, &str)> {
    parameters.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect()
}

fn answer(
    settings: &str,
    request: &ResourceRequest,
    response: Response,
    state: &str,
) -> Result<Reply, Refusal> {
    Guest::<Prometheus>::new(settings).respond(request, [response], state)
}

#[test]
fn a_get_is_passed_on_with_its_parameters() {
    let guest = Guest::<Prometheus>::new(r#"{"customQueryParameters":"dedup=true"}"#);
    let fetch = guest.resource_requests(&call("GET", "api/v1/labels")).unwrap();
    let [request] = fetch.requests.as_slice() else { panic!("{fetch:?}") };
    assert_eq!((request.method, request.target.as_str()), (Method::Get, "/api/v1/labels"));
    assert_eq!(pairs(&request.parameters), [("start", "1"), ("dedup", "true")]);
}

#[test]
fn a_post_is_a_form_unless_settings_or_path_want_get() {
    let fields = [("start", "1"), ("match[]", r#"up{a="b"}"#)];
    let guest = Guest::<Prometheus>::new("{}");
    let fetch = guest.resource_requests(&call("POST", "api/v1/series")).unwrap();
    assert_eq!(fetch.requests[0].method, Method::Post);
    let Some(Body::Form(form)) = &fetch.requests[0].body else { panic!("{fetch:?}") };
    assert_eq!(pairs(form), fields);
    let only_get = Guest::<Prometheus>::new(r#"{"httpMethod":"GET"}"#);
    for fetch in [
        only_get.resource_requests(&call("POST", "api/v1/series")),
        guest.resource_requests(&call("POST", "api/v1/metadata")),
    ] {
        let fetch = fetch.unwrap();
        assert_eq!((fetch.requests[0].method, fetch.state.as_str()), (Method::Get, ""));
        assert_eq!(pairs(&fetch.requests[0].parameters), fields);
    }
}

#[test]
fn a_label_is_one_segment() {
    let cases = [
        ("api/v1/label/job/values", "/api/v1/label/job/values"),
        ("/api/v1/label/__name__/values", "/api/v1/label/__name__/values"),
        ("api/v1/label/a/../b?c/values", "/api/v1/label/a%2F..%2Fb%3Fc/values"),
        ("version-detect", "/api/v1/status/buildinfo"),
    ];
    for (path, target) in cases {
        let fetch = Guest::<Prometheus>::new("{}").resource_requests(&call("GET", path)).unwrap();
        assert_eq!(fetch.requests[0].target, target);
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let paths = [
        "",
        "api/v1/admin/tsdb/delete_series",
        "api/v1/status/config",
        "api/v1/label//values",
        "api/v1/label/../values",
        "api/v1/labels/../admin",
        "api/v2/labels",
        "-/quit",
    ];
    for path in paths {
        let refusal = Guest::<Prometheus>::new("{}").resource_requests(&call("GET", path));
        assert!(matches!(refusal, Err(Refusal::NotFound(_))), "{path}");
    }
    let refusal =
        Guest::<Prometheus>::new("{}").resource_requests(&call("DELETE", "api/v1/series"));
    assert!(matches!(refusal, Err(Refusal::BadQuery(_))));
}

#[test]
fn json_of_any_status_is_passed_back() {
    for status in [200, 422] {
        let response = Response::sample(status, r#"{"status":"success","data":["a"]}"#);
        let Ok(Reply::Done(reply)) = answer("{}", &call("GET", "api/v1/labels"), response, "")
        else {
            panic!()
        };
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (status, &br#"{"status":"success","data":["a"]}"#[..])
        );
        assert_eq!(reply.headers[0].value, "application/json");
    }
}

#[test]
fn a_page_never_reaches_the_browser() {
    let request = call("GET", "api/v1/labels");
    let page = Response::sample_of("text/html", 200, "<script>alert(1)</script>");
    let refusal = answer("{}", &request, page, "");
    assert!(matches!(refusal, Err(Refusal::UnexpectedResponse(_))));
    let page = Response::sample_of("text/html", 502, "<title>Bad gateway</title>");
    let refusal = answer("{}", &request, page, "");
    assert!(matches!(refusal, Err(Refusal::Downstream(error)) if error.status == 502));
}

#[test]
fn where_post_is_not_understood_get_is_tried_once() {
    let request = call("POST", "api/v1/labels");
    for status in [400, 405] {
        let response = Response::sample_of("text/plain", status, "Method Not Allowed");
        let Ok(Reply::Next(fetch)) = answer("{}", &request, response.clone(), TRIED_POST) else {
            panic!()
        };
        assert_eq!((fetch.requests[0].method, fetch.state.as_str()), (Method::Get, ""));
        assert!(answer("{}", &request, response, "").is_err());
    }
}
