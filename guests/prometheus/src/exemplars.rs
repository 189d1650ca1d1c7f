//! Exemplars as annotations on a graph: one frame with a row for each, thinned out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use graft_guest::{Field, Frame, FrameMeta, Refusal, Response, TextsBuilder};

use crate::frames::result_type;
use crate::interval::align;
use crate::requests::Plan;
use crate::response::{Exemplar, ExemplarSeries, Labels, read_exemplars};
use crate::settings::{Settings, TraceDestination};

#[cfg(test)]
mod tests;

/// Two exemplars of one step are both worth showing if their values are this many standard
/// deviations apart.
const DEVIATIONS_APART: f64 = 2.0;

/// An exemplar with the labels of its series.
struct Found<'answer> {
    series_labels: &'answer Labels,
    exemplar: &'answer Exemplar,
}

/// The frame of an answer to a question for exemplars; none if there are none.
///
/// # Errors
/// If there is no such answer.
pub(crate) fn frame(
    response: &Response,
    plan: &Plan,
    settings: &Settings,
) -> Result<Option<Frame>, Refusal> {
    let answer = read_exemplars(response)?;
    let shown = thinned_out(&answer, plan.step);
    if shown.is_empty() {
        return Ok(None);
    }
    let times = shown.iter().map(|found| found.exemplar.time).collect();
    let values: Vec<f64> = shown.iter().map(|found| found.exemplar.value).collect();
    let mut fields = vec![Field::time("Time", times), Field::new("Value", values)];
    for name in label_names(&answer) {
        let texts: TextsBuilder = shown.iter().map(|found| found.label(name)).collect();
        let field = Field::new(name, texts);
        fields.push(with_links(field, &settings.exemplar_trace_id_destinations));
    }
    let frame = Frame::untyped().name("exemplar").fields(fields);
    Ok(Some(frame.meta(FrameMeta::Annotations).meta(result_type("exemplar"))))
}

impl Found<'_> {
    /// A label of the exemplar, or of its series.
    fn label(&self, name: &str) -> &str {
        let own = self.exemplar.labels.get(name);
        own.or_else(|| self.series_labels.get(name)).unwrap_or_default()
    }
}

/// The exemplars worth showing, in order of time: of each step the one with the highest value, and
/// of the others those that are far below the one before. A graph with all of them could not be
/// read.
fn thinned_out(answer: &[ExemplarSeries], step: Duration) -> Vec<Found<'_>> {
    let mut steps: BTreeMap<i128, Vec<Found<'_>>> = BTreeMap::new();
    let mut spread = Spread::default();
    for ExemplarSeries { series_labels, exemplars } in answer {
        for exemplar in exemplars {
            spread.add(exemplar.value);
            let step = align(exemplar.time, step, 0);
            steps.entry(step).or_default().push(Found { series_labels, exemplar });
        }
    }
    let far = DEVIATIONS_APART * spread.standard_deviation();
    let mut shown: Vec<Found<'_>> = Vec::new();
    for mut found in steps.into_values() {
        found.sort_by(|one, other| other.exemplar.value.total_cmp(&one.exemplar.value));
        let mut last = None;
        for found in found {
            let value = found.exemplar.value;
            if last.is_none_or(|last: f64| far > 0.0 && last - value > far) {
                last = Some(value);
                shown.push(found);
            }
        }
    }
    shown.sort_by_key(|found| found.exemplar.time);
    shown
}

/// The mean and the deviations from it, by Welford's method, which sees each value once.
#[derive(Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    fn standard_deviation(&self) -> f64 {
        if self.count < 2.0 { 0.0 } else { (self.squares / (self.count - 1.0)).sqrt() }
    }
}

/// The names of all labels, of series and exemplars.
fn label_names(answer: &[ExemplarSeries]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for series in answer {
        names.extend(series.series_labels.iter().map(|(name, _)| name));
        for exemplar in &series.exemplars {
            names.extend(exemplar.labels.iter().map(|(name, _)| name));
        }
    }
    names
}

/// Offers the way to the trace at the label that holds its id.
fn with_links(field: Field, destinations: &[TraceDestination]) -> Field {
    let name = field.name.clone();
    destinations.iter().filter(|to| to.name == name).fold(field, |field, to| {
        let title = |otherwise: String| match to.url_display_label.as_str() {
            "" => otherwise,
            label => label.to_owned(),
        };
        if !to.url.is_empty() {
            field.link(title(format!("Go to {}", to.url)), &to.url)
        } else if !to.datasource_uid.is_empty() {
            field.link(title("Show the trace".to_owned()), explore(&to.datasource_uid))
        } else {
            field
        }
    })
}

/// Where Grafana shows a trace of another data source.
fn explore(datasource_uid: &str) -> String {
    // Grafana's variable must stay as it is, so it is put in after the rest is encoded.
    let query = serde_json::json!({
        "datasource": datasource_uid,
        "queries": [{ "refId": "A", "queryType": "traceql", "query": "TRACE" }],
    });
    let query = form_urlencoded::byte_serialize(query.to_string().as_bytes()).collect::<String>();
    format!("/explore?left={}", query.replace("TRACE", "${__value.raw:percentencode}"))
}
