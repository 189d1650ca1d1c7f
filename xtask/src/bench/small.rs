//! What the plugin adds to a small exchange: the same request by itself and through the plugin, in turns, so that whatever else this
//! machine does meets both.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use graft_launch::{Datasource, Plugin, Query};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::figures::Times;
use crate::host::Installed;
use crate::server;
use crate::step::Step;

/// Before measuring begins: connections are open then, and code is in the processor's caches.
const WARM_UP: usize = 50;
/// Points of the small answer, as many as a stat panel with a sparkline shows.
const POINTS: usize = 60;

/// The times of both ways.
pub(super) struct Small {
    pub(super) plugin: Times,
    pub(super) bare: Times,
    /// Of each turn, by how much the plugin took longer.
    pub(super) added: Times,
}

/// Measures so many turns.
pub(super) async fn measure(installed: &Installed, repetitions: usize) -> anyhow::Result<Small> {
    let body = Bytes::from(answer().to_string());
    let address = server::serve(move |_path, _query| (StatusCode::OK, body.clone())).await?;
    let plugin = Plugin::launch(installed.launch()).await?;
    let datasource = Datasource::new("small", &format!("http://{address}"))
        .settings(json!({ "guest": "things", "thing": "x" }));
    let mut client = connect(address).await?;

    let step = Step::begin(format!("{repetitions} small queries, and as many bare exchanges"));
    let (mut by_plugin, mut bare, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..WARM_UP + repetitions {
        let direct = exchange(&mut client, address).await?;
        let through = query(&plugin, &datasource).await?;
        if turn >= WARM_UP {
            bare.push(direct);
            by_plugin.push(through);
            added.push(through.saturating_sub(direct));
        }
    }
    step.done();
    plugin.shutdown().await?;
    Ok(Small { plugin: Times::new(by_plugin)?, bare: Times::new(bare)?, added: Times::new(added)? })
}

/// What the things API answers.
fn answer() -> Value {
    let points = || (0..POINTS).map(|point| point as f64);
    let times: Vec<_> = points().map(|point| 1_700_000_000.0 + 60.0 * point).collect();
    let values: Vec<_> = points().map(|point| point.sin()).collect();
    json!([
        { "name": "_time", "values": times },
        { "name": "_avg", "values": values, "meta": { "group_txt": "Boiler", "txt": "Flow" } },
    ])
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("the small server cannot be reached")?;
    stream.set_nodelay(true)?;
    let (client, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The same request as the guest makes of the query.
async fn exchange(
    client: &mut SendRequest<Empty<Bytes>>,
    address: SocketAddr,
) -> anyhow::Result<Duration> {
    let target = "/api/things/x/db/day/frames\
                  ?from=1700000000&to=1700003600&fields=_time&fields=_avg&meta=true";
    let request = Request::get(target).header(HOST, address.to_string()).body(Empty::new())?;
    let begun = Instant::now();
    client.ready().await?;
    let response = client.send_request(request).await?;
    ensure!(response.status() == StatusCode::OK, "the small server refuses the request");
    response.into_body().collect().await?;
    Ok(begun.elapsed())
}

async fn query(plugin: &Plugin, datasource: &Datasource) -> anyhow::Result<Duration> {
    let query = Query::new("A", json!({ "table": "day", "fields": ["_avg"] }));
    let request = datasource.query_data([query]);
    let begun = Instant::now();
    let response = plugin.query_data(request).await?;
    let took = begun.elapsed();
    match response.responses.get("A") {
        Some(answer) if answer.error.is_empty() && answer.frames.len() == 1 => Ok(took),
        Some(answer) => bail!("the small query failed: {}", answer.error),
        None => bail!("the plugin left the small query out"),
    }
}
