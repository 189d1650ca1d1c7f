//! What a plugin adds to a small exchange: the same request by itself and through the plugin, in turns, so that whatever else this
//! machine does meets both.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use graft_launch::Plugin;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::api::succeeded;
use super::figures::Times;
use super::subject::Subject;

/// Before measuring begins: connections are open then, and code is in the processor's caches.
const WARM_UP: usize = 50;

const ROWS: usize = 100;

/// The times of both ways.
pub(super) struct Bare {
    pub(super) plugin: Times,
    pub(super) bare: Times,
    /// Of each turn, by how much the plugin took longer.
    pub(super) added: Times,
}

/// Measures so many turns.
pub(super) async fn measure(
    subject: &Subject,
    plugin: &Plugin,
    address: SocketAddr,
    repetitions: usize,
) -> anyhow::Result<Bare> {
    let mut client = connect(address).await?;
    let (request, mut data) = (subject.request(address, ROWS), plugin.data());
    let (mut by_plugin, mut bare, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..WARM_UP + repetitions {
        let direct = exchange(&mut client, subject, address).await?;
        let request = request.clone();
        let begun = Instant::now();
        let response = data.query_data(request).await?;
        let through = begun.elapsed();
        succeeded(response.get_ref())?;
        if turn >= WARM_UP {
            bare.push(direct);
            by_plugin.push(through);
            added.push(through.saturating_sub(direct));
        }
    }
    Ok(Bare { plugin: Times::new(by_plugin)?, bare: Times::new(bare)?, added: Times::new(added)? })
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("the API cannot be reached")?;
    stream.set_nodelay(true)?;
    let (client, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A request for the same body, as long as the one that comes of the query.
async fn exchange(
    client: &mut SendRequest<Empty<Bytes>>,
    subject: &Subject,
    address: SocketAddr,
) -> anyhow::Result<Duration> {
    let target = format!(
        "{}/api/things/x/db/day/frames?from=1700000000&to=1700003600&fields=_time&fields=_avg&meta=true",
        subject.api.path(ROWS)
    );
    let request = Request::get(target).header(HOST, address.to_string()).body(Empty::new())?;
    let begun = Instant::now();
    client.ready().await?;
    let response = client.send_request(request).await?;
    ensure!(response.status() == StatusCode::OK, "the API refuses the request");
    response.into_body().collect().await?;
    Ok(begun.elapsed())
}
