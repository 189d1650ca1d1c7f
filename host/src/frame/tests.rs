//! Frames as a guest returns them, and what becomes of them.

use bytes::Bytes;

use super::{Error, Frames};
use crate::limits::{FIELDS_MAX, FRAME_TEXT_BYTES_MAX, Limits};
use crate::model::{Column, Field, Format, Frame, Source, Texts};

mod cases;
mod golden;
mod random;
mod reshaped;

/// A field without labels and config.
pub(super) fn field(name: &str, values: Column) -> Field {
    Field { name: name.into(), labels: Vec::new(), config: Vec::new(), values, validity: None }
}

/// The same field, nullable: bit by bit, the first row's lowest.
pub(super) fn nullable(field: Field, validity: &[u8]) -> Field {
    Field { validity: Some(validity.to_vec()), ..field }
}

/// A frame without meta that stands alone.
pub(super) fn frame(name: &str, fields: Vec<Field>) -> Frame {
    Frame { name: name.into(), fields, ..Frame::default() }
}

/// A page of a frame.
pub(super) fn page(key: &str, fields: Vec<Field>) -> Frame {
    Frame { page_key: Some(key.into()), fields, ..Frame::default() }
}

/// Texts in Arrow's layout.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> Texts {
    let mut texts = Texts { offsets: vec![0], bytes: Vec::new() };
    for value in values {
        texts.bytes.extend(value.as_bytes());
        texts.offsets.push(texts.bytes.len().try_into().unwrap());
    }
    texts
}

/// Frames of several rounds, checked and encoded under the ref id `A`.
fn encode(rounds: Vec<Vec<Frame>>, format: Format) -> Result<Vec<Bytes>, Error> {
    let mut frames = Frames::new(&Limits::default());
    for round in rounds {
        frames.add(round)?;
    }
    frames.complete()?.encode("A", format)
}

fn json(rounds: Vec<Vec<Frame>>) -> Vec<String> {
    let frames = encode(rounds, Format::Json).unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect()
}

fn rows(count: usize) -> Frame {
    frame("", vec![field("value", Column::Int64(vec![7; count]))])
}

/// What a query with these limits says to these frames.
fn refusal(limits: &Limits, frames: Vec<Frame>) -> Error {
    Frames::new(limits).add(frames).unwrap_err()
}

#[test]
fn no_frames_are_none_and_an_empty_frame_is_one() {
    let mut frames = Frames::new(&Limits::default());
    assert!(frames.is_empty());
    frames.add(Vec::new()).unwrap();
    assert!(frames.is_empty());
    frames.add(vec![frame("", Vec::new())]).unwrap();
    assert!(!frames.is_empty());
    assert_eq!(frames.column_bytes(), 0);
    assert_eq!(frames.complete().unwrap().encode("A", Format::Arrow).unwrap().len(), 1);
}

#[test]
fn frames_of_all_rounds_keep_their_order() {
    let named = |name: &str| frame(name, Vec::new());
    let documents = json(vec![vec![named("a"), named("b")], vec![named("c")]]);
    assert_eq!(
        documents,
        [
            r#"{"schema":{"name":"a","refId":"A","fields":[]},"data":{"values":[]}}"#,
            r#"{"schema":{"name":"b","refId":"A","fields":[]},"data":{"values":[]}}"#,
            r#"{"schema":{"name":"c","refId":"A","fields":[]},"data":{"values":[]}}"#,
        ]
    );
}

#[test]
fn the_bytes_of_all_columns_are_counted() {
    let fields = vec![
        nullable(field("a", Column::Float64(vec![1.0; 9])), &[255, 1]),
        field("b", Column::Bool { length: 9, bytes: vec![0, 0] }),
        field("c", Column::String(texts(["abc"; 9]))),
    ];
    let mut frames = Frames::new(&Limits::default());
    frames.add(vec![frame("", fields)]).unwrap();
    assert_eq!(frames.column_bytes(), (9 * 8 + 2) + 2 + (10 * 4 + 27));
}

#[test]
fn what_a_limit_just_allows_is_taken_and_one_more_refused() {
    let limits = Limits { frames: 2, rows: 3, column_bytes: 24, ..Limits::default() };
    Frames::new(&limits).add(vec![rows(1), rows(2)]).unwrap();

    let error = refusal(&limits, vec![rows(0), rows(0), rows(0)]);
    assert_eq!(error, Error::TooMuch { what: "frames", limit: 2, key: Some("frames") });
    let error = refusal(&limits, vec![rows(1), rows(3)]);
    assert_eq!(error, Error::TooMuch { what: "rows", limit: 3, key: Some("rows") });
    let limits = Limits { rows: 4, ..limits };
    let error = refusal(&limits, vec![rows(4)]);
    let expected =
        Error::TooMuch { what: "bytes of columns", limit: 24, key: Some("column_bytes") };
    assert_eq!(error, expected);
}

#[test]
fn limits_count_over_all_rounds() {
    let limits = Limits { rows: 3, ..Limits::default() };
    let mut frames = Frames::new(&limits);
    frames.add(vec![rows(2)]).unwrap();
    let error = frames.add(vec![rows(2)]).unwrap_err();
    assert_eq!(error, Error::TooMuch { what: "rows", limit: 3, key: Some("rows") });
}

#[test]
fn pages_count_as_one_frame_and_their_rows_as_they_are() {
    let limits = Limits { frames: 1, rows: 3, ..Limits::default() };
    let page = |rows| page("k", vec![field("value", Column::Int8(vec![7; rows]))]);
    let mut frames = Frames::new(&limits);
    frames.add(vec![page(1), page(1)]).unwrap();
    frames.add(vec![page(1)]).unwrap();
    let error = frames.add(vec![page(1)]).unwrap_err();
    assert_eq!(error, Error::TooMuch { what: "rows", limit: 3, key: Some("rows") });
}

#[test]
fn fields_and_texts_have_limits_of_their_own() {
    let many = frame("", vec![field("", Column::Int8(Vec::new())); FIELDS_MAX + 1]);
    let error = refusal(&Limits::default(), vec![many]);
    assert_eq!(
        error.user_message("things 0.1.0"),
        "Guest 'things 0.1.0' returned more than 100000 fields. Ask for less, such as a shorter time range."
    );
    let long = frame(&"x".repeat(FRAME_TEXT_BYTES_MAX + 1), Vec::new());
    let what = "bytes of names, labels, configs and meta";
    assert_eq!(
        refusal(&Limits::default(), vec![long]),
        Error::TooMuch { what, limit: FRAME_TEXT_BYTES_MAX, key: None }
    );
}

#[test]
fn only_the_first_pages_fields_and_texts_count() {
    let fields = |name: &str| vec![field(name, Column::Int8(Vec::new())); FIELDS_MAX / 2 + 1];
    let mut frames = Frames::new(&Limits::default());
    frames.add(vec![page("k", fields("name"))]).unwrap();
    frames.add(vec![page("k", fields("name"))]).unwrap();
    let error = frames.add(vec![page("other", fields("name"))]).unwrap_err();
    assert_eq!(error, Error::TooMuch { what: "fields", limit: FIELDS_MAX, key: None });
}

#[test]
fn over_a_limit_the_user_learns_which_one_and_how_it_is_raised() {
    let limits = Limits { rows: 3, ..Limits::default() };
    let error = refusal(&limits, vec![rows(4)]);
    assert_eq!((error.status(), error.source_of_error()), (400, Source::Downstream));
    assert_eq!(
        error.user_message("things 0.1.0"),
        "Guest 'things 0.1.0' returned more than 3 rows, the limit rows. Ask for less, such as a shorter time range, or \
         raise 'rows' in grafana.ini, section [plugin.graft-datasource]."
    );
}

#[test]
fn a_malformed_frame_is_the_guests_fault_and_says_where() {
    let fields = vec![
        field("time", Column::Time(vec![1, 2])),
        field("it's\n", Column::Float64(vec![1.0, 2.0, 3.0])),
    ];
    let error = refusal(&Limits::default(), vec![rows(1), frame("cpu", fields)]);
    assert_eq!((error.status(), error.source_of_error()), (500, Source::Plugin));
    assert_eq!(
        error.user_message("prometheus 0.1.0"),
        "Guest 'prometheus 0.1.0' returned a malformed frame: frame 1 ('cpu'), field 1 ('it's\\n') has 3 values, but the \
         frame's first field has 2. The guest's vendor has to mend that."
    );
    assert_eq!(error.to_string(), "frame 1 ('cpu'), field 1 ('it's\\n') is malformed");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "has 3 values, but the frame's first field has 2");
}

#[test]
fn what_cannot_be_encoded_is_the_hosts_fault() {
    let frame = super::Position { index: 2, name: String::new() };
    let error = Error::Encoding { frame, cause: "offset overflow".into() };
    assert_eq!((error.status(), error.source_of_error()), (500, Source::Plugin));
    assert_eq!(
        error.user_message("things 0.1.0"),
        "Frame 2 of guest 'things 0.1.0' could not be encoded: offset overflow. That is a bug of this plugin: please \
         report it, with the query."
    );
}

#[test]
fn an_arrow_file_is_written_without_growing() {
    let many = 10_000;
    let fields = vec![
        field("time", Column::Time((0..many).collect())),
        nullable(field("value", Column::Float64(vec![0.5; 10_000])), &[0b0101_0101; 1250]),
        field("text", Column::String(texts(vec!["some text"; 10_000]))),
    ];
    let checked = super::pages::CheckedFrame::check(frame("", fields)).unwrap();
    let bytes = super::ipc::encode(checked, "A").unwrap();
    let spare = bytes.capacity() - bytes.len();
    assert!(spare < 4096, "{spare} bytes of room are left over");
}
