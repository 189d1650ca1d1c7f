//! What alert rules can evaluate, and what users read where they cannot.

use expect_test::{Expect, expect};

use super::*;
use crate::frame::tests::{field, frame, nullable, texts};
use crate::frame::{Error, Frames};
use crate::limits::Limits;
use crate::model::{Column, Field, Format, Frame, FrameMeta, Source};

fn kind(kind: Kind, fields: Vec<Field>) -> Frame {
    Frame { meta: vec![FrameMeta::Kind(kind)], ..frame("", fields) }
}

fn time(times: &[i64]) -> Field {
    field("time", Column::Time(times.iter().map(|time| time * 1_000_000).collect()))
}

fn number(values: &[f64]) -> Field {
    field("value", Column::Float64(values.to_vec()))
}

fn text(name: &str, values: &[&str]) -> Field {
    field(name, Column::String(texts(values.iter().copied())))
}

fn labelled(host: &str, field: Field) -> Field {
    Field { labels: vec![("host".into(), host.into())], ..field }
}

fn frames(frames: Vec<Frame>) -> crate::frame::CompleteFrames {
    let mut all = Frames::new(&Limits::default());
    all.add(frames).unwrap();
    all.complete().unwrap()
}

/// What an alert rule gets, as JSON.
fn alerted(returned: Vec<Frame>) -> Result<Vec<String>, Error> {
    let encoded = frames(returned).for_alert()?.encode("A", Format::Json)?;
    Ok(encoded.into_iter().map(|json| String::from_utf8(json.to_vec()).unwrap()).collect())
}

#[track_caller]
fn ready(returned: Vec<Frame>, read_as: ReadAs, series: usize) -> Vec<String> {
    let readiness = frames(returned.clone()).alert_readiness();
    assert_eq!(readiness.reasons, Vec::<String>::new());
    assert!(readiness.ready);
    assert_eq!((readiness.read_as, readiness.series), (Some(read_as), series));
    alerted(returned).unwrap();
    readiness.warnings
}

#[track_caller]
fn refused(returned: Vec<Frame>, expected: &Expect) {
    let readiness = frames(returned.clone()).alert_readiness();
    assert!(!readiness.ready && readiness.read_as.is_none());
    expected.assert_eq(&readiness.reasons.join("\n"));
    let error = alerted(returned).unwrap_err();
    assert_eq!((error.status(), error.source_of_error()), (400, Source::Downstream));
    let message =
        format!("An alert rule cannot evaluate this query. {}", readiness.reasons.join(" "));
    assert_eq!(error.user_message("g 1"), message);
}

fn long() -> Vec<Field> {
    vec![
        time(&[1, 1, 3]),
        text("host", &["b", "a", "a"]),
        field("cpu", Column::Int64(vec![1, 2, 3])),
    ]
}

const WIDE: &str = concat!(
    r#"{"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":["#,
    r#"{"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},"#,
    r#"{"name":"cpu","type":"number","typeInfo":{"frame":"int64","nullable":true},"labels":{"host":"a"}},"#,
    r#"{"name":"cpu","type":"number","typeInfo":{"frame":"int64","nullable":true},"labels":{"host":"b"}}]},"#,
    r#""data":{"values":[[1,3],[2,3],[1,null]]}}"#
);

#[test]
fn a_long_frame_becomes_a_wide_one_whether_it_says_so_or_not() {
    assert_eq!(alerted(vec![kind(Kind::TimeseriesLong, long())]).unwrap(), [WIDE]);
    assert_eq!(alerted(vec![kind(Kind::Table, long())]).unwrap(), [WIDE]);
    assert_eq!(alerted(vec![frame("", long())]).unwrap(), [WIDE]);
    ready(vec![frame("", long())], ReadAs::TimeSeries, 2);
}

#[test]
fn a_panel_gets_a_long_frame_as_it_is() {
    let encoded = frames(vec![kind(Kind::TimeseriesLong, long())]).encode("A", Format::Json);
    let json = String::from_utf8(encoded.unwrap().remove(0).to_vec()).unwrap();
    assert!(json.contains("timeseries-long") && json.contains(r#"["b","a","a"]"#), "{json}");
}

#[test]
fn of_several_frames_without_a_kind_none_gets_one_that_hides_the_others() {
    let both = vec![frame("", long()), frame("x", vec![time(&[1]), number(&[2.0])])];
    let json = alerted(both.clone()).unwrap();
    assert!(
        json[0].contains(r#""labels":{"host":"a"}"#) && !json[0].contains("meta"),
        "{}",
        json[0]
    );
    ready(both, ReadAs::TimeSeries, 3);
}

#[test]
fn frames_without_rows_become_no_data_if_all_are_without() {
    let empty = || kind(Kind::TimeseriesWide, vec![time(&[]), number(&[])]);
    let none = [
        r#"{"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":[]},"data":{"values":[]}}"#,
    ];
    assert_eq!(alerted(vec![empty()]).unwrap(), none);
    assert_eq!(alerted(vec![empty(), frame("", Vec::new())]).unwrap(), none);
    assert!(frames(vec![empty()]).encode("A", Format::Json).unwrap()[0].ends_with(b"[[],[]]}}"));
    ready(vec![empty()], ReadAs::NoData, 0);
    ready(vec![frame("", Vec::new())], ReadAs::NoData, 0);
    ready(Vec::new(), ReadAs::NoData, 0);

    let multi = |host: &str, rows: &[i64]| {
        let value = labelled(host, number(&vec![0.0; rows.len()]));
        kind(Kind::TimeseriesMulti, vec![time(rows), value])
    };
    let json = alerted(vec![multi("a", &[]), multi("b", &[1])]).unwrap();
    assert!(
        json[0].ends_with("[[],[]]}}"),
        "a series of length 0 beside others stays: {}",
        json[0]
    );
}

#[test]
fn kinds_of_the_contract_are_read_by_their_kind() {
    let series = |host| labelled(host, number(&[1.0]));
    let table = || kind(Kind::Table, vec![text("a", &["b"])]);
    let wide =
        kind(Kind::TimeseriesWide, vec![time(&[1]), series("a"), series("b"), text("note", &[""])]);
    assert_eq!(ready(vec![wide.clone()], ReadAs::TimeSeries, 2), [] as [&str; 0]);
    let warnings = ready(vec![wide, table()], ReadAs::TimeSeries, 2);
    expect!["Grafana evaluates the first frame and those that belong to it by their kind, 'timeseries-wide', and ignores 1 other."]
        .assert_eq(&warnings.join("\n"));

    let multi = |host| kind(Kind::TimeseriesMulti, vec![time(&[1]), series(host), number(&[1.0])]);
    ready(vec![multi("a"), table(), multi("b")], ReadAs::TimeSeries, 2);
    let numbers = |host| kind(Kind::NumericMulti, vec![time(&[1]), series(host)]);
    ready(vec![numbers("a"), numbers("b")], ReadAs::Numbers, 2);
    ready(vec![kind(Kind::NumericWide, vec![series("a"), series("b")])], ReadAs::Numbers, 2);
    let rows = vec![text("host", &["a", "b"]), number(&[1.0, 2.0])];
    ready(vec![kind(Kind::NumericLong, rows)], ReadAs::Numbers, 2);
}

#[test]
fn equal_labels_are_warned_of() {
    let warned = |frame: Frame, series| !ready(vec![frame], ReadAs::TimeSeries, series).is_empty();
    let other = field("other", Column::Float64(vec![1.0]));
    assert!(warned(kind(Kind::TimeseriesWide, vec![time(&[1]), number(&[1.0]), other.clone()]), 2));
    assert!(!warned(kind(Kind::TimeseriesWide, vec![time(&[1]), labelled("a", other)]), 1));
}

#[test]
fn without_a_kind_the_types_of_the_fields_decide() {
    let wide = |name: &str| frame(name, vec![time(&[2, 1]), number(&[1.0, 2.0])]);
    ready(vec![wide("a")], ReadAs::TimeSeries, 1);
    ready(vec![wide("a"), wide("b"), frame("", Vec::new())], ReadAs::TimeSeries, 2);
    let whole = nullable(field("time", Column::Time(vec![1, 2])), &[0b11]);
    ready(vec![frame("", vec![whole, number(&[1.0, 2.0])])], ReadAs::TimeSeries, 1);
    let table = vec![text("host", &["a", "b"]), number(&[1.0, 2.0])];
    ready(vec![kind(Kind::Table, table)], ReadAs::Numbers, 2);
}

#[test]
fn a_frame_that_says_nothing_does_not_hide_the_kind_of_the_next() {
    let nothing = || frame("", Vec::new());
    let multi = |host| {
        let value = labelled(host, number(&[1.0]));
        kind(Kind::TimeseriesMulti, vec![time(&[1]), value, field("other", Column::Int8(vec![1]))])
    };
    ready(vec![nothing(), multi("a"), multi("b")], ReadAs::TimeSeries, 2);
    assert_eq!(alerted(vec![nothing(), kind(Kind::TimeseriesLong, long())]).unwrap(), [WIDE]);
}

#[test]
fn what_has_no_numbers_is_refused_with_what_to_change() {
    refused(
        vec![frame("", vec![text("host", &["a"])])],
        &expect![
            "The result has no numbers, and a rule compares numbers: let the query return a column of numbers."
        ],
    );
    refused(
        vec![frame("", vec![time(&[1]), text("host", &["a"])])],
        &expect![
            "The result has times but no numbers, and a rule compares numbers: let the query return a column of numbers."
        ],
    );
    refused(
        vec![kind(
            Kind::NumericWide,
            vec![field("up", Column::Bool { length: 1, bytes: vec![1] })],
        )],
        &expect![
            "The result has no numbers, only booleans, which Grafana's alerting does not read in a frame of kind 'numeric-wide': return 0 and 1 instead."
        ],
    );
    let logs = vec![field("timestamp", Column::Time(vec![1])), text("body", &["a"])];
    refused(
        vec![kind(Kind::LogLines, logs)],
        &expect![
            "The result is log lines, and a rule compares numbers: let the query count the lines."
        ],
    );
    refused(
        vec![kind(Kind::HeatmapRows, vec![time(&[1]), number(&[1.0])])],
        &expect![
            "The result is a heatmap, and a rule compares numbers: ask for the series, not for their distribution over buckets."
        ],
    );
}

#[test]
fn what_grafana_would_fail_at_is_refused_with_what_to_change() {
    let other = || field("other", Column::Float64(vec![1.0]));
    refused(
        vec![kind(Kind::Table, vec![number(&[1.0]), other(), text("host", &["a"])])],
        &expect![
            "The result is a table without times. Alerting reads such a table if it is the only frame, has exactly one column of numbers, and otherwise text: ask for fewer columns, or add one of times."
        ],
    );
    refused(
        vec![
            frame("a", vec![time(&[1]), number(&[1.0])]),
            frame("b", vec![nullable(time(&[1]), &[0]), number(&[1.0])]),
        ],
        &expect![
            "Frame 1 ('b') of the result has rows without a time in the column 'time', and alerting does not read such: leave these rows out."
        ],
    );
    refused(
        vec![frame("", vec![time(&[1]), number(&[1.0]), field("till", Column::Time(vec![2]))])],
        &expect![
            "The result has the column 'till' of type time, which alerting can take neither for values nor for labels: leave it out."
        ],
    );
    let numbers = kind(Kind::NumericMulti, vec![number(&[1.0])]);
    refused(
        vec![numbers, frame("b", vec![time(&[1]), number(&[1.0])])],
        &expect![
            "Frame 1 ('b') of the result is not of the kind 'numeric-multi' like the first, and Grafana's alerting reads numbers from all frames or from none: ask for the numbers alone."
        ],
    );
    refused(
        vec![frame("", vec![time(&[2, 1]), text("host", &["a", "a"]), number(&[1.0, 2.0])])],
        &expect![
            "The result is a table of times, text and numbers, and cannot be turned into the time series that an alert rule evaluates, because the rows are not in ascending order of time: row 1 is earlier than the row above."
        ],
    );
    refused(
        vec![frame("", vec![time(&[1]), text("a", &["x"]), text("a", &["y"]), number(&[1.0])])],
        &expect![
            "The result is a table of times, text and numbers, and cannot be turned into the time series that an alert rule evaluates, because two columns of text are called 'a', and each becomes a label."
        ],
    );
}

#[test]
fn a_wide_frame_that_would_be_too_large_is_refused_before_it_is_made() {
    let rows = 10_000;
    let names: Vec<String> = (0..rows).map(|row| row.to_string()).collect();
    let fields = vec![
        time(&(0..rows).collect::<Vec<_>>()),
        field("host", Column::String(texts(names.iter().map(String::as_str)))),
        number(&vec![1.0; names.len()]),
    ];
    refused(
        vec![frame("", fields)],
        &expect![
            "The result is a table of times, text and numbers, and cannot be turned into the time series that an alert rule evaluates, because as a table of one row for each time and one column for each series it has more than 268435456 bytes of columns; ask for fewer series or a shorter time range, or raise 'column_bytes' in grafana.ini, section [plugin.graft-datasource]."
        ],
    );
}

#[test]
fn a_few_reasons_stand_for_many() {
    let many = (0..100).map(|_| frame("", vec![text("a", &["b"])])).collect();
    assert_eq!(frames(many).alert_readiness().reasons.len(), REASONS_MAX);
}

#[test]
fn readiness_is_plain_json() {
    let readiness = frames(vec![frame("", vec![time(&[1]), number(&[1.0])])]).alert_readiness();
    let json = serde_json::to_string(&readiness).unwrap();
    let expected = r#"{"ready":true,"readAs":"time series","series":1,"reasons":[],"warnings":[]}"#;
    assert_eq!(json, expected);
}
