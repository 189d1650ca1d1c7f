//! What the host's layer over HTTP adds to a small exchange: the same request by reqwest alone and by the host's client, in one
//! process and in turns (`bench/layer`).

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::task::spawn_blocking;

use super::api::Api;
use super::figures::Times;
use super::processors::Processors;

/// Rows of the exchange's body.
const ROWS: usize = 100;

/// The times of both ways.
pub(super) struct Layer {
    pub(super) plain: Times,
    pub(super) client: Times,
}

impl Layer {
    /// What is added where both are at their median.
    pub(super) fn added(&self) -> Duration {
        self.client.median().saturating_sub(self.plain.median())
    }
}

/// Measures so many turns.
pub(super) async fn measure(
    binary: &Path,
    processors: Option<Processors>,
    address: SocketAddr,
    turns: usize,
) -> anyhow::Result<Layer> {
    let mut command = Command::new(binary);
    command.arg(format!("http://{address}")).arg(Api::Things.path(ROWS)).arg(turns.to_string());
    command.stdout(Stdio::piped());
    let mut start = || command.spawn().context("the benchmark of the layer cannot be started");
    let child = match processors {
        Some(processors) => processors.start(start),
        None => start(),
    }?;
    // The API is served by this thread's runtime.
    let output = spawn_blocking(move || child.wait_with_output()).await??;
    ensure!(output.status.success(), "the benchmark of the layer failed");
    read(&String::from_utf8(output.stdout)?)
}

/// A line for each turn: nanoseconds of reqwest alone, and of the client.
fn read(lines: &str) -> anyhow::Result<Layer> {
    let (mut plain, mut client) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let (alone, through) = line.split_once(' ').context("a line has two numbers")?;
        plain.push(Duration::from_nanos(alone.parse()?));
        client.push(Duration::from_nanos(through.parse()?));
    }
    Ok(Layer { plain: Times::new(plain)?, client: Times::new(client)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_the_difference_of_medians_and_never_below_nothing() {
        let layer = read("1000 1500\n2000 1800\n900 1700\n").unwrap();
        assert_eq!(layer.added(), Duration::from_nanos(700));
        assert_eq!(read("9 1\n").unwrap().added(), Duration::ZERO);
        assert!(read("").is_err() && read("9\n").is_err());
    }
}
