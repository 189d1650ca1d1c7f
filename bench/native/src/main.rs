//! Runs the Prometheus guest as native code, so that `cargo xtask bench` can say what the sandbox costs.
//!
//! The arguments are a file with Prometheus' answer to a range query and the range's two ends, in nanoseconds since the epoch. The
//! process says `ready`; for each line on stdin it transforms the answer once and says how many nanoseconds that took and how many
//! numbers came of it. It ends when stdin does.
#![expect(clippy::print_stdout, reason = "stdout is how this process answers")]

use std::io::stdin;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use graft_guest::testing::Guest;
use graft_guest::{Column, Field, Frame, Header, Response, TimeRange};
use guest_prometheus::Prometheus;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, from, to] = arguments.as_slice() else {
        bail!("the arguments are a file and the two ends of its time range");
    };
    let (from, to) = (from.parse()?, to.parse()?);
    let guest = Guest::<Prometheus>::new(r#"{"guest":"prometheus","httpMethod":"GET"}"#);
    let mut query = guest.query(r#"{"refId":"A","expr":"demo","range":true,"interval":"15s"}"#);
    query.time_range = TimeRange { from, to };
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
