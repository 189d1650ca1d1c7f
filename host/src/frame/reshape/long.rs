//! A long frame as a wide one: text columns tell its series apart and become their labels.
//!
//! What Grafana's SDK makes of it in `LongToWide`, with nulls where a series has no row: columns of text and booleans become
//! labels, a null is an empty label, fields are sorted by name and then by labels in the order of the columns, and of two
//! rows with the same time and labels the second holds. What differs: configs are kept, and a frame whose only values are
//! booleans has those as values, as Grafana's data-plane reader has them.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};

use super::{
    NO_ROW, Obstacle, check_order, check_size, gathered, row_number, row_numbers, single_page,
    time_column, time_field,
};
use crate::frame::field_type::ValueType;
use crate::frame::metadata;
use crate::frame::pages::{CheckedField, CheckedFrame};
use crate::frame::times;

/// Whether the SDK would call the frame a long one: times, values, and columns that tell series apart.
pub(in crate::frame) fn is_long(frame: &CheckedFrame) -> bool {
    let Some(time) = times::index(frame) else { return false };
    let others = frame.fields.iter().enumerate().filter(|(index, _)| *index != time);
    let (mut dimensions, mut values) = (false, false);
    for (_, field) in others {
        match field.field_type.values {
            ValueType::String | ValueType::Bool => dimensions = true,
            _ => values = true,
        }
    }
    dimensions && values
}

/// The frame as a wide one. Its meta stays as it is, but for what it says about fields by their index.
pub(in crate::frame) fn to_wide(
    mut frame: CheckedFrame,
    bytes_max: usize,
) -> Result<CheckedFrame, Obstacle> {
    let time = time_column(&mut frame)?;
    let times = frame.fields[time].pages[0].clone();
    check_order(&times, true)?;
    let Roles { dimensions, values } = Roles::of(&frame, time)?;
    for index in dimensions.iter().chain(&values) {
        single_page(&mut frame.fields[*index])?;
    }

    let WideRows { distinct, of_row } = WideRows::of(times::values(&times))?;
    let dimensions: Vec<&CheckedField> =
        dimensions.into_iter().map(|index| &frame.fields[index]).collect();
    let series = Series::of(&dimensions, frame.rows)?;
    let types = values.iter().map(|index| frame.fields[*index].field_type.values);
    check_size(distinct.len(), types.map(|values| (values, series.count())), bytes_max)?;

    let mut fields = Vec::with_capacity(series.count() * values.len());
    let mut rows = vec![NO_ROW; distinct.len()];
    for (number, long_rows) in series.rows().enumerate() {
        rows.fill(NO_ROW);
        for row in long_rows {
            rows[of_row[*row as usize] as usize] = *row;
        }
        let labels = series.labels(number, &dimensions);
        let named = dimensions.iter().zip(&labels);
        let named = named.map(|(field, label)| (field.name.clone(), (*label).to_owned()));
        let json = metadata::labels(named.collect())
            .map_err(|_twice| Obstacle::LabelTwice(twice(&dimensions)))?;
        let rows = row_numbers(&rows);
        for index in &values {
            let field = gathered(&frame.fields[*index], &rows)?;
            fields.push((labels.clone(), CheckedField { labels: json.clone(), ..field }));
        }
    }
    fields.sort_by(|(left_labels, left), (right_labels, right)| {
        left.name.cmp(&right.name).then_with(|| left_labels.cmp(right_labels))
    });

    let rows = distinct.len();
    let mut wide = vec![time_field(&frame.fields[time], distinct)];
    wide.extend(fields.into_iter().map(|(_, field)| field));
    let mut meta = frame.meta;
    if let Some(meta) = &mut meta {
        meta.forget_fields();
    }
    Ok(CheckedFrame { name: frame.name, meta, fields: wide, rows })
}

/// The name that two columns have.
fn twice(dimensions: &[&CheckedField]) -> String {
    let earlier = |index: usize| dimensions[..index].iter().map(|field| &field.name);
    let twice = dimensions
        .iter()
        .enumerate()
        .find(|(index, field)| earlier(*index).any(|name| *name == field.name));
    twice.map(|(_, field)| field.name.clone()).unwrap_or_default()
}

/// Which fields tell series apart, and which are their values, by index.
struct Roles {
    dimensions: Vec<usize>,
    values: Vec<usize>,
}

impl Roles {
    fn of(frame: &CheckedFrame, time: usize) -> Result<Self, Obstacle> {
        let others = || (0..frame.fields.len()).filter(|index| *index != time);
        let type_of = |index: usize| frame.fields[index].field_type.values;
        let has_numbers = others().any(|index| type_of(index).is_number());
        let is_dimension = |index: &usize| match type_of(*index) {
            ValueType::String => true,
            ValueType::Bool => has_numbers,
            _ => false,
        };
        let (dimensions, values): (Vec<_>, Vec<_>) = others().partition(is_dimension);
        if values.is_empty() { Err(Obstacle::NoValue) } else { Ok(Self { dimensions, values }) }
    }
}

/// Each point in time once, and for each long row which of them is its own.
struct WideRows {
    distinct: Vec<i64>,
    of_row: Vec<u32>,
}

impl WideRows {
    fn of(times: &[i64]) -> Result<Self, Obstacle> {
        row_number(times.len())?;
        let mut distinct: Vec<i64> = Vec::new();
        let mut of_row = Vec::with_capacity(times.len());
        for time in times {
            if distinct.last() != Some(time) {
                distinct.push(*time);
            }
            of_row.push(row_number(distinct.len() - 1)?);
        }
        Ok(Self { distinct, of_row })
    }
}

/// Which rows have the same labels, in the order in which labels are first seen.
struct Series {
    /// All rows, those of a series side by side, in ascending order.
    rows: Vec<u32>,
    /// Where the rows of each series end.
    ends: Vec<usize>,
}

impl Series {
    fn of(dimensions: &[&CheckedField], row_count: usize) -> Result<Self, Obstacle> {
        let mut of_row = vec![0_u32; row_count];
        let mut count = usize::from(row_count > 0);
        for dimension in dimensions {
            let column = &dimension.pages[0];
            let mut numbers: HashMap<(u32, &str), u32> = HashMap::new();
            for (row, series) in of_row.iter_mut().enumerate() {
                let next = row_number(numbers.len())?;
                *series = *numbers.entry((*series, label(column, row))).or_insert(next);
            }
            count = numbers.len();
        }
        // Sorting by counting: linear, and rows stay in order within their series.
        let mut ends = vec![0_usize; count];
        for series in &of_row {
            ends[*series as usize] += 1;
        }
        let mut end = 0;
        for of_series in &mut ends {
            let start = end;
            end += *of_series;
            *of_series = start;
        }
        let mut rows = vec![0; row_count];
        for (row, series) in of_row.iter().enumerate() {
            let next = &mut ends[*series as usize];
            rows[*next] = row_number(row)?;
            *next += 1;
        }
        Ok(Self { rows, ends })
    }

    fn count(&self) -> usize {
        self.ends.len()
    }

    /// The rows of each series.
    fn rows(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.rows[start..*end])
    }

    /// The labels of a series, in the order of the columns.
    fn labels<'a>(&self, number: usize, dimensions: &[&'a CheckedField]) -> Vec<&'a str> {
        let first = self.rows[self.ends[number] - 1] as usize;
        dimensions.iter().map(|dimension| label(&dimension.pages[0], first)).collect()
    }
}

/// A value as a label. Nothing is what Go has for it: the empty text, or false.
fn label(column: &ArrayRef, row: usize) -> &str {
    let texts = column.as_string_opt::<i32>();
    match (texts, column.as_boolean_opt()) {
        (Some(texts), _) if texts.is_valid(row) => texts.value(row),
        (_, Some(bits)) if bits.is_valid(row) && bits.value(row) => "true",
        (_, Some(_)) => "false",
        _ => "",
    }
}
