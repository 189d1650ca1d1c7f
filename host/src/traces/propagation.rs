//! How one trace crosses from process to process: by headers, W3C's `traceparent` and `tracestate` or Jaeger's `uber-trace-id`.
//!
//! W3C's baggage is not handed on: whatever Grafana's operator puts there is nothing that a vendor's API should see.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::context::FutureExt as _;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, ContextGuard};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const JAEGER: &str = "uber-trace-id";

/// By which headers traces are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// `traceparent` and `tracestate`.
    pub w3c: bool,
    /// `uber-trace-id`.
    pub jaeger: bool,
}

/// The SDK's, where Grafana says nothing, and where there is no tracing.
impl Default for Propagation {
    fn default() -> Self {
        Self { w3c: true, jaeger: false }
    }
}

/// The trace that a request belongs to.
#[derive(Clone)]
pub struct Incoming(Context);

impl Incoming {
    /// Reads Grafana's headers. Where there are none, or none that can be read, the request begins a trace of its own.
    pub fn read(headers: &HeaderMap, propagation: Propagation) -> Self {
        let own = Context::new().with_value(propagation);
        let mut context = own;
        if propagation.w3c {
            let w3c = TraceContextPropagator::new();
            context = w3c.extract_with_context(&context, &Headers(headers));
        }
        if propagation.jaeger && !context.has_active_span() {
            let jaeger = headers.get(JAEGER).and_then(|value| jaeger(value.to_str().ok()?));
            if let Some(span) = jaeger {
                context = context.with_remote_span_context(span);
            }
        }
        Self(context)
    }

    /// Spans that begin before this is dropped belong to that trace.
    pub fn enter(&self) -> ContextGuard {
        self.0.clone().attach()
    }

    /// Work that belongs to that trace.
    pub fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.with_context(self.0.clone())
    }
}

/// The id of the trace that is current, 32 hexadecimal digits.
pub fn trace_id() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Hands the current trace on with a request. A header that is there stays as it is.
pub fn inject(headers: &mut HeaderMap) {
    let context = Context::current();
    if !context.has_active_span() {
        return;
    }
    let propagation = context.get::<Propagation>().copied().unwrap_or_default();
    if propagation.w3c && !headers.contains_key("traceparent") {
        TraceContextPropagator::new().inject_context(&context, &mut Headers(&mut *headers));
    }
    if propagation.jaeger && !headers.contains_key(JAEGER) {
        let span = context.span();
        let span = span.span_context();
        let flags = u8::from(span.is_sampled());
        // The third part, the parent's id, is deprecated and always 0.
        let value = format!("{}:{}:0:{flags}", span.trace_id(), span.span_id());
        Headers(headers).set(JAEGER, value);
    }
}

/// Reads `{trace-id}:{span-id}:{parent-span-id}:{flags}`, hexadecimal (Jaeger's client documentation, section "Propagation
/// Format"). Colons may be escaped, and ids shorter than they can be.
fn jaeger(value: &str) -> Option<SpanContext> {
    let value = value.replace("%3A", ":");
    let parts: Vec<_> = value.split(':').collect();
    let [trace, span, _parent, flags] = parts[..] else { return None };
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    let flags = if flags & 1 == 1 { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let span = SpanContext::new(trace, span, flags, true, TraceState::default());
    span.is_valid().then_some(span)
}

/// HTTP's headers, and gRPC's metadata, as opentelemetry reads and writes them.
struct Headers<H>(H);

impl Extractor for Headers<&HeaderMap> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Injector for Headers<&mut HeaderMap> {
    fn set(&mut self, key: &str, value: String) {
        // An empty `tracestate` says nothing.
        let value = Some(value).filter(|value| !value.is_empty());
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let (Ok(name), Some(value)) = (HeaderName::try_from(key), value) {
            self.0.insert(name, value);
        }
    }
}
