//! What a call of a guest costs before it does anything: a fresh store, an instance in it, and the way in and out.

use std::net::SocketAddr;

use anyhow::ensure;
use graft_launch::Launch;
use graft_proto::pluginv2::check_health_response::HealthStatus;

use super::api::Api;
use super::figures::Times;
use super::native::call;
use super::processors::{Processors, launch};

/// The export that does the least: it returns one request, always the same.
pub(super) const EXPORT: &str = "health.build-requests";

/// Before measuring begins.
const WARM_UP: usize = 20;

/// Measures so many calls, by what the host says of each in its log.
pub(super) async fn measure(
    host: Launch,
    processors: Option<Processors>,
    address: SocketAddr,
    repetitions: usize,
) -> anyhow::Result<Times> {
    let plugin = launch(processors, host.setting("log_level", "debug")).await?;
    let datasource = Api::Things.datasource("calls", "things", address, 100);
    for _call in 0..WARM_UP + repetitions {
        let health = plugin.check_health(datasource.check_health()).await?;
        ensure!(health.status() == HealthStatus::Ok, "a health check failed: {}", health.message);
    }
    let log = plugin.shutdown().await?.log;
    Times::new(log.iter().filter_map(|line| call(line, EXPORT)).skip(WARM_UP).collect())
}
