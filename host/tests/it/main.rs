//! The whole binary, launched as Grafana launches it, with guests as vendors build them and APIs that really answer.
//!
//! `cargo xtask guests` builds the guests; `cargo xtask test` does that before it runs these.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod start_up;
mod ending;
mod mutual_tls;
mod standalone;
mod settings;
mod queries;
mod resources;
mod admission;
mod chunks;
mod live;
mod sandbox;
mod hostile;
mod guests;
mod turns;
mod quarantine;
mod compile_bombs;
mod listing;
mod trust;
mod metrics;
mod traces;
mod canary;
mod things;
mod languages;
mod prometheus;
mod faults;
mod kindness;
mod rounds;
mod servers;
