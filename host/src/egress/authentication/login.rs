//! Tokens and cookies that an API gives for credentials, and takes with each request until they hold no longer.

use std::time::Duration;

use cookie::Cookie;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use super::error::TokenError;
use super::fetcher::{Answer, Fetcher};
use super::kept::Fetched;
use super::{header_name, sensitive};
use crate::egress::error::Error;
use crate::egress::settings::{self, SendAs, SettingsError, TokenPlace};

/// How to log in.
pub(super) struct Login {
    given: settings::Login,
    headers: Vec<(HeaderName, HeaderValue)>,
    fetcher: Fetcher,
    /// How the token is sent.
    pub(super) send: SendAs,
    /// Statuses besides 401 that say that it holds no longer.
    pub(super) renew_on: Vec<u16>,
}

impl Login {
    pub(super) fn new(given: &settings::Login, fetcher: Fetcher) -> Result<Self, SettingsError> {
        let headers = given.headers.iter().map(|(name, value)| {
            let value = sensitive(value.expose(), "authentication.headers")?;
            Ok::<_, SettingsError>((header_name(name)?, value))
        });
        header_name(&given.send.header)?;
        Ok(Self {
            headers: headers.collect::<Result<_, _>>()?,
            fetcher,
            send: given.send.clone(),
            renew_on: given.renew_on.clone(),
            given: given.clone(),
        })
    }

    /// The name of the cookie that is sent instead of a token.
    pub(super) fn cookie(&self) -> Option<&str> {
        match &self.given.token {
            TokenPlace::Cookie(name) => Some(name),
            TokenPlace::Pointer(_) | TokenPlace::Header(_) => None,
        }
    }

    /// Logs in.
    pub(super) async fn fetch(&self, end: Instant) -> Result<Fetched<String>, Error> {
        let mut request = reqwest::Request::new(self.given.method.clone(), self.given.url.clone());
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if let Some((content_type, body)) = &self.given.body {
            let content_type = HeaderValue::from_static(content_type);
            request.headers_mut().entry(CONTENT_TYPE).or_insert(content_type);
            *request.body_mut() = Some(body.expose().to_owned().into());
        }
        let answer = self.fetcher.send(request, end).await?;
        // Forms of pages answer with a redirect.
        if !answer.status.is_success() && !answer.status.is_redirection() {
            return Err(answer.refusal());
        }
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let (value, of_cookie) = self.token(&answer, json.as_ref())?;
        let pointer = self.given.expires_in.as_deref();
        let seconds = pointer.and_then(|pointer| json.as_ref()?.pointer(pointer));
        let seconds = seconds.and_then(|seconds| match seconds {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        });
        let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Fetched { value, lifetime: lifetime.or(of_cookie).or(self.given.lifetime) })
    }

    /// The token, and how long a cookie says it holds.
    fn token(
        &self,
        answer: &Answer,
        json: Option<&Value>,
    ) -> Result<(String, Option<Duration>), Error> {
        let missing = |what: String| {
            let cause = format!("its answer to the login has no {what}");
            TokenError::Unreadable { endpoint: answer.endpoint.clone(), cause }.into()
        };
        let found = match &self.given.token {
            TokenPlace::Pointer(pointer) => {
                let value = json.and_then(|json| json.pointer(pointer));
                let token = value.and_then(|value| match value {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                });
                (token.ok_or_else(|| missing(format!("text at '{pointer}'")))?, None)
            }
            TokenPlace::Header(name) => {
                let value = answer.headers.get(name).and_then(|value| value.to_str().ok());
                (value.ok_or_else(|| missing(format!("header '{name}'")))?.to_owned(), None)
            }
            TokenPlace::Cookie(name) => {
                let values = answer.headers.get_all(SET_COOKIE).into_iter();
                let values = values.filter_map(|value| value.to_str().ok());
                let mut cookies = values.filter_map(|value| Cookie::parse(value).ok());
                let cookie = cookies.find(|cookie| cookie.name() == name);
                let cookie = cookie.ok_or_else(|| missing(format!("cookie '{name}'")))?;
                let lifetime = cookie.max_age().and_then(|age| age.try_into().ok());
                (cookie.value().to_owned(), lifetime)
            }
        };
        if found.0.is_empty() {
            Err(missing("token but an empty one".to_owned()))
        } else {
            Ok(found)
        }
    }
}
