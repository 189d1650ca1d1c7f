//! Grafana's own services, package `pluginv2`: the only users of its protobuf.
//!
//! Each request runs through `request`, which logs and counts it. `from_proto` makes `model`'s nouns of what Grafana asks, a story
//! answers, and `to_proto` makes Grafana's words of that.
//! A failing query is an answer like any other; a gRPC status is for a broken envelope only (contract section 4.2).

mod request;
mod from_proto;
mod data;
mod diagnostics;
mod resource;
mod admission;
mod conversion;
mod stream;
mod to_proto;

use std::sync::Arc;
use std::time::Duration;

use graft_proto::pluginv2::admission_control_server::AdmissionControlServer;
use graft_proto::pluginv2::data_server::DataServer;
use graft_proto::pluginv2::diagnostics_server::DiagnosticsServer;
use graft_proto::pluginv2::resource_conversion_server::ResourceConversionServer;
use graft_proto::pluginv2::resource_server::ResourceServer;
use graft_proto::pluginv2::stream_server::StreamServer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::datasource::Registry;
use crate::limits::{ANSWER_TIME, GRPC_MESSAGE_BYTES_MAX, Limits};
use crate::metrics::Metrics;
use crate::stream::Channels;
use crate::traces::Propagation;

/// What all services need.
#[derive(Clone)]
struct Plugin {
    registry: Arc<Registry>,
    limits: Limits,
    /// The streams that run.
    channels: Arc<Channels>,
    /// What is counted of all requests.
    metrics: Metrics,
    /// How Grafana says to which trace a request belongs.
    propagation: Propagation,
    /// Ends them with the process.
    stopping: CancellationToken,
}

/// The services, ready to be served. What would otherwise go on without end ends when `stopping` is cancelled.
pub fn services(
    registry: Registry,
    limits: Limits,
    metrics: Metrics,
    propagation: Propagation,
    stopping: CancellationToken,
) -> Routes {
    let (registry, channels) = (Arc::new(registry), Arc::default());
    let plugin = Plugin { registry, limits, channels, metrics, propagation, stopping };
    let plugin = Arc::new(plugin);
    // tonic has this method on each server's own type.
    macro_rules! server {
        ($server:ident) => {
            $server::from_arc(Arc::clone(&plugin))
                .max_decoding_message_size(GRPC_MESSAGE_BYTES_MAX)
                .max_encoding_message_size(usize::MAX)
        };
    }
    Routes::new(server!(DataServer))
        .add_service(server!(DiagnosticsServer))
        .add_service(server!(ResourceServer))
        .add_service(server!(StreamServer))
        .add_service(server!(AdmissionControlServer))
        .add_service(server!(ResourceConversionServer))
}

impl Plugin {
    /// When a request's time is over: after the admin's limit, or just before Grafana gives up, so that it still hears why.
    fn deadline(&self, granted: Option<Duration>) -> Instant {
        let granted = granted.map(|granted| granted.saturating_sub(ANSWER_TIME));
        let most = self.limits.query_time;
        Instant::now() + granted.map_or(most, |granted| granted.min(most))
    }
}
