//! Queries in flight: so many at a time, over one connection, for a while.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use graft_launch::Plugin;
use graft_proto::pluginv2::QueryDataRequest;
use tokio::task::JoinSet;

use super::api::succeeded;
use super::figures::Times;
use crate::process::Process;

/// How many queries at a time, of how many rows each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) rows: usize,
    pub(super) in_flight: usize,
}

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

/// What came of a load.
pub(super) struct Loaded {
    pub(super) load: Load,
    /// Of each query.
    pub(super) times: Times,
    /// From the first question to the last answer.
    pub(super) took: Duration,
    /// The plugin's processor time.
    pub(super) processor: Duration,
    /// The plugin's memory, bytes.
    pub(super) peak: u64,
}

impl Loaded {
    pub(super) fn queries_per_second(&self) -> f64 {
        self.times.count() as f64 / self.took.as_secs_f64()
    }

    pub(super) fn rows_per_second(&self) -> f64 {
        self.queries_per_second() * self.load.rows as f64
    }

    pub(super) fn processor_per_query(&self) -> Duration {
        self.processor.div_f64(self.times.count() as f64)
    }

    /// How much of one processor the plugin had at work, from 0 to 1 where it has one.
    pub(super) fn busy(&self) -> f64 {
        self.processor.as_secs_f64() / self.took.as_secs_f64()
    }
}

/// Warms the plugin up, and measures: each answer makes room for the next question.
pub(super) async fn measure(
    plugin: &Plugin,
    request: &QueryDataRequest,
    load: Load,
    lengths: Lengths,
) -> anyhow::Result<Loaded> {
    run(plugin, request, load.in_flight, lengths.warm_up).await?;
    let process = Process(plugin.process_id().context("the plugin ended")?);
    let (peak, before, begun) = (process.watch()?, process.processor_time()?, Instant::now());
    let times = run(plugin, request, load.in_flight, lengths.measured).await?;
    Ok(Loaded {
        load,
        times: Times::new(times)?,
        took: begun.elapsed(),
        processor: process.processor_time()?.saturating_sub(before),
        peak: peak.bytes()?,
    })
}

/// Gives a request a time range of its own: who asks what another asks at the same time is answered with it.
pub(super) fn set_apart(request: &mut QueryDataRequest, number: usize) {
    for range in request.queries.iter_mut().filter_map(|query| query.time_range.as_mut()) {
        range.from_epoch_ms -= 1_000 * number as i64;
    }
}

/// No question is asked after the end, but every answer is waited for, so that slow ones count as well.
async fn run(
    plugin: &Plugin,
    request: &QueryDataRequest,
    in_flight: usize,
    length: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let end = Instant::now() + length;
    let mut askers = JoinSet::new();
    for asker in 0..in_flight {
        let (mut client, mut request) = (plugin.data(), request.clone());
        set_apart(&mut request, asker);
        askers.spawn(async move {
            let mut times = Vec::new();
            while times.is_empty() || Instant::now() < end {
                let request = request.clone();
                let begun = Instant::now();
                let response = client.query_data(request).await?;
                times.push(begun.elapsed());
                succeeded(response.get_ref())?;
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(asked) = askers.join_next().await {
        times.extend(asked.context("a query was lost")??);
    }
    Ok(times)
}
