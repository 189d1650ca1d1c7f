//! May this request be sent, and where to? Pure functions: nothing is looked up, nothing is sent.
//!
//! The rule: a guest reaches what lies below the datasource's URL, and other hosts only if its description names them
//! and the admin allowed them. Whatever different servers could read in different ways is refused, not mended.

mod hosts;
mod path;
#[cfg(test)]
mod tests;

use http::{HeaderName, StatusCode};
use url::{Position, Url};

use super::error::Blame;
use super::settings::SettingsError;
use crate::limits::{REDIRECTS_MAX, REQUEST_HEADER_BYTES_MAX, REQUEST_HEADERS_MAX, URL_BYTES_MAX};
use crate::model::{Description, Method, Request};
use hosts::AllowedHost;

/// Header fields that only the host sets (`wit/http.wit`, `request.headers`), besides all that start with `proxy-`.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "cookie",
];

/// What a guest's description asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowed {
    /// The guest's name, for blame.
    pub guest: String,
    /// The methods it sends; empty means GET alone.
    pub methods: Vec<Method>,
    /// Hosts besides that of the datasource's URL, `host` or `host:port`.
    pub hosts: Vec<String>,
    /// The names of the secrets it knows; no other is ever put into its requests.
    pub secrets: Vec<String>,
}

impl From<&Description> for Allowed {
    fn from(description: &Description) -> Self {
        Self {
            guest: description.name.clone(),
            methods: description.methods.clone(),
            hosts: description.hosts.clone(),
            secrets: description.secrets.iter().map(|secret| secret.name.clone()).collect(),
        }
    }
}

/// Why a request, or a redirect, is not sent on. Reads as the end of "the request is not allowed: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The description does not list the method.
    #[error("the guest's description does not list the method {method}")]
    Method {
        /// The method's name.
        method: &'static str,
    },
    /// A path, but nothing that it is relative to.
    #[error("the data source has no URL. Enter the API's URL in the data source's settings")]
    NoBaseUrl,
    /// Not a path or URL that every server reads alike.
    #[error("the target {reason}")]
    Target {
        /// What is wrong with it, as the rest of a sentence.
        reason: &'static str,
    },
    /// The data source's own host, but not below its URL.
    #[error("the target lies outside the data source's URL")]
    OutsideBaseUrl,
    /// The description does not name the host.
    #[error(
        "'{host}' is neither the data source's own host nor one that the guest's description names"
    )]
    HostNotDescribed {
        /// `host` or `host:port`.
        host: String,
    },
    /// The admin did not allow the host.
    #[error(
        "the guest needs the host '{host}', which is not allowed. If that is right, add it to the allowed hosts \
         (allowedHosts) in the data source's settings"
    )]
    HostNotAllowed {
        /// `host` or `host:port`.
        host: String,
    },
    /// The URL, parameters included, is longer than can be sent.
    #[error(
        "the URL is {bytes} bytes long with its parameters, more than the {URL_BYTES_MAX} that can be sent"
    )]
    UrlTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A header field that cannot be sent, or not by a guest.
    #[error("the header field '{name}' {reason}")]
    Header {
        /// Its name, printable.
        name: String,
        /// What is wrong with it, as the rest of a sentence.
        reason: &'static str,
    },
    /// Too many header fields, or too large.
    #[error(
        "it has {fields} header fields of {bytes} bytes together, more than the {REQUEST_HEADERS_MAX} fields and \
         {REQUEST_HEADER_BYTES_MAX} bytes that a request may have"
    )]
    Headers {
        /// How many.
        fields: usize,
        /// Names and values together.
        bytes: usize,
    },
    /// A redirect to a host that is not allowed, or to what is no URL.
    #[error(
        "the API redirects to '{to}', which is not the data source's own host. If that is right, enter the URL that \
         it redirects to in the data source's settings"
    )]
    Redirect {
        /// Scheme, host and port, or what else stood there.
        to: String,
    },
    /// The body holds a secret, and the redirect would carry it to another host.
    #[error(
        "the API redirects to '{to}', and the request's body holds a secret that is not for that host"
    )]
    RedirectOfSecret {
        /// Scheme, host and port.
        to: String,
    },
    /// A redirect loop, most likely.
    #[error("the API redirected {REDIRECTS_MAX} times without an answer")]
    TooManyRedirects,
}

impl Refusal {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::NoBaseUrl | Self::HostNotAllowed { .. } => Blame::Settings,
            Self::Redirect { .. } | Self::RedirectOfSecret { .. } | Self::TooManyRedirects => {
                Blame::Api
            }
            _ => Blame::Guest,
        }
    }
}

/// The rules of one datasource.
#[derive(Debug)]
pub(super) struct Policy {
    /// The datasource's URL.
    base: Option<Url>,
    /// The methods that the description lists.
    methods: Vec<Method>,
    /// The hosts that the description names.
    described: Vec<AllowedHost>,
    /// The hosts that the admin allowed.
    allowed: Vec<AllowedHost>,
}

impl Policy {
    /// Rules from a guest's description and the admin's settings. A host in the description that is none matches nothing.
    pub(super) fn new(
        base: Option<Url>,
        description: &Allowed,
        allowed: &[String],
    ) -> Result<Self, SettingsError> {
        let allowed = allowed.iter().map(|host| {
            AllowedHost::parse(host)
                .ok_or_else(|| SettingsError::AllowedHost { host: host.clone() })
        });
        let methods = match description.methods.as_slice() {
            [] => vec![Method::Get],
            methods => methods.to_vec(),
        };
        Ok(Self {
            base,
            methods,
            described: description
                .hosts
                .iter()
                .filter_map(|host| AllowedHost::parse(host))
                .collect(),
            allowed: allowed.collect::<Result<_, _>>()?,
        })
    }

    /// The absolute URL to send `request` to, without its parameters, or why it is not sent.
    pub(super) fn resolve(&self, request: &Request) -> Result<Url, Refusal> {
        if !self.methods.contains(&request.method) {
            return Err(Refusal::Method { method: request.method.as_str() });
        }
        check_headers(&request.headers)?;
        let target = path::check(&request.target)?;
        match target {
            path::Target::Absolute(url) => self.resolve_absolute(url),
            path::Target::Relative { path, query } => self.resolve_relative(path, query),
        }
    }

    fn resolve_relative(&self, path: &str, query: Option<&str>) -> Result<Url, Refusal> {
        let base = self.base.as_ref().ok_or(Refusal::NoBaseUrl)?;
        let mut url = base.clone();
        if !path.is_empty() {
            let path = path.strip_prefix('/').unwrap_or(path);
            url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
        }
        url.set_query(query);
        // Defence in depth: `path::check` has refused whatever could make this false.
        if is_below(base, &url) { Ok(url) } else { Err(Refusal::OutsideBaseUrl) }
    }

    fn resolve_absolute(&self, url: Url) -> Result<Url, Refusal> {
        if self.is_own_origin(&url) {
            let below = self.base.as_ref().is_some_and(|base| is_below(base, &url));
            return if below { Ok(url) } else { Err(Refusal::OutsideBaseUrl) };
        }
        let host = url[Position::BeforeHost..Position::AfterPort].to_owned();
        if !self.described.iter().any(|described| described.matches(&url)) {
            return Err(Refusal::HostNotDescribed { host });
        }
        if !self.allowed.iter().any(|allowed| allowed.matches(&url)) {
            return Err(Refusal::HostNotAllowed { host });
        }
        Ok(url)
    }

    /// Where a response redirects to; none if it is not a redirect. `hops` counts the redirects already followed.
    ///
    /// The API may redirect to anywhere on the data source's own origin, and to hosts that a guest could ask itself.
    pub(super) fn redirect(
        &self,
        from: &Url,
        status: StatusCode,
        location: Option<&[u8]>,
        hops: usize,
    ) -> Result<Option<Url>, Refusal> {
        let (301 | 302 | 303 | 307 | 308, Some(location)) = (status.as_u16(), location) else {
            return Ok(None);
        };
        if hops >= REDIRECTS_MAX {
            return Err(Refusal::TooManyRedirects);
        }
        let parsed =
            std::str::from_utf8(location).ok().and_then(|location| from.join(location).ok());
        let Some(mut url) = parsed else {
            return Err(Refusal::Redirect { to: printable(&String::from_utf8_lossy(location)) });
        };
        url.set_fragment(None);
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none();
        let allowed =
            plain && (self.is_own_origin(&url) || self.resolve_absolute(url.clone()).is_ok());
        if !allowed {
            return Err(Refusal::Redirect { to: origin(&url) });
        }
        Ok(Some(url))
    }

    /// Whether a URL has the scheme, host and port of the datasource's.
    pub(super) fn is_own_origin(&self, url: &Url) -> bool {
        self.base.as_ref().is_some_and(|base| base.origin() == url.origin())
    }
}

/// Whether `url` is `base` or lies below it.
fn is_below(base: &Url, url: &Url) -> bool {
    let Some(rest) = url.path().strip_prefix(base.path().trim_end_matches('/')) else {
        return false;
    };
    base.origin() == url.origin() && (rest.is_empty() || rest.starts_with('/'))
}

/// Names and values of a guest's header fields, and how many there are.
fn check_headers(headers: &[(String, String)]) -> Result<(), Refusal> {
    let fields = headers.len();
    let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if fields > REQUEST_HEADERS_MAX || bytes > REQUEST_HEADER_BYTES_MAX {
        return Err(Refusal::Headers { fields, bytes });
    }
    for (name, value) in headers {
        let refuse = |reason| Err(Refusal::Header { name: printable(name), reason });
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            return refuse("does not have a name that HTTP knows");
        };
        if is_own_header(&parsed) {
            return refuse("is one that only the host sets");
        }
        if value.chars().any(|character| character.is_ascii_control() && character != '\t') {
            return refuse("has a line break or another control character in its value");
        }
    }
    Ok(())
}

/// Whether only the host sets the header field.
pub(super) fn is_own_header(name: &HeaderName) -> bool {
    OWN_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}

/// Scheme, host and port of a URL, for messages. No path, so that nothing a guest or the API put there can show.
pub(super) fn origin(url: &Url) -> String {
    match url.host_str() {
        Some(_) => {
            format!("{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPort])
        }
        None => format!("{}:", url.scheme()),
    }
}

/// Hostile text, fit for one line of a message.
pub(super) fn printable(text: &str) -> String {
    const CHARACTERS_MAX: usize = 200;
    let escape = |character: char| match character {
        '\'' | '"' => character.to_string(),
        _ => character.escape_debug().to_string(),
    };
    let mut short: String = text.chars().take(CHARACTERS_MAX).map(escape).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}
