//! What the kind of a frame promises, checked over all frames of a query (contract section 3.6).
//!
//! Grafana's own readers are the measure: what they take is taken, remainder included, which is fields and frames that
//! they pass over. What they refuse is refused here, with the guest's name on it, and so is what they would misread without
//! a word: times that fall or repeat, two series that nothing tells apart, data beside "no data". Nothing is mended: a
//! guest whose rows are out of order may have mixed up more than their order.

use std::collections::HashMap;

use super::error::{Error, Flaw, Position};
use super::field_type::ValueType;
use super::metadata::kind_name;
use super::pages::{CheckedField, CheckedFrame};
use super::times::{self, Disorder};
use crate::model::Kind;

mod breach;
#[cfg(test)]
mod tests;

pub use breach::Breach;

/// Whether the kind is one of those that Grafana's data-plane contract defines, and alerting reads as such.
pub(super) fn is_data_plane(kind: Kind) -> bool {
    is_time_series(kind)
        || matches!(kind, Kind::NumericWide | Kind::NumericMulti | Kind::NumericLong)
}

/// Whether the kind is one of the contract's time series.
pub(super) fn is_time_series(kind: Kind) -> bool {
    matches!(kind, Kind::TimeseriesWide | Kind::TimeseriesMulti | Kind::TimeseriesLong)
}

/// The first field that can be the value of a series.
pub(super) fn first_value(frame: &CheckedFrame) -> Option<&CheckedField> {
    frame.fields.iter().find(|field| field.field_type.values.is_value())
}

/// Checks all frames of a query against the kinds that they claim. Takes a look at each point in time and at nothing else
/// that there may be many of.
pub(super) fn check(frames: &[CheckedFrame]) -> Result<(), Error> {
    check_each(frames.iter().enumerate())
}

/// As [`check`], of some frames with their places in the query.
pub(super) fn check_each<'a>(
    frames: impl Iterator<Item = (usize, &'a CheckedFrame)>,
) -> Result<(), Error> {
    let mut query = Seen::default();
    for (index, frame) in frames {
        let Some(kind) = frame.kind() else { continue };
        let checked = check_frame(frame, kind).and_then(|()| query.admit(index, frame, kind));
        checked.map_err(|misfit| misfit.of_frame(position(index, &frame.name), kind))?;
    }
    Ok(())
}

fn check_frame(frame: &CheckedFrame, kind: Kind) -> Result<(), Misfit> {
    if frame.fields.is_empty() {
        return Ok(());
    }
    match kind {
        Kind::TimeseriesWide | Kind::TimeseriesMulti => time_series(frame, true),
        Kind::TimeseriesLong => {
            time_series(frame, false)?;
            value_names(frame)
        }
        Kind::NumericWide | Kind::NumericMulti => {
            value(frame)?;
            if frame.rows > 1 { Err(Breach::Rows(frame.rows).into()) } else { Ok(()) }
        }
        Kind::NumericLong => {
            value(frame)?;
            let is_text = |field: &CheckedField| field.field_type.values == ValueType::String;
            if frame.rows > 1 && !frame.fields.iter().any(is_text) {
                return Err(Breach::NoDimension(frame.rows).into());
            }
            Ok(())
        }
        Kind::LogLines => log_lines(frame),
        Kind::Table | Kind::HeatmapRows | Kind::HeatmapCells | Kind::DirectoryListing => Ok(()),
    }
}

fn time_series(frame: &CheckedFrame, unique: bool) -> Result<(), Misfit> {
    let index = times::index(frame).ok_or(Breach::NoTime)?;
    value(frame)?;
    let breach = match times::first_disorder(&frame.fields[index].pages, unique) {
        Some(Disorder::Fall(row)) => Breach::TimeFalls(row),
        Some(Disorder::Repeat(row)) => Breach::TimeRepeats(row),
        None => return Ok(()),
    };
    Err(breach.in_field(frame, index))
}

/// Series of a long frame are told apart by their value field's name and by text columns. Labels of fields are not looked
/// at.
fn value_names(frame: &CheckedFrame) -> Result<(), Misfit> {
    let mut seen = HashMap::new();
    let fields = frame.fields.iter().enumerate();
    for (index, field) in fields.filter(|(_, field)| field.field_type.values.is_value()) {
        if let Some(first) = seen.insert(field.name.as_str(), index) {
            return Err(Breach::NameTwice(first).in_field(frame, index));
        }
    }
    Ok(())
}

fn value(frame: &CheckedFrame) -> Result<(), Misfit> {
    first_value(frame).map(|_| ()).ok_or_else(|| Breach::NoValue.into())
}

/// Consumers of logs look fields up by name and type, and pass over one of another type without a word.
fn log_lines(frame: &CheckedFrame) -> Result<(), Misfit> {
    for (name, expected, required) in [
        ("timestamp", ValueType::Time, true),
        ("body", ValueType::String, true),
        ("severity", ValueType::String, false),
        ("id", ValueType::String, false),
        ("labels", ValueType::Json, false),
    ] {
        let fits = |field: &CheckedField| {
            field.field_type.values == expected && !(required && field.field_type.nullable)
        };
        let mut named = frame.fields.iter().enumerate().filter(|(_, field)| field.name == name);
        let Some((index, first)) = named.next() else {
            if required {
                return Err(Breach::NoField { name, expected: written(expected) }.into());
            }
            continue;
        };
        if !fits(first) && !named.any(|(_, field)| fits(field)) {
            let found = first.field_type.to_string();
            let breach = Breach::FieldType { found, expected: written(expected), required };
            return Err(breach.in_field(frame, index));
        }
    }
    Ok(())
}

fn written(values: ValueType) -> &'static str {
    match values {
        ValueType::Time => "time",
        ValueType::Json => "json",
        values => values.frame_name(),
    }
}

/// What was seen of a query's frames.
#[derive(Default)]
struct Seen<'a> {
    /// The first frame of each kind, by index.
    first: Vec<(Kind, usize)>,
    /// The first data-plane frame with fields, and the first without.
    with_fields: Option<Position>,
    without_fields: Option<Position>,
    /// Where each series is: by kind, name and labels.
    series: HashMap<(&'static str, &'a str, Option<&'a str>), (usize, usize)>,
}

impl<'a> Seen<'a> {
    fn admit(&mut self, index: usize, frame: &'a CheckedFrame, kind: Kind) -> Result<(), Misfit> {
        if !is_data_plane(kind) {
            return Ok(());
        }
        let here = || position(index, &frame.name);
        if frame.fields.is_empty() {
            self.without_fields.get_or_insert_with(here);
        } else {
            self.with_fields.get_or_insert_with(here);
        }
        if let (Some(data), Some(none)) = (&self.with_fields, &self.without_fields) {
            let (data, none) = (data.clone(), none.clone());
            return Err(Breach::NoDataBesideData { data, none }.into());
        }
        let is_multi = matches!(kind, Kind::TimeseriesMulti | Kind::NumericMulti);
        match self.first.iter().find(|(seen, _)| *seen == kind) {
            Some((_, first)) if !is_multi && !frame.fields.is_empty() => {
                return Err(Breach::SecondFrame(*first).into());
            }
            Some(_) => {}
            None => self.first.push((kind, index)),
        }
        match kind {
            Kind::TimeseriesWide => self.tell_apart(index, frame, kind, usize::MAX),
            Kind::TimeseriesMulti => self.tell_apart(index, frame, kind, 1),
            _ => Ok(()),
        }
    }

    /// Remembers the first `count` series of a frame. Their names and labels may be those of no other.
    fn tell_apart(
        &mut self,
        index: usize,
        frame: &'a CheckedFrame,
        kind: Kind,
        count: usize,
    ) -> Result<(), Misfit> {
        let fields = frame.fields.iter().enumerate();
        let values = fields.filter(|(_, field)| field.field_type.values.is_value());
        for (at, field) in values.take(count) {
            let identity = (kind_name(kind), field.name.as_str(), field.labels.as_deref());
            if let Some((first_frame, first_field)) = self.series.insert(identity, (index, at)) {
                let breach = Breach::SeriesTwice { frame: first_frame, field: first_field };
                return Err(breach.in_field(frame, at));
            }
        }
        Ok(())
    }
}

/// A breach with its place inside the frame.
#[derive(Debug)]
struct Misfit {
    field: Option<Position>,
    breach: Breach,
}

impl Misfit {
    fn of_frame(self, frame: Position, kind: Kind) -> Error {
        let flaw = Flaw::Kind { kind: kind_name(kind), breach: Box::new(self.breach) };
        Error::Malformed { frame, field: self.field, flaw }
    }
}

impl From<Breach> for Misfit {
    fn from(breach: Breach) -> Self {
        Self { field: None, breach }
    }
}

impl Breach {
    fn in_field(self, frame: &CheckedFrame, index: usize) -> Misfit {
        let name = &frame.fields[index].name;
        Misfit { field: Some(position(index, name)), breach: self }
    }
}

fn position(index: usize, name: &str) -> Position {
    Position { index, name: name.to_owned() }
}
