//! The plugin at work, without Grafana: this machine's own figures, served by a small API, asked for by the sandboxed things guest
//! in the plugin, which is started, asked and stopped as Grafana does.

mod machine;
mod api;
mod show;

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use graft_launch::{Datasource, Plugin, Query};
use graft_proto::pluginv2::check_health_response::HealthStatus;
use serde_json::json;

use self::machine::{Recorder, TABLES};
use crate::host::{self, Installed};
use crate::step::Step;
use crate::{guests, server};

/// A chart of fewer readings says nothing.
const READINGS_MIN: usize = 12;

/// How to show the plugin.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Build the plugin with all optimisations, which takes some minutes longer.
    #[arg(long)]
    release: bool,
    /// Show less, for a run that nobody watches.
    #[arg(long)]
    short: bool,
}

impl Arguments {
    /// For a run that nobody watches.
    pub(crate) fn short() -> Self {
        Self { release: false, short: true }
    }
}

/// Shows the plugin.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // Readings begin at once, so that there are some when everything is built.
    let recorder = Recorder::start()?;
    let guest = guests::build("things")?;
    // Where nobody watches, the tests have built one already.
    let binary =
        if arguments.short { host::built_for_tests()? } else { host::build(arguments.release)? };
    tokio::runtime::Runtime::new()
        .context("the runtime's threads cannot be started")?
        .block_on(show(&recorder, &binary, guest, arguments.short))
}

async fn show(
    recorder: &Recorder,
    binary: &Path,
    guest: PathBuf,
    short: bool,
) -> anyhow::Result<()> {
    let readings = recorder.readings();
    let address = server::serve(move |path, query| api::answer(&readings, path, query)).await?;
    let installed = Installed::new(binary, &[guest])?;

    let step = Step::begin("the plugin starts, to its handshake");
    let plugin = Plugin::launch(installed.launch()).await?;
    step.done_in(plugin.time_to_handshake());

    let thing = machine::name();
    let datasource = Datasource::new("demo", &format!("http://{address}"))
        .settings(json!({ "guest": "things", "thing": thing }));
    let step = Step::begin("\"Save & test\", compiling the guest where the plugin has not yet");
    let health =
        plugin.check_health(datasource.check_health()).await.context("\"Save & test\" failed")?;
    if health.status() != HealthStatus::Ok {
        bail!("\"Save & test\" says: {}", health.message);
    }
    step.done();

    wait_for_readings(recorder).await?;
    let frames =
        query(&plugin, &datasource, "QueryData over the last minute, the first time").await?;
    query(&plugin, &datasource, "the same again").await?;

    let step = Step::begin("the plugin ends when asked");
    let exit = plugin.shutdown().await?;
    step.done_in(exit.took);
    if let Some(line) = exit.stdout.first() {
        bail!("the plugin wrote '{line}' to stdout, where nothing may come after the handshake");
    }

    println!("\nGrafana's \"Save & test\" would say: {}", health.message);
    show::frames(&frames, short)
}

async fn wait_for_readings(recorder: &Recorder) -> anyhow::Result<()> {
    if recorder.count() >= READINGS_MIN {
        return recorder.check();
    }
    let step = Step::begin(format!("{READINGS_MIN} readings of this machine"));
    while recorder.count() < READINGS_MIN {
        tokio::time::sleep(machine::INTERVAL).await;
        recorder.check()?;
    }
    step.done();
    Ok(())
}

/// Asks for all tables in one request, as a dashboard does.
async fn query(plugin: &Plugin, datasource: &Datasource, what: &str) -> anyhow::Result<Vec<Shown>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let now = i64::try_from(now.as_millis()).context("the clock is too late")?;
    let queries = TABLES.map(|table| {
        let fields: Vec<_> = table.series.iter().map(|series| series.field).collect();
        let model = json!({ "table": table.name, "fields": fields });
        Query::new(table.name, model).range(now - 60_000, now).interval(250).points(240)
    });
    let step = Step::begin(what);
    let begun = Instant::now();
    let mut responses = plugin.query_data(datasource.query_data(queries)).await?.responses;
    step.done_in(begun.elapsed());
    let shown = TABLES.map(|table| {
        let response = responses.remove(table.name).context("the plugin left a query out")?;
        if !response.error.is_empty() {
            bail!("query '{}' failed: {}", table.name, response.error);
        }
        Ok(Shown {
            title: table.title,
            frames: graft_launch::frames::decode_all(&response.frames)?,
        })
    });
    shown.into_iter().collect()
}

/// The answer to one query.
struct Shown {
    title: &'static str,
    frames: Vec<graft_launch::frames::Frame>,
}
