//! From the start of the process to its handshake, when all guests were compiled by an earlier start.

use anyhow::Context as _;
use graft_launch::{Datasource, Plugin};
use serde_json::json;

use super::figures::Times;
use crate::host::Installed;
use crate::step::Step;

/// Measures so many starts, after one that fills the cache.
pub(super) async fn measure(installed: &Installed, repetitions: usize) -> anyhow::Result<Times> {
    let step = Step::begin("guests are compiled once");
    let plugin = Plugin::launch(installed.launch()).await?;
    for settings in [json!({"guest": "things", "thing": "x"}), json!({"guest": "prometheus"})] {
        // A guest is compiled before it is asked; that nothing listens at the address is told afterwards.
        let datasource = Datasource::new("start", "http://127.0.0.1:1").settings(settings);
        let health = plugin.check_health(datasource.check_health()).await;
        health.context("the plugin cannot be asked")?;
    }
    plugin.shutdown().await?;
    step.done();

    let step = Step::begin(format!("{repetitions} starts"));
    let mut times = Vec::new();
    for _start in 0..repetitions {
        let plugin = Plugin::launch(installed.launch()).await?;
        times.push(plugin.time_to_handshake());
        plugin.shutdown().await?;
    }
    step.done();
    Times::new(times)
}
