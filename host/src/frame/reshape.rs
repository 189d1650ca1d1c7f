//! Time series in another shape: long frames as wide ones, several frames as one. Pure, and bounded: a wide frame can be
//! the square of a long one, so its size is computed before any of it is made.

use std::sync::Arc;

use arrow::array::{ArrayRef, PrimitiveArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::TimestampNanosecondType;
use arrow::error::ArrowError;

use super::error::printable;
use super::field_type::{FieldType, ValueType};
use super::pages::{CheckedField, CheckedFrame};
use super::times::{self, Disorder};
use crate::limits::{FIELDS_MAX, how_to_raise};

mod join;
mod long;

pub(super) use join::join;
pub(super) use long::{is_long, to_wide};

/// What stands in the way of another shape, as a clause that follows "because".
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Obstacle {
    /// A frame has nothing to order its rows by.
    #[error("one of them has no column of times")]
    NoTime,
    /// A frame has nothing that could become a series.
    #[error("one of them has a column of times and no other")]
    NoValue,
    /// A row has no time.
    #[error("the column '{}' of times has rows without a time", printable(.0))]
    NullTime(String),
    /// Rows are not in order. Counts from 0.
    #[error("the rows are not in ascending order of time: row {0} is earlier than the row above")]
    Unsorted(usize),
    /// A time is there twice, and nothing tells the rows apart. Counts from 0.
    #[error("row {0} has the time of the row above, and no column of text tells them apart")]
    RepeatedTime(usize),
    /// Two columns would become the same label.
    #[error("two columns of text are called '{}', and each becomes a label", printable(.0))]
    LabelTwice(String),
    /// Two series have nothing that tells them apart.
    #[error("two series are called '{}' and have the same labels", printable(.0))]
    SeriesTwice(String),
    /// The result is over a limit.
    #[error(
        "as a table of one row for each time and one column for each series it has more than {limit} {what}{}",
        remedy(*.key)
    )]
    TooLarge {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The field of `Limits`; none if the limit is part of the design.
        key: Option<&'static str>,
    },
    /// The host's own fault, or more text than one column holds.
    #[error("a column cannot be put together: {0}")]
    Arrow(String),
}

impl From<ArrowError> for Obstacle {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error.to_string())
    }
}

fn remedy(key: Option<&'static str>) -> String {
    let remedy = "; ask for fewer series or a shorter time range";
    key.map_or(remedy.to_owned(), |key| format!("{remedy}, or {}", how_to_raise(key)))
}

/// All values of a field in one array; its pages become that one.
fn single_page(field: &mut CheckedField) -> Result<ArrayRef, Obstacle> {
    let column = field.take_column()?;
    field.pages = vec![column.clone()];
    Ok(column)
}

/// The index of a frame's times, which are complete and in one page then.
fn time_column(frame: &mut CheckedFrame) -> Result<usize, Obstacle> {
    let index = times::index(frame).ok_or(Obstacle::NoTime)?;
    let field = &mut frame.fields[index];
    if !times::are_complete(&field.pages) {
        return Err(Obstacle::NullTime(field.name.clone()));
    }
    single_page(field)?;
    Ok(index)
}

/// Refuses times that are not in ascending order; and unless they `may_repeat`, those that do.
fn check_order(times: &ArrayRef, may_repeat: bool) -> Result<(), Obstacle> {
    match times::first_disorder(std::slice::from_ref(times), !may_repeat) {
        Some(Disorder::Fall(row)) => Err(Obstacle::Unsorted(row)),
        Some(Disorder::Repeat(row)) => Err(Obstacle::RepeatedTime(row)),
        None => Ok(()),
    }
}

/// Refuses what would be too large: so many rows, with a column for each of these types.
fn check_size(
    rows: usize,
    columns: impl Iterator<Item = (ValueType, usize)>,
    bytes_max: usize,
) -> Result<(), Obstacle> {
    let (mut fields, mut width) = (1_usize, ValueType::Time.width());
    for (values, count) in columns {
        fields = fields.saturating_add(count);
        width = width.saturating_add(count.saturating_mul(values.width()));
    }
    if fields > FIELDS_MAX {
        return Err(Obstacle::TooLarge { what: "columns", limit: FIELDS_MAX, key: None });
    }
    if width.saturating_mul(rows) > bytes_max {
        let (what, key) = ("bytes of columns", Some("column_bytes"));
        return Err(Obstacle::TooLarge { what, limit: bytes_max, key });
    }
    Ok(())
}

/// The time field of a wide frame, with other times.
fn time_field(field: &CheckedField, times: Vec<i64>) -> CheckedField {
    let field_type = FieldType { values: ValueType::Time, nullable: false };
    let page: ArrayRef =
        Arc::new(PrimitiveArray::<TimestampNanosecondType>::new(times.into(), None));
    CheckedField { field_type, pages: vec![page], ..field.clone() }
}

/// A field whose row `i` is row `rows[i]` of the given one, or none where `rows[i]` is null. It is nullable whether there
/// is such a row or not, so that its type does not hang on the data.
fn gathered(field: &CheckedField, rows: &UInt32Array) -> Result<CheckedField, Obstacle> {
    let pages = field.pages.iter().map(|page| take(page, rows, None));
    let pages = pages.collect::<Result<Vec<_>, _>>()?;
    let field_type = FieldType { nullable: true, ..field.field_type };
    Ok(CheckedField { field_type, pages, ..field.clone() })
}

/// Row numbers for [`gathered`]; [`NO_ROW`] for none.
fn row_numbers(rows: &[u32]) -> UInt32Array {
    if !rows.contains(&NO_ROW) {
        return UInt32Array::from(rows.to_vec());
    }
    rows.iter().map(|row| (*row != NO_ROW).then_some(*row)).collect()
}

/// No row has this number.
const NO_ROW: u32 = u32::MAX;

/// A row's number, which is below [`NO_ROW`] because so many rows have no room in memory.
fn row_number(row: usize) -> Result<u32, Obstacle> {
    let number = u32::try_from(row).ok().filter(|number| *number != NO_ROW);
    number.ok_or(Obstacle::TooLarge { what: "rows", limit: NO_ROW as usize, key: None })
}
