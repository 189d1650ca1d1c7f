//! Data frames: from a guest's columns to the bytes that Grafana asked for. The only user of arrow, and no I/O.
//!
//! Values move from a guest's lists into Arrow arrays without a copy, are looked at only where something must be checked,
//! and are copied once, into the answer. Grafana decodes all frames of a request at once and gives up on the first bad
//! one, so nothing may leave here that it cannot read (contract section 3).

use std::collections::HashMap;

use self::error::Misfit;
use self::pages::CheckedFrame;
use crate::limits::{FIELDS_MAX, FRAME_TEXT_BYTES_MAX, Limits};
use crate::model;

mod error;
mod pages;
mod report;
mod columns;
mod field_type;
mod metadata;
mod complete;
mod chunks;
mod kind;
mod times;
mod alert;
mod reshape;
mod live;
mod ipc;
mod json;
#[cfg(test)]
mod tests;

pub use alert::{ReadAs, Readiness};
pub use chunks::Chunk;
pub use complete::CompleteFrames;
pub use error::{Error, Flaw, Position};
pub use kind::Breach;
pub use live::{Fingerprint, LiveFrame};
pub use reshape::Obstacle;

/// The frames of one query, collected over its rounds: checked, counted against the limits, pages appended.
#[derive(Debug)]
pub struct Frames {
    /// What the query may hold.
    limits: Limits,
    /// In the order in which the guest returned them; pages are where the first of them was.
    frames: Vec<CheckedFrame>,
    /// How many of them have left in part, see `take_chunks`.
    started: usize,
    /// Where in `frames` the pages of a key are.
    pages: HashMap<String, usize>,
    /// Rows so far, all frames together.
    rows: usize,
    /// Bytes of columns so far.
    column_bytes: usize,
    /// Fields so far.
    fields: usize,
    /// Bytes of names, labels, configs and meta so far.
    text_bytes: usize,
}

impl Frames {
    /// No frames yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            frames: Vec::new(),
            started: 0,
            pages: HashMap::new(),
            rows: 0,
            column_bytes: 0,
            fields: 0,
            text_bytes: 0,
        }
    }

    /// Takes the frames of one round. An error says where in this round's list the frame is that cannot be taken; the
    /// query has failed then.
    pub fn add(&mut self, frames: Vec<model::Frame>) -> Result<(), Error> {
        for (index, frame) in frames.into_iter().enumerate() {
            self.count(&frame)?;
            let position = Position { index, name: frame.name.clone() };
            let taken = self.take(frame);
            taken.map_err(|Misfit { field, flaw }| Error::Malformed {
                frame: position,
                field,
                flaw,
            })?;
        }
        Ok(())
    }

    /// The size of these frames' columns, bytes. Taking them takes time in proportion.
    pub fn size(frames: &[model::Frame]) -> usize {
        frames.iter().flat_map(|frame| &frame.fields).map(model::Field::size).sum()
    }

    /// Whether there is no frame at all, not even an empty one.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The size of all columns, bytes. Encoding takes time in proportion.
    pub fn column_bytes(&self) -> usize {
        self.column_bytes
    }

    /// Ends the collection: checks, over all frames together, that they are what their kinds promise. An error says where
    /// in the query's list the frame is that is not.
    pub fn complete(self) -> Result<CompleteFrames, Error> {
        CompleteFrames::check(self.frames, self.limits.column_bytes)
    }

    /// Counts a frame against the limits, before anything is spent on it.
    fn count(&mut self, frame: &model::Frame) -> Result<(), Error> {
        let first_page = frame.page_key.as_ref().is_none_or(|key| !self.pages.contains_key(key));
        let frames = self.frames.len() + usize::from(first_page);
        self.rows += frame.fields.first().map_or(0, |field| columns::rows(&field.values));
        self.column_bytes += frame.fields.iter().map(model::Field::size).sum::<usize>();
        // What later pages carry beside their rows is dropped.
        if first_page {
            self.fields += frame.fields.len();
            self.text_bytes += metadata::size(frame);
        }

        let limits = &self.limits;
        within("frames", frames, limits.frames, Some("frames"))?;
        within("rows", self.rows, limits.rows, Some("rows"))?;
        within("bytes of columns", self.column_bytes, limits.column_bytes, Some("column_bytes"))?;
        within("fields", self.fields, FIELDS_MAX, None)?;
        within(
            "bytes of names, labels, configs and meta",
            self.text_bytes,
            FRAME_TEXT_BYTES_MAX,
            None,
        )
    }

    /// Checks a frame and keeps it, or appends it to the pages before it.
    fn take(&mut self, frame: model::Frame) -> Result<(), Misfit> {
        let key = frame.page_key.clone();
        let page_of = key.as_ref().and_then(|key| self.pages.get(key)).copied();
        if let Some(first) = page_of.and_then(|index| self.frames.get_mut(index)) {
            return first.append(frame);
        }
        let checked = CheckedFrame::check(frame)?;
        if let Some(key) = key {
            self.pages.insert(key, self.frames.len());
        }
        self.frames.push(checked);
        Ok(())
    }
}

/// Refuses what is over a limit. `key` is the field of `Limits`, if it is one.
fn within(
    what: &'static str,
    found: usize,
    limit: usize,
    key: Option<&'static str>,
) -> Result<(), Error> {
    if found <= limit { Ok(()) } else { Err(Error::TooMuch { what, limit, key }) }
}
