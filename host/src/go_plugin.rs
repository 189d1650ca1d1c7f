//! How go-plugin, the library by which Grafana runs its plugins, starts, watches and stops this process: contract sections 1
//! and 6.1. Nothing here knows what is served.

pub mod hclog;
pub mod panic_hook;
mod environment;
mod listener;
pub mod handshake;
mod server;
mod controller;
mod broker;
mod stdio;
mod signals;
#[cfg(test)]
mod tests;

pub use environment::{Environment, EnvironmentError, Network};
pub use listener::{ListenError, Listener};
pub use server::{ServeError, serve};
pub use signals::terminated;
