//! Sends spans, and says once when nobody takes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// OTLP, with a warning. The SDK itself would warn of each batch, or not at all.
#[derive(Debug)]
pub(super) struct Exporter {
    otlp: opentelemetry_otlp::SpanExporter,
    address: String,
    /// Whether the last batch was lost.
    is_failing: AtomicBool,
}

impl Exporter {
    pub(super) fn new(otlp: opentelemetry_otlp::SpanExporter, address: String) -> Self {
        Self { otlp, address, is_failing: AtomicBool::new(false) }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.otlp.export(batch).await;
        let (is_failing, address) = (result.is_err(), self.address.as_str());
        if self.is_failing.swap(is_failing, Ordering::Relaxed) != is_failing {
            match &result {
                Err(error) => tracing::warn!(
                    address,
                    %error,
                    "Traces cannot be sent and are dropped until that changes; nothing else depends on them. Is the address in \
                     grafana.ini, section [tracing.opentelemetry.otlp], that of a collector that takes OTLP over gRPC?"
                ),
                Ok(()) => tracing::info!(address, "Traces are sent again"),
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.otlp.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}
