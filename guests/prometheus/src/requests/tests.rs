use graft_guest::testing::Guest;
use graft_guest::{Body, Fetch, Refusal};

use crate::Prometheus;

/// The requests of a query over an hour, each as `METHOD target?parameters body`.
fn requests(settings: &str, model: &str) -> Vec<String> {
    let guest = Guest::<Prometheus>::new(settings);
    let fetch = guest.build_requests(&guest.query(model)).unwrap();
    fetch
        .requests
        .iter()
        .map(|request| {
            let pairs = |pairs: &[graft_guest::Parameter]| {
                let pairs = pairs.iter().map(|pair| format!("{}={}", pair.name, pair.value));
                pairs.collect::<Vec<_>>().join("&")
            };
            let body = match &request.body {
                Some(Body::Form(fields)) => pairs(fields),
                None => "-".to_owned(),
                body => panic!("{body:?}"),
            };
            format!("{:?} {}?{} {body}", request.method, request.target, pairs(&request.parameters))
        })
        .collect()
}

#[test]
fn a_range_is_posted_as_a_form_on_multiples_of_the_step() {
    assert_eq!(
        requests("{}", r#"{"expr":"up"}"#),
        ["Method::Post /api/v1/query_range? query=up&start=1699999995&end=1700003595&step=15"]
    );
    assert_eq!(
        requests("{}", r#"{"expr":"up","interval":"500ms","intervalFactor":1}"#),
        ["Method::Post /api/v1/query_range? query=up&start=1700000000&end=1700003600&step=5"]
    );
}

#[test]
fn a_step_below_a_second_is_a_plain_fraction() {
    let guest = Guest::<Prometheus>::new("{}");
    let mut query = guest.query(r#"{"expr":"up","interval":"50ms"}"#);
    query.time_range.to = query.time_range.from + 1_030_000_000;
    let Fetch { requests, .. } = guest.build_requests(&query).unwrap();
    let Some(Body::Form(fields)) = &requests[0].body else { panic!() };
    let values: Vec<_> = fields.iter().map(|field| field.value.as_str()).collect();
    assert_eq!(values, ["up", "1700000000", "1700000001", "0.05"]);
}

#[test]
fn an_instant_is_the_ranges_end_as_it_is() {
    let guest = Guest::<Prometheus>::new("{}");
    let mut query = guest.query(r#"{"expr":"up","instant":true}"#);
    query.time_range.to += 7_000_000;
    let Fetch { requests, .. } = guest.build_requests(&query).unwrap();
    assert_eq!(requests[0].target, "/api/v1/query");
    let Some(Body::Form(fields)) = &requests[0].body else { panic!() };
    let fields: Vec<_> = fields.iter().map(|field| (&*field.name, &*field.value)).collect();
    assert_eq!(fields, [("query", "up"), ("time", "1700003600.007")]);
}

#[test]
fn both_and_exemplars_are_requests_of_one_round() {
    let model = r#"{"expr":"up","range":true,"instant":true,"exemplar":true}"#;
    let expected = [
        "Method::Get /api/v1/query?query=up&time=1700003600 -",
        "Method::Get /api/v1/query_range?query=up&start=1699999995&end=1700003595&step=15 -",
        "Method::Get /api/v1/query_exemplars?query=up&start=1699999995&end=1700003595 -",
    ];
    assert_eq!(requests(r#"{"httpMethod":"GET"}"#, model), expected);
}

#[test]
fn only_exemplars_may_fail() {
    let guest = Guest::<Prometheus>::new("{}");
    let query = guest.query(r#"{"expr":"up","exemplar":true}"#);
    let Fetch { requests, .. } = guest.build_requests(&query).unwrap();
    let tolerant: Vec<_> = requests.iter().map(|request| request.hints.tolerate_failure).collect();
    assert_eq!(tolerant, [false, true]);
    assert!(requests.iter().all(|request| request.hints.idempotent));
}

#[test]
fn an_alert_rule_asks_for_no_exemplars_and_must_have_an_expression() {
    let guest = Guest::<Prometheus>::new("{}");
    let mut query = guest.query(r#"{"expr":"up","instant":true,"exemplar":true}"#);
    query.from_alert = true;
    assert_eq!(guest.build_requests(&query).unwrap().requests.len(), 1);
    query.model = "{}".to_owned();
    assert!(matches!(guest.build_requests(&query), Err(Refusal::BadQuery(_))));
}

#[test]
fn a_panel_without_an_expression_asks_nothing() {
    assert!(requests("{}", "{}").is_empty());
    assert!(requests("{}", r#"{"expr":" ","exemplar":true}"#).is_empty());
}

#[test]
fn the_settings_timeout_and_custom_parameters_go_along() {
    let settings = r#"{"queryTimeout":"90s","customQueryParameters":"dedup=true&x=a%20b"}"#;
    assert_eq!(
        requests(settings, r#"{"expr":"up","instant":true}"#),
        ["Method::Post /api/v1/query?dedup=true&x=a b query=up&time=1700003600&timeout=90s"]
    );
}

#[test]
fn variables_and_the_users_clock_are_respected() {
    let model = r#"{"expr":"rate(a[$__rate_interval])","interval":"1d","utcOffsetSec":3600}"#;
    assert_eq!(
        requests("{}", model),
        [
            "Method::Post /api/v1/query_range? query=rate(a[96h0m0s])&start=1699916400&end=1700002800&step=86400"
        ]
    );
}
