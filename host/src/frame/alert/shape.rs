//! How alerting reads frames whose kind says nothing to it: by the types of their fields.

use super::{ReadAs, Readiness, subject, widen};
use crate::frame::error::printable;
use crate::frame::field_type::ValueType;
use crate::frame::metadata::Meta;
use crate::frame::pages::{CheckedField, CheckedFrame};
use crate::frame::reshape::is_long;
use crate::frame::times;
use crate::model::Kind;

/// Sentences about frames that no alert rule can evaluate, whatever their fields are.
pub(super) fn of_no_use(frames: &[CheckedFrame]) -> impl Iterator<Item = String> {
    frames.iter().enumerate().filter_map(|(index, frame)| {
        let (what, change) = match frame.kind()? {
            Kind::LogLines => ("log lines", "let the query count the lines"),
            Kind::HeatmapRows | Kind::HeatmapCells => {
                ("a heatmap", "ask for the series, not for their distribution over buckets")
            }
            Kind::DirectoryListing => ("a list of folders", "ask for a number"),
            _ => return None,
        };
        let whose = subject(index, frames);
        Some(format!("{whose} is {what}, and a rule compares numbers: {change}."))
    })
}

/// False for a frame that adds nothing to others, but that alerting would fail at.
pub(super) fn says_something(frame: &CheckedFrame) -> bool {
    !(frame.fields.is_empty() || frame.rows == 0 && is_long(frame))
}

/// The frames as alerting has to get them, and what it makes of their fields.
pub(super) fn prepare(
    mut frames: Vec<CheckedFrame>,
    bytes_max: usize,
) -> (Vec<CheckedFrame>, Readiness) {
    if let [only] = frames.as_slice()
        && let Some(readiness) = number_table(only)
    {
        return (frames, readiness);
    }

    let alone = frames.len() == 1;
    let mut reasons = Vec::new();
    for index in 0..frames.len() {
        let whose = subject(index, &frames);
        let frame = &mut frames[index];
        // A frame of a kind may have columns of any type.
        let becomes_wide = alone && is_long(frame);
        if let Err(reason) = evaluable(frame, &whose, becomes_wide) {
            reasons.push(reason);
        } else if is_long(frame) {
            match widen(frame.clone(), &whose, bytes_max) {
                Ok(wide) => *frame = wide,
                Err(reason) => reasons.push(reason),
            }
            // The kind of the first frame would let alerting ignore the others.
            if becomes_wide {
                frame.meta.get_or_insert_with(Meta::default).set_kind(Kind::TimeseriesWide);
            }
        }
    }
    if !reasons.is_empty() {
        return (frames, Readiness::not(reasons));
    }
    let values = frames
        .iter()
        .flat_map(|frame| frame.fields.iter().filter(|field| field.field_type.values.is_number()));
    let readiness = Readiness::series_of(ReadAs::TimeSeries, values);
    (frames, readiness)
}

/// A frame without times that has one column of numbers and otherwise text: a number for each row.
fn number_table(frame: &CheckedFrame) -> Option<Readiness> {
    let is = |values: ValueType| move |field: &&CheckedField| field.field_type.values == values;
    let numbers = frame.fields.iter().filter(|field| field.field_type.values.is_number()).count();
    let texts = frame.fields.iter().filter(is(ValueType::String)).count();
    if numbers != 1 || numbers + texts != frame.fields.len() {
        return None;
    }
    let mut readiness = Readiness::read(ReadAs::Numbers, frame.rows);
    if texts == 0 && frame.rows > 1 {
        readiness.warn_of_equal_labels();
    }
    Some(readiness)
}

/// Whether alerting finds series in a frame as it is, or as the wide frame that a long one becomes.
fn evaluable(frame: &CheckedFrame, whose: &str, any_type: bool) -> Result<(), String> {
    let numbers = frame.fields.iter().filter(|field| field.field_type.values.is_number());
    let Some(time) = times::index(frame) else {
        return Err(match numbers.count() {
            0 => format!(
                "{whose} has no numbers, and a rule compares numbers: let the query return a column of numbers."
            ),
            _ => format!(
                "{whose} is a table without times. Alerting reads such a table if it is the only frame, has exactly one \
                 column of numbers, and otherwise text: ask for fewer columns, or add one of times."
            ),
        });
    };
    if numbers.count() == 0 {
        return Err(format!(
            "{whose} has times but no numbers, and a rule compares numbers: let the query return a column of numbers."
        ));
    }
    let name = printable(&frame.fields[time].name);
    if !times::are_complete(&frame.fields[time].pages) {
        return Err(format!(
            "{whose} has rows without a time in the column '{name}', and alerting does not read such: leave these rows out."
        ));
    }
    let odd = frame.fields.iter().enumerate().find(|(index, field)| {
        let values = field.field_type.values;
        let is_known = values.is_value() || values == ValueType::String;
        !any_type && *index != time && !is_known
    });
    match odd {
        Some((_, field)) => Err(format!(
            "{whose} has the column '{}' of type {}, which alerting can take neither for values nor for labels: leave it out.",
            printable(&field.name),
            field.field_type
        )),
        None => Ok(()),
    }
}
