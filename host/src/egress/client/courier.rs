//! One request on its way: from its turn, hop by hop, to the last byte of its response, and again if that is worth a try.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use http::header::{ACCEPT_ENCODING, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue};
use leaky_bucket::RateLimiter;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::breaker::{Breaker, Open};
use super::connections::{Connections, Names};
use super::reading::Room;
use super::retry::Tries;
use super::{decoding, failure, timed_out};
use crate::budget::{Allowance, Gate, Hold, NoTurn, Turn};
use crate::egress::authentication::Authentication;
use crate::egress::cache::{Cache, Freshness, Stored};
use crate::egress::credentials::Prepared;
use crate::egress::error::{Bound, Error, Phase};
use crate::egress::fingerprint::Fingerprint;
use crate::egress::policy::{Allowed, Policy, Refusal, origin};
use crate::egress::settings::HttpSettings;
use crate::limits::{Limits, PACE_INTERVAL_MAX};
use crate::metrics::DatasourceMetrics;
use crate::model::{Origin, Pace, Response, Secret};
use crate::traces;

/// What takes the requests of one datasource to its API, and brings back the responses.
pub(super) struct Courier {
    /// Connections, kept open between exchanges.
    connections: Connections,
    /// What may be sent, and where a redirect may lead.
    pub(super) policy: Policy,
    /// What proves who asks.
    authentication: Authentication,
    /// APIs that are left alone.
    breaker: Breaker,
    /// One turn for each exchange in flight; queries take turns.
    gate: Arc<Gate<u64>>,
    /// How often the API may be asked, and in words; none for as often as there are turns.
    pace: Option<(RateLimiter, f64)>,
    /// Tries after the first.
    retries: u32,
    /// What the settings give one exchange.
    timeout: Duration,
    /// Answers that may be given again.
    cache: Arc<Cache>,
    /// What is counted.
    metrics: Arc<DatasourceMetrics>,
    /// One response's body, bytes.
    pub(super) response_bytes: usize,
    /// Which of the settings says so.
    pub(super) response_key: &'static str,
    /// All bodies of a round together, bytes: they have to fit into a guest's memory.
    pub(super) round_bytes: usize,
    /// `Limits::decompression_ratio`.
    pub(super) decompression_ratio: usize,
    /// `Limits::header_bytes`.
    header_bytes: usize,
}

/// A request to be sent for whoever waits for it.
pub(super) struct Errand {
    pub(super) prepared: Prepared,
    /// As the guest asked, before any redirect.
    pub(super) method: &'static str,
    pub(super) timeout: Duration,
    /// Whether sending it twice does no harm.
    pub(super) is_repeatable: bool,
    /// Under what the response may be kept, and the one that is there, with what the API is to be asked about it.
    pub(super) kept: Option<(Fingerprint, Freshness, Option<Arc<Stored>>, HeaderMap)>,
    /// Time and memory.
    pub(super) allowance: Allowance,
    /// What is left for the bodies of the round, bytes.
    pub(super) left: Arc<AtomicUsize>,
    /// Whether an open circuit keeps nothing back.
    pub(super) despite_circuit: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) response: Response,
    pub(super) origin: Origin,
    /// Tries after the first.
    pub(super) retries: u32,
    /// What of the query's memory the body takes. It outlives the body, which is let go of as soon as a guest has it.
    pub(super) hold: Arc<Hold>,
}

/// Where a request has been.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hops {
    /// Redirects that the last try followed.
    pub(super) count: usize,
    /// Whether any server has answered: then it has had the request.
    was_answered: bool,
}

/// The time of one try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) start: Instant,
    pub(super) end: Instant,
    /// What ends it.
    pub(super) bound: Bound,
}

impl Time {
    /// Of a try that begins now.
    pub(super) fn now(timeout: Duration, deadline: Instant) -> Self {
        let start = Instant::now();
        match start + timeout {
            end if end < deadline => Self { start, end, bound: Bound::Exchange },
            _ => Self { start, end: deadline, bound: Bound::Query },
        }
    }

    /// The error of a try that is not over in its time.
    pub(super) fn over(&self, endpoint: &str, phase: Phase) -> Error {
        timed_out(endpoint, self.start, phase, self.bound)
    }
}

impl Courier {
    /// A courier for one datasource. `names` says how names become addresses.
    pub(super) fn new(
        settings: &HttpSettings,
        allowed: &Allowed,
        limits: &Limits,
        cache: Arc<Cache>,
        metrics: Arc<DatasourceMetrics>,
        names: Names<'_>,
    ) -> Result<Self, Error> {
        let policy = Policy::new(settings.base_url.clone(), allowed, &settings.allowed_hosts)?;
        let pace = settings.pace.and(allowed.pace);
        let mut in_flight = limits.exchanges_in_flight;
        let by_pace = pace.in_flight.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        for most in [settings.connections_per_host, by_pace].into_iter().flatten() {
            in_flight = in_flight.min(most);
        }
        let in_flight = in_flight.max(1);
        let (response_bytes, response_key) = match settings.response_bytes {
            Some(bytes) if bytes < limits.response_bytes => (bytes, "response_limit"),
            _ => (limits.response_bytes, "response_bytes"),
        };
        let connections = Connections::new(settings, limits, &policy, names)?;
        let connect = |url: &Url| connections.alone(settings, limits, url, names);
        let authentication = Authentication::new(&settings.authentication, connect)?;
        Ok(Self {
            connections,
            policy,
            authentication,
            breaker: Breaker::default(),
            gate: Gate::new(in_flight, in_flight, limits.calls_waiting),
            pace: rate_limiter(pace),
            retries: settings.retries,
            timeout: settings.timeout,
            cache,
            metrics,
            response_bytes,
            response_key,
            round_bytes: limits.guest_memory_bytes,
            decompression_ratio: limits.decompression_ratio,
            header_bytes: limits.header_bytes,
        })
    }

    /// Sends a request, again if that is worth a try, and reads the response; keeps it if it may be given again.
    pub(super) async fn deliver(&self, errand: &Errand) -> Result<Delivered, Error> {
        let origin = origin(&errand.prepared.url);
        if !errand.despite_circuit {
            self.admit(errand, &origin)?;
        }
        let mut prepared = errand.prepared.clone();
        if let Some((.., validators)) = &errand.kept {
            prepared.headers.extend(validators.clone());
        }
        traces::inject(&mut prepared.headers);
        let mut tries = Tries::new(errand.is_repeatable, self.retries);
        let (mut time, mut hops) = (None, Hops::default());
        let came = loop {
            let came = self.one_try(&prepared, errand, &mut time, &mut hops).await;
            let end = time.map_or(errand.allowance.deadline, |time: Time| time.end);
            let left = end.saturating_duration_since(Instant::now());
            let seen = came.as_ref().map(|(response, _hold)| response);
            let again = tries.again(seen, hops.was_answered, SystemTime::now(), left);
            let Some(pause) = again else { break came };
            if let Ok((response, _hold)) = &came {
                errand.left.fetch_add(response.body.len(), Ordering::Relaxed);
            }
            self.metrics.retried();
            sleep(pause).await;
        };
        self.judge(errand, &origin, came.as_ref().map(|(response, _hold)| response));
        let retries = tries.retries;
        let (response, mut hold) = came.map_err(|error| match retries {
            0 => error,
            _ => Error::Tried { error: Box::new(error), tries: retries + 1 },
        })?;
        let (response, origin) = self.keep(errand, response, hops.count);
        if origin == Origin::Revalidated {
            // Nothing of the body has come, but there it is.
            self.take_of_round(&errand.left, response.body.len(), &errand.prepared.endpoint())?;
            hold.take(response.body.len()).await.map_err(Error::NoMemory)?;
        }
        Ok(Delivered { response, origin, retries, hold: Arc::new(hold) })
    }

    /// The tokens that the datasource was given.
    pub(super) fn issued_tokens(&self) -> Vec<Secret> {
        self.authentication.issued_tokens()
    }

    /// Whether what goes to the datasource's own host goes through a proxy.
    pub(super) fn goes_by_proxy(&self) -> bool {
        self.connections.goes_by_proxy()
    }

    fn admit(&self, errand: &Errand, origin: &str) -> Result<(), Error> {
        self.breaker.admit(origin, Instant::now()).map_err(|open| {
            let Open { failures, cause, again_in } = open;
            Error::CircuitOpen { endpoint: errand.prepared.endpoint(), failures, cause, again_in }
        })
    }

    /// Tells the circuit breaker how the API does. What ended by the query's own time or limits, or by a guest's impatience, says nothing
    /// about it.
    fn judge(&self, errand: &Errand, origin: &str, came: Result<&Response, &Error>) {
        match came {
            Ok(response) if matches!(response.status, 502..=504) => {
                let cause = || format!("It answered with status {}.", response.status);
                self.breaker.failed(origin, cause, Instant::now());
            }
            Ok(_response) => self.breaker.succeeded(origin),
            Err(Error::TimedOut { .. }) if errand.timeout < self.timeout => {}
            Err(error) if error.is_of_api() => {
                self.breaker.failed(origin, || error.user_message(), Instant::now());
            }
            Err(_says_nothing) => {}
        }
    }

    /// What is given of a response to whoever waits for it. One that came after `hops` redirects is not that of the URL that was asked for,
    /// however fresh it is, so that it is not kept.
    fn keep(&self, errand: &Errand, response: Response, hops: usize) -> (Response, Origin) {
        let Some((fingerprint, freshness, stored, _validators)) = &errand.kept else {
            return (response, Origin::Api);
        };
        let stored = stored.as_ref().filter(|_stored| response.status == 304);
        let again = stored.and_then(|stored| {
            let (fingerprint, freshness) = (*fingerprint, *freshness);
            self.cache.revalidated(fingerprint, &errand.prepared, stored, &response, freshness)
        });
        if let Some(response) = again {
            return (response, Origin::Revalidated);
        }
        if hops == 0 {
            self.cache.store(*fingerprint, &errand.prepared, &response, *freshness);
        }
        (response, Origin::Api)
    }

    /// One try, from its turn on. The first begins the time of all.
    async fn one_try(
        &self,
        prepared: &Prepared,
        errand: &Errand,
        time: &mut Option<Time>,
        hops: &mut Hops,
    ) -> Result<(Response, Hold), Error> {
        let deadline = errand.allowance.deadline;
        let end = time.map_or(deadline, |time| time.end);
        let _turn = self.turn(prepared, errand.allowance.number(), end).await?;
        let time = *time.get_or_insert_with(|| Time::now(errand.timeout, deadline));
        let mut hold = errand.allowance.hold();
        let room = Room { deadline, left: &errand.left, hold: &mut hold };
        let start = Instant::now();
        let response = self.exchange(prepared, room, time, hops).await?;
        let (status, bytes, elapsed) = (response.status, response.body.len(), start.elapsed());
        self.metrics.response(errand.method, status, bytes, elapsed);
        tracing::debug!(endpoint = prepared.endpoint(), status, bytes, ?elapsed, "Exchange");
        Ok((response, hold))
    }

    /// A turn among all exchanges of the datasource, and at the API's pace.
    async fn turn(
        &self,
        prepared: &Prepared,
        query: u64,
        end: Instant,
    ) -> Result<Turn<u64>, Error> {
        let start = Instant::now();
        let late = || timed_out(&prepared.endpoint(), start, Phase::Queue, Bound::Query);
        let turn = self.gate.turn(query, end).await.map_err(|none| match none {
            NoTurn::Late => late(),
            NoTurn::Queue(limit) => Error::Busy { limit },
        })?;
        if let Some((limiter, requests_per_second)) = &self.pace {
            timeout_at(end, limiter.acquire_one()).await.map_err(|_elapsed| Error::Pace {
                endpoint: prepared.endpoint(),
                after: start.elapsed(),
                requests_per_second: requests_per_second.to_string(),
            })?;
        }
        // A turn that comes as the time ends, because others ran out of it too, is no turn.
        if Instant::now() < end { Ok(turn) } else { Err(late()) }
    }

    /// Sends a request once and reads the response.
    async fn exchange(
        &self,
        prepared: &Prepared,
        room: Room<'_>,
        time: Time,
        hops: &mut Hops,
    ) -> Result<Response, Error> {
        let asked = prepared.endpoint();
        let sent = timeout_at(time.end, self.send(prepared, time.end, hops)).await;
        let (endpoint, response) =
            sent.map_err(|_elapsed| time.over(&asked, Phase::Response))??;
        self.read(endpoint, response, room, time).await
    }

    /// Sends a request and follows redirects. Returns the endpoint that answered, and its response up to the body.
    ///
    /// Not reqwest's own redirects: those drop `Authorization`, but carry an API key in any other header to wherever the
    /// redirect leads.
    pub(super) async fn send(
        &self,
        prepared: &Prepared,
        end: Instant,
        hops: &mut Hops,
    ) -> Result<(String, reqwest::Response), Error> {
        hops.count = 0;
        // Most requests are not redirected, and not copied for it.
        let mut prepared = Cow::Borrowed(prepared);
        loop {
            let response = self.hop(&prepared, end, hops).await?;
            self.check_header(&prepared, &response)?;
            let location = response.headers().get(LOCATION).map(HeaderValue::as_bytes);
            let next = self.policy.redirect(&prepared.url, response.status(), location, hops.count);
            let next = next.and_then(|next| match next {
                Some(next) => prepared.to_mut().follow(response.status(), next).map(|()| true),
                None => Ok(false),
            });
            match next {
                Ok(false) => return Ok((prepared.endpoint(), response)),
                Ok(true) => hops.count += 1,
                Err(refusal) => {
                    return Err(self.policy.refused(prepared.endpoint(), refusal));
                }
            }
        }
    }

    /// Sends a request to one place, with a proof of who asks if that is the datasource's own; once more with a newer one if the API
    /// asks for that.
    async fn hop(
        &self,
        prepared: &Prepared,
        end: Instant,
        hops: &mut Hops,
    ) -> Result<reqwest::Response, Error> {
        let is_own = self.policy.is_own_origin(&prepared.url);
        let connections = self.connections.to(is_own);
        let mut is_first = true;
        loop {
            let mut outgoing = prepared.clone();
            let proof = match is_own {
                true => Some(self.authentication.prove(&mut outgoing, end).await?),
                false => None,
            };
            let start = Instant::now();
            let mut request = to_reqwest(outgoing);
            self.connections.rename(is_own, &mut request);
            let response = connections
                .execute(request)
                .await
                .map_err(|error| self.failed(prepared, &error, start.elapsed()))?;
            hops.was_answered = true;
            let (status, headers) = (response.status(), response.headers());
            let again =
                proof.is_some_and(|proof| self.authentication.is_outdated(proof, status, headers));
            if !(is_first && again) {
                return Ok(response);
            }
            is_first = false;
        }
    }

    /// Why there is no status, `after` the request was begun.
    fn failed(&self, prepared: &Prepared, error: &reqwest::Error, after: Duration) -> Error {
        let (endpoint, url) = (prepared.endpoint(), &prepared.url);
        match failure::refused_address(error) {
            Some(refused) => self.policy.refused(endpoint, Refusal::of_name(refused.clone(), url)),
            None => match self.connections.failure_before().filter(|_cause| error.is_connect()) {
                Some(cause) => {
                    let cause = format!("the secure SOCKS proxy let nothing through: {cause}");
                    Error::Unreachable { endpoint, cause, was_sent: false }
                }
                None => failure::of_request(endpoint, url, error, after),
            },
        }
    }

    /// Counts the header fields. hyper itself reads no more than 400 KiB of them (HTTP/1), or what we told it (HTTP/2).
    fn check_header(&self, prepared: &Prepared, response: &reqwest::Response) -> Result<(), Error> {
        let bytes: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes <= self.header_bytes {
            return Ok(());
        }
        let (part, key, limit) = ("response's header", "header_bytes", self.header_bytes);
        Err(Error::TooLarge { endpoint: prepared.endpoint(), part, key, limit })
    }
}

/// The API's pace, if there is one.
fn rate_limiter(pace: Pace) -> Option<(RateLimiter, f64)> {
    let each_second = pace.requests_per_second.filter(|number| *number > 0.0)?;
    let (refill, interval) = refills(each_second);
    let burst = pace.burst.map_or_else(|| each_second.ceil() as usize, |burst| burst as usize);
    let burst = burst.max(1);
    let limiter = RateLimiter::builder()
        .initial(burst)
        .max(burst.max(refill))
        .refill(refill)
        .interval(interval.min(PACE_INTERVAL_MAX))
        .fair(true)
        .build();
    Some((limiter, each_second))
}

/// How many tokens come at once, and how often, so that no more come in a second than are asked for.
fn refills(each_second: f64) -> (usize, Duration) {
    /// Tokens come in this time one by one, or several at once if there are more.
    const TICK: Duration = Duration::from_millis(10);
    let refill = (each_second * TICK.as_secs_f64()).ceil().max(1.0);
    // The crate counts in milliseconds; a part of one more is not faster.
    let milliseconds = (refill / each_second * 1e3).ceil();
    let interval = Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or(Duration::MAX);
    (refill as usize, interval)
}

fn to_reqwest(prepared: Prepared) -> reqwest::Request {
    let mut request = reqwest::Request::new(prepared.method, prepared.url);
    *request.headers_mut() = prepared.headers;
    // A part of a body (RFC 9110, section 14) would be a part of the compressed one.
    if !request.headers().contains_key(RANGE) {
        let accepted = HeaderValue::from_static(decoding::ACCEPTED);
        request.headers_mut().entry(ACCEPT_ENCODING).or_insert(accepted);
    }
    if !prepared.body.is_empty() {
        *request.body_mut() = Some(prepared.body.into());
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_kept_to_and_not_far_below() {
        for each_second in
            [0.01, 0.3, 1.0, 7.0, 99.0, 110.0, 140.0, 150.0, 160.0, 290.0, 1000.0, 5e4]
        {
            let (refill, interval) = refills(each_second);
            let kept = refill as f64 / interval.as_secs_f64();
            assert!(kept <= each_second * 1.000_001, "{each_second}: {kept}");
            assert!(kept >= each_second * 0.9, "{each_second}: {kept}");
        }
    }
}
