//! What leaves for the network, and what comes back: the only user of reqwest.
//!
//! In the order a request passes through: [`policy`] decides whether it may be sent and where to, without doing anything;
//! [`credentials`] is where secrets join it that are the same each time, and [`authentication`] where those do that have to be fetched
//! or computed; [`client`] sends it under limits and reads the response. What all requests of a query have in common is an [`Asker`].
//! A guest is untrusted here: everything in a [`Request`](crate::model::Request) may be hostile.

mod asker;
mod policy;
mod credentials;
mod fingerprint;
mod redaction;
mod cache;
mod authentication;
mod client;
mod probe;
mod settings;
mod error;
#[doc(hidden)]
pub mod fuzzing;

pub use asker::{Asker, Demand, Journal};
pub use authentication::TokenError;
pub use cache::Cache;
pub use client::{Client, Events, Held, Opened, retry_after};
pub use error::{Blame, Bound, Error, Phase};
pub use policy::{AddressKind, Allowed, Refusal};
pub use probe::{Step, TLS};
pub use settings::{
    Assertion, AuthStyle, Authentication, AwsKeys, BasicAuth, ClientCertificate, Forward, Grant,
    HttpSettings, Login, OAuth2, Role, SendAs, SettingsError, SigV4, Socks, SocksTls, TlsSettings,
    TokenPlace,
};
