//! Sends the requests of one datasource and reads the responses, under limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use http::header::{LOCATION, SET_COOKIE};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field};
use url::Url;

use super::credentials::{Credentials, Prepared};
use super::error::{Bound, Error, Phase};
use super::policy::{Allowed, Policy, Refusal, origin, printable};
use super::settings::HttpSettings;
use crate::budget::{Allowance, Hold};
use crate::limits::Limits;
use crate::metrics::DatasourceMetrics;
use crate::model::{Request, Response};
use crate::traces;

use connections::{Connections, Names};
pub use events::{Events, Opened};

mod connections;
mod resolver;
mod events;
mod failure;
#[cfg(test)]
mod tests;

/// The way to one datasource's API: its policy, its credentials, its connections.
pub struct Client {
    /// Connections, kept open between exchanges.
    connections: Connections,
    /// What may be sent.
    policy: Policy,
    /// What joins it.
    credentials: Credentials,
    /// One permit for each exchange in flight.
    permits: Semaphore,
    /// One exchange, from its turn to the last byte of the body.
    timeout: Duration,
    /// `Limits::response_bytes`.
    response_bytes: usize,
    /// All bodies of a round together, bytes: they have to fit into a guest's memory.
    round_bytes: usize,
    /// `Limits::header_bytes`.
    header_bytes: usize,
    /// What is counted.
    metrics: Arc<DatasourceMetrics>,
}

/// What there is for the body of an exchange.
struct Room<'a> {
    /// The end of the query's time.
    deadline: Instant,
    /// What is left for the bodies of a round, bytes.
    left: &'a AtomicUsize,
    /// What of the query's memory the body takes.
    hold: &'a mut Hold,
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
        Ok(Self {
            connections: Connections::new(settings, limits, &policy, names)?,
            policy,
            credentials: Credentials::new(settings, allowed)?,
            permits: Semaphore::new(limits.exchanges_in_flight.max(1)),
            timeout: settings.timeout,
            response_bytes: limits.response_bytes,
            round_bytes: limits.guest_memory_bytes,
            header_bytes: limits.header_bytes,
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
        allowance: &Allowance,
    ) -> Result<(Vec<Response>, Vec<Hold>), Error> {
        let exchanges = requests.into_iter().map(|request| self.prepare(request));
        let exchanges = exchanges.collect::<Result<Vec<_>, _>>();
        let exchanges = exchanges.inspect_err(|error| self.metrics.failure(error.kind()))?;
        let left = AtomicUsize::new(self.round_bytes);
        let run = async |exchange| {
            let mut hold = allowance.hold();
            let room = Room { deadline: allowance.deadline, left: &left, hold: &mut hold };
            let response = self.run(exchange, room).await?;
            Ok::<_, Error>((response, hold))
        };
        Ok(try_join_all(exchanges.into_iter().map(run)).await?.into_iter().unzip())
    }

    fn prepare(&self, request: Request) -> Result<Exchange, Error> {
        let url = self
            .policy
            .resolve(&request)
            .map_err(|refusal| self.credentials.refused(printable(&request.target), refusal))?;
        let timeout = request.timeout.map_or(self.timeout, |timeout| timeout.min(self.timeout));
        let (method, tolerates_failure) = (request.method.as_str(), request.tolerate_failure);
        let own_origin = self.policy.is_own_origin(&url);
        let prepared = self.credentials.join(request, url, own_origin)?;
        Ok(Exchange { prepared, method, timeout, tolerates_failure })
    }

    async fn run(&self, exchange: Exchange, room: Room<'_>) -> Result<Response, Error> {
        let tolerates_failure = exchange.tolerates_failure;
        let span = span_of(&exchange);
        let result = self.exchange(exchange, room).instrument(span.clone()).await;
        self.observe(&span, result.as_ref().map(|response| response.status));
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
        let start = Instant::now();
        let (end, bound) = match start + timeout {
            end if end < deadline => (end, Bound::Exchange),
            _ => (deadline, Bound::Query),
        };

        let sent = timeout_at(end, self.send(prepared)).await;
        let (url, response) =
            sent.map_err(|_elapsed| timed_out(&asked, start, Phase::Response, bound))??;
        let late = || timed_out(&asked, start, Phase::Body, bound);
        let response = self.read(&url, response, room, end, late).await?;

        let (status, bytes) = (response.status, response.body.len());
        self.metrics.response(method, status, bytes, start.elapsed());
        tracing::debug!(endpoint = asked, status, bytes, elapsed = ?start.elapsed(), "Exchange");
        Ok(response)
    }

    /// Sends a request and follows redirects. Returns the URL that answered, and its response up to the body.
    ///
    /// Not reqwest's own redirects: those drop `Authorization`, but carry an API key in any other header to wherever the
    /// redirect leads.
    async fn send(&self, mut prepared: Prepared) -> Result<(Url, reqwest::Response), Error> {
        let mut hops = 0;
        loop {
            let start = Instant::now();
            let connections = self.connections.to(self.policy.is_own_origin(&prepared.url));
            let response = connections
                .execute(to_reqwest(&prepared))
                .await
                .map_err(|error| self.failed(&prepared.url, &error, start.elapsed()))?;
            self.check_header(&prepared.url, &response)?;
            let location = response.headers().get(LOCATION).map(http::HeaderValue::as_bytes);
            let next = self.policy.redirect(&prepared.url, response.status(), location, hops);
            let next = next.and_then(|next| match next {
                Some(next) => prepared.follow(response.status(), next).map(|()| true),
                None => Ok(false),
            });
            match next {
                Ok(false) => return Ok((prepared.url, response)),
                Ok(true) => hops += 1,
                Err(refusal) => {
                    return Err(self.credentials.refused(endpoint(&prepared.url), refusal));
                }
            }
        }
    }

    /// Why there is no status, `after` the request was begun.
    fn failed(&self, url: &Url, error: &reqwest::Error, after: Duration) -> Error {
        match failure::refused_address(error) {
            Some(refused) => {
                self.credentials.refused(endpoint(url), Refusal::of_name(refused.clone(), url))
            }
            None => failure::of_request(url, error, after),
        }
    }

    /// Counts the header fields. hyper itself reads no more than 400 KiB of them (HTTP/1), or what we told it (HTTP/2).
    fn check_header(&self, url: &Url, response: &reqwest::Response) -> Result<(), Error> {
        let bytes: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes <= self.header_bytes {
            return Ok(());
        }
        let (part, key, limit) = ("response's header", "header_bytes", self.header_bytes);
        Err(Error::TooLarge { endpoint: endpoint(url), part, key, limit })
    }

    /// Reads the body into one buffer, decompressed, and stops as soon as it is over the limit, or there is no room left for
    /// what the exchanges of the round read. While the memory of all queries is used up, nothing is read, and no time passes for
    /// the API.
    async fn read(
        &self,
        url: &Url,
        mut response: reqwest::Response,
        room: Room<'_>,
        mut end: Instant,
        late: impl Fn() -> Error,
    ) -> Result<Response, Error> {
        let Room { deadline, left, hold } = room;
        let limit = self.response_bytes;
        let too_large = || Error::TooLarge {
            endpoint: endpoint(url),
            part: "response",
            key: "response_bytes",
            limit,
        };
        // None for a compressed body, whose size is not known before its end.
        let announced = response.content_length();
        if announced.is_some_and(|announced| announced > limit as u64) {
            return Err(too_large());
        }
        let capacity = announced.and_then(|announced| usize::try_from(announced).ok());
        let capacity = capacity.unwrap_or_default().min(left.load(Ordering::Relaxed));
        hold.take(capacity).await.map_err(Error::NoMemory)?;
        let mut body = Vec::with_capacity(capacity);
        let mut held = capacity;
        let take = |bytes| {
            let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left: usize| {
                left.checked_sub(bytes)
            });
            taken.is_ok()
        };
        loop {
            let chunk = timeout_at(end, response.chunk()).await.map_err(|_elapsed| late())?;
            match chunk {
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => return Err(too_large()),
                Ok(Some(chunk)) if !take(chunk.len()) => {
                    return Err(Error::TooLarge {
                        endpoint: endpoint(url),
                        part: "round of responses with that",
                        key: "guest_memory_bytes",
                        limit: self.round_bytes,
                    });
                }
                Ok(Some(chunk)) => {
                    if body.len() + chunk.len() > held {
                        // As much again, as the buffer itself grows.
                        let more = (body.len() + chunk.len() - held).max(held.min(limit - held));
                        let asked = Instant::now();
                        hold.take(more).await.map_err(Error::NoMemory)?;
                        end = (end + asked.elapsed()).min(deadline);
                        held += more;
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Err(error) => return Err(failure::of_body(url, &error, body.len(), announced)),
            }
        }
        let (status, headers) = (response.status().as_u16(), headers(&response));
        Ok(Response { status, headers, body, failure: None })
    }
}

/// A response's header fields as guests see them.
fn headers(response: &reqwest::Response) -> Vec<(String, String)> {
    let headers = response.headers().iter().filter(|(name, _)| *name != SET_COOKIE);
    let headers = headers.map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    headers.collect()
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

fn to_reqwest(prepared: &Prepared) -> reqwest::Request {
    let mut request = reqwest::Request::new(prepared.method.clone(), prepared.url.clone());
    request.headers_mut().clone_from(&prepared.headers);
    if !prepared.body.is_empty() {
        *request.body_mut() = Some(prepared.body.clone().into());
    }
    request
}

/// A URL as errors and logs show it: without query, which may hold secrets.
fn endpoint(url: &Url) -> String {
    origin(url) + url.path()
}
