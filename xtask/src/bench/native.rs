//! What the sandbox costs: a guest's call on a large body, copies into the sandbox and out of it included, beside the same guest as
//! native code.

mod case;
mod process;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arrow::array::Array as _;
use arrow::datatypes::DataType;
use bytes::Bytes;
use graft_launch::frames::{Frame, decode_all};
use graft_launch::{Datasource, Launch, LogLine, Plugin, Query};
use hyper::StatusCode;

use self::case::Case;
use self::process::Native;
use super::api::succeeded;
use super::figures::Times;
use super::processors::{Processors, launch};
use crate::server;

/// The guests that are compared.
pub(super) const GUESTS: [&str; 2] = ["things", "prometheus"];

/// What was measured.
pub(super) struct Compared {
    pub(super) guest: &'static str,
    pub(super) body_bytes: u64,
    /// The guest's call alone.
    pub(super) calls: Times,
    pub(super) native: Times,
    /// The native process's memory for one body, bytes above what it had before.
    pub(super) native_peak: u64,
}

impl Compared {
    /// How many times as long the sandbox takes.
    pub(super) fn ratio(&self) -> f64 {
        self.calls.median().as_secs_f64() / self.native.median().as_secs_f64()
    }
}

/// Measures so many queries in both ways, in turns.
pub(super) async fn measure(
    host: Launch,
    processors: Option<Processors>,
    native: &Path,
    guest: &'static str,
    repetitions: usize,
) -> anyhow::Result<Compared> {
    let case = Case::of(guest)?;
    let body_bytes = case.body.len() as u64;
    let file = tempfile::NamedTempFile::new().context("a temporary file cannot be made")?;
    std::fs::write(file.path(), &case.body).context("a temporary file cannot be written")?;
    let body = Bytes::from(case.body.clone());
    let address = server::serve(move |_path, _query| (StatusCode::OK, body.clone())).await?;
    // At this level the plugin says what each call of a guest took.
    let plugin = launch(processors, host.setting("log_level", "debug")).await?;
    let datasource = Datasource::new("large", &format!("http://{address}"));
    let datasource = datasource.settings(case.settings.clone());
    let start = || Native::start(native, &case, file.path());
    let mut native = match processors {
        Some(processors) => processors.start(start),
        None => start(),
    }?;

    query(&plugin, &datasource, &case).await?;
    let peak = native.process().watch()?;
    native.transform(case.numbers)?;
    let native_peak = peak.added()?;
    let (warm_up, mut native_times) = (calls(&plugin.log()).len(), Vec::new());
    for _turn in 0..repetitions {
        query(&plugin, &datasource, &case).await?;
        native_times.push(native.transform(case.numbers)?);
    }
    let log = plugin.shutdown().await?.log;
    let calls = calls(&log).split_off(warm_up);
    let (calls, native) = (Times::new(calls)?, Times::new(native_times)?);
    Ok(Compared { guest, body_bytes, calls, native, native_peak })
}

/// What the calls took that read a body.
fn calls(log: &[LogLine]) -> Vec<Duration> {
    log.iter().filter_map(|line| call(line, "query.transform")).collect()
}

/// What a call took, if the line is about one of this export.
pub(super) fn call(line: &LogLine, export: &str) -> Option<Duration> {
    let entry = line.entry.as_ref().ok().filter(|entry| entry.message == "Call")?;
    let field = |name: &str| entry.fields.get(name).and_then(|value| value.as_str());
    let microseconds = field("microseconds").filter(|_call| field("export") == Some(export))?;
    Some(Duration::from_micros(microseconds.parse().ok()?))
}

async fn query(plugin: &Plugin, datasource: &Datasource, case: &Case) -> anyhow::Result<()> {
    let (from, to) = case.range;
    let query = Query::new("A", case.query.clone()).range(from, to).points(11_000);
    let response = plugin.query_data(datasource.query_data([query])).await?;
    let frames = decode_all(&succeeded(&response)?.frames)?;
    let found: usize = frames.iter().map(numbers).sum();
    if found != case.numbers {
        bail!("the query has {found} numbers instead of {}", case.numbers);
    }
    Ok(())
}

fn numbers(frame: &Frame) -> usize {
    let columns = frame.batch.columns().iter();
    columns
        .filter(|column| *column.data_type() == DataType::Float64)
        .map(|column| column.len())
        .sum()
}
