//! One frame of several, and what a stream sends of it.

use expect_test::{Expect, expect};

use super::LiveFrame;
use crate::frame::tests::{field, frame, nullable, page, texts};
use crate::frame::{Error, Frames};
use crate::limits::Limits;
use crate::model::{Column, Field, FieldConfig, Frame, FrameMeta, Kind, Source};

fn kind(kind: Kind, fields: Vec<Field>) -> Frame {
    Frame { meta: vec![FrameMeta::Kind(kind)], ..frame("", fields) }
}

fn time(times: &[i64]) -> Field {
    field("time", Column::Time(times.iter().map(|time| time * 1_000_000).collect()))
}

fn number(host: &str, values: &[i32]) -> Field {
    let labels = match host {
        "" => Vec::new(),
        host => vec![("host".into(), host.into())],
    };
    Field { labels, ..field("value", Column::Int32(values.to_vec())) }
}

fn text(name: &str, values: &[&str]) -> Field {
    field(name, Column::String(texts(values.iter().copied())))
}

fn live(frames: Vec<Frame>) -> Result<Option<LiveFrame>, Error> {
    let mut all = Frames::new(&Limits::default());
    all.add(frames).unwrap();
    all.complete().unwrap().into_live()
}

fn one(frames: Vec<Frame>) -> LiveFrame {
    live(frames).unwrap().unwrap()
}

fn written(bytes: Result<bytes::Bytes, Error>) -> String {
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

fn multi(host: &str, times: &[i64], values: &[i32]) -> Frame {
    kind(Kind::TimeseriesMulti, vec![time(times), number(host, values)])
}

#[track_caller]
fn obstacle(frames: Vec<Frame>, expected: &Expect) {
    let error = live(frames).unwrap_err();
    assert_eq!((error.status(), error.source_of_error()), (400, Source::Downstream));
    let message = error.user_message("g 1");
    let start = "This query cannot be streamed: a stream carries one frame, and the frames of guest 'g 1' cannot be \
                 joined into one, because ";
    expected.assert_eq(message.strip_prefix(start).unwrap());
}

#[test]
fn series_are_joined_on_time_and_sorted_by_name_and_labels() {
    let (a, b) = (multi("a", &[1, 3], &[10, 30]), multi("b", &[2, 3], &[21, 31]));
    let c = multi("c", &[], &[]);
    let joined = one(vec![b, c, a]);
    expect![[r#"
        {"schema":{"refId":"A","meta":{"type":"timeseries-wide","typeVersion":[0,1]},"fields":[{"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},{"name":"value","type":"number","typeInfo":{"frame":"int32","nullable":true},"labels":{"host":"a"}},{"name":"value","type":"number","typeInfo":{"frame":"int32","nullable":true},"labels":{"host":"b"}},{"name":"value","type":"number","typeInfo":{"frame":"int32","nullable":true},"labels":{"host":"c"}}]},"data":{"values":[[1,2,3],[10,null,30],[null,21,31],[null,null,null]]}}
    "#]]
    .assert_eq(&(written(joined.whole("A")) + "\n"));
    assert!(joined.is_ordered_by_time());
    assert_eq!((joined.rows(), joined.last_time()), (3, Some(3_000_000)));
}

#[test]
fn the_schema_stays_the_same_while_the_data_changes() {
    let both = |a: &[i64], b: &[i64]| {
        one(vec![multi("a", a, &vec![1; a.len()]), multi("b", b, &vec![1; b.len()])])
    };
    let print = both(&[1, 2], &[1, 2]).fingerprint().unwrap();
    assert_eq!(print, both(&[1], &[2, 3]).fingerprint().unwrap());
    let swapped = one(vec![multi("b", &[1], &[1]), multi("a", &[1], &[1])]);
    assert_eq!(print, swapped.fingerprint().unwrap());

    let single = |frame: Frame| one(vec![frame]).fingerprint().unwrap();
    let base = || kind(Kind::TimeseriesWide, vec![time(&[1]), number("a", &[1])]);
    let with = |change: fn(&mut Field)| {
        let mut frame = base();
        change(&mut frame.fields[1]);
        single(frame)
    };
    let prints = [
        single(base()),
        with(|field| field.name = "other".into()),
        with(|field| field.values = Column::Int64(vec![1])),
        with(|field| field.labels[0].1 = "b".into()),
        with(|field| field.config = vec![FieldConfig::Unit("s".into())]),
        with(|field| field.validity = Some(vec![1])),
        single(Frame { name: "named".into(), ..base() }),
        single(Frame { meta: Vec::new(), ..base() }),
    ];
    for (index, print) in prints.iter().enumerate() {
        assert!(!prints[..index].contains(print), "schema {index} has a fingerprint of its own");
    }
}

#[test]
fn rows_after_an_instant_are_sent_without_the_schema() {
    let pages = |times: &[i64], words: &[&str], bits: u8| {
        let meta = vec![FrameMeta::Kind(Kind::TimeseriesWide)];
        let values = nullable(number("a", &vec![7; times.len()]), &[bits]);
        Frame { meta, ..page("k", vec![time(times), values, text("word", words)]) }
    };
    let frame = one(vec![pages(&[1, 2], &["a", "b"], 0b10), pages(&[3, 4], &["c", "d"], 0b01)]);
    assert_eq!(frame.last_time(), Some(4_000_000));
    let newer = frame.after(2_000_000);
    expect![[r#"{"data":{"values":[[3,4],[7,null],["c","d"]]}}"#]]
        .assert_eq(&written(newer.data()));
    assert_eq!(newer.rows(), 2);
    assert_eq!(newer.fingerprint().unwrap(), frame.fingerprint().unwrap());
    assert_eq!(written(frame.after(i64::MIN).data()), written(frame.data()));
    assert_eq!(frame.after(1_999_999).rows(), 3);
    let none = frame.after(4_000_000);
    assert_eq!((none.rows(), none.last_time()), (0, None));
    assert_eq!(written(none.data()), r#"{"data":{"values":[[],[],[]]}}"#);
    assert_eq!(newer.after(3_000_000).last_time(), Some(4_000_000));
}

#[test]
fn the_parts_are_the_whole() {
    let frame = one(vec![multi("a", &[1], &[1])]);
    let (schema, data) = (written(frame.schema("A")), written(frame.data()));
    let whole =
        format!("{},{}", schema.strip_suffix('}').unwrap(), data.strip_prefix('{').unwrap());
    assert_eq!(written(frame.whole("A")), whole);
}

#[test]
fn one_frame_that_is_not_long_stays_as_it_is() {
    let table = || kind(Kind::Table, vec![text("a", &["x", "y"]), time(&[2, 1])]);
    let live_table = one(vec![table()]);
    assert!(!live_table.is_ordered_by_time());
    assert_eq!((live_table.last_time(), live_table.after(5_000_000).rows()), (None, 2));
    expect![[r#"{"data":{"values":[["x","y"],[2,1]]}}"#]].assert_eq(&written(live_table.data()));

    let untyped = |times: &[i64]| {
        let words = text("a", &vec!["x"; times.len()]);
        one(vec![frame("", vec![time(times), words, number("", &vec![1; times.len()])])])
    };
    assert_eq!(untyped(&[1, 1, 2]).after(1_000_000).rows(), 1);
    assert!(!untyped(&[2, 1]).is_ordered_by_time());
    assert!(live(Vec::new()).unwrap().is_none());
    assert!(!one(vec![kind(Kind::TimeseriesWide, Vec::new())]).is_ordered_by_time());
}

#[test]
fn content_is_compared_with_rows_and_schema() {
    let table = |value: f64, name: &str| {
        one(vec![kind(Kind::Table, vec![field(name, Column::Float64(vec![value, f64::NAN]))])])
    };
    assert!(table(1.0, "a").has_content_of(&table(1.0, "a")).unwrap());
    assert!(!table(1.0, "a").has_content_of(&table(2.0, "a")).unwrap());
    assert!(!table(1.0, "a").has_content_of(&table(1.0, "b")).unwrap());
}

#[test]
fn a_long_frame_becomes_a_wide_one() {
    let long = vec![time(&[1, 1, 2]), text("host", &["b", "a", "b"]), number("", &[1, 2, 3])];
    let alone = one(vec![kind(Kind::TimeseriesLong, long.clone())]);
    expect![[r#"{"data":{"values":[[1,2],[2,null],[1,3]]}}"#]].assert_eq(&written(alone.data()));
    let both = one(vec![frame("", long), multi("c", &[3], &[9])]);
    expect![[r#"{"data":{"values":[[1,2,3],[2,null,null],[1,3,null],[null,null,9]]}}"#]]
        .assert_eq(&written(both.data()));
}

#[test]
fn frames_that_do_not_become_one_say_why() {
    let table = |field: Field| frame("", vec![field]);
    obstacle(
        vec![multi("a", &[1], &[1]), table(text("a", &["b"]))],
        &expect!["one of them has no column of times."],
    );
    obstacle(
        vec![multi("a", &[1], &[1]), table(time(&[1]))],
        &expect!["one of them has a column of times and no other."],
    );
    let untyped = |times: Field, values: &[i32]| frame("", vec![times, number("", values)]);
    obstacle(
        vec![untyped(nullable(time(&[1]), &[0]), &[1]), untyped(time(&[1]), &[1])],
        &expect!["the column 'time' of times has rows without a time."],
    );
    obstacle(
        vec![untyped(time(&[1, 1]), &[1, 1]), untyped(time(&[1]), &[1])],
        &expect!["row 1 has the time of the row above, and no column of text tells them apart."],
    );
    obstacle(
        vec![untyped(time(&[1]), &[1]), untyped(time(&[1]), &[1])],
        &expect!["two series are called 'value' and have the same labels."],
    );
}
