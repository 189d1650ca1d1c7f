//! Runs a guest as native code, so that `cargo xtask bench` can say what the sandbox costs.
//!
//! The arguments are the guest's name, a file with its API's answer, the data source's `jsonData`, the query's JSON, and the time
//! range's two ends, in nanoseconds since the epoch. The process says `ready`; for each line on stdin it transforms the answer once
//! and says how many nanoseconds that took and how many numbers came of it. It ends when stdin does.
#![expect(clippy::print_stdout, reason = "stdout is how this process answers")]

use std::io::stdin;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use graft_guest::testing::Guest;
use graft_guest::{Column, Datasource, Field, Frame, Header, Response, TimeRange};
use guest_prometheus::Prometheus;
use guest_things::Things;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [guest, file, settings, query, from, to] = arguments.as_slice() else {
        bail!(
            "the arguments are a guest, a file, settings, a query, and the two ends of its time range"
        );
    };
    let range = TimeRange { from: from.parse()?, to: to.parse()? };
    match guest.as_str() {
        "things" => answer(&Guest::<Things>::new(settings), Path::new(file), query, range),
        "prometheus" => answer(&Guest::<Prometheus>::new(settings), Path::new(file), query, range),
        other => bail!("there is no guest '{other}'"),
    }
}

fn answer<D: Datasource>(
    guest: &Guest<D>,
    file: &Path,
    query: &str,
    range: TimeRange,
) -> anyhow::Result<()> {
    let mut query = guest.query(query);
    query.time_range = range;
    query.max_data_points = 11_000;
    let state = guest.build_requests(&query).map_err(|no| anyhow!("{no:?}"))?.state;
    println!("ready");
    for line in stdin().lines() {
        line.context("stdin cannot be read")?;
        let response = response(std::fs::read(file).context("the answer cannot be read")?);
        let begun = Instant::now();
        let outcome = guest.transform_with(&query, [response], &state);
        let took = begun.elapsed().as_nanos();
        let frames = outcome.map_err(|no| anyhow!("{no:?}"))?.frames;
        println!("{took} {}", frames.iter().map(numbers).sum::<usize>());
    }
    Ok(())
}

fn numbers(frame: &Frame) -> usize {
    let length = |field: &Field| match &field.values {
        Column::Float64(values) => values.len(),
        _ => 0,
    };
    frame.fields.iter().map(length).sum()
}

fn response(body: Vec<u8>) -> Response {
    let content_type =
        Header { name: "content-type".to_owned(), value: "application/json".to_owned() };
    Response { status: 200, headers: vec![content_type], body, failure: None }
}
