//! One query at a time of a million rows: how long it takes, and how much memory it needs besides the body.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::api::succeeded;
use super::figures::Times;
use super::processors::{Processors, launch};
use super::subject::Subject;
use crate::process::Process;

/// How many rows, a time and a number each.
pub(super) const ROWS: usize = 1_000_000;

/// What was measured.
pub(super) struct Large {
    pub(super) body_bytes: u64,
    pub(super) times: Times,
    /// The plugin's processor time for one query.
    pub(super) processor: Duration,
    /// The most memory during the first query, bytes above what the process had before.
    pub(super) peak: u64,
}

impl Large {
    pub(super) fn rows_per_second(&self) -> f64 {
        ROWS as f64 / self.times.median().as_secs_f64()
    }

    pub(super) fn peak_to_body(&self) -> f64 {
        self.peak as f64 / self.body_bytes as f64
    }
}

/// Measures so many queries in a plugin of its own.
pub(super) async fn measure(
    subject: &Subject,
    processors: Option<Processors>,
    address: SocketAddr,
    repetitions: usize,
) -> anyhow::Result<Large> {
    let plugin = launch(processors, subject.launch()).await?;
    let process = Process(plugin.process_id().context("the plugin ended")?);
    // The data source is ready and a connection open before memory is looked at.
    let small = subject.request(address, 100);
    subject.api.check(&plugin.query_data(small).await?, 100)?;

    let request = subject.request(address, ROWS);
    let peak = process.watch()?;
    let response = plugin.query_data(request.clone()).await?;
    let peak = peak.added()?;
    subject.api.check(&response, ROWS)?;
    drop(response);
    let (mut times, before) = (Vec::new(), process.processor_time()?);
    for _repetition in 0..repetitions {
        let request = request.clone();
        let begun = Instant::now();
        let response = plugin.query_data(request).await?;
        times.push(begun.elapsed());
        succeeded(&response)?;
    }
    let processor = process.processor_time()?.saturating_sub(before);
    Ok(Large {
        body_bytes: subject.api.body(ROWS).len() as u64,
        processor: processor.div_f64(times.len() as f64),
        times: Times::new(times)?,
        peak,
    })
}
