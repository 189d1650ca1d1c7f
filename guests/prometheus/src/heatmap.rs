//! Cumulative buckets, Prometheus' classic histograms, as heatmaps.
//!
//! Each bucket of such a histogram is a series of its own, whose label `le` is the bucket's upper
//! end and whose values count everything up to there. A heatmap wants what is in the bucket alone.

use std::collections::HashMap;

use graft_guest::{Field, Frame, Kind};

use crate::frames::Framing;
use crate::legend::title;
use crate::response::{Labels, Series};

/// The label that holds a bucket's upper end.
const UPPER_END: &str = "le";

/// Differences below this are the rounding of rates.
const ROUNDING: f64 = 1e-9;

/// A heatmap for each group of series that differ in nothing but their bucket.
pub(crate) fn frames(framing: &Framing<'_>, series: Vec<Series>) -> Vec<Frame> {
    let mut groups: Vec<Vec<Series>> = Vec::new();
    let mut known: HashMap<Labels, usize> = HashMap::new();
    for series in series {
        let next = groups.len();
        let index = *known.entry(series.labels.without(UPPER_END)).or_insert(next);
        if index == next {
            groups.push(Vec::new());
        }
        groups[index].push(series);
    }
    groups.into_iter().map(|group| frame(framing, group)).collect()
}

/// One heatmap: a time field, and a field for each bucket from the lowest.
fn frame(framing: &Framing<'_>, mut buckets: Vec<Series>) -> Frame {
    buckets.sort_by(|one, other| upper_end(one).total_cmp(&upper_end(other)));
    let mut times: Vec<i64> =
        buckets.iter().flat_map(|bucket| bucket.times.iter().copied()).collect();
    times.sort_unstable();
    times.dedup();
    let mut below = vec![0.0; times.len()];
    let mut fields = vec![framing.time("Time", times.clone())];
    for bucket in buckets {
        let name = match bucket.labels.get(UPPER_END) {
            Some(upper_end) => upper_end.to_owned(),
            None => title(&framing.model.legend_format, &bucket.labels, &framing.plan.expression),
        };
        let counts = alone(&bucket, &times, &mut below);
        let labels = bucket.labels.into_pairs();
        let name = if name.is_empty() { "Value".to_owned() } else { name };
        fields.push(Field::new(name.clone(), counts).labels(labels).display_name(name));
    }
    Frame::new(Kind::HeatmapRows).fields(fields)
}

/// Where a bucket ends; one that does not say comes last.
fn upper_end(bucket: &Series) -> f64 {
    bucket.labels.get(UPPER_END).and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// What is in this bucket and in none below, at each of these times. `below` is what is in those
/// below, and then in this one too. Where a bucket has no sample nothing was added to it.
fn alone(bucket: &Series, times: &[i64], below: &mut [f64]) -> Vec<f64> {
    let mut samples = bucket.times.iter().zip(&bucket.values).peekable();
    let counts = times.iter().zip(below).map(|(time, below)| {
        match samples.next_if(|(sampled, _)| *sampled == time) {
            Some((_, count)) => {
                let alone = count - *below;
                *below = *count;
                if alone < ROUNDING { 0.0 } else { alone }
            }
            None => 0.0,
        }
    });
    counts.collect()
}
