//! Frames of one answer.
//!
//! Fields are named `Time` and `Value` whatever the metric, as Grafana's own Prometheus data
//! source shows them: what tells series apart is in the labels.

use graft_guest::{Field, Frame, FrameMeta, Kind, Label, Notice, Refusal, Severity, Visualization};

use crate::legend::title;
use crate::model::{Format, Model};
use crate::requests::{Ask, Plan};
use crate::response::{Answer, Cells, Labels, QueryResult, Series};
use crate::{heatmap, table};

#[cfg(test)]
mod tests;

/// What the frames of a query have in common.
#[derive(Clone, Copy)]
pub(crate) struct Framing<'query> {
    pub(crate) plan: &'query Plan,
    pub(crate) model: &'query Model,
    /// Whether an alert rule asks. It evaluates series, whatever the query's format, and takes no
    /// half of an answer for the whole.
    pub(crate) from_alert: bool,
}

impl Framing<'_> {
    /// The frames of one answer; none if there is no data and nothing to say about it.
    ///
    /// # Errors
    /// Prometheus' error, unless there is data beside it that a user may want to see.
    pub(crate) fn frames(&self, answer: Answer) -> Result<Vec<Frame>, Refusal> {
        let Answer { result, mut notices, error } = answer;
        let result = match (result, error) {
            (Some(result), None) => result,
            (Some(result), Some(error)) if !self.from_alert => {
                let text = error.message;
                notices.push(Notice { severity: Severity::Error, text, link: None });
                result
            }
            (_, Some(error)) => return Err(error.into()),
            (None, None) => return Ok(Vec::new()),
        };
        let type_name = result.type_name();
        let mut frames = self.result_frames(result);
        if frames.is_empty() && !notices.is_empty() {
            frames.push(self.empty());
        }
        for (position, frame) in frames.iter_mut().enumerate() {
            let notices = notices.iter().cloned().map(FrameMeta::Notice);
            frame.meta.extend(notices);
            frame.meta.push(result_type(type_name));
            if position == 0 {
                let executed = self.plan.executed_query();
                frame.meta.push(FrameMeta::ExecutedQuery(executed));
            }
        }
        Ok(frames)
    }

    /// The frame that says "no data", with the query that had none.
    pub(crate) fn no_data(&self) -> Frame {
        self.empty().executed_query(self.plan.executed_query())
    }

    fn empty(&self) -> Frame {
        Frame::new(match self.plan.asks.first() {
            _ if self.format() == Format::Table => Kind::Table,
            Some(Ask::Instant) => Kind::NumericMulti,
            _ => Kind::TimeseriesMulti,
        })
    }

    fn format(&self) -> Format {
        if self.from_alert { Format::TimeSeries } else { self.model.format }
    }

    fn result_frames(&self, result: QueryResult) -> Vec<Frame> {
        let (kind, mut series) = match result {
            QueryResult::Matrix(series) => (Kind::TimeseriesMulti, series),
            QueryResult::Vector(series) => (Kind::NumericMulti, series),
            QueryResult::Scalar(time, value) => {
                let (times, values) = (vec![time], vec![value]);
                let number = Series { times, values, ..Series::default() };
                (Kind::NumericMulti, vec![number])
            }
            QueryResult::Text(time, text) => {
                let value = Field::new("Value", vec![text]);
                return vec![
                    Frame::new(Kind::Table).field(self.time("Time", vec![time])).field(value),
                ];
            }
        };
        // Native histograms are heatmaps in every format. A series may change from one kind of
        // sample to the other on the way.
        let mut cells = Vec::new();
        for series in &mut series {
            if !series.cells.is_empty() {
                cells.push(self.cells(&series.labels, std::mem::take(&mut series.cells)));
            }
        }
        series.retain(|series| !series.times.is_empty());
        let mut frames = match self.format() {
            Format::TimeSeries => {
                series.into_iter().map(|series| self.series(kind, series)).collect()
            }
            Format::Table => table::frames(self, &series),
            Format::Heatmap => heatmap::frames(self, series),
        };
        frames.append(&mut cells);
        frames
    }

    fn series(&self, kind: Kind, series: Series) -> Frame {
        let Series { labels, times, values, .. } = series;
        let visualization = match kind {
            Kind::NumericMulti => Visualization::Table,
            _ => Visualization::Graph,
        };
        let value = self.titled(Field::new("Value", values), labels);
        let frame = Frame::new(kind).preferred_visualization(visualization);
        frame.field(self.time("Time", times)).field(value)
    }

    /// A native histogram, in the fields that Grafana's heatmap knows.
    fn cells(&self, labels: &Labels, cells: Cells) -> Frame {
        let Cells { times, lower, upper, counts, layouts } = cells;
        Frame::new(Kind::HeatmapCells)
            .field(self.time("xMax", times))
            .field(self.titled(Field::new("yMin", lower), labels.clone()))
            .field(Field::new("yMax", upper))
            .field(Field::new("count", counts))
            .field(Field::new("yLayout", layouts))
    }

    /// A time field with the distance between its points.
    pub(crate) fn time(&self, name: &str, times: Vec<i64>) -> Field {
        Field::time(name, times).interval_milliseconds(self.plan.step_milliseconds())
    }

    /// A field with the title and the labels of a series.
    fn titled(&self, field: Field, labels: Labels) -> Field {
        let title = title(&self.model.legend_format, &labels, &self.plan.expression);
        let mut field = if title.is_empty() { field } else { field.display_name(title) };
        let label = |(name, value)| Label { name, value };
        field.labels = labels.into_pairs().into_iter().map(label).collect();
        field
    }
}

/// Which of Prometheus' types a frame comes from, where Grafana's front end looks for it.
pub(crate) fn result_type(name: &str) -> FrameMeta {
    FrameMeta::Custom(format!(r#"{{"resultType":"{name}"}}"#))
}
