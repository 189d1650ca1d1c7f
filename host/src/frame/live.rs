//! The one frame that a channel of Grafana Live carries (contract section 5.5), and what a stream sends of it: all of it at
//! first, then only rows that are new, with the schema again only when it has changed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use arrow::array::Array;
use bytes::Bytes;

use super::error::{Error, Misfit, Position};
use super::json;
use super::metadata::kind_name;
use super::pages::CheckedFrame;
use super::reshape::{Obstacle, join};
use super::times;
use crate::model::{Frame, FrameMeta, Kind, Notice, Severity};

#[cfg(test)]
mod tests;

/// One frame, with each column in one piece.
#[derive(Clone, Debug)]
pub struct LiveFrame {
    frame: CheckedFrame,
    /// The column of times that its rows are ordered by; none if it is a table, of which no rows are newer than others.
    time: Option<usize>,
}

/// Stands for a schema: two that differ in name, kind, or in a field's name, type, labels or config have different ones. The rest
/// of meta does not count, which tells of one answer more than of what it is. For comparing within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl LiveFrame {
    /// One frame of all: itself if there is one and it is not a long one, and else their join on time. None if there is no
    /// frame.
    pub(super) fn of(
        mut frames: Vec<CheckedFrame>,
        bytes_max: usize,
    ) -> Result<Option<Self>, Obstacle> {
        let mut frame = match frames.pop() {
            None => return Ok(None),
            Some(only) if frames.is_empty() && only.kind() != Some(Kind::TimeseriesLong) => only,
            Some(last) => {
                frames.push(last);
                join(frames, bytes_max)?
            }
        };
        for field in &mut frame.fields {
            let column = field.take_column()?;
            field.pages = vec![column];
        }
        let time = time_index(&frame);
        Ok(Some(Self { frame, time }))
    }

    /// A frame without fields that only tells something.
    pub fn notice(text: &str) -> Result<Self, Error> {
        let notice = Notice { severity: Severity::Error, text: text.to_owned(), link: None };
        let frame = Frame { meta: vec![FrameMeta::Notice(notice)], ..Frame::default() };
        let frame = CheckedFrame::check(frame).map_err(|Misfit { field, flaw }| {
            let frame = Position { index: 0, name: String::new() };
            Error::Malformed { frame, field, flaw }
        })?;
        Ok(Self { frame, time: None })
    }

    /// Whether its rows are ordered by time. Only then do [`LiveFrame::last_time`] and [`LiveFrame::after`] say something;
    /// of any other frame compare the content.
    pub fn is_ordered_by_time(&self) -> bool {
        self.time.is_some()
    }

    /// The size of its columns, bytes. Encoding takes time in proportion.
    pub fn bytes(&self) -> usize {
        let pages = self.frame.fields.iter().flat_map(|field| &field.pages);
        pages.map(|page| page.get_array_memory_size()).sum()
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.frame.rows
    }

    /// The time of the last row, nanoseconds since the epoch; none if there are no rows, or they are not ordered by time.
    pub fn last_time(&self) -> Option<i64> {
        self.times().last().copied()
    }

    /// The rows strictly after an instant, nanoseconds since the epoch; all rows if they are not ordered by time. Values are
    /// shared, not copied.
    pub fn after(&self, instant: i64) -> Self {
        let mut newer = self.clone();
        if self.time.is_some() {
            let first = self.times().partition_point(|time| *time <= instant);
            let rows = self.frame.rows - first;
            for page in newer.frame.fields.iter_mut().flat_map(|field| &mut field.pages) {
                *page = page.slice(first, rows);
            }
            newer.frame.rows = rows;
        }
        newer
    }

    /// Stands for all that is not rows.
    pub fn fingerprint(&self) -> Result<Fingerprint, Error> {
        let mut hasher = DefaultHasher::new();
        self.frame.kind().map(kind_name).hash(&mut hasher);
        let plain = Self { frame: CheckedFrame { meta: None, ..self.frame.clone() }, time: None };
        plain.schema("")?.hash(&mut hasher);
        Ok(Fingerprint(hasher.finish()))
    }

    /// Whether another frame says the same, rows included.
    pub fn has_content_of(&self, other: &Self) -> Result<bool, Error> {
        let columns = |frame: &Self| {
            let fields = frame.frame.fields.iter();
            fields.flat_map(|field| field.pages.clone()).collect::<Vec<_>>()
        };
        Ok(self.schema("")? == other.schema("")? && columns(self) == columns(other))
    }

    /// The whole frame as JSON, stamped with a ref id, which may be empty.
    pub fn whole(&self, ref_id: &str) -> Result<Bytes, Error> {
        self.written(json::encode(self.frame.clone(), ref_id))
    }

    /// The rows alone, `{"data":…}`, for subscribers who have the schema.
    pub fn data(&self) -> Result<Bytes, Error> {
        self.written(json::encode_data(self.frame.clone()))
    }

    /// The schema alone, `{"schema":…}`.
    pub fn schema(&self, ref_id: &str) -> Result<Bytes, Error> {
        self.written(json::encode_schema(&self.frame, ref_id))
    }

    fn written(&self, encoded: serde_json::Result<Vec<u8>>) -> Result<Bytes, Error> {
        encoded.map(Bytes::from).map_err(|error| {
            let frame = Position { index: 0, name: self.frame.name.clone() };
            Error::Encoding { frame, cause: error.to_string() }
        })
    }

    fn times(&self) -> &[i64] {
        let field = self.time.map(|time| &self.frame.fields[time]);
        field.and_then(|field| field.pages.first()).map_or(&[], times::values)
    }
}

/// The column of times that orders the rows. A kind that is no time series has none, though its times may ascend by chance:
/// rows of a table, a heatmap or logs come and go between others.
fn time_index(frame: &CheckedFrame) -> Option<usize> {
    match frame.kind() {
        None | Some(Kind::TimeseriesWide | Kind::TimeseriesMulti) => {}
        Some(_) => return None,
    }
    let index = times::index(frame)?;
    let pages = &frame.fields[index].pages;
    let ordered = times::are_complete(pages) && times::first_disorder(pages, false).is_none();
    ordered.then_some(index)
}
