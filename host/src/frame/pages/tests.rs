//! Pages of one frame.

use super::super::tests::{field, frame, nullable, page, texts};
use super::*;
use crate::model::{Column, FieldConfig, Texts};

/// The misfit of frames that are pages of one, the first of which is in order.
fn misfit(first: Vec<Field>, second: Vec<Field>) -> (Option<usize>, Flaw) {
    let mut checked = CheckedFrame::check(page("k", first)).unwrap();
    let Misfit { field, flaw } = checked.append(page("k", second)).unwrap_err();
    (field.map(|field| field.index), flaw)
}

fn value(values: Vec<f64>) -> Field {
    field("value", Column::Float64(values))
}

#[test]
fn rows_are_appended_in_order_and_all_else_is_of_the_first_page() {
    let first = Field {
        labels: vec![("host".into(), "a".into())],
        config: vec![FieldConfig::Unit("bytes".into())],
        ..value(vec![1.0, 2.0])
    };
    let mut checked =
        CheckedFrame::check(Frame { name: "x".into(), ..page("k", vec![first]) }).unwrap();
    checked.append(Frame { name: "y".into(), ..page("k", vec![value(vec![3.0])]) }).unwrap();
    checked.append(page("k", vec![value(Vec::new())])).unwrap();

    assert_eq!((checked.name.as_str(), checked.rows), ("x", 3));
    assert_eq!(checked.fields[0].labels.as_deref(), Some(r#"{"host":"a"}"#));
    assert_eq!(checked.fields[0].config.as_deref(), Some(r#"{"unit":"bytes"}"#));
    let column = checked.fields[0].take_column().unwrap();
    assert_eq!(column.to_data(), arrow::array::Float64Array::from(vec![1.0, 2.0, 3.0]).to_data());
}

#[test]
fn validity_and_bits_are_joined_where_a_byte_is_not_full() {
    let bits = |length, byte| Column::Bool { length, bytes: vec![byte] };
    let mut checked =
        CheckedFrame::check(page("k", vec![nullable(field("b", bits(3, 0b101)), &[0b110])]))
            .unwrap();
    checked.append(page("k", vec![nullable(field("b", bits(2, 0b11)), &[0b01])])).unwrap();
    let column = checked.fields[0].take_column().unwrap();
    let expected = vec![None, Some(false), Some(true), Some(true), None];
    assert_eq!(column.to_data(), arrow::array::BooleanArray::from(expected).to_data());
}

#[test]
fn a_page_with_other_fields_is_refused() {
    let (found, flaw) = misfit(vec![value(vec![1.0])], Vec::new());
    assert_eq!((found, flaw), (None, Flaw::PageFields { fields: 0, expected: 1 }));

    let (found, flaw) =
        misfit(vec![value(vec![1.0])], vec![field("v", Column::Float64(vec![1.0]))]);
    assert_eq!(
        (found, flaw.to_string().as_str()),
        (Some(0), "is called 'value' on the first page of its key")
    );

    let (found, flaw) = misfit(
        vec![value(Vec::new()), field("t", Column::Time(Vec::new()))],
        vec![value(Vec::new()), field("t", Column::Int64(Vec::new()))],
    );
    assert_eq!(
        (found, flaw.to_string().as_str()),
        (Some(1), "is of type int64, but of type time on the first page of its key")
    );

    let (found, flaw) = misfit(vec![value(vec![1.0])], vec![nullable(value(vec![1.0]), &[1])]);
    assert_eq!(
        (found, flaw.to_string().as_str()),
        (Some(0), "is of type nullable float64, but of type float64 on the first page of its key")
    );
}

#[test]
fn an_enum_page_counts_the_texts_of_the_first() {
    let texts = |texts: &[&str]| {
        vec![FieldConfig::EnumTexts(texts.iter().map(|&text| text.to_owned()).collect())]
    };
    let first = Field { config: texts(&["ok"]), ..field("state", Column::Enum(vec![0])) };
    let second =
        Field { config: texts(&["ok", "bad"]), ..field("state", Column::Enum(vec![0, 1])) };
    let (found, flaw) = misfit(vec![first], vec![second]);
    assert_eq!((found, flaw), (Some(0), Flaw::EnumValue { row: 1, value: 1, texts: 1 }));
}

#[test]
fn a_column_longer_or_shorter_than_its_neighbours_is_refused() {
    let lengths = |first: usize, second: usize| {
        let fields =
            vec![value(vec![0.0; first]), field("t", Column::String(texts(vec!["x"; second])))];
        CheckedFrame::check(frame("", fields))
    };
    assert_eq!(lengths(2, 2).unwrap().rows, 2);
    for second in [0, 1, 3] {
        let Misfit { field, flaw } = lengths(2, second).unwrap_err();
        assert_eq!(field.unwrap().index, 1);
        assert_eq!(flaw, Flaw::Length { rows: second, expected: 2 });
    }
}

#[test]
fn texts_without_offsets_are_no_values() {
    let fields = vec![value(Vec::new()), field("t", Column::String(Texts::default()))];
    assert_eq!(CheckedFrame::check(frame("", fields)).unwrap().rows, 0);
}
