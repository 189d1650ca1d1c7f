//! The Graft host: one native Grafana backend plugin that runs any number of sandboxed guests.
//!
//! The modules in the order a query passes through them; ARCHITECTURE.md says who may import whom.

pub mod config;
pub mod go_plugin;
pub mod grafana;
pub mod query;
pub mod health;
pub mod resource;
pub mod stream;
pub mod admission;
pub mod conversion;
pub mod datasource;
pub mod guest;
pub mod egress;
pub mod frame;
pub mod budget;
pub mod metrics;
pub mod traces;
pub mod model;
pub mod limits;
