//! Labels, configs and meta as Grafana reads them. All of them together are in the golden files.

use expect_test::{Expect, expect};

use super::*;
use crate::limits::JSON_DEPTH_MAX;
use crate::model::{Kind, Stat, Threshold, ValueMapping, Visualization};

fn said(configs: Vec<FieldConfig>, expected: &Expect) {
    expected.assert_eq(&config(configs).unwrap().json.unwrap());
}

fn flaw_of_custom(text: &str, expected: &Expect) {
    let flaw = config(vec![FieldConfig::Custom(text.into())]).err().unwrap();
    expected.assert_eq(&flaw.to_string());
    let flaw = meta(vec![FrameMeta::Custom(text.into())], 0).unwrap_err();
    expected.assert_eq(&flaw.to_string());
    let flaw = config(vec![FieldConfig::Color(text.into())]).err().unwrap();
    expected.assert_eq(&flaw.to_string().replace("'color'", "'custom'"));
}

#[test]
fn labels_are_sorted_and_no_labels_are_none() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    assert_eq!(labels(Vec::new()).unwrap(), None);
    let sorted = labels(pairs(&[("b", "\""), ("", "2"), ("a", "ü")])).unwrap();
    assert_eq!(sorted.as_deref(), Some(r#"{"":"2","a":"ü","b":"\""}"#));
    let flaw = labels(pairs(&[("a", "1"), ("b", "2"), ("a", "1")])).unwrap_err();
    assert_eq!(flaw.to_string(), "has the label 'a' twice");
}

#[test]
fn nothing_said_is_nothing_written() {
    assert_eq!(config(Vec::new()).unwrap().json, None);
    assert!(meta(Vec::new(), 0).unwrap().is_none());
}

#[test]
fn of_what_is_said_twice_the_last_holds_and_links_and_mappings_add_up() {
    let mapping = |value: &str| {
        let when = MappingMatch::Value(value.into());
        FieldConfig::Mapping(ValueMapping { when, text: Some("x".into()), color: None })
    };
    let configs = vec![
        FieldConfig::Unit("s".into()),
        mapping("1"),
        FieldConfig::Unit("ms".into()),
        mapping("2"),
    ];
    said(
        configs,
        &expect![[
            r#"{"unit":"ms","mappings":[{"type":"value","options":{"1":{"text":"x"}}},{"type":"value","options":{"2":{"text":"x"}}}]}"#
        ]],
    );
}

#[test]
fn numbers_that_json_has_not_are_null_open_or_left_out() {
    said(
        vec![FieldConfig::Min(f64::NEG_INFINITY), FieldConfig::Max(f64::NAN)],
        &expect![[r#"{"min":null,"max":null}"#]],
    );
    said(vec![FieldConfig::IntervalMilliseconds(f64::NAN)], &expect!["{}"]);
    let when = MappingMatch::Range(Some(f64::NEG_INFINITY), None);
    said(
        vec![FieldConfig::Mapping(ValueMapping { when, text: None, color: Some("red".into()) })],
        &expect![[r#"{"mappings":[{"type":"range","options":{"result":{"color":"red"}}}]}"#]],
    );
    let step = |value| Threshold { value, color: "red".into() };
    let steps = vec![
        step(None),
        step(Some(f64::NEG_INFINITY)),
        step(Some(f64::NAN)),
        step(Some(f64::INFINITY)),
        step(Some(1.5)),
    ];
    said(
        vec![FieldConfig::Thresholds { percentage: true, steps }],
        &expect![[
            r#"{"thresholds":{"mode":"percentage","steps":[{"value":null,"color":"red"},{"value":null,"color":"red"},{"value":1.5,"color":"red"}]}}"#
        ]],
    );
    let stat =
        |value| FrameMeta::Stat(Stat { display_name: "s".into(), unit: String::new(), value });
    expect![[r#"{"typeVersion":[0,0],"stats":[{"displayName":"s","value":2.0}]}"#]]
        .assert_eq(&meta(vec![stat(f64::NAN), stat(2.0)], 0).unwrap().unwrap().json());
}

#[test]
fn the_six_kinds_of_the_contract_have_its_version_and_the_others_none() {
    let of = |kind| meta(vec![FrameMeta::Kind(kind)], 0).unwrap().unwrap().json();
    let kinds = [
        Kind::TimeseriesWide,
        Kind::TimeseriesMulti,
        Kind::TimeseriesLong,
        Kind::NumericWide,
        Kind::NumericMulti,
        Kind::NumericLong,
        Kind::LogLines,
        Kind::Table,
        Kind::HeatmapRows,
        Kind::HeatmapCells,
        Kind::DirectoryListing,
    ];
    expect![[r#"
        {"type":"timeseries-wide","typeVersion":[0,1]}
        {"type":"timeseries-multi","typeVersion":[0,1]}
        {"type":"timeseries-long","typeVersion":[0,1]}
        {"type":"numeric-wide","typeVersion":[0,1]}
        {"type":"numeric-multi","typeVersion":[0,1]}
        {"type":"numeric-long","typeVersion":[0,1]}
        {"type":"log-lines","typeVersion":[0,0]}
        {"type":"table","typeVersion":[0,0]}
        {"type":"heatmap-rows","typeVersion":[0,0]}
        {"type":"heatmap-cells","typeVersion":[0,0]}
        {"type":"directory-listing","typeVersion":[0,0]}
    "#]]
    .assert_eq(&kinds.map(|kind| of(kind) + "\n").concat());
}

#[test]
fn visualizations_have_grafanas_spelling() {
    let of = |visualization| {
        meta(vec![FrameMeta::PreferredVisualization(visualization)], 0).unwrap().unwrap().json()
    };
    let visualizations = [
        Visualization::Graph,
        Visualization::Table,
        Visualization::Logs,
        Visualization::Trace,
        Visualization::NodeGraph,
        Visualization::FlameGraph,
    ];
    expect![[r#"
        {"typeVersion":[0,0],"preferredVisualisationType":"graph"}
        {"typeVersion":[0,0],"preferredVisualisationType":"table"}
        {"typeVersion":[0,0],"preferredVisualisationType":"logs"}
        {"typeVersion":[0,0],"preferredVisualisationType":"trace"}
        {"typeVersion":[0,0],"preferredVisualisationType":"nodeGraph"}
        {"typeVersion":[0,0],"preferredVisualisationType":"flamegraph"}
    "#]]
    .assert_eq(&visualizations.map(|visualization| of(visualization) + "\n").concat());
}

#[test]
fn custom_and_color_are_json_objects_that_go_can_read() {
    flaw_of_custom(
        "[]",
        &expect!["has a 'custom' that is not a JSON object: it does not start with '{'"],
    );
    flaw_of_custom(
        "",
        &expect!["has a 'custom' that is not a JSON object: it does not start with '{'"],
    );
    flaw_of_custom(
        "{\"a\":}",
        &expect!["has a 'custom' that is not a JSON object: expected value at line 1 column 6"],
    );
    flaw_of_custom(
        "{} {}",
        &expect![
            "has a 'custom' that is not a JSON object: trailing characters at line 1 column 4"
        ],
    );
    flaw_of_custom(
        "{\"a\":1e999}",
        &expect![
            "has a 'custom' that is not a JSON object: number out of range at line 1 column 10"
        ],
    );
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(JSON_DEPTH_MAX), "]".repeat(JSON_DEPTH_MAX));
    flaw_of_custom(
        &deep,
        &expect![
            "has a 'custom' that is not a JSON object: recursion limit exceeded at line 1 column 132"
        ],
    );
    said(
        vec![FieldConfig::Custom(" {\"a\": [1, null, {\"b\": \"c\"}]} ".into())],
        &expect![[r#"{"custom":{"a": [1, null, {"b": "c"}]}}"#]],
    );
}

#[test]
fn row_ids_name_fields_that_are_there() {
    let ids = |ids: &[u32]| meta(vec![FrameMeta::UniqueRowIdFields(ids.to_vec())], 2);
    assert_eq!(
        ids(&[1, 0]).unwrap().unwrap().json(),
        r#"{"typeVersion":[0,0],"uniqueRowIdFields":[1,0]}"#
    );
    let flaw = ids(&[0, 2]).unwrap_err();
    assert_eq!(flaw.to_string(), "has 2 fields, but 'unique-row-id-fields' names field 2");
}
