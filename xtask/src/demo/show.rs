//! Frames for a terminal: the last rows as a table, and the first series as a chart.

use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, Float64Type, TimestampNanosecondType};
use graft_launch::frames::Frame;
use serde_json::Value;
use textplots::{Chart, Plot as _, Shape};

use super::Shown;

/// Rows of a frame that are shown, the last ones.
const ROWS: usize = 6;
/// A chart's size in dots of Braille, two in a character's width and four in its height.
const CHART: (u32, u32) = (140, 32);

/// Shows frames, and a chart of the first.
pub(super) fn frames(answers: &[Shown], short: bool) -> anyhow::Result<()> {
    for Shown { title, frames } in answers {
        for frame in frames {
            println!("\n{title}, {}", summary(&frame.batch));
            if !short {
                println!("{}", last_rows(frame)?);
            }
        }
    }
    let first = answers.first().and_then(|answer| answer.frames.first());
    if let Some(chart) = first.filter(|_frame| !short).and_then(|frame| chart(&frame.batch)) {
        println!("\n{chart}");
    }
    Ok(())
}

fn summary(batch: &RecordBatch) -> String {
    let rows = batch.num_rows();
    match rows.min(ROWS) {
        shown if shown == rows => format!("{rows} rows"),
        shown => format!("the last {shown} of {rows} rows"),
    }
}

/// The table has Grafana's titles, which the guest made of what the API says.
fn last_rows(frame: &Frame) -> anyhow::Result<String> {
    let rows = frame.batch.num_rows();
    let shown = rows.min(ROWS);
    let batch = frame.batch.slice(rows - shown, shown);
    let schema = batch.schema();
    let titled = schema.fields().iter().zip(batch.columns());
    let titled = titled.map(|(field, column)| (title(field), Arc::clone(column)));
    if batch.num_columns() == 0 {
        return Ok("No data.".to_owned());
    }
    Ok(Frame { batch: RecordBatch::try_from_iter(titled)? }.table()?)
}

/// The display name in a field's configuration, else its name.
fn title(field: &Field) -> String {
    let config = field.metadata().get("config");
    let config = config.and_then(|config| serde_json::from_str::<Value>(config).ok());
    let title = config.as_ref().and_then(|config| config["displayNameFromDS"].as_str());
    title.unwrap_or(field.name()).to_owned()
}

/// The first series of a frame over its time, if there is anything to draw.
fn chart(batch: &RecordBatch) -> Option<String> {
    let points = points(batch)?;
    let (first, last) = (points.first()?.0, points.last()?.0);
    let top = points.iter().map(|(_time, value)| *value).fold(1.0, f32::max);
    if first >= last {
        return None;
    }
    let name = title(batch.schema().field(1));
    let (width, height) = CHART;
    let shape = Shape::Lines(&points);
    let mut chart = Chart::new_with_y_range(width, height, first, last, 0.0, top);
    let chart = chart.lineplot(&shape);
    chart.axis();
    chart.figures();
    Some(format!(
        "{name}, over the last {:.0} seconds\n{}",
        last - first,
        chart.to_string().trim_end()
    ))
}

/// Seconds before the last row, and values. A row without value is left out.
fn points(batch: &RecordBatch) -> Option<Vec<(f32, f32)>> {
    let [times, values, ..] = batch.columns() else { return None };
    if *values.data_type() != DataType::Float64 {
        return None;
    }
    let times = times.as_primitive_opt::<TimestampNanosecondType>()?.values();
    let last = *times.last()?;
    // A chart of a terminal is coarse: `f32` is precise enough.
    let seconds = |time: i64| ((time - last) as f64 / 1e9) as f32;
    let values = values.as_primitive::<Float64Type>().iter();
    let points = times.iter().zip(values);
    Some(points.filter_map(|(time, value)| Some((seconds(*time), value? as f32))).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float64Array, TimestampNanosecondArray};

    use super::*;

    fn frame(rows: i64) -> Frame {
        let times: TimestampNanosecondArray =
            (0..rows).map(|row| Some(1_700_000_000_000_000_000 + row * 250_000_000)).collect();
        let values: Float64Array = (0..rows).map(|row| (row != 1).then_some(row as f64)).collect();
        let columns: [(_, ArrayRef); 2] = [("_time", Arc::new(times)), ("busy", Arc::new(values))];
        Frame { batch: RecordBatch::try_from_iter(columns).unwrap() }
    }

    #[test]
    fn only_the_last_rows_are_shown() {
        assert_eq!(summary(&frame(40).batch), "the last 6 of 40 rows");
        assert_eq!(summary(&frame(6).batch), "6 rows");
        let table = last_rows(&frame(40)).unwrap();
        assert!(table.contains("| 39.0 |") && !table.contains("| 33.0 |"), "{table}");
    }

    #[test]
    fn a_column_is_shown_with_its_title() {
        let field = Field::new("busy", DataType::Float64, true);
        assert_eq!(title(&field), "busy");
        let config = r#"{"displayNameFromDS":"Processors: busy"}"#.to_owned();
        let titled = field.with_metadata([("config".to_owned(), config)]);
        assert_eq!(title(&titled), "Processors: busy");
    }

    #[test]
    fn points_are_seconds_before_the_last_row() {
        let points = points(&frame(5).batch).unwrap();
        assert_eq!(points, [(-1.0, 0.0), (-0.5, 2.0), (-0.25, 3.0), (0.0, 4.0)]);
    }

    #[test]
    fn a_chart_needs_two_points_in_time() {
        assert!(chart(&frame(5).batch).unwrap().starts_with("busy, over the last 1 seconds"));
        assert_eq!(chart(&frame(1).batch), None);
        assert_eq!(chart(&frame(0).batch), None);
    }
}
