//! For the fuzzers: what the policy decides, without a client that sends it.

use http::StatusCode;
use url::Url;

use super::policy::{Allowed, Policy};
use crate::model::Request;

/// The rules of one data source.
pub struct Rules(Policy);

impl Rules {
    /// Rules for a guest that may send GET alone. None if an allowed host is no host.
    pub fn new(base: Option<Url>, described: Vec<String>, allowed: &[String]) -> Option<Self> {
        let description = Allowed { hosts: described, ..Allowed::default() };
        Policy::new(base, &description, allowed).ok().map(Self)
    }

    /// Where a request to this target goes; none if it is not sent.
    pub fn resolve(&self, target: &str) -> Option<Url> {
        self.0.resolve(&request(target)).ok()
    }

    /// Where a response that redirects is followed to; none if it is not.
    pub fn redirect(&self, from: &Url, status: u16, location: &[u8]) -> Option<Url> {
        let status = StatusCode::from_u16(status).ok()?;
        self.0.redirect(from, status, Some(location), 0).ok().flatten()
    }
}

fn request(target: &str) -> Request {
    Request::get(target)
}
