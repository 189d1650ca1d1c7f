//! The answer to a question for exemplars: a list of series with their single observations.

use graft_guest::{Refusal, Response};
use serde::Deserialize;

use super::document::Document;
use super::number::{Number, Time};
use super::{ApiError, Labels};

/// A series with its exemplars.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ExemplarSeries {
    /// The labels of the series.
    pub(crate) series_labels: Labels,
    /// Its exemplars, in the API's order.
    pub(crate) exemplars: Vec<Exemplar>,
}

/// One observation, mostly with the id of its trace among its labels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    /// The exemplar's own labels.
    pub(crate) labels: Labels,
    /// What was observed.
    pub(crate) value: f64,
    /// When, in nanoseconds since the epoch.
    pub(crate) time: i64,
}

impl<'de> Deserialize<'de> for Exemplar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(default)]
            labels: Labels,
            value: Number,
            timestamp: Time,
        }
        let Members { labels, value, timestamp } = Members::deserialize(deserializer)?;
        Ok(Self { labels, value: value.0, time: timestamp.0 })
    }
}

/// Reads the response to a question for exemplars.
///
/// # Errors
/// Prometheus' own error, or what is wrong with the response.
pub(crate) fn read_exemplars(response: &Response) -> Result<Vec<ExemplarSeries>, Refusal> {
    let document = response.json::<Document<Vec<ExemplarSeries>>>()?;
    match document.api_error(response.status) {
        Some(ApiError { status, message }) => Err(Refusal::downstream(status, message)),
        None => Ok(document.data.unwrap_or_default()),
    }
}
