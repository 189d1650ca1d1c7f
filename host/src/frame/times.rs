//! Points in time: which field has them, whether they are in order. One pass over plain integers, page by page.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampNanosecondType;

use super::field_type::ValueType;
use super::kind::is_data_plane;
use super::pages::CheckedFrame;

/// The field that says when the rows are. In a frame of a data-plane kind the first that is not nullable, as Grafana's
/// data-plane readers choose it; in others the first (`TimeSeriesSchema` of Grafana's SDK).
pub(super) fn index(frame: &CheckedFrame) -> Option<usize> {
    let strict = frame.kind().is_some_and(is_data_plane);
    frame.fields.iter().position(|field| {
        field.field_type.values == ValueType::Time && !(strict && field.field_type.nullable)
    })
}

/// Where times are not in ascending order. Rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disorder {
    /// Before the row above.
    Fall(usize),
    /// The same as the row above.
    Repeat(usize),
}

/// The first disorder in the pages of a time field without nulls; times may repeat unless they must be `unique`.
pub(super) fn first_disorder(pages: &[ArrayRef], unique: bool) -> Option<Disorder> {
    let mut above = None;
    let mut start = 0;
    for page in pages {
        let times = values(page);
        let first = above.zip(times.first().copied());
        let seam = first.and_then(|(above, first)| disorder(above, first, start, unique));
        let found = seam.or_else(|| within(times, start, unique));
        if found.is_some() {
            return found;
        }
        above = times.last().copied().or(above);
        start += times.len();
    }
    None
}

/// The times of one page. Where a row has none the value says nothing.
pub(super) fn values(page: &ArrayRef) -> &[i64] {
    page.as_primitive::<TimestampNanosecondType>().values()
}

/// Whether each row has a time.
pub(super) fn are_complete(pages: &[ArrayRef]) -> bool {
    pages.iter().all(|page| page.null_count() == 0)
}

/// Times are in order as a rule: all are compared without a branch, many at once, and the row is looked for only if one is
/// not.
fn within(times: &[i64], start: usize, unique: bool) -> Option<Disorder> {
    let pairs = times.iter().zip(times.get(1..)?);
    let ordered = match unique {
        true => pairs.fold(true, |ordered, (above, time)| ordered & (above < time)),
        false => pairs.fold(true, |ordered, (above, time)| ordered & (above <= time)),
    };
    if ordered {
        return None;
    }
    let mut pairs = times.iter().zip(times.get(1..)?).zip(start + 1..);
    pairs.find_map(|((above, time), row)| disorder(*above, *time, row, unique))
}

fn disorder(above: i64, time: i64, row: usize, unique: bool) -> Option<Disorder> {
    match time.cmp(&above) {
        std::cmp::Ordering::Less => Some(Disorder::Fall(row)),
        std::cmp::Ordering::Equal if unique => Some(Disorder::Repeat(row)),
        _ => None,
    }
}
