//! Queries whose rows leave as rounds finish, so that never the whole result is in memory.

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::{Error, Run, add, elsewhere, stale, told};
use crate::datasource::Datasource;
use crate::egress::{Asker, Demand, Journal};
use crate::frame::{Chunk, Frames};
use crate::limits::{ENCODE_INLINE_BYTES_MAX, Limits};
use crate::model::{Caller, Format, Query};

/// Rows of one frame of a ref id.
pub type Part = (String, Chunk);

/// Runs the queries of one request side by side, and hands on each chunk when its round is over; the next round waits for
/// that. Returns the queries that failed: their chunks so far are not all of them.
pub async fn run_in_chunks(
    datasource: &Datasource,
    queries: Vec<Query>,
    caller: &Caller,
    format: Format,
    limits: &Limits,
    deadline: Instant,
    parts: mpsc::Sender<Part>,
) -> Vec<(String, Error)> {
    let runs = queries.into_iter().map(async |query| {
        let span = tracing::info_span!(target: "trace", "query", refId = query.ref_id);
        let run = run_one(datasource, &query, caller, format, limits, deadline, &parts);
        let ran = run.instrument(span).await;
        ran.err().map(|error| (query.ref_id, error))
    });
    let runs = stream::iter(runs).buffer_unordered(limits.queries_in_flight);
    runs.filter_map(std::future::ready).collect().await
}

/// Build requests, send, transform, encode and send on, and again as long as the guest asks for another round.
async fn run_one(
    datasource: &Datasource,
    query: &Query,
    caller: &Caller,
    format: Format,
    limits: &Limits,
    deadline: Instant,
    parts: &mpsc::Sender<Part>,
) -> Result<(), Error> {
    let guest = datasource.guest.id();
    let blame = |error| Error::frame(guest, error);
    // An alert rule is given frames that are checked, and reshaped, all together.
    if query.from_alert {
        let frames = super::run_one(datasource, query, caller, format, limits, deadline).await?;
        if frames.is_empty() {
            let nothing = Chunk::nothing(&query.ref_id, format).map_err(blame)?;
            send(parts, query, nothing, deadline).await?;
        }
        for (index, bytes) in frames.into_iter().enumerate() {
            send(parts, query, Chunk::whole(index, bytes), deadline).await?;
        }
        return Ok(());
    }
    let mut frames = Frames::new(limits);
    let (allowance, journal) = (datasource.allow(deadline), Journal::default());
    let asker = Asker { caller, allowance: &allowance, journal: &journal, demand: Demand::Any };
    let redacted = |error: Error| error.redacted(&datasource.client);
    let run = Run::begin(datasource, query, limits, asker).await;
    let mut run = run.map_err(redacted)?;
    let mut is_first = true;
    while let Some(found) = run.round().await.map_err(redacted)? {
        let added;
        (frames, added) = add(frames, found, guest).await?;
        added?;
        // A frame's meta leaves with its first chunk, so that it tells of the first round alone.
        if is_first && !frames.is_empty() {
            let exchanges = told(&journal, &datasource.client);
            let notices = stale(&journal).into_iter().collect();
            frames.tell(&exchanges, notices);
            is_first = false;
        }
        let small = frames.column_bytes() <= ENCODE_INLINE_BYTES_MAX;
        let ref_id = query.ref_id.clone();
        let take = move || {
            let chunks = frames.take_chunks(&ref_id, format);
            chunks.map(|chunks| (frames, chunks))
        };
        let taken = if small { take() } else { elsewhere(take).await? };
        let (left, chunks) = taken.map_err(blame)?;
        frames = left;
        for chunk in chunks {
            send(parts, query, chunk, deadline).await?;
        }
    }
    if frames.is_empty() {
        let nothing = Chunk::nothing(&query.ref_id, format).map_err(blame)?;
        send(parts, query, nothing, deadline).await?;
    }
    Ok(())
}

/// Waits until the part is taken, but not longer than the query may. If nobody takes parts any more, the whole run is about
/// to be dropped.
async fn send(
    parts: &mpsc::Sender<Part>,
    query: &Query,
    chunk: Chunk,
    deadline: Instant,
) -> Result<(), Error> {
    let sent = timeout_at(deadline, parts.send((query.ref_id.clone(), chunk))).await;
    sent.map(|_nobody_listens| ()).map_err(|_elapsed| Error::NotTaken)
}
