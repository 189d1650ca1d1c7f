use graft_guest::testing::Guest;
use graft_guest::{Column, FieldConfig, Response};

use super::*;
use crate::Prometheus;

const SECOND: i64 = 1_000_000_000;

/// The frames that a query becomes, each request answered with one of these bodies.
fn frames(model: &str, bodies: &[String]) -> Vec<Frame> {
    outcome(model, bodies, false).unwrap()
}

fn outcome(model: &str, bodies: &[String], from_alert: bool) -> Result<Vec<Frame>, Refusal> {
    let guest = Guest::<Prometheus>::new("{}");
    let mut query = guest.query(model);
    query.from_alert = from_alert;
    let responses: Vec<_> = bodies.iter().map(|body| Response::sample(200, body)).collect();
    guest.transform(&query, responses).map(|outcome| outcome.frames)
}

fn answer(result_type: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":{result}}}}}"#)
}

fn texts(field: &Field) -> Vec<String> {
    let Column::String(texts) = &field.values else { panic!("{field:?}") };
    let ends = texts.offsets.windows(2);
    ends.map(|ends| {
        let range = usize::try_from(ends[0]).unwrap()..usize::try_from(ends[1]).unwrap();
        String::from_utf8(texts.bytes[range].to_vec()).unwrap()
    })
    .collect()
}

fn names(frame: &Frame) -> Vec<&str> {
    frame.fields.iter().map(|field| field.name.as_str()).collect()
}

const UP: &str = r#"[{"metric":{"__name__":"up","job":"a"},"values":[[15,"1"],[30,"0"]]},
    {"metric":{"__name__":"up","job":"b"},"values":[[15,"NaN"]]}]"#;

#[test]
fn a_matrix_becomes_a_frame_for_each_series() {
    let found = frames(r#"{"expr":"up"}"#, &[answer("matrix", UP)]);
    let expected = Frame::new(Kind::TimeseriesMulti)
        .preferred_visualization(Visualization::Graph)
        .field(Field::time("Time", vec![15 * SECOND, 30 * SECOND]).interval_milliseconds(15_000.0))
        .field(
            Field::new("Value", vec![1.0, 0.0])
                .display_name(r#"up{job="a"}"#)
                .labels([("__name__", "up"), ("job", "a")]),
        )
        .custom(r#"{"resultType":"matrix"}"#)
        .executed_query("Expr: up\nStep: 15s");
    assert_eq!(found[0], expected);
    assert_eq!(found.len(), 2);
    assert!(!found[1].meta.iter().any(|meta| matches!(meta, FrameMeta::ExecutedQuery(_))));
    assert!(matches!(&found[1].fields[1].values, Column::Float64(values) if values[0].is_nan()));
}

#[test]
fn an_instant_vector_and_a_scalar_are_numbers() {
    let model = r#"{"expr":"sum(up)","instant":true,"legendFormat":"{{job}}"}"#;
    let vector = answer("vector", r#"[{"metric":{"job":"a"},"value":[15,"3"]}]"#);
    let found = frames(model, &[vector]);
    assert_eq!(found[0].meta[0], FrameMeta::Kind(Kind::NumericMulti));
    assert!(found[0].meta.contains(&result_type("vector")));
    assert_eq!(names(&found[0]), ["Time", "Value"]);
    assert_eq!(found[0].fields[1].config, [FieldConfig::DisplayNameFromDs("a".to_owned())]);
    let found = frames(r#"{"expr":"1 + 1","instant":true}"#, &[answer("scalar", r#"[15,"2"]"#)]);
    assert_eq!(found[0].meta[0], FrameMeta::Kind(Kind::NumericMulti));
    assert!(found[0].meta.contains(&result_type("scalar")));
    assert_eq!(found[0].fields[1], Field::new("Value", vec![2.0]).display_name("1 + 1"));
}

#[test]
fn a_text_is_a_table_of_one_row() {
    let found = frames(r#"{"expr":"\"x\"","instant":true}"#, &[answer("string", r#"[15,"x"]"#)]);
    assert_eq!(found[0].meta[0], FrameMeta::Kind(Kind::Table));
    assert_eq!(texts(&found[0].fields[1]), ["x"]);
}

#[test]
fn the_automatic_legend_gives_no_title() {
    let found = frames(r#"{"expr":"up","legendFormat":"__auto"}"#, &[answer("matrix", UP)]);
    assert!(found.iter().all(|frame| frame.fields[1].config.is_empty()));
}

#[test]
fn both_requests_bring_their_frames_and_their_queries() {
    let model = r#"{"expr":"up","range":true,"instant":true}"#;
    let vector = answer("vector", r#"[{"metric":{"job":"a"},"value":[15,"3"]}]"#);
    let found = frames(model, &[vector.clone(), answer("matrix", UP)]);
    let kinds: Vec<_> = found.iter().map(|frame| frame.meta[0].clone()).collect();
    let expected = [Kind::NumericMulti, Kind::TimeseriesMulti, Kind::TimeseriesMulti];
    assert_eq!(kinds, expected.map(FrameMeta::Kind));
    // No empty frame stands between frames with data.
    let found = frames(model, &[vector, answer("matrix", "[]")]);
    assert_eq!(found.len(), 1);
}

#[test]
fn no_data_is_one_frame_without_fields_that_keeps_the_query() {
    let cases = [
        (r#"{"expr":"up"}"#, "matrix", Kind::TimeseriesMulti),
        (r#"{"expr":"up","instant":true}"#, "vector", Kind::NumericMulti),
        (r#"{"expr":"up","format":"table"}"#, "matrix", Kind::Table),
        (r#"{"expr":"up","format":"heatmap"}"#, "matrix", Kind::TimeseriesMulti),
    ];
    for (model, result_type, kind) in cases {
        let found = frames(model, &[answer(result_type, "[]")]);
        let expected = Frame::new(kind).executed_query("Expr: up\nStep: 15s");
        assert_eq!(found, [expected], "{model}");
    }
}

#[test]
fn a_query_without_an_expression_has_no_data() {
    let found = frames("{}", &[]);
    assert!(found.len() == 1 && found[0].fields.is_empty());
}

#[test]
fn warnings_are_on_every_frame_and_on_no_data_too() {
    let with = |result: &str| {
        answer("matrix", result).replacen('{', r#"{"warnings":["partial"],"infos":["hint"],"#, 1)
    };
    let notice = |severity, text: &str| {
        FrameMeta::Notice(Notice { severity, text: text.to_owned(), link: None })
    };
    let found = frames(r#"{"expr":"up"}"#, &[with(UP)]);
    assert_eq!(found.len(), 2);
    let empty = frames(r#"{"expr":"up"}"#, &[with("[]")]);
    assert!(empty.len() == 1 && empty[0].fields.is_empty());
    for frame in found.iter().chain(&empty) {
        assert!(frame.meta.contains(&notice(Severity::Warning, "partial")), "{frame:?}");
        assert!(frame.meta.contains(&notice(Severity::Info, "hint")), "{frame:?}");
    }
}

#[test]
fn a_warning_about_no_data_moves_to_the_data_of_the_other_request() {
    let model = r#"{"expr":"up","range":true,"instant":true}"#;
    let empty = answer("vector", "[]").replacen('{', r#"{"warnings":["partial"],"#, 1);
    let found = frames(model, &[empty, answer("matrix", UP)]);
    assert!(found.len() == 2 && found.iter().all(|frame| !frame.fields.is_empty()));
    let notice = Notice { severity: Severity::Warning, text: "partial".to_owned(), link: None };
    assert!(found[0].meta.contains(&FrameMeta::Notice(notice)));
}

#[test]
fn an_error_is_a_refusal_and_beside_data_a_notice_but_not_for_alerts() {
    let error = r#"{"status":"error","errorType":"timeout","error":"slow""#;
    let alone = Err(Refusal::downstream(503, "timeout: slow"));
    assert_eq!(outcome(r#"{"expr":"up"}"#, &[format!("{error}}}")], false), alone);
    let data = format!(r#"{error},"data":{{"resultType":"matrix","result":{UP}}}}}"#);
    let found = outcome(r#"{"expr":"up"}"#, std::slice::from_ref(&data), false).unwrap();
    assert_eq!(found.len(), 2);
    let notice = Notice { severity: Severity::Error, text: "timeout: slow".to_owned(), link: None };
    assert!(found[0].meta.contains(&FrameMeta::Notice(notice.clone())));
    assert_eq!(outcome(r#"{"expr":"up"}"#, &[data], true), alone);
    // Of two requests one may fail.
    let model = r#"{"expr":"up","range":true,"instant":true}"#;
    let bodies = [format!("{error}}}"), answer("matrix", UP)];
    let found = outcome(model, &bodies, false).unwrap();
    assert!(found.len() == 2 && found[0].meta.contains(&FrameMeta::Notice(notice)));
    assert_eq!(outcome(model, &bodies, true), alone);
}

#[test]
fn a_table_has_a_row_for_each_sample_in_order_of_time() {
    let result = r#"[{"metric":{"job":"a","z":"1"},"values":[[15,"1"],[30,"2"]]},
        {"metric":{"env":"x","job":"b"},"values":[[15,"3"]]}]"#;
    let found = frames(r#"{"expr":"up","format":"table"}"#, &[answer("matrix", result)]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].meta[0], FrameMeta::Kind(Kind::Table));
    assert_eq!(names(&found[0]), ["Time", "job", "z", "env", "Value"]);
    let fields = &found[0].fields;
    assert_eq!(fields[0].values, Column::Time(vec![15 * SECOND, 15 * SECOND, 30 * SECOND]));
    assert_eq!(texts(&fields[1]), ["a", "b", "a"]);
    assert_eq!(texts(&fields[2]), ["1", "", "1"]);
    assert_eq!(texts(&fields[3]), ["", "x", ""]);
    assert_eq!(fields[4].values, Column::Float64(vec![1.0, 3.0, 2.0]));
}

#[test]
fn a_table_of_a_vector_keeps_its_order() {
    let result =
        r#"[{"metric":{"job":"b"},"value":[15,"2"]},{"metric":{"job":"a"},"value":[15,"1"]}]"#;
    let model = r#"{"expr":"up","format":"table","instant":true}"#;
    let found = frames(model, &[answer("vector", result)]);
    assert_eq!(texts(&found[0].fields[1]), ["b", "a"]);
    assert_eq!(found[0].fields[2].values, Column::Float64(vec![2.0, 1.0]));
}

#[test]
fn an_alert_rule_gets_series_whatever_the_format() {
    for format in ["table", "heatmap"] {
        let model = format!(r#"{{"expr":"up","format":"{format}"}}"#);
        let found = outcome(&model, &[answer("matrix", UP)], true).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].meta[0], FrameMeta::Kind(Kind::TimeseriesMulti));
    }
}

#[test]
fn cumulative_buckets_become_a_heatmap_of_what_is_in_each() {
    let result = r#"[{"metric":{"le":"+Inf"},"values":[[15,"6"],[30,"9"]]},
        {"metric":{"le":"10"},"values":[[15,"5"],[30,"9"],[45,"4"]]},
        {"metric":{"le":"2"},"values":[[15,"5"],[30,"1.5"]]}]"#;
    let found = frames(r#"{"expr":"b","format":"heatmap"}"#, &[answer("matrix", result)]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].meta[0], FrameMeta::Kind(Kind::HeatmapRows));
    assert_eq!(names(&found[0]), ["Time", "2", "10", "+Inf"]);
    let fields = &found[0].fields;
    assert_eq!(fields[0].values, Column::Time(vec![15 * SECOND, 30 * SECOND, 45 * SECOND]));
    assert_eq!(fields[1].values, Column::Float64(vec![5.0, 1.5, 0.0]));
    assert_eq!(fields[2].values, Column::Float64(vec![0.0, 7.5, 4.0]));
    assert_eq!(fields[3].values, Column::Float64(vec![1.0, 0.0, 0.0]));
    assert_eq!(fields[1].config, [FieldConfig::DisplayNameFromDs("2".to_owned())]);
}

#[test]
fn buckets_of_different_series_become_different_heatmaps() {
    let result = r#"[{"metric":{"job":"a","le":"1"},"values":[[15,"1"]]},
        {"metric":{"job":"b","le":"1"},"values":[[15,"2"]]},
        {"metric":{"job":"a","le":"2"},"values":[[15,"3"]]}]"#;
    let found = frames(r#"{"expr":"b","format":"heatmap"}"#, &[answer("matrix", result)]);
    let found: Vec<_> = found.iter().map(names).collect();
    assert_eq!(found, [vec!["Time", "1", "2"], vec!["Time", "1"]]);
}

#[test]
fn a_native_histogram_is_a_heatmap_of_cells_in_every_format() {
    let result = r#"[{"metric":{"job":"a"},"values":[[15,"1"]],
        "histograms":[[30,{"count":"3","sum":"1","buckets":[[0,"1","2","3"]]}]]}]"#;
    for format in ["time_series", "table", "heatmap"] {
        let model = format!(r#"{{"expr":"h","format":"{format}"}}"#);
        let found = frames(&model, &[answer("matrix", result)]);
        assert_eq!(found.len(), 2, "{format}");
        let cells = &found[1];
        assert_eq!(cells.meta[0], FrameMeta::Kind(Kind::HeatmapCells));
        assert_eq!(names(cells), ["xMax", "yMin", "yMax", "count", "yLayout"]);
        let expected = Field::time("xMax", vec![30 * SECOND]).interval_milliseconds(15_000.0);
        assert_eq!(cells.fields[0], expected);
        let lower = Field::new("yMin", vec![1.0]).label("job", "a").display_name(r#"{job="a"}"#);
        assert_eq!(cells.fields[1], lower);
        assert_eq!(cells.fields[4].values, Column::Int8(vec![0]));
    }
}
