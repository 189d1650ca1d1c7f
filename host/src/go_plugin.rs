//! How go-plugin, the library by which Grafana runs its plugins, starts, watches and stops this process: contract sections 1
//! and 6.1; and how a developer runs it beside Grafana: section 7. Nothing here knows what is served.

mod arguments;
pub mod hclog;
pub mod panic_hook;
mod environment;
mod mutual_tls;
mod listener;
pub mod handshake;
mod server;
mod controller;
mod broker;
mod stdio;
mod reflection;
mod cut_off;
mod ending;
mod parent;
pub mod standalone;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod tests;

pub use arguments::{Task, UnknownArgument};
pub use ending::{ended_by_hand, ended_from_outside};
pub use environment::{Environment, EnvironmentError, Network};
pub use listener::{ListenError, Listener};
pub use mutual_tls::{ClientCertificate, ClientCertificateError, MutualTls, MutualTlsError};
pub use reflection::ReflectionError;
pub use server::{ServeError, serve, serve_standalone};
