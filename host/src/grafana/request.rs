//! One request of Grafana's, from its envelope to its outcome: every method of every service runs through here.
//!
//! A method calls [`Plugin::begin`] with its name before it looks at anything else. A unary method hands its work to
//! [`InFlight::run`], and one that answers with a stream to [`InFlight::stream`]. Whatever is dropped before counts as cancelled, because nothing but the
//! caller's going away drops it. What is logged and counted is the same for all of them, in the words of Grafana's SDK for Go
//! (contract section 6.1).

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::thread;

use futures_util::future;
use futures_util::stream::{self, Stream, StreamExt as _};
use graft_proto::pluginv2::PluginContext;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};
use tracing::{Instrument as _, Span, field};

use super::Plugin;
use crate::limits::{
    LOG_CONTEXT_NAME_BYTES_MAX, LOG_CONTEXT_PAIRS_MAX, LOG_CONTEXT_VALUE_BYTES_MAX,
};
use crate::metrics::Metrics;
use crate::model::Source;
use crate::query::Error;
use crate::traces::{self, Incoming};

/// The stream of a method's answers.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A request that has begun.
pub(super) struct InFlight {
    endpoint: &'static str,
    start: Instant,
    metrics: Metrics,
    /// What the log says of everything that belongs to the request.
    span: Span,
    /// What is traced of it.
    traced: Span,
    /// The trace that Grafana has begun.
    incoming: Incoming,
    /// None until it is known.
    outcome: Option<Outcome>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With an answer.
    Ok,
    /// With an error, or an answer that tells of one.
    Failed {
        /// Whose fault it is.
        source: Source,
        /// Why there is no answer at all, if so; what an answer itself tells is logged where it is made. Must be fit for the log.
        error: Option<String>,
    },
}

impl Plugin {
    /// Begins a request to `endpoint`, which is the SDK's name of the method, such as `queryData`.
    pub(super) fn begin(
        &self,
        endpoint: &'static str,
        metadata: &MetadataMap,
        context: Option<&PluginContext>,
    ) -> InFlight {
        let incoming = Incoming::read(metadata.as_ref(), self.propagation);
        let settings = context.and_then(|context| context.data_source_instance_settings.as_ref());
        let user = context.and_then(|context| context.user.as_ref()).map(|user| user.name.as_str());
        let plugin_id = context.map(|context| context.plugin_id.as_str());
        let span = tracing::info_span!(
            "request",
            pluginId = plugin_id,
            pluginVersion = context.map(|context| context.plugin_version.as_str()),
            endpoint,
            dsName = settings.map(|settings| settings.name.as_str()),
            dsUid = settings.map(|settings| settings.uid.as_str()),
            uname = user.filter(|_name| settings.is_some()),
            traceId = field::Empty,
            loggerParams = contextual(metadata),
        );
        let (entered, within_span) = (incoming.enter(), span.enter());
        let traced = tracing::info_span!(
            target: "trace",
            "request",
            otel.name = format!("sdk.{endpoint}"),
            plugin_id,
            org_id = context.map(|context| context.org_id),
            datasource_name = settings.map(|settings| settings.name.as_str()),
            datasource_uid = settings.map(|settings| settings.uid.as_str()),
            user,
            request_status = field::Empty,
            status_source = field::Empty,
            otel.status_code = field::Empty,
        );
        span.record("traceId", traced.in_scope(traces::trace_id));
        drop((within_span, entered));
        span.in_scope(|| tracing::debug!("Plugin Request Started"));
        let metrics = self.metrics.clone();
        InFlight { endpoint, start: Instant::now(), metrics, incoming, span, traced, outcome: None }
    }
}

impl InFlight {
    /// Does the work of a unary method, and finishes. The work says how it ended beside its answer; a status is a failure of the
    /// whole request, and the plugin's own.
    pub(super) async fn run<T>(
        self,
        work: impl Future<Output = Result<(T, Outcome), Status>>,
    ) -> Result<Response<T>, Status> {
        match self.within(work).await {
            Ok((answer, outcome)) => {
                self.finish(outcome);
                Ok(Response::new(answer))
            }
            Err(status) => {
                self.finish(Outcome::from(&status));
                Err(status)
            }
        }
    }

    /// Does the work of a method that answers with a stream, and finishes. What the work sends is in the stream as soon as
    /// somebody takes it; a status at the work's end is the stream's last. Whoever drops the stream ends the work.
    pub(super) fn stream<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<Outcome, Status>> + Send + 'static,
        sent: impl Stream<Item = T> + Send + 'static,
    ) -> Answers<T> {
        let work = async move {
            let ended = self.within(work).await;
            self.finish(ended.as_ref().map_or_else(Outcome::from, Clone::clone));
            ended.err()
        };
        // A task of its own, so that its deadlines hold while nobody takes what it has sent. It goes with the stream.
        let mut task = JoinSet::new();
        task.spawn(work);
        let end = async move {
            match task.join_next().await {
                Some(Ok(status)) => status.map(Err),
                _panicked => Some(Err(Status::internal("the plugin failed; its log says where"))),
            }
        };
        Box::pin(sent.map(Ok).chain(stream::once(end).filter_map(future::ready)))
    }

    /// A piece of the work, whose log lines, spans and exchanges then belong to this request.
    pub(super) fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let work = work.instrument(self.traced.clone()).instrument(self.span.clone());
        self.incoming.within(work)
    }

    /// The request is over.
    pub(super) fn finish(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

/// Writes what there is to say. Here, so that it is said of a request that is cancelled as well.
impl Drop for InFlight {
    fn drop(&mut self) {
        let duration = self.start.elapsed();
        let (status, source) = match &self.outcome {
            Some(Outcome::Ok) => ("ok", Source::Plugin),
            Some(Outcome::Failed { source, .. }) => ("error", *source),
            None if thread::panicking() => ("error", Source::Plugin),
            None => ("cancelled", Source::Downstream),
        };
        let error = match &self.outcome {
            Some(Outcome::Failed { error, .. }) => error.as_deref(),
            _ => None,
        };
        let source = source.as_str();
        self.traced.record("request_status", status);
        self.traced.record("status_source", source);
        if status == "error" {
            self.traced.record("otel.status_code", "ERROR");
        }
        self.metrics.request(self.endpoint, status, source, duration);
        self.span.in_scope(|| {
            // The SDK's levels.
            macro_rules! completed {
                ($level:ident) => {
                    tracing::$level!(
                        status,
                        ?duration,
                        error,
                        statusSource = source,
                        "Plugin Request Completed"
                    )
                };
            }
            if status == "error" { completed!(error) } else { completed!(info) }
        });
    }
}

impl Outcome {
    /// The outcome of a request with many answers, of which these are errors: the plugin's fault, if one of them is, counts
    /// before that of others.
    pub(super) fn of_errors<'a>(errors: impl Iterator<Item = &'a Error>) -> Self {
        let sources = errors.map(Error::source_of_error);
        let worst = sources.reduce(|one, other| match (one, other) {
            (Source::Downstream, Source::Downstream) => Source::Downstream,
            _ => Source::Plugin,
        });
        worst.map_or(Self::Ok, |source| Self::Failed { source, error: None })
    }

    /// The outcome of a request with one answer.
    pub(super) fn of<T>(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_answer) => Self::Ok,
            Err(error) => Self::Failed { source: error.source_of_error(), error: None },
        }
    }
}

/// A broken envelope, or a method that is not there.
impl From<&Status> for Outcome {
    fn from(status: &Status) -> Self {
        Self::Failed { source: Source::Plugin, error: Some(status.message().to_owned()) }
    }
}

/// What Grafana wants said in each line of the request's log: names and values, as `name:::value` in `loggerparamsctxmetadata`
/// (contract section 2.8). For the log's layer one pair is a line of its own; none if there is nothing.
///
/// Grafana's own code writes these, but what a value is made of can come from a user, such as the title of an alert rule. So
/// there are only so many, none is long, and none has a name by which hclog or the host would mean something else.
fn contextual(metadata: &MetadataMap) -> Option<String> {
    let mut lines = String::new();
    let pairs = metadata.get_all("loggerparamsctxmetadata").iter();
    let pairs = pairs.filter_map(|pair| pair.to_str().ok()?.split_once(":::"));
    let pairs = pairs.filter(|(name, value)| is_plain(name) && !value.is_empty());
    for (name, value) in pairs.take(LOG_CONTEXT_PAIRS_MAX) {
        // What metadata holds is ASCII, so that each place is one between characters.
        let value = &value[..value.len().min(LOG_CONTEXT_VALUE_BYTES_MAX)];
        lines += &format!("{name}={}\n", value.replace(char::is_control, " "));
    }
    (!lines.is_empty()).then_some(lines)
}

fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=LOG_CONTEXT_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}
