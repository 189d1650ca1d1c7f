//! Sends the requests of one datasource and reads the responses, under limits.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field};
use url::Url;

use super::asker::{Asker, Journal};
use super::authentication::Authentication;
use super::credentials::{Credentials, Prepared};
use super::error::{Bound, Error, Phase};
use super::policy::{Allowed, Policy, origin, printable};
use super::settings::HttpSettings;
use crate::budget::Hold;
use crate::limits::Limits;
use crate::metrics::DatasourceMetrics;
use crate::model::{self, Caller, Origin, Request, Response};
use crate::traces;

use connections::{Connections, Names};
use courier::{Courier, Room, Time};
pub use events::{Events, Opened};

mod connections;
mod courier;
mod resolver;
mod events;
mod failure;
#[cfg(test)]
mod tests;

/// The way to one datasource's API: its policy, its credentials, its connections.
pub struct Client {
    /// What sends.
    courier: Arc<Courier>,
    /// What joins a request.
    credentials: Credentials,
    /// One permit for each exchange in flight.
    permits: Semaphore,
    /// One exchange, from its turn to the last byte of the body.
    timeout: Duration,
    /// What is counted.
    metrics: Arc<DatasourceMetrics>,
}

/// A request that is ready to go, and what is needed to judge its outcome.
struct Exchange {
    prepared: Prepared,
    /// As the guest asked, before any redirect.
    method: &'static str,
    timeout: Duration,
    tolerates_failure: bool,
}

impl Client {
    /// A client for one datasource. `allowed` is what the guest's description asks for; the admin's part is in
    /// `settings`. Reads the system's trusted certificates from disk, if https can be asked at all.
    pub fn new(
        settings: &HttpSettings,
        allowed: &Allowed,
        limits: &Limits,
        metrics: Arc<DatasourceMetrics>,
    ) -> Result<Self, Error> {
        Self::with_names(settings, allowed, limits, metrics, &resolver::of_system)
    }

    /// The same, where `names` says how names become addresses.
    fn with_names(
        settings: &HttpSettings,
        allowed: &Allowed,
        limits: &Limits,
        metrics: Arc<DatasourceMetrics>,
        names: Names<'_>,
    ) -> Result<Self, Error> {
        let policy = Policy::new(settings.base_url.clone(), allowed, &settings.allowed_hosts)?;
        let courier = Courier {
            connections: Connections::new(settings, limits, &policy, names)?,
            policy,
            authentication: Authentication::new(settings)?,
            response_bytes: limits.response_bytes,
            round_bytes: limits.guest_memory_bytes,
            header_bytes: limits.header_bytes,
        };
        Ok(Self {
            courier: Arc::new(courier),
            credentials: Credentials::new(settings, allowed)?,
            permits: Semaphore::new(limits.exchanges_in_flight.max(1)),
            timeout: settings.timeout,
            metrics,
        })
    }

    /// Sends requests side by side and gives the responses in the order of the requests, and what of the query's memory they take.
    ///
    /// All bodies together take no more than a guest can take. Nothing is sent if any of them is not allowed. Each status is a
    /// response; an error is what kept an exchange from its response, unless the request tolerates that. The first error ends the
    /// others.
    pub async fn send_all(
        &self,
        requests: Vec<Request>,
        asker: Asker<'_>,
    ) -> Result<(Vec<Response>, Vec<Hold>), Error> {
        let exchanges = requests.into_iter().map(|request| self.prepare(request, asker.caller));
        let exchanges = exchanges.collect::<Result<Vec<_>, _>>();
        let exchanges = exchanges.inspect_err(|error| self.metrics.failure(error.kind()))?;
        let left = Arc::new(AtomicUsize::new(self.courier.round_bytes));
        let run = async |exchange| {
            let mut hold = asker.allowance.hold();
            let (deadline, left) = (asker.allowance.deadline, Arc::clone(&left));
            let room = Room { deadline, left, hold: &mut hold };
            let response = self.run(exchange, room, asker.journal).await?;
            Ok::<_, Error>((response, hold))
        };
        Ok(try_join_all(exchanges.into_iter().map(run)).await?.into_iter().unzip())
    }

    fn prepare(&self, request: Request, caller: &Caller) -> Result<Exchange, Error> {
        let policy = &self.courier.policy;
        let url = policy
            .resolve(&request)
            .map_err(|refusal| policy.refused(printable(&request.target), refusal))?;
        let timeout = request.timeout.map_or(self.timeout, |timeout| timeout.min(self.timeout));
        let (method, tolerates_failure) = (request.method.as_str(), request.tolerate_failure);
        let own_origin = policy.is_own_origin(&url);
        let prepared = self.credentials.join(request, url, own_origin, caller)?;
        Ok(Exchange { prepared, method, timeout, tolerates_failure })
    }

    async fn run(
        &self,
        exchange: Exchange,
        room: Room<'_>,
        journal: &Journal,
    ) -> Result<Response, Error> {
        let (method, tolerates_failure) = (exchange.method, exchange.tolerates_failure);
        let (url, start) = (exchange.prepared.shown.clone(), Instant::now());
        let span = span_of(&exchange);
        let result = self.exchange(exchange, room).instrument(span.clone()).await;
        self.observe(&span, result.as_ref().map(|response| response.status));
        journal.note(model::Exchange {
            method,
            url,
            status: result.as_ref().map_or(0, |response| response.status),
            elapsed: start.elapsed(),
            bytes: result.as_ref().map_or(0, |response| response.body.len()),
            origin: Origin::Api,
            retries: 0,
            failure: result.as_ref().err().map(Error::user_message),
        });
        match result {
            Err(error) if tolerates_failure => match error.as_failure() {
                Some(failure) => Ok(Response { failure: Some(failure), ..Response::default() }),
                None => Err(error),
            },
            result => result,
        }
    }

    /// Counts how an exchange ended, and notes it in its span.
    fn observe(&self, span: &Span, result: Result<u16, &Error>) {
        match result {
            Ok(status) => {
                span.record("http.status_code", status);
                if status >= 400 {
                    span.record("otel.status_code", "ERROR");
                }
            }
            Err(error) => {
                self.metrics.failure(error.kind());
                span.record("failure", error.kind());
                span.record("otel.status_code", "ERROR");
            }
        }
    }

    /// One exchange: wait for its turn, send, follow redirects, read.
    async fn exchange(&self, exchange: Exchange, room: Room<'_>) -> Result<Response, Error> {
        let Exchange { mut prepared, method, timeout, .. } = exchange;
        let deadline = room.deadline;
        traces::inject(&mut prepared.headers);
        let asked = endpoint(&prepared.url);
        let queued = Instant::now();
        // The semaphore is never closed, so an error of `acquire` does not happen; it would let the request through.
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        // A turn that comes as the time ends, because others ran out of it too, is no turn.
        let _permit = permit
            .ok()
            .filter(|_permit| Instant::now() < deadline)
            .ok_or_else(|| timed_out(&asked, queued, Phase::Queue, Bound::Query))?;
        let time = Time::now(timeout, deadline);
        let response = self.courier.exchange(prepared, room, time).await?;
        let (status, bytes) = (response.status, response.body.len());
        self.metrics.response(method, status, bytes, time.start.elapsed());
        tracing::debug!(endpoint = asked, status, bytes, elapsed = ?time.start.elapsed(), "Exchange");
        Ok(response)
    }
}

/// An exchange in a trace, with the SDK's name and attributes.
fn span_of(exchange: &Exchange) -> Span {
    tracing::info_span!(
        target: "trace",
        "HTTP Outgoing Request",
        otel.kind = "client",
        http.method = exchange.method,
        http.url = endpoint(&exchange.prepared.url),
        http.status_code = field::Empty,
        failure = field::Empty,
        otel.status_code = field::Empty,
    )
}

fn timed_out(endpoint: &str, since: Instant, phase: Phase, bound: Bound) -> Error {
    Error::TimedOut { endpoint: endpoint.to_owned(), after: since.elapsed(), phase, bound }
}

/// A URL as errors and logs show it: without query, which may hold secrets.
fn endpoint(url: &Url) -> String {
    origin(url) + url.path()
}
