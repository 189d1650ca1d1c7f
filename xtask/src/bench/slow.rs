//! A thousand queries in flight, to an API that takes a second for each answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::api::succeeded;
use super::load::set_apart;
use super::processors::{Processors, launch};
use super::subject::Subject;
use crate::process::Process;

/// How long the API takes.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// Queries at once.
pub(super) const QUERIES: usize = 1_000;

/// Ten queries each: a data source of the host has no more than 16 requests in flight, unless an admin allows it.
const DATASOURCES: usize = 100;

const ROWS: usize = 100;

/// What was measured.
pub(super) struct Slow {
    /// How many were answered in the time that there was.
    pub(super) answered: usize,
    /// From the first question to the last of these answers.
    pub(super) took: Duration,
    /// The plugin's processor time.
    pub(super) processor: Duration,
    /// The plugin's memory, bytes.
    pub(super) peak: u64,
}

/// Measures once, in a plugin of its own, and waits for answers no longer than `patience`.
pub(super) async fn measure(
    subject: &Subject,
    processors: Option<Processors>,
    address: SocketAddr,
    patience: Duration,
) -> anyhow::Result<Slow> {
    let plugin = launch(processors, subject.launch()).await?;
    let process = Process(plugin.process_id().context("the plugin ended")?);
    // Whatever the first query of all needs is ready then.
    subject.api.check(&plugin.query_data(subject.request(address, ROWS)).await?, ROWS)?;

    let datasource = |number| subject.datasource(&format!("slow-{number}"), address, ROWS);
    let requests: Vec<_> =
        (0..DATASOURCES).map(|number| subject.api.request(&datasource(number))).collect();
    let (peak, before, begun) = (process.watch()?, process.processor_time()?, Instant::now());
    let mut queries = JoinSet::new();
    for number in 0..QUERIES {
        let (mut client, mut request) = (plugin.data(), requests[number % DATASOURCES].clone());
        set_apart(&mut request, number / DATASOURCES);
        queries.spawn(async move {
            let response = client.query_data(request).await?;
            succeeded(response.get_ref()).map(drop)
        });
    }
    let end = tokio::time::Instant::from_std(begun + patience);
    let (mut answered, mut took) = (0, Duration::ZERO);
    while let Ok(Some(query)) = timeout_at(end, queries.join_next()).await {
        query.context("a query was lost")??;
        (answered, took) = (answered + 1, begun.elapsed());
    }
    let processor = process.processor_time()?.saturating_sub(before);
    Ok(Slow { answered, took, processor, peak: peak.bytes()? })
}
