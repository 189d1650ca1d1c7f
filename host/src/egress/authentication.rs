//! Proofs of who asks that have to be fetched or computed for a request: tokens, signatures, answers to challenges.
//!
//! They join a request last, one hop at a time, and only towards the data source's own origin. What is the same for every request is
//! in [`credentials`](super::credentials).

mod assertion;
mod digest;
mod error;
mod fetcher;
mod kept;
mod login;
mod oauth2;
mod rotations;
mod sigv4;
mod sts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::client::Alone;
use super::credentials::Prepared;
use super::error::Error;
use super::settings::{self, SendAs, SettingsError};
use crate::model::Secret;

use digest::Digest;
pub use error::TokenError;
use fetcher::Fetcher;
use kept::Kept;
use login::Login;
use oauth2::OAuth2;
use sigv4::Signer;

/// How one datasource proves who it is.
pub(super) struct Authentication(Scheme);

enum Scheme {
    /// Not beyond what is the same each time.
    None,
    /// A header field that is always the same. It gives way to one of the guest's own.
    Header(HeaderName, HeaderValue),
    /// A query parameter.
    Parameter(String, Secret),
    /// An answer to the API's challenge.
    Digest(Digest),
    /// A token of a token server.
    OAuth2(Arc<(Kept<String>, OAuth2)>),
    /// A token or cookie of the API's.
    Login(Box<(Kept<String>, Login)>),
    /// A signature.
    SigV4(Box<Signer>),
}

/// What a request was sent with, so that it can be told whether there is something newer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Proof {
    /// Which token it was, or how many challenges there were before.
    generation: u64,
}

impl Authentication {
    /// What the settings say. `connect` makes a client for another host that the admin named.
    pub(super) fn new(
        settings: &settings::Authentication,
        connect: impl FnOnce(&Url) -> Result<Alone, SettingsError>,
    ) -> Result<Self, SettingsError> {
        use settings::Authentication as Given;
        Ok(Self(match settings {
            Given::None => Scheme::None,
            Given::Bearer { token } => {
                let value = format!("Bearer {}", token.expose());
                Scheme::Header(AUTHORIZATION, sensitive(&value, "authToken")?)
            }
            Given::HeaderKey { name, value } => {
                Scheme::Header(header_name(name)?, sensitive(value.expose(), "authApiKey")?)
            }
            Given::ParameterKey { name, key } => Scheme::Parameter(name.clone(), key.clone()),
            Given::Digest { user, password } => {
                Scheme::Digest(Digest::new(user.clone(), password.clone()))
            }
            Given::OAuth2(given) => {
                let fetcher = Fetcher::new(connect(&given.token_url)?);
                Scheme::OAuth2(Arc::new((Kept::default(), OAuth2::new(given, fetcher)?)))
            }
            Given::Login(given) => {
                let fetcher = Fetcher::new(connect(&given.url)?);
                Scheme::Login(Box::new((Kept::default(), Login::new(given, fetcher)?)))
            }
            Given::SigV4(given) => Scheme::SigV4(Box::new(Signer::new(given, connect)?)),
        }))
    }

    /// Puts a proof on a request that is about to be sent; `end` is the end of its time.
    pub(super) async fn prove(
        &self,
        prepared: &mut Prepared,
        end: Instant,
    ) -> Result<Proof, Error> {
        match &self.0 {
            Scheme::None => {}
            Scheme::Header(name, value) => {
                prepared.headers.entry(name).or_insert_with(|| value.clone());
            }
            Scheme::Parameter(name, key) => {
                prepared.url.query_pairs_mut().append_pair(name, key.expose());
            }
            Scheme::Digest(digest) => {
                return Ok(Proof { generation: digest.answer(prepared)? });
            }
            Scheme::OAuth2(both) => {
                let (token, generation) = token(both, end).await?;
                put(prepared, &both.1.send, &token)?;
                return Ok(Proof { generation });
            }
            Scheme::Login(both) => {
                let (kept, login) = &**both;
                let (token, generation) = kept.get(end, || login.fetch(end)).await?;
                match login.cookie() {
                    Some(cookie) => add_cookie(prepared, cookie, &token)?,
                    None => put(prepared, &login.send, &token)?,
                }
                return Ok(Proof { generation });
            }
            Scheme::SigV4(signer) => {
                return Ok(Proof { generation: signer.sign(prepared, end).await? });
            }
        }
        Ok(Proof::default())
    }

    /// What is there at the moment that somebody gave: an API, or a token server, may quote it.
    pub(super) fn issued_tokens(&self) -> Vec<Secret> {
        match &self.0 {
            Scheme::OAuth2(both) => {
                let (kept, oauth2) = &**both;
                kept.current().map(Secret::new).into_iter().chain(oauth2.rotated()).collect()
            }
            Scheme::Login(both) => both.0.current().map(Secret::new).into_iter().collect(),
            Scheme::SigV4(signer) => signer.issued_token().map(Secret::new).into_iter().collect(),
            Scheme::None | Scheme::Header(..) | Scheme::Parameter(..) | Scheme::Digest(_) => {
                Vec::new()
            }
        }
    }

    /// Takes in what the API says to a proof. Returns whether the same request, with another, is worth a try.
    pub(super) fn is_outdated(
        &self,
        proof: Proof,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> bool {
        let is_unauthorized = status == StatusCode::UNAUTHORIZED;
        match &self.0 {
            Scheme::None | Scheme::Header(..) | Scheme::Parameter(..) => false,
            Scheme::Digest(digest) => {
                is_unauthorized && digest.take_challenge(proof.generation, headers)
            }
            Scheme::OAuth2(both) => is_unauthorized && both.0.is_outdated(proof.generation),
            Scheme::Login(both) => {
                let (kept, login) = &**both;
                (is_unauthorized || login.renew_on.contains(&status.as_u16()))
                    && kept.is_outdated(proof.generation)
            }
            Scheme::SigV4(signer) => {
                (is_unauthorized || status == StatusCode::FORBIDDEN)
                    && signer.is_outdated(proof.generation)
            }
        }
    }
}

/// A token of a token server. Who asks may go away meanwhile, but the answer is waited for all the same: a server that has changed a
/// refresh token says so once.
async fn token(both: &Arc<(Kept<String>, OAuth2)>, end: Instant) -> Result<(String, u64), Error> {
    if let Some(known) = both.0.known() {
        return known;
    }
    let both = Arc::clone(both);
    let fetching = tokio::spawn(async move { both.0.get(end, || both.1.fetch(end)).await });
    fetching.await.unwrap_or_else(|_panicked| {
        let (endpoint, cause) = ("The token server".to_owned(), "asking it failed".to_owned());
        Err(TokenError::Unreadable { endpoint, cause }.into())
    })
}

/// Puts a token on a request, where the settings have it.
fn put(prepared: &mut Prepared, send: &SendAs, token: &str) -> Result<(), Error> {
    let value = send.template.replace("{token}", token);
    let name = HeaderName::from_bytes(send.header.as_bytes()).ok();
    let value = HeaderValue::from_bytes(value.as_bytes()).ok();
    let (Some(name), Some(mut value)) = (name, value) else {
        return Err(TokenError::Unusable { header: send.header.clone() }.into());
    };
    value.set_sensitive(true);
    prepared.headers.insert(name, value);
    Ok(())
}

/// Adds a cookie to those that are there.
fn add_cookie(prepared: &mut Prepared, name: &str, token: &str) -> Result<(), Error> {
    let cookie = format!("{name}={token}");
    let known = prepared.headers.get(COOKIE).and_then(|known| known.to_str().ok());
    let cookies = known.map_or_else(|| cookie.clone(), |known| format!("{known}; {cookie}"));
    let value = HeaderValue::from_bytes(cookies.as_bytes());
    let mut value =
        value.map_err(|_no_text| TokenError::Unusable { header: "Cookie".to_owned() })?;
    value.set_sensitive(true);
    prepared.headers.insert(COOKIE, value);
    Ok(())
}

fn header_name(name: &str) -> Result<HeaderName, SettingsError> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    parsed.map_err(|_none| SettingsError::HeaderName { name: super::policy::printable(name) })
}

fn sensitive(value: &str, secret: &'static str) -> Result<HeaderValue, SettingsError> {
    let value = HeaderValue::from_bytes(value.as_bytes());
    let mut value = value.map_err(|_control| SettingsError::Secret { name: secret })?;
    value.set_sensitive(true);
    Ok(value)
}
