//! Starts the built plugin binary as Grafana's plugin client, go-plugin, does, and speaks with it as Grafana does: for tests of
//! the whole binary, for the demo and for measuring.
//!
//! ```no_run
//! # async fn show() -> Result<(), Box<dyn std::error::Error>> {
//! use graft_launch::{Datasource, Launch, Plugin, Query};
//! use serde_json::json;
//!
//! let plugin = Plugin::launch(Launch::new("target/debug/gpx_graft").setting("guests", "/srv/guests")).await?;
//! let things = Datasource::new("things", "http://127.0.0.1:8080")
//!     .settings(json!({"guest": "things", "thing": "boiler"}));
//! let query = Query::new("A", json!({"table": "day", "fields": ["_avg"]})).range(1_700_000_000_000, 1_700_003_600_000);
//! let response = plugin.query_data(things.query_data([query])).await?;
//! let frames = graft_launch::frames::decode_all(&response.responses["A"].frames)?;
//! let exit = plugin.shutdown().await?;
//! assert!(exit.status.success() && exit.stdout.is_empty());
//! # Ok(())
//! # }
//! ```

mod launch;
mod plugin;
mod handshake;
mod mutual_tls;
mod connect;
mod log;
mod output;
mod request;
pub mod frames;

pub use handshake::{Address, Handshake, HandshakeError};
pub use launch::Launch;
pub use log::{Entry, LogLine};
pub use plugin::{Answer, Exit, Fault, LaunchError, NotGraceful, Plugin};
pub use request::{Datasource, Query};
