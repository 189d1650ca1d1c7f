//! A Prometheus answer of a million points: the sandboxed guest through the whole plugin, and the same guest as native code.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use arrow::array::Array as _;
use arrow::datatypes::DataType;
use bytes::Bytes;
use graft_launch::frames::{Frame, decode_all};
use graft_launch::{Datasource, LogLine, Plugin, Query};
use hyper::StatusCode;
use serde_json::json;

use super::figures::Times;
use super::memory::Peak;
use crate::host::Installed;
use crate::server;
use crate::step::Step;

const SERIES: u32 = 100;
const POINTS: u32 = 10_000;
/// From one point to the next.
const STEP_SECONDS: u32 = 15;
/// When the first point is; a multiple of the step, as Prometheus aligns them.
const FIRST_SECONDS: u32 = 1_699_999_995;

/// What was measured.
pub(super) struct Large {
    pub(super) numbers: usize,
    pub(super) body_bytes: u64,
    /// Through the whole plugin.
    pub(super) sandboxed: Times,
    /// The guest's call alone, copies into the sandbox and out of it included.
    pub(super) calls: Times,
    pub(super) native: Times,
    /// Bytes above what the process had before.
    pub(super) sandboxed_peak: u64,
    /// Bytes above what the process had before.
    pub(super) native_peak: u64,
}

/// Measures so many queries in both ways, in turns.
pub(super) async fn measure(
    installed: &Installed,
    native: &Path,
    repetitions: usize,
) -> anyhow::Result<Large> {
    let body = body(SERIES, POINTS);
    let body_bytes = body.len() as u64;
    let file = tempfile::NamedTempFile::new().context("a temporary file cannot be made")?;
    std::fs::write(file.path(), &body).context("a temporary file cannot be written")?;
    let (large, small) = (Bytes::from(body), Bytes::from(self::body(1, 1)));
    let address = server::serve(move |path, _query| {
        (StatusCode::OK, if path.starts_with("/large/") { &large } else { &small }.clone())
    })
    .await?;
    // At this level the plugin says what each call of a guest took.
    let plugin = Plugin::launch(installed.launch().setting("log_level", "debug")).await?;
    let datasource = |path: &str| {
        Datasource::new(path, &format!("http://{address}/{path}"))
            .settings(json!({ "guest": "prometheus", "httpMethod": "GET" }))
    };
    // The guest is loaded and a connection open before memory is looked at.
    query(&plugin, &datasource("small"), 1).await?;
    let mut native = Native::start(native, file.path())?;

    let step =
        Step::begin(format!("{repetitions} queries of {} points, and natively", SERIES * POINTS));
    let numbers = (SERIES * POINTS) as usize;
    let peak = Peak::watch(plugin.process_id().context("the plugin ended")?)?;
    let first = query(&plugin, &datasource("large"), numbers).await?;
    let sandboxed_peak = peak.bytes()?;
    let peak = Peak::watch(native.process.id())?;
    let first_native = native.transform(numbers)?;
    let native_peak = peak.bytes()?;
    let (mut sandboxed_times, mut native_times) = (vec![first], vec![first_native]);
    for _turn in 1..repetitions {
        sandboxed_times.push(query(&plugin, &datasource("large"), numbers).await?);
        native_times.push(native.transform(numbers)?);
    }
    step.done();
    let log = plugin.shutdown().await?.log;
    let calls = Times::new(log.iter().filter_map(large_call).collect())?;
    let (sandboxed, native) = (Times::new(sandboxed_times)?, Times::new(native_times)?);
    Ok(Large { numbers, body_bytes, sandboxed, calls, native, sandboxed_peak, native_peak })
}

/// What a call took, if the line is about one that read a large body.
fn large_call(line: &LogLine) -> Option<Duration> {
    let entry = line.entry.as_ref().ok().filter(|entry| entry.message == "Call")?;
    let field = |name: &str| entry.fields.get(name).and_then(|value| value.as_str());
    let is_large = field("dsUid") == Some("large") && field("export") == Some("query.transform");
    let microseconds = field("microseconds").filter(|_call| is_large)?;
    Some(Duration::from_micros(microseconds.parse().ok()?))
}

/// A range query's answer. Values have as many digits as measured ones.
fn body(series: u32, points: u32) -> String {
    let mut body = r#"{"status":"success","data":{"resultType":"matrix","result":["#.to_owned();
    for number in 0..series {
        let separator = if number == 0 { "" } else { "," };
        let _infallible = write!(
            body,
            r#"{separator}{{"metric":{{"__name__":"demo","instance":"host-{number}:9100"}},"values":["#
        );
        for point in 0..points {
            let separator = if point == 0 { "" } else { "," };
            let time = FIRST_SECONDS + point * STEP_SECONDS;
            let value = f64::from(point * 7919 + number * 104_729) / 1_024.0;
            let _infallible = write!(body, r#"{separator}[{time},"{value:.3}"]"#);
        }
        body += "]}";
    }
    body + "]}}"
}

/// The time range of the large body, in milliseconds since the epoch.
fn range() -> (i64, i64) {
    let milliseconds = |seconds: u32| i64::from(seconds) * 1_000;
    (milliseconds(FIRST_SECONDS), milliseconds(FIRST_SECONDS + (POINTS - 1) * STEP_SECONDS))
}

async fn query(
    plugin: &Plugin,
    datasource: &Datasource,
    numbers: usize,
) -> anyhow::Result<Duration> {
    let (first, last) = range();
    let query = Query::new("A", json!({ "expr": "demo", "range": true, "interval": "15s" }))
        .range(first, last)
        .interval(i64::from(STEP_SECONDS) * 1_000)
        .points(11_000);
    let request = datasource.query_data([query]);
    let begun = Instant::now();
    let mut response = plugin.query_data(request).await?;
    let took = begun.elapsed();
    let answer = response.responses.remove("A").context("the plugin left the large query out")?;
    if !answer.error.is_empty() {
        bail!("the large query failed: {}", answer.error);
    }
    let found: usize = decode_all(&answer.frames)?.iter().map(self::numbers).sum();
    ensure!(found == numbers, "the query has {found} numbers instead of {numbers}");
    Ok(took)
}

fn numbers(frame: &Frame) -> usize {
    let columns = frame.batch.columns().iter();
    columns
        .filter(|column| *column.data_type() == DataType::Float64)
        .map(|column| column.len())
        .sum()
}

/// The process in which the guest runs as native code.
struct Native {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Native {
    fn start(binary: &Path, body: &Path) -> anyhow::Result<Self> {
        let (first, last) = range();
        let nanoseconds = |milliseconds: i64| (milliseconds * 1_000_000).to_string();
        let mut process = Command::new(binary)
            .arg(body)
            .args([nanoseconds(first), nanoseconds(last)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the native guest cannot be started")?;
        let answers = process.stdout.take().context("the native guest cannot be heard")?;
        let mut native = Self { process, answers: BufReader::new(answers) };
        ensure!(native.line()? == "ready", "the native guest does not answer");
        Ok(native)
    }

    /// Lets it transform the body once.
    fn transform(&mut self, numbers: usize) -> anyhow::Result<Duration> {
        let stdin = self.process.stdin.as_mut().context("the native guest cannot be asked")?;
        stdin.write_all(b"\n").context("the native guest ended")?;
        let line = self.line()?;
        let mut answer = line.split(' ').map(str::parse::<u64>);
        let (Some(Ok(nanoseconds)), Some(Ok(found))) = (answer.next(), answer.next()) else {
            bail!("the native guest answers '{line}'");
        };
        ensure!(
            found == numbers as u64,
            "the native guest made {found} numbers instead of {numbers}"
        );
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("the native guest cannot be heard")?;
        ensure!(!line.is_empty(), "the native guest ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Native {
    /// It ends when its stdin does.
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_body_is_what_prometheus_answers() {
        let body: Value = serde_json::from_str(&body(2, 3)).unwrap();
        let series = body["data"]["result"].as_array().unwrap();
        assert_eq!(series.len(), 2);
        assert_eq!(series[1]["metric"]["instance"], "host-1:9100");
        assert_eq!(series[0]["values"][2], json!([1_700_000_025, "15.467"]));
    }

    #[test]
    fn the_large_body_is_as_large_as_it_is_said_to_be() {
        let megabytes = body(10, POINTS).len() / 100_000;
        assert!((22..=28).contains(&megabytes), "{megabytes} MB");
    }
}
