//! One query, from start to end.

mod chunks;
mod error;
mod placeholders;
mod rounds;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::Instrument as _;

pub use chunks::{Part, run_in_chunks};
pub use error::Error;
pub(crate) use placeholders::{check, check_json};
pub(crate) use rounds::Rounds;

use crate::datasource::Datasource;
use crate::egress::{Asker, Client, Demand, Journal};
pub use crate::frame::Chunk;
use crate::frame::Frames;
use crate::guest::GuestId;
use crate::limits::{ENCODE_INLINE_BYTES_MAX, Limits};
use crate::model::{Caller, Exchange, Fetch, Format, Frame, Notice, Origin, Query, Severity};

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
    let asker = Asker { caller, allowance: &allowance, journal: &journal, demand: Demand::Any };
    let collected = collect(datasource, query, limits, asker, query.from_alert).await;
    let (mut frames, notice) = collected.map_err(|error| error.redacted(&datasource.client))?;
    // Frames of an alert rule are evaluated, and nobody looks at them.
    let stale = stale(&journal);
    if !query.from_alert {
        let exchanges = told(&journal, &datasource.client);
        frames.tell(&exchanges, notice.into_iter().chain(stale).collect());
    } else if stale.is_some() {
        tracing::warn!(
            refId = query.ref_id,
            "An alert rule evaluates an old answer: there is no new one"
        );
    }
    encode(frames, datasource.guest.id(), query, format).await
}

/// The exchanges so far, fit to be told.
fn told(journal: &Journal, client: &Client) -> Vec<Exchange> {
    let (mut exchanges, redact) = (journal.exchanges(), client.redactor());
    for exchange in &mut exchanges {
        exchange.url = redact(&exchange.url);
    }
    exchanges
}

/// What to say of answers that are old because there are no others.
fn stale(journal: &Journal) -> Option<Notice> {
    let text = "The API gives no answer now. What is shown is the last that it gave.".to_owned();
    journal.has(Origin::Stale).then_some(Notice { severity: Severity::Warning, text, link: None })
}

/// All frames of a query, checked each by itself; and if the query ended before its end, a notice of that.
///
/// A dashboard shows what there is when a later page cannot be had. Who has no place for a notice wants it `whole`: an alert rule must not
/// evaluate half of the data, and a stream must not show it as if it were all. For them it is an error.
pub(crate) async fn collect(
    datasource: &Datasource,
    query: &Query,
    limits: &Limits,
    asker: Asker<'_>,
    whole: bool,
) -> Result<(Frames, Option<Notice>), Error> {
    let mut frames = Frames::new(limits);
    let mut run = Run::begin(datasource, query, limits, asker).await?;
    loop {
        let is_first = frames.is_empty();
        let error = match run.round().await {
            Ok(None) => return Ok((frames, None)),
            Ok(Some(found)) => {
                let added;
                (frames, added) = add(frames, found, datasource.guest.id()).await?;
                let Err(error) = added else { continue };
                error
            }
            Err(error) => error,
        };
        if whole || is_first || !error.is_about_more() {
            return Err(error);
        }
        let rounds = run.rounds.before();
        return Ok((frames, Some(ended_early(error, rounds, datasource, query))));
    }
}

/// Tells the user, and the log, that there is more than is shown.
fn ended_early(error: Error, rounds: u32, datasource: &Datasource, query: &Query) -> Notice {
    let error = error.redacted(&datasource.client);
    let (guest, chain): (_, &dyn std::error::Error) = (datasource.guest.id(), &error);
    tracing::warn!(refId = query.ref_id, %guest, rounds, error = chain, "Query ended early");
    let of = if rounds == 1 {
        "the first round of requests is"
    } else {
        "the first rounds of requests are"
    };
    let text = format!(
        "Not all of the data is shown: only what {of} about ({rounds}). {}",
        error.user_message()
    );
    Notice { severity: Severity::Warning, text, link: None }
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
        check_json(&query.model)?;
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
        let (responses, _held) = self.rounds.send(client, fetch.requests, asker).await?;
        let outcome = guest.transform(self.query, view, responses, fetch.state, allowance).await?;
        self.next = outcome.next;
        Ok(Some(outcome.frames))
    }
}

/// Checks a round's frames and keeps them, up to one that cannot be kept; if they are large on another thread, so that they hold up
/// nobody's network.
pub(crate) async fn add(
    mut frames: Frames,
    found: Vec<Frame>,
    guest: &GuestId,
) -> Result<(Frames, Result<(), Error>), Error> {
    let small = Frames::size(&found) <= ENCODE_INLINE_BYTES_MAX;
    let add = move || {
        let added = frames.add(found);
        (frames, added)
    };
    let (frames, added) = if small { add() } else { elsewhere(add).await? };
    Ok((frames, added.map_err(|error| Error::frame(guest, error))))
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
