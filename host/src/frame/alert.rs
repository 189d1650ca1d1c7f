//! Whether an alert rule can evaluate frames, and how they have to look for it.
//!
//! Follows, step by step, what Grafana's server-side expressions make of a response (contract section 3.7), and says in a
//! dashboard author's words what they would fail at. Two things are changed on the way, for alert queries only, because a
//! panel shows them well as they are. A long frame becomes a wide one, which every version of Grafana can evaluate. Frames
//! that have no rows, all of them, become the one frame without fields that means "no data", because Grafana takes a frame
//! without rows for a series of length 0.

use std::collections::HashSet;

use serde::Serialize;

use super::error::Position;
use super::kind::{first_value, is_data_plane};
use super::metadata::kind_name;
use super::pages::{CheckedField, CheckedFrame};
use super::reshape::to_wide;
use crate::model::Kind;

mod shape;
#[cfg(test)]
mod tests;

/// How many reasons are given. With a thousand frames they are all alike.
const REASONS_MAX: usize = 3;

/// What Grafana's alerting takes frames for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ReadAs {
    /// Series of points in time; a rule reduces each to a number.
    #[serde(rename = "time series")]
    TimeSeries,
    /// A number for each item.
    #[serde(rename = "numbers")]
    Numbers,
    /// No data: the rule's own setting says what that means.
    #[serde(rename = "no data")]
    NoData,
}

/// Whether an alert rule can evaluate a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// What it takes the result for; none if it cannot.
    pub read_as: Option<ReadAs>,
    /// How many series or numbers it finds, each of which becomes an alert instance.
    pub series: usize,
    /// Why it cannot, a sentence each, with what to change. Empty if it can.
    pub reasons: Vec<String>,
    /// What it can evaluate but may surprise, a sentence each.
    pub warnings: Vec<String>,
}

impl Readiness {
    fn read(read_as: ReadAs, series: usize) -> Self {
        let (reasons, warnings) = (Vec::new(), Vec::new());
        Self { ready: true, read_as: Some(read_as), series, reasons, warnings }
    }

    fn not(mut reasons: Vec<String>) -> Self {
        reasons.dedup();
        reasons.truncate(REASONS_MAX);
        Self { ready: false, read_as: None, series: 0, reasons, warnings: Vec::new() }
    }

    fn series_of<'a>(read_as: ReadAs, fields: impl Iterator<Item = &'a CheckedField>) -> Self {
        let mut labels = HashSet::new();
        let mut series = 0;
        for field in fields {
            series += 1;
            labels.insert(field.labels.as_deref());
        }
        let mut readiness = Self::read(read_as, series);
        if labels.len() < series {
            readiness.warn_of_equal_labels();
        }
        readiness
    }

    fn warn_of_equal_labels(&mut self) {
        self.warnings.push(
            "Several series or numbers have the same labels. A rule whose condition evaluates more than one of them fails \
             with 'has duplicate results with labels': give each labels of its own, or ask for one of them."
                .to_owned(),
        );
    }

    fn warn_of_ignored(&mut self, kind: Kind, ignored: usize) {
        if ignored > 0 {
            self.warnings.push(format!(
                "Grafana evaluates the first frame and those that belong to it by their kind, '{}', and ignores \
                 {ignored} other{}.",
                kind_name(kind),
                if ignored == 1 { "" } else { "s" }
            ));
        }
    }
}

/// The frames as an alert rule has to get them, and whether it can evaluate them. `bytes_max` is what the columns of a frame
/// in another shape may take.
pub(super) fn prepare(
    mut frames: Vec<CheckedFrame>,
    bytes_max: usize,
) -> (Vec<CheckedFrame>, Readiness) {
    let kind_of_first = |frames: &[CheckedFrame]| {
        frames.first().and_then(CheckedFrame::kind).filter(|kind| is_data_plane(*kind))
    };
    if kind_of_first(&frames).is_none() {
        let reasons: Vec<String> = shape::of_no_use(&frames).collect();
        if !reasons.is_empty() {
            return (frames, Readiness::not(reasons));
        }
    }
    if frames.iter().all(|frame| frame.rows == 0) {
        return (no_data(frames), Readiness::read(ReadAs::NoData, 0));
    }
    if kind_of_first(&frames).is_none() {
        frames.retain(shape::says_something);
    }
    match kind_of_first(&frames) {
        Some(kind) => by_kind(frames, kind, bytes_max),
        None => shape::prepare(frames, bytes_max),
    }
}

/// "No data", with what the first frame says beside it.
fn no_data(frames: Vec<CheckedFrame>) -> Vec<CheckedFrame> {
    frames.into_iter().take(1).map(without_fields).collect()
}

fn without_fields(mut frame: CheckedFrame) -> CheckedFrame {
    if let Some(meta) = &mut frame.meta {
        meta.forget_fields();
    }
    CheckedFrame { fields: Vec::new(), rows: 0, ..frame }
}

/// The way of Grafana's data-plane readers, which the first frame's kind leads to.
fn by_kind(
    mut frames: Vec<CheckedFrame>,
    kind: Kind,
    bytes_max: usize,
) -> (Vec<CheckedFrame>, Readiness) {
    if kind == Kind::TimeseriesLong
        && let Err(reason) = widen_first(&mut frames, bytes_max)
    {
        return (frames, Readiness::not(vec![reason]));
    }
    let readiness = read_by_kind(&frames, kind);
    (frames, readiness)
}

fn read_by_kind(frames: &[CheckedFrame], kind: Kind) -> Readiness {
    let first = &frames[0];
    let of_kind = |frame: &&CheckedFrame| frame.kind() == Some(kind);
    let count = frames.iter().filter(of_kind).count();
    let (values, numbers) = (first.fields.iter(), first.fields.iter());
    let values = values.filter(|field| field.field_type.values.is_value());
    let numbers = numbers.filter(|field| field.field_type.values.is_number());
    if first.fields.is_empty() {
        let mut readiness = Readiness::read(ReadAs::NoData, 0);
        readiness.warn_of_ignored(kind, frames.len() - 1);
        return readiness;
    }
    let (mut readiness, read) = match kind {
        Kind::TimeseriesMulti => {
            let series = frames.iter().filter(of_kind).filter_map(first_value);
            (Readiness::series_of(ReadAs::TimeSeries, series), count)
        }
        Kind::NumericMulti if count < frames.len() => {
            return Readiness::not(vec![strangers(frames, kind)]);
        }
        Kind::NumericMulti => {
            let series = frames.iter().filter_map(first_value);
            (Readiness::series_of(ReadAs::Numbers, series), count)
        }
        Kind::NumericWide | Kind::NumericLong if numbers.clone().next().is_none() => {
            return Readiness::not(vec![format!(
                "{} has no numbers, only booleans, which Grafana's alerting does not read in a frame of kind '{}': return 0 \
                 and 1 instead.",
                subject(0, frames),
                kind_name(kind)
            )]);
        }
        Kind::NumericWide => (Readiness::series_of(ReadAs::Numbers, numbers), 1),
        Kind::NumericLong => {
            let columns = numbers.count();
            let mut readiness = Readiness::read(ReadAs::Numbers, first.rows * columns);
            if columns > 1 {
                readiness.warn_of_equal_labels();
            }
            (readiness, 1)
        }
        _ => (Readiness::series_of(ReadAs::TimeSeries, values), 1),
    };
    readiness.warn_of_ignored(kind, frames.len() - read);
    readiness
}

/// Grafana's reader of 'numeric-multi' fails at the first frame that is not.
fn strangers(frames: &[CheckedFrame], kind: Kind) -> String {
    let stranger = frames.iter().position(|frame| frame.kind() != Some(kind)).unwrap_or_default();
    format!(
        "{} is not of the kind '{}' like the first, and Grafana's alerting reads numbers from all frames or from none: ask \
         for the numbers alone.",
        subject(stranger, frames),
        kind_name(kind)
    )
}

/// Makes a wide frame of the first, which is a long one.
fn widen_first(frames: &mut [CheckedFrame], bytes_max: usize) -> Result<(), String> {
    let whose = subject(0, frames);
    let Some(first) = frames.first_mut() else { return Ok(()) };
    *first = match first.rows {
        0 => without_fields(first.clone()),
        _ => widen(first.clone(), &whose, bytes_max)?,
    };
    if let Some(meta) = &mut first.meta {
        meta.set_kind(Kind::TimeseriesWide);
    }
    Ok(())
}

fn widen(frame: CheckedFrame, whose: &str, bytes_max: usize) -> Result<CheckedFrame, String> {
    to_wide(frame, bytes_max).map_err(|obstacle| {
        format!(
            "{whose} is a table of times, text and numbers, and cannot be turned into the time series that an alert rule \
             evaluates, because {obstacle}."
        )
    })
}

/// What a sentence about a frame begins with.
fn subject(index: usize, frames: &[CheckedFrame]) -> String {
    match frames {
        [_] => "The result".to_owned(),
        _ => {
            let name = frames.get(index).map(|frame| frame.name.clone()).unwrap_or_default();
            format!("Frame {} of the result", Position { index, name })
        }
    }
}
