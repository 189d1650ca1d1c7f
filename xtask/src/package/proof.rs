//! That what is packed works: the binary is started from the unpacked folder as Grafana starts it, and asked by "Save & test"
//! about an API that answers as Prometheus does.

use std::path::Path;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use graft_launch::{Datasource, Launch, Plugin};
use graft_proto::pluginv2::check_health_response::HealthStatus;
use hyper::StatusCode;
use serde_json::json;

use super::manifest::Manifest;
use crate::host::executable_name;
use crate::server;
use crate::step::Step;

/// Prometheus' answer to `1+1`.
const TWO: &str =
    r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"2"]}}"#;

/// Starts the plugin in this folder, and gives what "Save & test" says.
pub(super) async fn start(folder: &Path, manifest: &Manifest) -> anyhow::Result<String> {
    let address = server::serve(|path, _query| match path {
        "/api/v1/query" => (StatusCode::OK, Bytes::from_static(TWO.as_bytes())),
        _ => (StatusCode::NOT_FOUND, Bytes::new()),
    })
    .await?;
    let cache = tempfile::tempdir().context("no folder for compiled guests can be made")?;
    let binary = folder.join(executable_name(&manifest.executable));

    let step = Step::begin("the packed plugin starts, to its handshake");
    let launch = Launch::new(binary).setting("cache", cache.path().join("cache"));
    let plugin = Plugin::launch(launch).await?;
    step.done_in(plugin.time_to_handshake());

    let step = Step::begin("\"Save & test\" with the packed guest");
    let datasource = Datasource::new("packed", &format!("http://{address}"))
        .settings(json!({ "guest": "prometheus" }));
    let health =
        plugin.check_health(datasource.check_health()).await.context("\"Save & test\" failed")?;
    step.done();
    plugin.shutdown().await?;
    if health.status() != HealthStatus::Ok {
        bail!("\"Save & test\" of the packed plugin says: {}", health.message);
    }
    Ok(health.message)
}
