//! Datasources: what Grafana sends of one (`settings`), and those that are ready to be asked (`registry`).

mod settings;
mod registry;
mod error;

pub use error::Error;
pub use registry::{Datasource, Registry};
pub use settings::{RawSettings, SocksProxy};
