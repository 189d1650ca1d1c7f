//! What is counted of each datasource's exchanges, by uid, under the SDK's names where it has some.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use prometheus::{Histogram, HistogramVec, IntCounterVec};

use super::series::{Counters, Known, remove};
use super::{Adding, SECONDS};

/// The plugin's id as the SDK makes a label of it: letters and digits alone.
const DATASOURCE_TYPE: &str = "graftdatasource";

/// From an error's page to the largest response that an admin can allow, by factors of four.
const RESPONSE_BYTES: &[f64] = &[
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    2_147_483_648.0,
];

/// The families.
pub(super) struct Datasources {
    known: Known<String, DatasourceMetrics>,
    families: Arc<Families>,
}

struct Families {
    responses: IntCounterVec,
    failures: IntCounterVec,
    answers: IntCounterVec,
    retries: IntCounterVec,
    durations: HistogramVec,
    sizes: HistogramVec,
}

/// The metrics of one datasource.
pub struct DatasourceMetrics {
    known: Known<String, Self>,
    families: Arc<Families>,
    uid: String,
    responses: Counters<(&'static str, u16)>,
    failures: Counters<&'static str>,
    answers: Counters<&'static str>,
    retries: Counters<()>,
    durations: Histogram,
    sizes: Histogram,
}

impl Datasources {
    pub(super) fn new(adding: &Adding<'_>) -> prometheus::Result<Self> {
        let of_datasource = &["datasource_type", "datasource_uid"];
        let families = Families {
            responses: adding.counters(
                "plugins_datasource_request_total",
                "Responses of data sources' APIs, by status code and method.",
                &["datasource_type", "datasource_uid", "code", "method"],
            )?,
            failures: adding.counters(
                "graft_exchange_failures_total",
                "Requests to data sources' APIs that have no response, by the kind of failure.",
                &["datasource_type", "datasource_uid", "kind"],
            )?,
            answers: adding.counters(
                "graft_responses_total",
                "Responses that guests were given, by where they came from: the API, another query's exchange, or the cache.",
                &["datasource_type", "datasource_uid", "origin"],
            )?,
            retries: adding.counters(
                "graft_exchange_retries_total",
                "Requests to data sources' APIs that were sent once more.",
                of_datasource,
            )?,
            durations: adding.histograms(
                "plugins_datasource_request_duration_seconds",
                "Time from sending a request to a data source's API to the last byte of its response.",
                of_datasource,
                SECONDS,
            )?,
            sizes: adding.histograms(
                "plugins_datasource_response_size_bytes",
                "Size of responses of data sources' APIs, decompressed.",
                of_datasource,
                RESPONSE_BYTES,
            )?,
        };
        Ok(Self { known: Known::default(), families: Arc::new(families) })
    }

    pub(super) fn get(&self, uid: &str) -> Arc<DatasourceMetrics> {
        self.known.get(uid.to_owned(), || {
            let (labels, families) = ([DATASOURCE_TYPE, uid], &self.families);
            DatasourceMetrics {
                known: self.known.clone(),
                families: Arc::clone(families),
                uid: uid.to_owned(),
                responses: Counters::new(&families.responses),
                failures: Counters::new(&families.failures),
                answers: Counters::new(&families.answers),
                retries: Counters::new(&families.retries),
                durations: families.durations.with_label_values(&labels),
                sizes: families.sizes.with_label_values(&labels),
            }
        })
    }
}

impl DatasourceMetrics {
    /// An exchange has its response, of so many bytes.
    pub fn response(&self, method: &'static str, status: u16, bytes: usize, duration: Duration) {
        // An API may answer with any of 900 numbers.
        let is_known =
            StatusCode::from_u16(status).is_ok_and(|code| code.canonical_reason().is_some());
        let status = if is_known { status } else { 0 };
        self.responses.count((method, status), || {
            let code = if is_known { status.to_string() } else { "other".to_owned() };
            vec![DATASOURCE_TYPE.to_owned(), self.uid.clone(), code, method.to_owned()]
        });
        self.durations.observe(duration.as_secs_f64());
        self.sizes.observe(bytes as f64);
    }

    /// A guest is given a response that came from there.
    pub fn answered(&self, origin: &'static str) {
        self.answers.count(origin, || {
            vec![DATASOURCE_TYPE.to_owned(), self.uid.clone(), origin.to_owned()]
        });
    }

    /// A request is sent once more.
    pub fn retried(&self) {
        self.retries.count((), || vec![DATASOURCE_TYPE.to_owned(), self.uid.clone()]);
    }

    /// An exchange has no response, or was not sent.
    pub fn failure(&self, kind: &'static str) {
        self.failures
            .count(kind, || vec![DATASOURCE_TYPE.to_owned(), self.uid.clone(), kind.to_owned()]);
    }
}

impl Drop for DatasourceMetrics {
    fn drop(&mut self) {
        let Self { families, uid, .. } = self;
        self.known.forget(uid, || {
            let labels = [DATASOURCE_TYPE.to_owned(), uid.clone()];
            self.responses.remove();
            self.failures.remove();
            self.answers.remove();
            self.retries.remove();
            remove(&families.durations, &labels);
            remove(&families.sizes, &labels);
        });
    }
}
