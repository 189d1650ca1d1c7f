//! Traces, as Grafana wants them: one for each request, from Grafana's own span through ours to the API (contract section 6.2).
//! The only user of the opentelemetry crates, and below every other module that does something.
//!
//! What is to be a span is an `info_span!` with the target `trace`, which nothing else listens to: without tracing there is no layer for
//! it, and such a span costs one look at a flag. With or without, the context in which a request came
//! ([`Incoming`]) goes on to whatever is asked for it ([`inject`]).

mod exporter;
mod propagation;
mod sampler;
#[cfg(test)]
mod tests;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;

use self::exporter::Exporter;
use crate::limits::{TRACES_EXPORT_TIMEOUT, TRACES_FLUSH_TIMEOUT};
pub use propagation::{Incoming, Propagation, inject, trace_id};
pub use sampler::Sampler;

/// The target of spans that are exported.
const TARGET: &str = "trace";

/// Where traces go, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The collector, `host:port`; it is spoken to in OTLP over gRPC without TLS.
    pub address: String,
    /// By which headers a trace is handed on.
    pub propagation: Propagation,
    /// Which requests are traced, if Grafana has not decided that already.
    pub sampler: Sampler,
    /// `service.version`.
    pub version: String,
}

/// The way to the collector.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Prepares to send traces; whether anybody hears them shows later. To be called within tokio's runtime.
    pub fn start(settings: &Settings, service: &'static str) -> Result<Self, ExporterBuildError> {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(format!("http://{}", settings.address))
            .with_timeout(TRACES_EXPORT_TIMEOUT)
            .build()?;
        let exporter = Exporter::new(exporter, settings.address.clone());
        let batches = BatchConfigBuilder::default().with_scheduled_delay(BATCH_TIME).build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder_empty()
            .with_service_name(service)
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                settings.version.clone(),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(settings.sampler.parent_based())
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// What makes spans of this program's.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("graft"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // Spans alone: what the log says stays there.
            .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET));
        Box::new(layer)
    }

    /// Sends what is left, within [`TRACES_FLUSH_TIMEOUT`]. Holds up the thread that long.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(TRACES_FLUSH_TIMEOUT) {
            tracing::debug!(%error, "The last traces were not sent");
        }
    }
}

/// The longest that a span waits for others to be sent with it: a user who follows a trace should not wait for the SDK's 5 s.
const BATCH_TIME: Duration = Duration::from_secs(1);
