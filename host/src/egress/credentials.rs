//! Where secrets join a request, and the only place where they do: after the policy has allowed it.
//!
//! Header values that hold a secret are marked sensitive: they print as such, HTTP/2 never indexes them, and they are
//! dropped when a redirect leads to another origin.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::error::Error;
use super::policy::{Allowed, Refusal, is_own_header, origin, path, printable};
use super::settings::{BasicAuth, Forward, HttpSettings, SettingsError};
use crate::limits::URL_BYTES_MAX;
use crate::model::{Body, Caller, Request, Secret};

#[cfg(test)]
mod tests;

/// The secrets of one datasource.
pub(super) struct Credentials {
    /// The guest's name, for blame.
    guest: String,
    /// `Authorization` for the datasource's own origin, where the request has none.
    basic_auth: Option<HeaderValue>,
    /// Header fields for the datasource's own origin.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The secrets that placeholders may name.
    secrets: HashMap<String, Secret>,
    /// The names that the guest's description lists.
    described: Vec<String>,
    /// What of a caller's header fields reaches the API.
    forward: Forward,
}

/// A request as it goes out. No `Debug`: it holds secrets in clear.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    /// The URL as it may be shown: with placeholders in the place of secrets.
    pub(super) shown: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether a secret stands in the body.
    secret_in_body: bool,
    /// Whether one stands in the URL. A redirect may repeat it, and then nobody knows where.
    secret_in_url: bool,
}

impl Credentials {
    /// Checks the admin's header fields and prepares what is the same for all requests.
    pub(super) fn new(settings: &HttpSettings, allowed: &Allowed) -> Result<Self, SettingsError> {
        let headers = settings.headers.iter().map(|(name, value)| custom_header(name, value));
        Ok(Self {
            guest: allowed.guest.clone(),
            basic_auth: settings.basic_auth.as_ref().map(basic_auth).transpose()?,
            headers: headers.collect::<Result<_, _>>()?,
            secrets: settings.secrets.clone(),
            described: allowed.secrets.clone(),
            forward: settings.forward.clone(),
        })
    }

    /// Makes the request that goes out of one that the policy has resolved to `url`. `own_origin` says whether that is
    /// the datasource's own: its credentials are for no other.
    pub(super) fn join(
        &self,
        request: Request,
        mut url: Url,
        own_origin: bool,
        caller: &Caller,
    ) -> Result<Prepared, Error> {
        let shown = shown(&url, &request.parameters);
        let secret_in_url = shown.contains(OPEN);
        if url.path().contains(OPEN_IN_PATH) {
            self.fill_path(&mut url)?;
        }
        if !request.parameters.is_empty() {
            self.append_pairs(&mut url.query_pairs_mut(), &request.parameters)?;
        }
        let bytes = url.as_str().len();
        if bytes > URL_BYTES_MAX {
            let target = printable(&request.target);
            return Err(Refusal::UrlTooLong { bytes }.blamed(&self.guest, target));
        }
        let mut headers = HeaderMap::with_capacity(request.headers.len() + self.headers.len() + 2);
        for (name, value) in request.headers {
            let (name, value) = self.header(&request.target, name, &value)?;
            headers.append(name, value);
        }
        let (body, secret_in_body) = match request.body {
            Some(body) => self.body(body, &mut headers)?,
            None => (Bytes::new(), false),
        };
        if own_origin {
            self.forward(caller, &mut headers)?;
            if let Some(basic_auth) = &self.basic_auth {
                headers.entry(AUTHORIZATION).or_insert_with(|| basic_auth.clone());
            }
            for (name, value) in &self.headers {
                headers.insert(name.clone(), value.clone());
            }
        }
        let method = method(request.method);
        Ok(Prepared { method, url, shown, headers, body, secret_in_body, secret_in_url })
    }

    /// Adds what Grafana forwards of the caller's request and the settings let through. A guest's own token or cookie stays; what the admin
    /// has forwarded by name is the caller's or nobody's.
    fn forward(&self, caller: &Caller, headers: &mut HeaderMap) -> Result<(), Error> {
        let Forward { tokens, cookies, headers: named } = &self.forward;
        // What the admin has forwarded by name may say who asks, which is not for a guest to say.
        for name in named {
            headers.remove(name.as_str());
        }
        let tokens = ["authorization", "x-id-token"].into_iter().filter(|_name| *tokens);
        let cookies = ["cookie"].into_iter().filter(|_name| *cookies);
        for name in tokens.chain(cookies).chain(named.iter().map(String::as_str)) {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            if headers.contains_key(&name) {
                continue;
            }
            for value in caller.headers(name.as_str()) {
                let value = header_value(value.expose());
                let mut value =
                    value.ok_or_else(|| Error::Forwarded { header: name.to_string() })?;
                value.set_sensitive(true);
                headers.append(name.clone(), value);
            }
        }
        if caller.is_from_alert() {
            headers.entry(FROM_ALERT).or_insert(HeaderValue::from_static("true"));
        }
        Ok(())
    }

    fn header(
        &self,
        target: &str,
        name: String,
        value: &str,
    ) -> Result<(HeaderName, HeaderValue), Error> {
        let resolved = self.resolve(value, str::to_owned)?;
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        let Some((parsed, mut value)) = parsed.zip(header_value(&resolved.text)) else {
            return Err(match resolved.secret {
                Some(secret) => Error::SecretInHeader { name: secret, header: name },
                None => {
                    let refusal =
                        Refusal::Header { name: printable(&name), reason: "cannot be sent" };
                    refusal.blamed(&self.guest, printable(target))
                }
            });
        };
        value.set_sensitive(resolved.secret.is_some() || parsed == AUTHORIZATION);
        Ok((parsed, value))
    }

    /// The body's bytes, and whether a secret is among them. Sets the content type that belongs to it, unless there is
    /// one.
    fn body(&self, body: Body, headers: &mut HeaderMap) -> Result<(Bytes, bool), Error> {
        let (content_type, text) = match body {
            Body::Bytes(bytes) => return Ok((bytes.into(), false)),
            Body::Text(text) => ("text/plain", self.resolve(&text, str::to_owned)?),
            Body::Json(json) => ("application/json", self.resolve(&json, escape_json)?),
            Body::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                let secret = self.append_pairs(&mut form, &fields)?;
                ("application/x-www-form-urlencoded", Resolved { text: form.finish(), secret })
            }
        };
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        Ok((text.text.into(), text.secret.is_some()))
    }

    /// Encodes parameters or form fields. Returns the name of the first secret among their values.
    fn append_pairs<T: url::form_urlencoded::Target>(
        &self,
        encoded: &mut url::form_urlencoded::Serializer<'_, T>,
        pairs: &[(String, String)],
    ) -> Result<Option<String>, Error> {
        let mut secret = None;
        for (name, value) in pairs {
            let resolved = self.resolve(value, str::to_owned)?;
            encoded.append_pair(name, &resolved.text);
            secret = secret.or(resolved.secret);
        }
        Ok(secret)
    }

    /// Replaces each `{{secret:name}}` by the secret, made fit for its place by `escape`. What a secret holds is not
    /// looked at again.
    fn resolve(&self, text: &str, escape: fn(&str) -> String) -> Result<Resolved, Error> {
        let mut resolved = Resolved { text: String::with_capacity(text.len()), secret: None };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let Some((name, after)) = after.split_once(CLOSE) else { break };
            resolved.text.push_str(before);
            resolved.text.push_str(&escape(self.secret(name)?.expose()));
            resolved.secret.get_or_insert_with(|| name.to_owned());
            rest = after;
        }
        resolved.text.push_str(rest);
        Ok(resolved)
    }

    /// Replaces each placeholder in a path by the secret, as a part of one segment, whatever it holds.
    fn fill_path(&self, url: &mut Url) -> Result<(), Error> {
        let path = url.path().to_owned();
        let (mut filled, mut rest) = (String::with_capacity(path.len()), path.as_str());
        let mut named = String::new();
        while let Some((before, after)) = rest.split_once(OPEN_IN_PATH) {
            let Some((name, after)) = after.split_once(CLOSE_IN_PATH) else { break };
            filled.push_str(before);
            filled.extend(utf8_percent_encode(self.secret(name)?.expose(), SEGMENT));
            name.clone_into(&mut named);
            rest = after;
        }
        filled.push_str(rest);
        // A secret can be `..`, and then it would be more than a part of a segment.
        if path::check_path(&filled).is_err() {
            return Err(Error::SecretInPath { name: named });
        }
        url.set_path(&filled);
        Ok(())
    }

    /// The secret that a placeholder names: one that the guest's description lists and the admin has set.
    fn secret(&self, name: &str) -> Result<&Secret, Error> {
        let guest = || self.guest.clone();
        if !self.described.iter().any(|described| described == name) {
            return Err(Error::SecretNotDescribed { guest: guest(), name: printable(name) });
        }
        let secret = self.secrets.get(name);
        secret.ok_or_else(|| Error::SecretNotSet { guest: guest(), name: name.to_owned() })
    }
}

/// What the SDK's client tells every API of a request for an alert rule (contract section 4.3).
const FROM_ALERT: HeaderName = HeaderName::from_static("fromalert");

/// A placeholder as the URL's parser leaves it in a path.
const OPEN_IN_PATH: &str = "%7B%7Bsecret:";
const CLOSE_IN_PATH: &str = "%7D%7D";
/// What is encoded in a segment of a path: all that is not unreserved (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL with these parameters, placeholders as they were written.
fn shown(url: &Url, parameters: &[(String, String)]) -> String {
    let mut shown = url.as_str().to_owned();
    if !parameters.is_empty() {
        let mut url = url.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        shown = url.into();
    }
    if !shown.contains("secret") {
        return shown;
    }
    let plain = shown.replace("%7B%7Bsecret%3A", OPEN).replace(OPEN_IN_PATH, OPEN);
    plain.replace(CLOSE_IN_PATH, CLOSE)
}

const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// A text whose placeholders are replaced.
struct Resolved {
    text: String,
    /// The name of the first secret in it.
    secret: Option<String>,
}

impl Prepared {
    /// A request without header fields or body, for tests.
    #[cfg(test)]
    pub(super) fn plain(method: Method, url: Url, shown: String) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let (secret_in_body, secret_in_url) = (false, false);
        Self { method, url, shown, headers, body, secret_in_body, secret_in_url }
    }

    /// The URL as errors and logs show it: without query.
    pub(super) fn endpoint(&self) -> String {
        let end = self.shown.find('?').unwrap_or(self.shown.len());
        self.shown[..end].to_owned()
    }

    /// Turns to where a redirect leads, as RFC 9110, section 15.4 and browsers have it.
    pub(super) fn follow(&mut self, status: StatusCode, to: Url) -> Result<(), Refusal> {
        let rewrites = match status.as_u16() {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if rewrites {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.secret_in_body = false;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING] {
                self.headers.remove(name);
            }
        }
        if to.origin() != self.url.origin() {
            if self.secret_in_body {
                return Err(Refusal::RedirectOfSecret { to: origin(&to) });
            }
            self.drop_secrets();
        }
        self.shown = origin(&to);
        if !self.secret_in_url {
            self.shown += to.path();
        }
        self.url = to;
        Ok(())
    }

    /// Drops every header field that is a secret, or may be one.
    fn drop_secrets(&mut self) {
        let sensitive = self.headers.iter().filter(|(_, value)| value.is_sensitive());
        let mut names: Vec<HeaderName> = sensitive.map(|(name, _)| name.clone()).collect();
        names.extend([AUTHORIZATION, COOKIE]);
        for name in names {
            self.headers.remove(name);
        }
    }
}

/// A header value; text beyond ASCII goes out as UTF-8.
fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

fn basic_auth(basic_auth: &BasicAuth) -> Result<HeaderValue, SettingsError> {
    let BasicAuth { user, password } = basic_auth;
    if user.contains(|character: char| character == ':' || character.is_control()) {
        return Err(SettingsError::BasicAuthUser);
    }
    let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
    let value = header_value(&format!("Basic {encoded}"));
    let mut value = value.ok_or(SettingsError::BasicAuthUser)?;
    value.set_sensitive(true);
    Ok(value)
}

/// An admin's own header field. `Host` and `Cookie` are the admin's to set (contract section 9), framing is not.
fn custom_header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), SettingsError> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
    let parsed = parsed
        .filter(|parsed| matches!(parsed.as_str(), "host" | "cookie") || !is_own_header(parsed));
    let parsed = parsed.ok_or_else(|| SettingsError::HeaderName { name: printable(name) })?;
    let value = header_value(value.expose());
    let mut value = value.ok_or_else(|| SettingsError::HeaderValue { name: name.to_owned() })?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// The text between the quotes of a JSON string.
fn escape_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn method(method: crate::model::Method) -> Method {
    use crate::model::Method as Asked;
    match method {
        Asked::Get => Method::GET,
        Asked::Head => Method::HEAD,
        Asked::Post => Method::POST,
        Asked::Put => Method::PUT,
        Asked::Patch => Method::PATCH,
        Asked::Delete => Method::DELETE,
    }
}
