//! From the start of the process to its handshake, and from there to the first answer. Guests were compiled by an earlier start.

use std::net::SocketAddr;
use std::time::Instant;

use super::figures::Times;
use super::processors::{Processors, launch};
use super::subject::Subject;

const ROWS: usize = 100;

/// The times of both.
pub(super) struct Starts {
    pub(super) handshakes: Times,
    pub(super) first_queries: Times,
}

/// Measures so many starts.
pub(super) async fn measure(
    subject: &Subject,
    processors: Option<Processors>,
    address: SocketAddr,
    repetitions: usize,
) -> anyhow::Result<Starts> {
    let (mut handshakes, mut first_queries) = (Vec::new(), Vec::new());
    for _start in 0..repetitions {
        let plugin = launch(processors, subject.launch()).await?;
        handshakes.push(plugin.time_to_handshake());
        let request = subject.request(address, ROWS);
        let begun = Instant::now();
        let response = plugin.query_data(request).await?;
        first_queries.push(begun.elapsed());
        subject.api.check(&response, ROWS)?;
    }
    Ok(Starts { handshakes: Times::new(handshakes)?, first_queries: Times::new(first_queries)? })
}
