//! Sends the requests of one datasource and reads the responses, under limits.
//!
//! A request passes, in this order: policy and credentials ([`Client::prepare`]), the cache, the `flights` of those that are under way
//! already, and for those that really go out the [`courier`]: circuit breaker, turn, pace, hop by hop, and again if that is worth a try.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field};

use super::asker::{Asker, Demand};
use super::cache::{Cache, Found, Freshness, Stored};
use super::credentials::{Credentials, Prepared};
use super::error::{Bound, Error, Phase};
use super::fingerprint::Fingerprint;
use super::policy::{Allowed, printable};
use super::probe::{self, Step};
use super::redaction::Redaction;
use super::settings::HttpSettings;
use crate::budget::Hold;
use crate::limits::Limits;
use crate::metrics::DatasourceMetrics;
use crate::model::{self, Caller, Origin, Request, Response};

pub(super) use connections::Alone;
use connections::Names;
use courier::{Courier, Delivered, Errand};
pub use events::{Events, Opened};
use flights::Flights;
pub use retry::retry_after;

mod breaker;
mod connections;
mod courier;
mod resolver;
mod decoding;
mod events;
pub(super) mod failure;
mod flights;
mod reading;
mod retry;
mod socks;
#[cfg(test)]
mod tests;

/// The way to one datasource's API: its policy, its credentials, its connections.
pub struct Client {
    /// What sends.
    courier: Arc<Courier>,
    /// What joins a request.
    credentials: Credentials,
    /// What is under way.
    flights: Flights,
    /// Answers that may be given again.
    cache: Arc<Cache>,
    /// Tells this client's answers from those of all others, and of what it was before its settings changed.
    number: u64,
    /// One exchange, from its turn to the last byte of the body.
    timeout: Duration,
    /// How long answers are fresh that say nothing.
    cache_for: Duration,
    /// How long an answer may be given to an alert rule after it was fresh, if there is no other.
    stale_if_error: Duration,
    /// What proves who asks, in words.
    in_words: &'static str,
    /// What is taken out of texts.
    redaction: Redaction,
    /// What is counted.
    metrics: Arc<DatasourceMetrics>,
}

/// What of the memory of queries the responses of a round take, until this is dropped.
#[derive(Debug, Default)]
pub struct Held {
    _holds: Vec<Arc<Hold>>,
}

/// A request that is ready to go, and what is needed to judge its outcome.
struct Exchange {
    prepared: Prepared,
    /// As the guest asked, before any redirect.
    method: &'static str,
    timeout: Duration,
    cache_for: Option<Duration>,
    /// Whether sending it twice does no harm.
    is_repeatable: bool,
    tolerates_failure: bool,
}

/// A response, and where it came from.
struct Answer {
    response: Response,
    origin: Origin,
    retries: u32,
    hold: Option<Arc<Hold>>,
}

impl Client {
    /// A client for one datasource. `allowed` is what the guest's description asks for; the admin's part is in
    /// `settings`. Reads the system's trusted certificates from disk, if https can be asked at all.
    pub fn new(
        settings: &HttpSettings,
        allowed: &Allowed,
        limits: &Limits,
        cache: Arc<Cache>,
        metrics: Arc<DatasourceMetrics>,
    ) -> Result<Self, Error> {
        Self::with_names(settings, allowed, limits, cache, metrics, &resolver::of_system)
    }

    /// The same, where `names` says how names become addresses.
    fn with_names(
        settings: &HttpSettings,
        allowed: &Allowed,
        limits: &Limits,
        cache: Arc<Cache>,
        metrics: Arc<DatasourceMetrics>,
        names: Names<'_>,
    ) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let credentials = Credentials::new(settings, allowed)?;
        let known_metrics = Arc::clone(&metrics);
        let courier = Courier::new(settings, allowed, limits, Arc::clone(&cache), metrics, names)?;
        let by_vendor = allowed.cache_for.unwrap_or_default();
        Ok(Self {
            courier: Arc::new(courier),
            credentials,
            flights: Flights::default(),
            cache,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            timeout: settings.timeout,
            cache_for: settings.cache_for.unwrap_or(by_vendor),
            stale_if_error: settings.stale_if_error,
            in_words: settings.credentials_in_words(),
            redaction: Redaction::new(settings),
            metrics: known_metrics,
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
    ) -> Result<(Vec<Response>, Held), Error> {
        let exchanges = requests.into_iter().map(|request| self.prepare(request, asker.caller));
        let exchanges = exchanges.collect::<Result<Vec<_>, _>>();
        let exchanges = exchanges.inspect_err(|error| self.metrics.failure(error.kind()))?;
        let left = Arc::new(AtomicUsize::new(self.courier.round_bytes));
        let runs = exchanges.into_iter().map(|exchange| self.run(exchange, &left, asker));
        let (mut responses, mut held) = (Vec::new(), Held::default());
        for Answer { response, hold, .. } in try_join_all(runs).await? {
            responses.push(response);
            held._holds.extend(hold);
        }
        Ok((responses, held))
    }

    /// The way to the datasource's own host, step by step. Through a proxy it is the proxy's to go.
    pub async fn walk(&self) -> Vec<Step> {
        let Some(url) = self.courier.policy.base() else { return Vec::new() };
        if self.courier.goes_by_proxy() {
            let text = "it goes through a proxy, which resolves and connects".to_owned();
            return vec![Step { name: "Way", ok: true, text, elapsed: Duration::ZERO }];
        }
        probe::walk(url, &self.courier.policy.reach_of_own()).await
    }

    /// What requests prove who asks with, in words.
    pub fn credentials_in_words(&self) -> &'static str {
        self.in_words
    }

    /// What takes the secrets of this datasource, and the tokens that it was given until now, out of texts that others wrote.
    pub fn redactor(&self) -> impl Fn(&str) -> String {
        let issued = self.courier.issued_tokens();
        let issued: Vec<_> = issued.iter().map(|token| Redaction::of(token.expose())).collect();
        move |text| {
            let own = self.redaction.redact(text).into_owned();
            issued.iter().fold(own, |text, issued| issued.redact(&text).into_owned())
        }
    }

    fn prepare(&self, request: Request, caller: &Caller) -> Result<Exchange, Error> {
        let policy = &self.courier.policy;
        let url = policy
            .resolve(&request)
            .map_err(|refusal| policy.refused(printable(&request.target), refusal))?;
        let timeout = request.timeout.map_or(self.timeout, |timeout| timeout.min(self.timeout));
        let (method, tolerates_failure) = (request.method.as_str(), request.tolerate_failure);
        let is_read = matches!(request.method, model::Method::Get | model::Method::Head);
        let (is_repeatable, cache_for) = (is_read || request.idempotent, request.cache_for);
        let own_origin = policy.is_own_origin(&url);
        let prepared = self.credentials.join(request, url, own_origin, caller)?;
        Ok(Exchange { prepared, method, timeout, cache_for, is_repeatable, tolerates_failure })
    }

    /// One exchange with all that is said and counted of it.
    async fn run(
        &self,
        exchange: Exchange,
        left: &Arc<AtomicUsize>,
        asker: Asker<'_>,
    ) -> Result<Answer, Error> {
        let (method, tolerates_failure) = (exchange.method, exchange.tolerates_failure);
        let (url, start) = (exchange.prepared.shown.clone(), Instant::now());
        let span = span_of(&exchange);
        let result = self.answer(exchange, left, asker, &span).await;
        let result = result.map_err(|error| error.redacted(&self.redactor()));
        self.observe(&span, result.as_ref().map(|answer| answer.response.status));
        let answer = result.as_ref();
        asker.journal.note(model::Exchange {
            method,
            url,
            status: answer.map_or(0, |answer| answer.response.status),
            elapsed: start.elapsed(),
            bytes: answer.map_or(0, |answer| answer.response.body.len()),
            origin: answer.map_or(Origin::Api, |answer| answer.origin),
            retries: answer.map_or_else(|error| error.retries(), |answer| answer.retries),
            failure: answer.err().map(Error::as_told),
        });
        match result {
            Err(error) if tolerates_failure => match error.as_failure() {
                Some(failure) => {
                    let response = Response { failure: Some(failure), ..Response::default() };
                    let (origin, retries) = (Origin::Api, error.retries());
                    Ok(Answer { response, origin, retries, hold: None })
                }
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

    /// From the cache if it has something fresh; else from the API; else from the cache all the same, if that is allowed.
    async fn answer(
        &self,
        mut exchange: Exchange,
        left: &Arc<AtomicUsize>,
        asker: Asker<'_>,
        span: &Span,
    ) -> Result<Answer, Error> {
        let endpoint = exchange.prepared.endpoint();
        let fingerprint =
            exchange.is_repeatable.then(|| Fingerprint::of(self.number, &exchange.prepared));
        let found = match &fingerprint {
            Some(fingerprint) if asker.demand == Demand::Any => {
                self.cache.look_up(fingerprint, &exchange.prepared)
            }
            _ => Found::Nothing,
        };
        let (stored, validators) = match found {
            Found::Fresh(response) => {
                return self.at_hand(response, Origin::Cache, &endpoint, left, asker).await;
            }
            Found::Stale(stored, validators) => (Some(stored), validators),
            Found::Nothing => (None, HeaderMap::new()),
        };
        let freshness = Freshness {
            hint: exchange.cache_for.take(),
            default: self.cache_for,
            for_errors: asker.caller.is_from_alert() && !self.stale_if_error.is_zero(),
        };
        let kept =
            fingerprint.map(|fingerprint| (fingerprint, freshness, stored.clone(), validators));
        let came = self.fly(exchange, kept, left, asker, span).await;
        let is_failure = match &came {
            Ok(answer) => matches!(answer.response.status, 500 | 502..=504),
            Err(error) => error.is_of_api(),
        };
        let stored = stored.filter(|_stored| is_failure);
        let grace = if freshness.for_errors { self.stale_if_error } else { Duration::ZERO };
        match stored.and_then(|stored| self.cache.despite_errors(&stored, grace)) {
            Some(response) => self.at_hand(response, Origin::Stale, &endpoint, left, asker).await,
            None => came,
        }
    }

    /// A response that did not have to be read.
    async fn at_hand(
        &self,
        response: Response,
        origin: Origin,
        endpoint: &str,
        left: &AtomicUsize,
        asker: Asker<'_>,
    ) -> Result<Answer, Error> {
        self.metrics.answered(origin.as_str());
        self.courier.take_of_round(left, response.body.len(), endpoint)?;
        let mut hold = asker.allowance.hold();
        hold.take(response.body.len()).await.map_err(Error::NoMemory)?;
        Ok(Answer { response, origin, retries: 0, hold: Some(Arc::new(hold)) })
    }

    /// From the API, together with whoever asks the same at the same time.
    async fn fly(
        &self,
        exchange: Exchange,
        kept: Option<(Fingerprint, Freshness, Option<Arc<Stored>>, HeaderMap)>,
        left: &Arc<AtomicUsize>,
        asker: Asker<'_>,
        span: &Span,
    ) -> Result<Answer, Error> {
        let endpoint = exchange.prepared.endpoint();
        let fingerprint = kept.as_ref().map(|(fingerprint, ..)| *fingerprint);
        let errand = Arc::new(Errand {
            prepared: exchange.prepared,
            method: exchange.method,
            timeout: exchange.timeout,
            is_repeatable: exchange.is_repeatable,
            kept,
            allowance: asker.allowance.clone(),
            left: Arc::clone(left),
            despite_circuit: asker.demand == Demand::Own,
        });
        let Some(fingerprint) = fingerprint.filter(|_it| asker.demand != Demand::Own) else {
            let delivered = self.courier.deliver(&errand).instrument(span.clone()).await?;
            return Ok(self.own(&delivered, false));
        };
        let deadline = asker.allowance.deadline;
        loop {
            let (flight, is_joined) = self.flights.join((fingerprint, errand.timeout), || {
                let (courier, errand) = (Arc::clone(&self.courier), Arc::clone(&errand));
                let flight = async move { courier.deliver(&errand).await.map(Arc::new) };
                flight.instrument(span.clone()).boxed()
            });
            let start = Instant::now();
            let landed = timeout_at(deadline, flight).await;
            let landed = landed
                .map_err(|_elapsed| timed_out(&endpoint, start, Phase::Response, Bound::Query));
            match landed? {
                // Whoever began it had no more time or room; there is some here.
                Err(error) if is_joined && error.is_of_asker() && Instant::now() < deadline => {}
                landed => {
                    let delivered = landed?;
                    if is_joined {
                        let bytes = delivered.response.body.len();
                        self.courier.take_of_round(left, bytes, &endpoint)?;
                    }
                    return Ok(self.own(&delivered, is_joined));
                }
            }
        }
    }

    /// The response for one of those who waited for it. Its body is not copied.
    fn own(&self, delivered: &Delivered, is_joined: bool) -> Answer {
        let origin = if is_joined { Origin::Shared } else { delivered.origin };
        self.metrics.answered(origin.as_str());
        let (response, retries) = (delivered.response.clone(), delivered.retries);
        Answer { response, origin, retries, hold: Some(Arc::clone(&delivered.hold)) }
    }
}

/// An exchange in a trace, with the SDK's name and attributes.
fn span_of(exchange: &Exchange) -> Span {
    tracing::info_span!(
        target: "trace",
        "HTTP Outgoing Request",
        otel.kind = "client",
        http.method = exchange.method,
        http.url = exchange.prepared.endpoint(),
        http.status_code = field::Empty,
        failure = field::Empty,
        otel.status_code = field::Empty,
    )
}

fn timed_out(endpoint: &str, since: Instant, phase: Phase, bound: Bound) -> Error {
    Error::TimedOut { endpoint: endpoint.to_owned(), after: since.elapsed(), phase, bound }
}
