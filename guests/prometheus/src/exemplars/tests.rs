use graft_guest::testing::Guest;
use graft_guest::{Column, FieldConfig, Link, TransportFailure};

use super::*;
use crate::Prometheus;

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

/// The frames of a query with exemplars, where the range brings nothing.
fn frames(settings: &str, exemplars: Response) -> Vec<Frame> {
    let guest = Guest::<Prometheus>::new(settings);
    let query = guest.query(r#"{"expr":"h","exemplar":true}"#);
    guest.transform(&query, [Response::sample(200, EMPTY), exemplars]).unwrap().frames
}

/// An answer with exemplars of one series: value and seconds.
fn answer(exemplars: &[(&str, &str)]) -> Response {
    let exemplars: Vec<_> = exemplars
        .iter()
        .map(|(value, timestamp)| {
            format!(
                r#"{{"labels":{{"traceID":"t{value}"}},"value":"{value}","timestamp":{timestamp}}}"#
            )
        })
        .collect();
    Response::sample(
        200,
        format!(
            r#"{{"status":"success","data":[{{"seriesLabels":{{"job":"a"}},"exemplars":[{}]}}]}}"#,
            exemplars.join(",")
        ),
    )
}

fn values(frame: &Frame) -> Vec<f64> {
    let Column::Float64(values) = &frame.fields[1].values else { panic!("{frame:?}") };
    values.clone()
}

#[test]
fn exemplars_become_one_frame_of_annotations() {
    let body = r#"{"status":"success","data":[
        {"seriesLabels":{"__name__":"h","job":"a"},"exemplars":[
            {"labels":{"traceID":"x1"},"value":"6","timestamp":1700000014.164}]},
        {"seriesLabels":{"__name__":"h","job":"b"},"exemplars":[
            {"labels":{"traceID":"x2","job":"own"},"value":"0.5","timestamp":1700000000}]}]}"#;
    let found = frames("{}", Response::sample(200, body));
    assert_eq!(found.len(), 1);
    let expected = Frame::untyped()
        .name("exemplar")
        .field(Field::time("Time", vec![1_700_000_000_000_000_000, 1_700_000_014_164_000_000]))
        .field(Field::new("Value", vec![0.5, 6.0]))
        .field(Field::new("__name__", vec!["h", "h"]))
        .field(Field::new("job", vec!["own", "a"]))
        .field(Field::new("traceID", vec!["x2", "x1"]))
        .meta(FrameMeta::Annotations)
        .custom(r#"{"resultType":"exemplar"}"#);
    assert_eq!(found[0], expected);
}

#[test]
fn of_each_step_the_highest_and_those_far_below_are_shown() {
    // The step is 15 s; all but the last are of one step. Their standard deviation is about 36.
    let exemplars = [
        ("1", "1700000000"),
        ("2", "1700000001"),
        ("100", "1700000002"),
        ("90", "1700000003"),
        ("3", "1700000004"),
        ("50", "1700000020"),
    ];
    let found = frames("{}", answer(&exemplars));
    assert_eq!(values(&found[0]), [100.0, 3.0, 50.0]);
}

#[test]
fn exemplars_that_fail_do_not_fail_the_query() {
    let failure = Response {
        status: 0,
        body: Vec::new(),
        failure: Some(TransportFailure::Timeout("30 s".to_owned())),
        ..Response::sample(200, "")
    };
    let bad = Response::sample(400, r#"{"status":"error","errorType":"bad_data","error":"x"}"#);
    let hidden = Response::sample(200, r#"{"status":"error","errorType":"bad_data","error":"x"}"#);
    let page = Response::sample_of("text/html", 404, "<html></html>");
    let wrong = Response::sample(200, r#"{"status":"success","data":[{"exemplars":[{}]}]}"#);
    let none = Response::sample(200, r#"{"status":"success","data":[]}"#);
    let null = Response::sample(200, r#"{"status":"success","data":null}"#);
    for response in [failure, bad, hidden, page, wrong, none, null] {
        let found = frames("{}", response);
        assert!(found.len() == 1 && found[0].fields.is_empty(), "{found:?}");
    }
}

#[test]
fn the_label_with_the_trace_leads_to_it() {
    let settings = r#"{"exemplarTraceIdDestinations":[
        {"name":"traceID","url":"https://traces.example/${__value.raw}"},
        {"name":"traceID","datasourceUid":"tempo","urlDisplayLabel":"Tempo"},
        {"name":"other","url":"https://other.example"},{"name":"traceID"}]}"#;
    let found = frames(settings, answer(&[("1", "1700000000")]));
    let field = &found[0].fields[3];
    assert_eq!(field.name, "traceID");
    let link = |title: &str, url: &str| {
        FieldConfig::Link(Link { title: title.to_owned(), url: url.to_owned(), new_tab: true })
    };
    let to_url = "https://traces.example/${__value.raw}";
    let expected = [
        link(&format!("Go to {to_url}"), to_url),
        link(
            "Tempo",
            "/explore?left=%7B%22datasource%22%3A%22tempo%22%2C%22queries%22%3A%5B%7B%22query%22%3A%22\
             ${__value.raw:percentencode}%22%2C%22queryType%22%3A%22traceql%22%2C%22refId%22%3A%22A%22%7D%5D%7D",
        ),
    ];
    assert_eq!(field.config, expected);
}
