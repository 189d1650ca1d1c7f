//! Several frames of time series as one wide frame: an outer join on time.
//!
//! Of a frame that is one series by its kind, the series is taken; what else it has is remainder, as it is for Grafana. A
//! time that a series does not have is a null there. Fields are sorted by name and labels, so that their order does not
//! hang on that of the API's answer, and are nullable whether anything is missing or not: the schema stays the same while
//! the data changes.

use arrow::array::ArrayRef;

use super::{
    NO_ROW, Obstacle, check_order, check_size, gathered, is_long, row_number, row_numbers,
    single_page, time_column, time_field, to_wide,
};
use crate::frame::pages::{CheckedField, CheckedFrame};
use crate::frame::times;
use crate::model::Kind;

/// One wide frame of all of these, stamped as such. Frames without fields add nothing to it. `bytes_max` is what its columns
/// may take.
pub(in crate::frame) fn join(
    frames: Vec<CheckedFrame>,
    bytes_max: usize,
) -> Result<CheckedFrame, Obstacle> {
    // A name that is not everybody's is nobody's.
    let name = frames.first().map(|frame| frame.name.clone()).unwrap_or_default();
    let is_shared = frames.iter().all(|frame| frame.name == name);
    let name = if is_shared { name } else { String::new() };
    let mut said = frames.iter().filter_map(|frame| frame.meta.clone());
    let mut meta = said.next().unwrap_or_default();
    said.for_each(|other| meta.take_notices(other));
    meta.set_kind(Kind::TimeseriesWide);
    meta.forget_fields();

    let with_fields = frames.into_iter().filter(|frame| !frame.fields.is_empty());
    let pieces = with_fields.map(|frame| Piece::of(frame, bytes_max));
    let pieces: Vec<Piece> = pieces.collect::<Result<_, _>>()?;
    let fields = join_pieces(&pieces, bytes_max)?;
    let rows = fields.first().map_or(0, |time| time.pages.iter().map(|page| page.len()).sum());
    Ok(CheckedFrame { name, meta: Some(meta), fields, rows })
}

fn join_pieces(pieces: &[Piece], bytes_max: usize) -> Result<Vec<CheckedField>, Obstacle> {
    let Some(first) = pieces.first() else { return Ok(Vec::new()) };
    let times = union(pieces);
    row_number(times.len())?;
    let types = pieces.iter().flat_map(|piece| &piece.fields);
    check_size(times.len(), types.map(|field| (field.field_type.values, 1)), bytes_max)?;

    let time = time_field(&first.time, times);
    let mut fields = Vec::new();
    for piece in pieces {
        let rows = row_numbers(&piece.rows_at(times::values(&time.pages[0]))?);
        for field in &piece.fields {
            fields.push(gathered(field, &rows)?);
        }
    }
    fields.sort_by(|left, right| identity(left).cmp(&identity(right)));
    let is_same = |pair: &&[CheckedField]| {
        identity(&pair[0]) == identity(&pair[1])
            && pair.iter().all(|field| field.field_type.values.is_value())
    };
    if let Some(pair) = fields.windows(2).find(is_same) {
        return Err(Obstacle::SeriesTwice(pair[0].name.clone()));
    }
    fields.insert(0, time);
    Ok(fields)
}

fn identity(field: &CheckedField) -> (&str, Option<&str>) {
    (&field.name, field.labels.as_deref())
}

/// A frame whose rows each have a time of their own.
struct Piece {
    /// In one page.
    time: CheckedField,
    /// All others, in one page each.
    fields: Vec<CheckedField>,
}

impl Piece {
    fn of(frame: CheckedFrame, bytes_max: usize) -> Result<Self, Obstacle> {
        let mut frame = match frame.kind() {
            Some(Kind::TimeseriesLong) => to_wide(frame, bytes_max)?,
            None if is_long(&frame) => to_wide(frame, bytes_max)?,
            _ => frame,
        };
        let index = time_column(&mut frame)?;
        check_order(&frame.fields[index].pages[0], false)?;
        if frame.fields.len() == 1 {
            return Err(Obstacle::NoValue);
        }
        let is_multi = frame.kind() == Some(Kind::TimeseriesMulti);
        let time = frame.fields.remove(index);
        if is_multi {
            let series = frame.fields.iter().position(|field| field.field_type.values.is_value());
            frame.fields =
                series.map(|series| frame.fields.swap_remove(series)).into_iter().collect();
        }
        for field in &mut frame.fields {
            single_page(field)?;
        }
        Ok(Self { time, fields: frame.fields })
    }

    fn times(&self) -> &[i64] {
        let page: &ArrayRef = &self.time.pages[0];
        times::values(page)
    }

    /// For each of these times, which hold all of its own, the row that has it.
    fn rows_at(&self, all: &[i64]) -> Result<Vec<u32>, Obstacle> {
        let own = self.times();
        let mut next = 0;
        let rows = all.iter().map(|time| {
            if own.get(next) != Some(time) {
                return Ok(NO_ROW);
            }
            next += 1;
            row_number(next - 1)
        });
        rows.collect()
    }
}

/// Each time of any piece once, in order. As a rule all pieces have the same.
fn union(pieces: &[Piece]) -> Vec<i64> {
    let Some(first) = pieces.first().map(Piece::times) else { return Vec::new() };
    let mut times = first.to_vec();
    let others = pieces.iter().map(Piece::times).filter(|times| *times != first);
    times.extend(others.flatten());
    // The sort finds runs that are in order, and merges them.
    times.sort();
    times.dedup();
    times
}
