//! Each check on a column, and what is not looked at.

use arrow::array::{Array, AsArray};
use expect_test::{Expect, expect};

use super::super::tests::texts;
use super::*;

/// What is wrong with a column, as a user reads it.
fn check(column: Column, validity: Option<Vec<u8>>, expected: &Expect) {
    let flaw = array(column, validity, 2).unwrap_err();
    expected.assert_eq(&flaw.to_string());
}

fn raw(offsets: &[i32], bytes: &[u8]) -> Column {
    Column::String(Texts { offsets: offsets.to_vec(), bytes: bytes.to_vec() })
}

#[test]
fn numbers_move_without_a_copy() {
    let values = vec![1.5_f64, f64::NAN, f64::NEG_INFINITY];
    let place = values.as_ptr();
    let array = array(Column::Float64(values), Some(vec![0b101]), 0).unwrap();
    let array = array.as_primitive::<Float64Type>();
    assert_eq!(array.values().as_ptr(), place);
    assert_eq!((array.null_count(), array.is_null(1)), (1, true));
}

#[test]
fn texts_move_without_a_copy() {
    let values = texts(["a", "", "ü"]);
    let place = values.bytes.as_ptr();
    let array = array(Column::String(values), None, 0).unwrap();
    let array = array.as_string::<i32>();
    assert_eq!(array.values().as_ptr(), place);
    assert_eq!(array.iter().collect::<Vec<_>>(), [Some("a"), Some(""), Some("ü")]);
}

#[test]
fn a_validity_bitmap_has_a_bit_for_each_row() {
    let column = || Column::Int8(vec![0; 9]);
    check(
        column(),
        Some(vec![255]),
        &expect!["has 9 values, but a validity bitmap of 1 bytes; one bit each is needed"],
    );
    check(
        column(),
        Some(vec![]),
        &expect!["has 9 values, but a validity bitmap of 0 bytes; one bit each is needed"],
    );
    assert_eq!(array(column(), Some(vec![255, 1]), 0).unwrap().null_count(), 0);
}

#[test]
fn booleans_have_a_bit_each() {
    let column = Column::Bool { length: 9, bytes: vec![0] };
    check(column, None, &expect!["has 9 booleans, but 1 bytes of them; one bit each is needed"]);
}

#[test]
fn bits_past_the_end_are_ignored_and_not_passed_on() {
    let bytes = vec![0b1111_0101, 0xff, 0xff];
    let array = array(Column::Bool { length: 3, bytes }, Some(vec![0b1111_1101, 0xff]), 0).unwrap();
    let array = array.as_boolean();
    assert_eq!(array.iter().collect::<Vec<_>>(), [Some(true), None, Some(true)]);
    assert_eq!(array.values().inner().as_slice(), [0b101]);
    assert_eq!(array.nulls().unwrap().buffer().as_slice(), [0b101]);
}

#[test]
fn text_offsets_start_at_0_ascend_and_end_with_the_texts() {
    check(
        raw(&[1, 2], b"ab"),
        None,
        &expect!["has text offsets that start at 1; they must start at 0"],
    );
    check(
        raw(&[-1, 2], b"ab"),
        None,
        &expect!["has text offsets that start at -1; they must start at 0"],
    );
    check(
        raw(&[0, 2, 1, 2], b"ab"),
        None,
        &expect!["has a text in row 1 that ends before it starts, at byte 1"],
    );
    check(
        raw(&[0, -2, 2], b"ab"),
        None,
        &expect!["has a text in row 0 that ends before it starts, at byte -2"],
    );
    check(
        raw(&[0, 3], b"ab"),
        None,
        &expect!["has text offsets that end at 3, but 2 bytes of text"],
    );
    check(
        raw(&[0, 1], b"ab"),
        None,
        &expect!["has text offsets that end at 1, but 2 bytes of text"],
    );
    check(raw(&[], b"ab"), None, &expect!["has text offsets that end at 0, but 2 bytes of text"]);
}

#[test]
fn no_offsets_and_one_offset_are_no_values() {
    assert_eq!(array(raw(&[], b""), None, 0).unwrap().len(), 0);
    assert_eq!(array(raw(&[0], b""), None, 0).unwrap().len(), 0);
}

#[test]
fn each_text_by_itself_is_utf8() {
    check(raw(&[0, 1, 3], b"a\xff\xfe"), None, &expect!["has a text in row 1 that is not UTF-8"]);
    // As a whole this is UTF-8, but a character is split between two values.
    check(
        raw(&[0, 1, 2, 3], "aü".as_bytes()),
        None,
        &expect!["has a text in row 1 that is not UTF-8"],
    );
    // Rows without a value are no exception: their bytes leave the host in an Arrow file too.
    check(raw(&[0, 1], b"\xff"), Some(vec![0]), &expect!["has a text in row 0 that is not UTF-8"]);
}

#[test]
fn each_value_of_a_json_column_is_one_document() {
    let column = |values: &[&str]| Column::Json(texts(values.iter().copied()));
    check(
        column(&["{}", "{", "["]),
        None,
        &expect![
            "has in row 1 what is not a JSON document: EOF while parsing an object at line 1 column 1"
        ],
    );
    check(
        column(&["1 2"]),
        None,
        &expect![
            "has in row 0 what is not a JSON document: trailing characters at line 1 column 3"
        ],
    );
    check(
        column(&[""]),
        None,
        &expect![
            "has in row 0 what is not a JSON document: EOF while parsing a value at line 1 column 0"
        ],
    );
    check(
        column(&["NaN"]),
        None,
        &expect!["has in row 0 what is not a JSON document: expected value at line 1 column 1"],
    );
    check(
        Column::Json(Texts { offsets: vec![0, 3], bytes: b"\"\xff\"".to_vec() }),
        None,
        &expect!["has a text in row 0 that is not UTF-8"],
    );
}

#[test]
fn a_json_row_without_a_value_may_hold_anything() {
    let column = Column::Json(texts(["{}", "", "null"]));
    let array = array(column, Some(vec![0b101]), 0).unwrap();
    let values: Vec<_> = array.as_binary::<i32>().iter().collect();
    assert_eq!(values, [Some(b"{}".as_slice()), None, Some(b"null".as_slice())]);
}

#[test]
fn json_nests_as_deep_as_the_limit() {
    let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
    let column = |text: &str| Column::Json(texts([text]));
    array(column(&nested(JSON_DEPTH_MAX)), None, 0).unwrap();
    check(
        column(&nested(JSON_DEPTH_MAX + 1)),
        None,
        &expect!["has in row 0 what is not a JSON document: nested deeper than 128 levels"],
    );
    let brackets_in_text = format!("{:?}", format!("\"\\{}", "[".repeat(200)));
    array(column(&brackets_in_text), None, 0).unwrap();
}

#[test]
fn each_enum_value_has_a_text() {
    let column = || Column::Enum(vec![0, 1, 2]);
    check(column(), None, &expect!["has the enum value 2 in row 2, but 2 enum texts"]);
    // What a row without a value holds does not matter.
    array(column(), Some(vec![0b011]), 2).unwrap();
    array(column(), None, 3).unwrap();
}
