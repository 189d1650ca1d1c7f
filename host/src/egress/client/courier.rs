//! One request on its way: from its turn, hop by hop, to the last byte of its response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::connections::Connections;
use super::{endpoint, failure, timed_out};
use crate::budget::Hold;
use crate::egress::authentication::Authentication;
use crate::egress::credentials::Prepared;
use crate::egress::error::{Bound, Error, Phase};
use crate::egress::policy::{Policy, Refusal};
use crate::model::Response;

/// What takes the requests of one datasource to its API, and brings back the responses.
pub(super) struct Courier {
    /// Connections, kept open between exchanges.
    pub(super) connections: Connections,
    /// What may be sent, and where a redirect may lead.
    pub(super) policy: Policy,
    /// What proves who asks.
    pub(super) authentication: Authentication,
    /// One response's body, bytes.
    pub(super) response_bytes: usize,
    /// All bodies of a round together, bytes: they have to fit into a guest's memory.
    pub(super) round_bytes: usize,
    /// `Limits::header_bytes`.
    pub(super) header_bytes: usize,
}

/// What there is for the body of an exchange.
pub(super) struct Room<'a> {
    /// The end of the query's time.
    pub(super) deadline: Instant,
    /// What is left for the bodies of a round, bytes.
    pub(super) left: Arc<AtomicUsize>,
    /// What of the query's memory the body takes.
    pub(super) hold: &'a mut Hold,
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
    /// Sends a request and reads the response.
    pub(super) async fn exchange(
        &self,
        prepared: Prepared,
        room: Room<'_>,
        time: Time,
    ) -> Result<Response, Error> {
        let asked = endpoint(&prepared.url);
        let sent = timeout_at(time.end, self.send(prepared, time.end)).await;
        let (url, response) = sent.map_err(|_elapsed| time.over(&asked, Phase::Response))??;
        self.read(&url, response, room, time.end, || time.over(&asked, Phase::Body)).await
    }

    /// Sends a request and follows redirects. Returns the URL that answered, and its response up to the body.
    ///
    /// Not reqwest's own redirects: those drop `Authorization`, but carry an API key in any other header to wherever the
    /// redirect leads.
    pub(super) async fn send(
        &self,
        mut prepared: Prepared,
        end: Instant,
    ) -> Result<(Url, reqwest::Response), Error> {
        let mut hops = 0;
        loop {
            let response = self.hop(&prepared, end).await?;
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
                    return Err(self.policy.refused(endpoint(&prepared.url), refusal));
                }
            }
        }
    }

    /// Sends a request to one place, with a proof of who asks if that is the datasource's own; once more with a newer one if the API
    /// asks for that.
    async fn hop(&self, prepared: &Prepared, end: Instant) -> Result<reqwest::Response, Error> {
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
            let response = connections
                .execute(to_reqwest(outgoing))
                .await
                .map_err(|error| self.failed(&prepared.url, &error, start.elapsed()))?;
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
    fn failed(&self, url: &Url, error: &reqwest::Error, after: Duration) -> Error {
        match failure::refused_address(error) {
            Some(refused) => {
                self.policy.refused(endpoint(url), Refusal::of_name(refused.clone(), url))
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
    pub(super) async fn read(
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
        Ok(Response { status, headers, body: Bytes::from(body), failure: None })
    }
}

/// A response's header fields as guests see them.
pub(super) fn headers(response: &reqwest::Response) -> Vec<(String, String)> {
    let headers = response.headers().iter().filter(|(name, _)| *name != SET_COOKIE);
    let headers = headers.map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    headers.collect()
}

fn to_reqwest(prepared: Prepared) -> reqwest::Request {
    let mut request = reqwest::Request::new(prepared.method, prepared.url);
    *request.headers_mut() = prepared.headers;
    if !prepared.body.is_empty() {
        *request.body_mut() = Some(prepared.body.into());
    }
    request
}
