//! What leaves for the network, and what comes back: the only user of reqwest.
//!
//! In the order a request passes through: [`policy`] decides whether it may be sent and where to, without doing anything;
//! [`credentials`] is the only place where secrets join it; [`client`] sends it under limits and reads the response.
//! A guest is untrusted here: everything in a [`Request`](crate::model::Request) may be hostile.

mod policy;
mod credentials;
mod client;
mod settings;
mod error;
#[doc(hidden)]
pub mod fuzzing;

pub use client::{Client, Events, Opened};
pub use error::{Blame, Bound, Error, Phase};
pub use policy::{AddressKind, Allowed, Refusal};
pub use settings::{BasicAuth, ClientCertificate, HttpSettings, SettingsError, TlsSettings};
