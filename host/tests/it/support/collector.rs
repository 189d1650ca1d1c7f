//! A collector of traces on loopback, which keeps what it is sent.

use std::pin::pin;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Many times the plugin's pause between two deliveries.
const SPANS_TIMEOUT: Duration = Duration::from_secs(30);

/// The collector, until it is dropped.
pub(crate) struct Collector {
    /// `host:port`.
    pub(crate) address: String,
    kept: watch::Receiver<Vec<ResourceSpans>>,
    serving: JoinHandle<()>,
}

struct Keep(watch::Sender<Vec<ResourceSpans>>);

#[tonic::async_trait]
impl TraceService for Keep {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let sent = request.into_inner().resource_spans;
        self.0.send_modify(|kept| kept.extend(sent));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Starts a collector.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (keep, kept) = watch::channel(Vec::new());
        let serving = tokio::spawn(async move {
            let server = Server::builder().add_service(TraceServiceServer::new(Keep(keep)));
            pin!(server.serve_with_incoming(TcpIncoming::from(listener))).await.unwrap();
        });
        Self { address, kept, serving }
    }

    /// Waits until there are so many spans of whole requests, and gives all that was sent. Panics if they do not come.
    pub(crate) async fn requests(&self, count: usize) -> Vec<ResourceSpans> {
        let mut kept = self.kept.clone();
        let whole = |kept: &[ResourceSpans]| {
            spans(kept).iter().filter(|span| span.name.starts_with("sdk.")).count()
        };
        let waited = timeout(SPANS_TIMEOUT, kept.wait_for(|kept| whole(kept) >= count)).await;
        if let Ok(all) = waited {
            return all.unwrap().clone();
        }
        let came = whole(&self.kept.borrow());
        panic!("of {count} spans of whole requests {came} came within {SPANS_TIMEOUT:?}");
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The spans, whoever sent them.
pub(crate) fn spans(sent: &[ResourceSpans]) -> Vec<Span> {
    let scopes = sent.iter().flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| scope.spans.clone()).collect()
}

/// An attribute as text; empty if it is not there.
pub(crate) fn attribute(span: &Span, key: &str) -> String {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key);
    let value = attribute.and_then(|attribute| attribute.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
