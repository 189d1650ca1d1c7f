//! Prometheus' JSON, in whatever order and with whatever white space.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::histogram::{Cells, HistogramSample};
use super::number::{Number, Time, parse};
use super::{Labels, QueryResult, Series};
use crate::tolerance;

/// The envelope of every answer of the API, around data of one shape or another.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<D> {
    /// `success` or `error`.
    pub(super) status: String,
    /// The data; may be there beside an error.
    #[serde(default = "Option::default")]
    pub(super) data: Option<D>,
    /// What kind of error.
    #[serde(default)]
    pub(super) error_type: String,
    /// The error's message.
    #[serde(default)]
    pub(super) error: String,
    /// What may be wrong with the data.
    #[serde(default, deserialize_with = "tolerance::list")]
    pub(super) warnings: Vec<String>,
    /// What is worth knowing about the data.
    #[serde(default, deserialize_with = "tolerance::list")]
    pub(super) infos: Vec<String>,
}

/// The data of an instant or range query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    /// Which of Prometheus' types the result has. Some proxies say so after the result.
    pub(super) result_type: String,
    pub(super) result: Found,
}

/// What was found in `result`, before its type is known: series, or a point in time with a text.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) series: Vec<Series>,
    time: Option<i64>,
    text: Option<String>,
}

impl Found {
    /// What was found, as the result that it has to be.
    ///
    /// # Errors
    /// A sentence, if it is something else.
    pub(super) fn by_type(self, result_type: &str) -> Result<QueryResult, String> {
        let result = match (result_type, self) {
            ("matrix", Self { series, time: None, text: None }) => QueryResult::Matrix(series),
            ("vector", Self { series, time: None, text: None }) => QueryResult::Vector(series),
            ("scalar", Self { time: Some(time), text: Some(text), .. }) => {
                let number = parse(&text);
                let number =
                    number.ok_or_else(|| format!("The API's scalar is {text:?}, no number."))?;
                QueryResult::Scalar(time, number)
            }
            ("string", Self { time: Some(time), text: Some(text), .. }) => {
                QueryResult::Text(time, text)
            }
            ("matrix" | "vector" | "scalar" | "string", _) => {
                return Err(format!(
                    "The API says that its result is a {result_type}, and it is none."
                ));
            }
            _ => {
                return Err(format!(
                    "The API's result is of the type {result_type:?}, which Prometheus does not \
                     have. Is the URL right?"
                ));
            }
        };
        Ok(result)
    }
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FoundVisitor)
    }
}

struct FoundVisitor;

impl<'de> Visitor<'de> for FoundVisitor {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of series, or a time with a value")
    }

    /// Some servers say null where there are no series.
    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(item) = items.next_element()? {
            match item {
                Item::Series(series) => found.series.push(series),
                Item::Number(seconds) if found.time.is_none() => {
                    found.time = Some(graft_guest::time::from_seconds(seconds));
                }
                Item::Number(number) => found.text = Some(number.to_string()),
                Item::Text(text) => found.text = Some(text),
            }
        }
        Ok(found)
    }
}

/// One item of `result`.
enum Item {
    Series(Series),
    Number(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

#[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are far below 2^53")]
impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a series, a time or a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Item, A::Error> {
        Entry::deserialize(MapAccessDeserializer::new(members))
            .map(|entry| Item::Series(entry.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Item, E> {
        Ok(Item::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Item, E> {
        Ok(Item::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Item, E> {
        Ok(Item::Number(number as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }
}

/// A series as Prometheus writes it: with samples of one kind or the other, one or many.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    metric: Labels,
    value: Option<Sample>,
    values: Samples,
    histogram: Option<HistogramSample>,
    histograms: Cells,
}

/// A float sample.
#[derive(Deserialize)]
struct Sample(Time, Number);

impl From<Entry> for Series {
    fn from(entry: Entry) -> Self {
        let Entry { metric, value, values: Samples { mut times, mut values }, .. } = entry;
        if let Some(Sample(Time(time), Number(value))) = value {
            times.push(time);
            values.push(value);
        }
        let mut cells = entry.histograms;
        if let Some(histogram) = entry.histogram {
            cells.push(histogram);
        }
        Self { labels: metric, times, values, cells }
    }
}

/// Float samples, as columns.
#[derive(Default)]
struct Samples {
    times: Vec<i64>,
    values: Vec<f64>,
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SamplesVisitor)
    }
}

struct SamplesVisitor;

impl<'de> Visitor<'de> for SamplesVisitor {
    type Value = Samples;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Samples, A::Error> {
        let mut samples = Samples::default();
        while let Some(Sample(Time(time), Number(value))) = rows.next_element()? {
            samples.times.push(time);
            samples.values.push(value);
        }
        Ok(samples)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Labels, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = members.next_entry()? {
            pairs.push(pair);
        }
        Ok(Labels::new(pairs))
    }
}
