//! A response's body, read under limits into one buffer.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, SET_COOKIE};
use tokio::time::{Instant, timeout_at};

use super::courier::{Courier, Time};
use super::decoding::{Body, Coding};
use super::failure;
use crate::budget::Hold;
use crate::egress::error::{Bound, Error, Phase};
use crate::limits::BODY_IDLE_MAX;
use crate::model::Response;

/// What there is for the body of an exchange.
pub(super) struct Room<'a> {
    /// The end of the query's time.
    pub(super) deadline: Instant,
    /// What is left for the bodies of a round, bytes.
    pub(super) left: &'a AtomicUsize,
    /// What of the query's memory the body takes.
    pub(super) hold: &'a mut Hold,
}

impl Courier {
    /// Reads the body, decompressed, and stops as soon as it is over the limit, or there is no room left for
    /// what the exchanges of the round read. While the memory of all queries is used up, nothing is read, and no time passes for
    /// the API.
    pub(super) async fn read(
        &self,
        endpoint: String,
        response: reqwest::Response,
        room: Room<'_>,
        mut time: Time,
    ) -> Result<Response, Error> {
        let Room { deadline, left, hold } = room;
        let limit = self.response_bytes;
        let too_large = |endpoint| {
            let (part, key) = ("response", self.response_key);
            Error::TooLarge { endpoint, part, key, limit }
        };
        let announced = response.content_length();
        if announced.is_some_and(|announced| announced > limit as u64) {
            return Err(too_large(endpoint));
        }
        let (status, headers) = (response.status().as_u16(), headers(&response));
        // The size of a compressed body is not known before its end.
        let announced = announced.filter(|_bytes| Coding::of(response.headers()).is_none());
        let mut incoming = Body::of(response);
        let mut share = Share { left, taken: 0 };
        let capacity = announced.and_then(|announced| usize::try_from(announced).ok());
        let capacity = capacity.unwrap_or_default().min(left.load(Ordering::Relaxed));
        hold.take(capacity).await.map_err(Error::NoMemory)?;
        let mut body = Vec::with_capacity(capacity);
        let mut held = capacity;
        loop {
            match next(&mut incoming, time, &endpoint).await? {
                Ok(Some(_piece)) if incoming.has_grown_beyond(self.decompression_ratio) => {
                    return Err(Error::Inflated { endpoint, ratio: self.decompression_ratio });
                }
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => {
                    return Err(too_large(endpoint));
                }
                Ok(Some(chunk)) if !share.take(chunk.len()) => {
                    return Err(self.round_too_large(endpoint));
                }
                Ok(Some(chunk)) => {
                    if body.len() + chunk.len() > held {
                        // As much again, as the buffer itself grows.
                        let more = (body.len() + chunk.len() - held).max(held.min(limit - held));
                        let asked = Instant::now();
                        hold.take(more).await.map_err(Error::NoMemory)?;
                        time.end = (time.end + asked.elapsed()).min(deadline);
                        held += more;
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Err(error) => {
                    return Err(failure::of_body(endpoint, &error, body.len(), announced));
                }
            }
        }
        share.taken = 0;
        Ok(Response { status, headers, body: Bytes::from(body), failure: None })
    }

    /// Takes a body's size of what is left for a round.
    pub(super) fn take_of_round(
        &self,
        left: &AtomicUsize,
        bytes: usize,
        endpoint: &str,
    ) -> Result<(), Error> {
        let mut share = Share { left, taken: 0 };
        if !share.take(bytes) {
            return Err(self.round_too_large(endpoint.to_owned()));
        }
        share.taken = 0;
        Ok(())
    }

    fn round_too_large(&self, endpoint: String) -> Error {
        let (part, key) = ("round of responses with that", "guest_memory_bytes");
        Error::TooLarge { endpoint, part, key, limit: self.round_bytes }
    }
}

/// The next piece of a body, in time.
async fn next(
    body: &mut Body,
    time: Time,
    endpoint: &str,
) -> Result<io::Result<Option<Bytes>>, Error> {
    let idle = Instant::now() + BODY_IDLE_MAX;
    let chunk = timeout_at(time.end.min(idle), body.next()).await;
    chunk.map_err(|_elapsed| {
        let time = if idle < time.end { Time { bound: Bound::Idle, ..time } } else { time };
        time.over(endpoint, Phase::Body)
    })
}

/// What a body has taken of its round. It is given back, for another try, if the body does not come to its end.
struct Share<'a> {
    left: &'a AtomicUsize,
    taken: usize,
}

impl Share<'_> {
    fn take(&mut self, bytes: usize) -> bool {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left: usize| {
            left.checked_sub(bytes)
        });
        self.taken += if taken.is_ok() { bytes } else { 0 };
        taken.is_ok()
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.left.fetch_add(self.taken, Ordering::Relaxed);
    }
}

/// A response's header fields as guests see them: without what is not for them, and without what holds for a compressed body alone.
pub(super) fn headers(response: &reqwest::Response) -> Vec<(String, String)> {
    let is_compressed = Coding::of(response.headers()).is_some();
    let is_of_compression = |name| name == CONTENT_ENCODING || name == CONTENT_LENGTH;
    let headers = response.headers().iter().filter(|(name, _value)| {
        *name != SET_COOKIE && !(is_compressed && is_of_compression(*name))
    });
    let headers = headers.map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    headers.collect()
}
