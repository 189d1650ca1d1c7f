//! Which requests are traced, where Grafana has not decided that already.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{self, SamplingDecision, SamplingResult, ShouldSample};

/// The samplers that Grafana knows (contract section 6.2), but for `remote`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampler {
    /// Every request.
    Always,
    /// None.
    Never,
    /// This share of them, from 0 to 1.
    Share(f64),
    /// So many in a second.
    PerSecond(f64),
}

impl Sampler {
    /// Grafana's decision, or this if there is none.
    pub(super) fn parent_based(self) -> trace::Sampler {
        let root: Box<dyn ShouldSample> = match self {
            Self::Always => trace::Sampler::AlwaysOn.into(),
            Self::Never => trace::Sampler::AlwaysOff.into(),
            Self::Share(share) => trace::Sampler::TraceIdRatioBased(share).into(),
            Self::PerSecond(rate) => RateLimit::new(rate, Instant::now()).into(),
        };
        trace::Sampler::ParentBased(root)
    }
}

/// A bucket that fills at a rate and holds a second's worth, as Jaeger's.
#[derive(Clone, Debug)]
pub(super) struct RateLimit {
    rate: f64,
    bucket: Arc<Mutex<Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    filled: Instant,
}

impl RateLimit {
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        // One at least must fit, however slowly it comes.
        let bucket = Bucket { level: rate.max(1.0), filled: now };
        Self { rate, bucket: Arc::new(Mutex::new(bucket)) }
    }

    /// Whether there is one left at this moment; takes it if so.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.filled = now;
        bucket.level = (bucket.level + seconds * self.rate).min(self.rate.max(1.0));
        let is_left = bucket.level >= 1.0;
        if is_left {
            bucket.level -= 1.0;
        }
        is_left
    }
}

impl ShouldSample for RateLimit {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let state = parent.map(|parent| parent.span().span_context().trace_state().clone());
        SamplingResult {
            decision: match self.take(Instant::now()) {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: state.unwrap_or_default(),
        }
    }
}
