//! Native histograms: each sample is a list of buckets, each bucket becomes a cell of a heatmap.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::number::{Number, Time};

/// The cells of a series' histograms, as columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells {
    /// The histogram's point in time, nanoseconds since the epoch.
    pub(crate) times: Vec<i64>,
    /// The bucket's lower end.
    pub(crate) lower: Vec<f64>,
    /// The bucket's upper end.
    pub(crate) upper: Vec<f64>,
    /// How many observations are in the bucket.
    pub(crate) counts: Vec<f64>,
    /// Which ends belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
    pub(crate) layouts: Vec<i8>,
}

/// One histogram: when, and what. The count and the sum of all are of no use to a heatmap.
#[derive(Deserialize)]
pub(super) struct HistogramSample(Time, Histogram);

#[derive(Deserialize)]
struct Histogram {
    /// None if there was no observation.
    #[serde(default)]
    buckets: Option<Vec<Bucket>>,
}

/// Which ends belong to the bucket, its lower and its upper end, and its count.
#[derive(Deserialize)]
struct Bucket(i8, Number, Number, Number);

impl Cells {
    /// Adds the cells of one histogram.
    pub(super) fn push(&mut self, HistogramSample(Time(time), histogram): HistogramSample) {
        let buckets = histogram.buckets.unwrap_or_default();
        for Bucket(layout, Number(lower), Number(upper), Number(count)) in buckets {
            self.times.push(time);
            self.lower.push(lower);
            self.upper.push(upper);
            self.counts.push(count);
            self.layouts.push(layout);
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(CellsVisitor)
    }
}

struct CellsVisitor;

impl<'de> Visitor<'de> for CellsVisitor {
    type Value = Cells;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of histograms")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut samples: A) -> Result<Cells, A::Error> {
        let mut cells = Cells::default();
        while let Some(sample) = samples.next_element()? {
            cells.push(sample);
        }
        Ok(cells)
    }
}
