//! Proofs of who asks that have to be fetched or computed for a request: tokens, signatures, answers to challenges.
//!
//! They join a request last, one hop at a time, and only towards the data source's own origin. What is the same for every request is
//! in [`credentials`](super::credentials).

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::credentials::Prepared;
use super::error::Error;
use super::settings::{HttpSettings, SettingsError};

/// How one datasource proves who it is.
pub(super) struct Authentication;

/// What a request was sent with, so that it can be told whether there is something newer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Proof;

impl Authentication {
    /// What the settings say.
    pub(super) fn new(_settings: &HttpSettings) -> Result<Self, SettingsError> {
        Ok(Self)
    }

    /// Puts a proof on a request that is about to be sent; `end` is the end of its time.
    pub(super) async fn prove(
        &self,
        _prepared: &mut Prepared,
        _end: Instant,
    ) -> Result<Proof, Error> {
        Ok(Proof)
    }

    /// Takes in what the API says to a proof. Returns whether the same request, with another, is worth a try.
    pub(super) fn is_outdated(
        &self,
        _proof: Proof,
        _status: StatusCode,
        _headers: &HeaderMap,
    ) -> bool {
        false
    }
}
