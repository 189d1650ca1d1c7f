//! What the process counts of itself, as Prometheus reads it: Grafana hands it on at `/metrics/plugins/graft-datasource` (contract
//! section 5.3). The only user of the crate prometheus, and below every other module that does something.
//!
//! One [`Metrics`] is made at the start and handed down. What is asked once for each request is looked up by its labels; what runs for
//! each call and each exchange has handles that were looked up before ([`GuestMetrics`], [`DatasourceMetrics`]).
//!
//! The number of series is bounded: endpoints, outcomes and exports are this program's own words; guests are those that are
//! loaded, and datasources those that are ready, at most [`DATASOURCES_MAX`](crate::limits::DATASOURCES_MAX). The series of a guest that was
//! replaced and of a datasource that had to make room are removed. An API can invent statuses, so those without a name of
//! their own are one. Nothing that a user, a guest or an API writes otherwise becomes a label.

mod datasource;
mod guest;
mod series;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

pub use datasource::DatasourceMetrics;
pub use guest::{CallMetrics, GuestMetrics};

/// Metrics cannot be set up: a mistake in this module.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be set up ({0})")]
pub struct MetricsError(#[from] prometheus::Error);

/// All metrics of the process. A clone is the same.
#[derive(Clone)]
pub struct Metrics(Arc<All>);

struct All {
    registry: Registry,
    requests: IntCounterVec,
    request_duration: HistogramVec,
    compiled: IntCounterVec,
    datasources_ready: IntGauge,
    guests: guest::Guests,
    datasources: datasource::Datasources,
}

impl Metrics {
    /// Metrics with nothing counted yet.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let adding = Adding(&registry);
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self(Arc::new(All {
            // The SDK's name.
            requests: adding.counters(
                "grafana_plugin_request_total",
                "Requests of Grafana's, by how they ended and whose fault an error is.",
                &["endpoint", "status", "status_source"],
            )?,
            request_duration: adding.histograms(
                "graft_request_duration_seconds",
                "Time from a request's arrival to its answer.",
                &["endpoint", "status"],
                SECONDS,
            )?,
            compiled: adding.counters(
                "graft_compile_cache_requests_total",
                "Guests that were loaded, by whether their compiled form was in the cache (hit) or had to be made (miss).",
                &["result"],
            )?,
            datasources_ready: adding.gauge(
                "graft_datasources",
                "Data sources that are kept ready.",
            )?,
            guests: guest::Guests::new(&adding)?,
            datasources: datasource::Datasources::new(&adding)?,
            registry,
        })))
    }

    /// A request of Grafana's is over. All three are the SDK's words.
    pub fn request(
        &self,
        endpoint: &'static str,
        status: &'static str,
        source: &'static str,
        duration: Duration,
    ) {
        self.0.requests.with_label_values(&[endpoint, status, source]).inc();
        let durations = self.0.request_duration.with_label_values(&[endpoint, status]);
        durations.observe(duration.as_secs_f64());
    }

    /// A guest was loaded.
    pub fn compile_cache(&self, is_hit: bool) {
        let result = if is_hit { "hit" } else { "miss" };
        self.0.compiled.with_label_values(&[result]).inc();
    }

    /// So many datasources are kept ready.
    pub fn datasources_ready(&self, count: usize) {
        self.0.datasources_ready.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The metrics of a guest, until the last handle is dropped.
    pub fn guest(&self, name: &str, version: &str) -> Arc<GuestMetrics> {
        self.0.guests.get(name, version)
    }

    /// The metrics of a datasource, until the last handle is dropped.
    pub fn datasource(&self, uid: &str) -> Arc<DatasourceMetrics> {
        self.0.datasources.get(uid)
    }

    /// All that was counted, in Prometheus' text format.
    pub fn text(&self) -> Result<String, MetricsError> {
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// From the fastest answer that can be measured to the longest time that an admin can grant.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0,
    50.0, 100.0,
];

/// Adds metrics to a registry.
struct Adding<'a>(&'a Registry);

impl Adding<'_> {
    fn add<C: Collector + Clone + 'static>(&self, metric: C) -> prometheus::Result<C> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(HistogramVec::new(options, labels)?)
    }
}
