//! Queries whose rows leave as rounds finish, so that never the whole result is in memory.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, future, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::{Error, Run, add, elsewhere};
use crate::datasource::Datasource;
use crate::frame::{Chunk, Frames};
use crate::limits::{ENCODE_INLINE_BYTES_MAX, Limits};
use crate::model::{Format, Query};

/// Rows of one frame of a ref id, or why there are no more of it.
pub type Part = (String, Result<Chunk, Error>);

/// Runs the queries of one request side by side. Each has at least one part; an error is its last. Whoever does not take the
/// parts holds up the rounds, and whoever drops the stream ends them.
pub fn run_in_chunks(
    datasource: Arc<Datasource>,
    queries: Vec<Query>,
    format: Format,
    limits: Limits,
    deadline: Instant,
) -> impl Stream<Item = Part> + Send {
    // One part waits while the next is made.
    let (parts, taken) = mpsc::channel(1);
    let run = async move {
        let runs = queries.iter().map(async |query| {
            let ran = run_one(&datasource, query, format, &limits, deadline, &parts).await;
            if let Err(error) = ran {
                send(&parts, query, Err(error)).await;
            }
        });
        let mut runs = stream::iter(runs).buffer_unordered(limits.queries_in_flight);
        while runs.next().await.is_some() {}
    };
    let run = stream::once(run).map(|()| None);
    stream::select(ReceiverStream::new(taken).map(Some), run).filter_map(future::ready)
}

/// Build requests, send, transform, encode and send on, and again as long as the guest asks for another round.
async fn run_one(
    datasource: &Datasource,
    query: &Query,
    format: Format,
    limits: &Limits,
    deadline: Instant,
    parts: &mpsc::Sender<Part>,
) -> Result<(), Error> {
    let guest = datasource.guest.id();
    let blame = |error| Error::frame(guest, error);
    // An alert rule is given frames that are checked, and reshaped, all together.
    if query.from_alert {
        let frames = super::run_one(datasource, query, format, limits, deadline).await?;
        for (index, bytes) in frames.into_iter().enumerate() {
            send(parts, query, Ok(Chunk::whole(index, bytes))).await;
        }
        return Ok(());
    }
    let mut frames = Frames::new(limits);
    let mut run = Run::begin(datasource, query, limits, deadline).await?;
    while let Some(found) = run.round().await? {
        frames = add(frames, found, guest).await?;
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
            send(parts, query, Ok(chunk)).await;
        }
    }
    if frames.is_empty() {
        let nothing = Chunk::nothing(&query.ref_id, format).map_err(blame)?;
        send(parts, query, Ok(nothing)).await;
    }
    Ok(())
}

/// If nobody takes parts any more, the whole run is about to be dropped.
async fn send(parts: &mpsc::Sender<Part>, query: &Query, answer: Result<Chunk, Error>) {
    let _nobody_listens = parts.send((query.ref_id.clone(), answer)).await;
}
