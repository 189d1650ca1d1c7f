//! One query, from start to end.

mod chunks;
mod error;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::Instrument as _;

pub use chunks::{Part, run_in_chunks};
pub use error::Error;

use crate::datasource::Datasource;
use crate::egress::{Asker, Journal};
pub use crate::frame::Chunk;
use crate::frame::Frames;
use crate::guest::GuestId;
use crate::limits::{ENCODE_INLINE_BYTES_MAX, Limits};
use crate::model::{Caller, Fetch, Format, Frame, Query};

/// The answer to a ref id: encoded frames, or why there are none.
pub type Answer = (String, Result<Vec<Bytes>, Error>);

/// Runs the queries of one request side by side, and answers each by itself: a frame each as bytes, or an error.
pub async fn run_all(
    datasource: &Arc<Datasource>,
    queries: Vec<Query>,
    caller: &Caller,
    format: Format,
    limits: &Limits,
    deadline: Instant,
) -> Vec<Answer> {
    let answers = queries.into_iter().map(async |query| {
        let span = tracing::info_span!(target: "trace", "query", refId = query.ref_id);
        let answer = run_one(datasource, &query, caller, format, limits, deadline);
        let answer = answer.instrument(span).await;
        (query.ref_id, answer)
    });
    stream::iter(answers).buffer_unordered(limits.queries_in_flight).collect().await
}

/// Collect the frames of all rounds, then encode them.
async fn run_one(
    datasource: &Datasource,
    query: &Query,
    caller: &Caller,
    format: Format,
    limits: &Limits,
    deadline: Instant,
) -> Result<Vec<Bytes>, Error> {
    let (allowance, journal) = (datasource.allow(deadline), Journal::default());
    let asker = Asker { caller, allowance: &allowance, journal: &journal, afresh: false };
    let frames = collect(datasource, query, limits, asker).await?;
    encode(frames, datasource.guest.id(), query, format).await
}

/// All frames of a query, checked each by itself.
pub(crate) async fn collect(
    datasource: &Datasource,
    query: &Query,
    limits: &Limits,
    asker: Asker<'_>,
) -> Result<Frames, Error> {
    let mut frames = Frames::new(limits);
    let mut run = Run::begin(datasource, query, limits, asker).await?;
    while let Some(found) = run.round().await? {
        frames = add(frames, found, datasource.guest.id()).await?;
    }
    Ok(frames)
}

/// A query on its way through its rounds.
pub(crate) struct Run<'a> {
    datasource: &'a Datasource,
    query: &'a Query,
    asker: Asker<'a>,
    rounds: Rounds<'a>,
    /// The next round; none if the query is done.
    next: Option<Fetch>,
}

impl<'a> Run<'a> {
    /// Build requests.
    pub(crate) async fn begin(
        datasource: &'a Datasource,
        query: &'a Query,
        limits: &'a Limits,
        asker: Asker<'a>,
    ) -> Result<Self, Error> {
        let next =
            datasource.guest.build_requests(query, &datasource.view, asker.allowance).await?;
        let rounds = Rounds::new(datasource.guest.id(), limits);
        Ok(Self { datasource, query, asker, rounds, next: Some(next) })
    }

    /// Send and transform: the frames of one round, or none after the last.
    pub(crate) async fn round(&mut self) -> Result<Option<Vec<Frame>>, Error> {
        let Some(fetch) = self.next.take() else { return Ok(None) };
        let Self { datasource: Datasource { guest, view, client, .. }, asker, .. } = *self;
        let allowance = asker.allowance;
        self.rounds.admit(&fetch)?;
        let (responses, _held) = client.send_all(fetch.requests, asker).await?;
        let outcome = guest.transform(self.query, view, responses, fetch.state, allowance).await?;
        self.next = outcome.next;
        Ok(Some(outcome.frames))
    }
}

/// Checks a round's frames and keeps them; if they are large on another thread, so that they hold up nobody's network.
pub(crate) async fn add(
    mut frames: Frames,
    found: Vec<Frame>,
    guest: &GuestId,
) -> Result<Frames, Error> {
    let small = Frames::size(&found) <= ENCODE_INLINE_BYTES_MAX;
    let add = move || frames.add(found).map(|()| frames);
    let added = if small { add() } else { elsewhere(add).await? };
    added.map_err(|error| Error::frame(guest, error))
}

/// Checks all frames together and encodes them; if they are large on another thread as well.
async fn encode(
    frames: Frames,
    guest: &GuestId,
    query: &Query,
    format: Format,
) -> Result<Vec<Bytes>, Error> {
    // What an alert rule needs may be far larger than what the guest returned.
    let small = frames.column_bytes() <= ENCODE_INLINE_BYTES_MAX && !query.from_alert;
    let (ref_id, from_alert) = (query.ref_id.clone(), query.from_alert);
    let encode = move || {
        let frames = frames.complete()?;
        let frames = if from_alert { frames.for_alert()? } else { frames };
        frames.encode(&ref_id, format)
    };
    let encoded = if small { encode() } else { elsewhere(encode).await? };
    encoded.map_err(|error| Error::frame(guest, error))
}

pub(crate) async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|_panicked| Error::Panicked)
}

/// How many rounds and requests a query has left.
pub(crate) struct Rounds<'a> {
    /// Who asks for them.
    guest: &'a GuestId,
    limits: &'a Limits,
    rounds: u32,
    requests: usize,
}

impl<'a> Rounds<'a> {
    /// A query at its start.
    pub(crate) fn new(guest: &'a GuestId, limits: &'a Limits) -> Self {
        Self { guest, limits, rounds: 0, requests: 0 }
    }

    /// Counts a round, before anything of it is sent.
    pub(crate) fn admit(&mut self, fetch: &Fetch) -> Result<(), Error> {
        self.rounds += 1;
        self.requests += fetch.requests.len();
        let Limits { rounds, requests, .. } = *self.limits;
        let too_many =
            |what, limit| Error::TooMany { guest: self.guest.to_string(), what, key: what, limit };
        if self.rounds > rounds {
            return Err(too_many("rounds", rounds));
        }
        if self.requests > requests as usize {
            return Err(too_many("requests", requests));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Method, Request};

    fn fetch(requests: usize) -> Fetch {
        let request = Request {
            method: Method::Get,
            target: "/".to_owned(),
            parameters: Vec::new(),
            headers: Vec::new(),
            body: None,
            cache_for: None,
            idempotent: false,
            timeout: None,
            tolerate_failure: false,
        };
        Fetch { requests: vec![request; requests], state: String::new() }
    }

    #[test]
    fn a_query_has_so_many_rounds_and_so_many_requests_in_all() {
        let limits = Limits { rounds: 3, requests: 5, ..Limits::default() };
        let guest = GuestId { name: "things".into(), version: "1.2.3".into() };
        let mut rounds = Rounds::new(&guest, &limits);
        for _round in 0..3 {
            rounds.admit(&fetch(1)).unwrap();
        }
        let sentence = rounds.admit(&fetch(0)).unwrap_err().user_message();
        assert!(sentence.contains("Guest 'things 1.2.3' needs more than 3 rounds"), "{sentence}");
        assert!(sentence.contains("raise 'rounds' in grafana.ini"), "{sentence}");

        let mut rounds = Rounds::new(&guest, &limits);
        rounds.admit(&fetch(5)).unwrap();
        let error = rounds.admit(&fetch(1)).unwrap_err();
        assert!(error.user_message().contains("more than 5 requests"), "{error}");
    }
}
