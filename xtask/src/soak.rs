//! The soak test: good and hostile queries for minutes or hours, after which the plugin must have answered every one as it should, and
//! must not have grown.

mod traffic;
mod tally;
mod growth;

use std::time::Duration;

use anyhow::{Context as _, bail};
use graft_launch::Plugin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout_at};

use self::growth::{Sample, growth};
use self::tally::{Outcome, Tally};
use self::traffic::Traffic;
use crate::host::{self, Installed};
use crate::process::Process;
use crate::step::Step;

/// Before growth is looked at, as a part of all the time: pools, caches and allocators have filled by then.
const WARM_UP_SHARE: f64 = 0.2;

/// After the last question, so long is waited for answers: longer than the host lets any query take.
const LAST_ANSWERS: Duration = Duration::from_secs(90);

/// Of the plugin's log so many lines are kept: those that tell why it failed.
const LOG_LINES: usize = 2_000;

/// How to soak.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long, in minutes.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Queries in a second, whether or not earlier ones were answered.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Build the plugin as for tests, which is quicker than for a release.
    #[arg(long)]
    dev: bool,
}

/// Sends the traffic, and fails unless everything was answered as it should and nothing grew.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let length = Duration::try_from_secs_f64(arguments.minutes * 60.0);
    let length = length.context("--minutes has to be a number of minutes")?;
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let guests = Traffic::guests(folder.path())?;
    let installed = Installed::new(&host::build(!arguments.dev)?, &guests)?;
    let runtime = tokio::runtime::Runtime::new().context("tokio's runtime cannot be started")?;
    runtime.block_on(soak(&installed, length, arguments.rate))
}

async fn soak(installed: &Installed, length: Duration, rate: u32) -> anyhow::Result<()> {
    let traffic = Traffic::start().await?;
    let launch = traffic.limits(installed.launch()).keep_log_lines(LOG_LINES);
    let plugin = Plugin::launch(launch).await?;
    let process = Process(plugin.process_id().context("the plugin ended")?);
    traffic.compile(&plugin).await?;

    let step = Step::begin(format!("{rate} queries a second"));
    let watching = tokio::spawn(watch(process, length));
    let tally = send(&plugin, &traffic, length, rate).await?;
    let samples = watching.await.context("the watcher is lost")??;
    step.done();
    let exit = plugin.shutdown().await?;

    let growth = growth(&samples, WARM_UP_SHARE)?;
    println!("\n{}\n{}", tally.table(), growth.table());
    let mut faults = [tally.faults(), growth.faults()].concat();
    if !exit.status.success() {
        faults.push(format!("the plugin ended with {}", exit.status));
    }
    if let Some(line) = exit.stdout.first() {
        faults.push(format!("the plugin wrote to stdout: {line}"));
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{}", faults.join("\n       "));
}

/// Sends queries at their times, whether or not earlier ones were answered, and waits for the last answers.
async fn send(
    plugin: &Plugin,
    traffic: &Traffic,
    length: Duration,
    rate: u32,
) -> anyhow::Result<Tally> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tally = Tally::new(traffic);
    let (mut queries, end) = (JoinSet::new(), Instant::now() + length);
    let mut clock = interval(Duration::from_secs(1) / rate);
    for number in 0.. {
        // A tick that was missed is made up for.
        if clock.tick().await >= end {
            break;
        }
        let kind = traffic.kind(number);
        let (mut client, question, tell) = (plugin.data(), kind.question.clone(), tell.clone());
        tally.sent(kind.index);
        queries.spawn(async move {
            let begun = Instant::now();
            let response = client.query_data(question.request.as_ref().clone()).await;
            let response = response.map(|response| response.into_inner());
            let outcome = Outcome::of(&question, begun.elapsed(), response.map_err(Into::into));
            // Nobody listens any more only when all is over.
            let _told = tell.send(outcome);
        });
        while queries.try_join_next().is_some() {}
        while let Ok(outcome) = told.try_recv() {
            tally.add(outcome);
        }
    }
    drop(tell);
    let patience = Instant::now() + LAST_ANSWERS;
    while let Ok(Some(outcome)) = timeout_at(patience, told.recv()).await {
        tally.add(outcome);
    }
    Ok(tally)
}

/// Looks at the process once a second.
async fn watch(process: Process, length: Duration) -> anyhow::Result<Vec<Sample>> {
    let (mut samples, end) = (Vec::new(), Instant::now() + length);
    while Instant::now() < end {
        samples.push(Sample::of(process)?);
        sleep(Duration::from_secs(1)).await;
    }
    Ok(samples)
}
