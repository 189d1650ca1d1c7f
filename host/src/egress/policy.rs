//! May this request be sent, and where to? Pure functions: nothing is looked up, nothing is sent.
//!
//! The rule: a guest reaches what lies below the datasource's URL, and other hosts only if its description names them
//! and the admin allowed them. Whatever different servers could read in different ways is refused, not mended. Which addresses
//! these hosts may have is [`address`]'s to say.

mod address;
mod hosts;
pub(super) mod path;
mod refusal;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderName, StatusCode};
use url::{Position, Url};

use super::error::Error;
use super::settings::SettingsError;
use crate::limits::{REDIRECTS_MAX, REQUEST_HEADER_BYTES_MAX, REQUEST_HEADERS_MAX};
use crate::model::{Description, Method, Pace, Request};
pub use address::AddressKind;
pub(super) use address::{NoAddress, Reach};
use hosts::{AllowedHost, address_of};
pub use refusal::Refusal;

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
    /// The guest's name and version, for blame.
    pub guest: String,
    /// The methods it sends; empty means GET alone.
    pub methods: Vec<Method>,
    /// Hosts besides that of the datasource's URL, `host` or `host:port`.
    pub hosts: Vec<String>,
    /// The names of the secrets it knows; no other is ever put into its requests.
    pub secrets: Vec<String>,
    /// How often the API should be asked, as its vendor says.
    pub pace: Pace,
    /// How long answers are fresh that say nothing, as its vendor says.
    pub cache_for: Option<Duration>,
}

impl From<&Description> for Allowed {
    fn from(description: &Description) -> Self {
        Self {
            guest: format!("{} {}", description.name, description.version),
            methods: description.methods.clone(),
            hosts: description.hosts.clone(),
            secrets: description.secrets.iter().map(|secret| secret.name.clone()).collect(),
            pace: description.pace,
            cache_for: description.cache_for,
        }
    }
}

/// The rules of one datasource.
#[derive(Debug)]
pub(super) struct Policy {
    /// The guest's name and version, for blame.
    guest: String,
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
            guest: description.guest.clone(),
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

    /// The datasource's URL.
    pub(super) fn base(&self) -> Option<&Url> {
        self.base.as_ref()
    }

    /// Blames a request on the guest.
    pub(super) fn refused(&self, target: String, refusal: Refusal) -> Error {
        refusal.blamed(&self.guest, target)
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
        // An address that is among the allowed hosts was typed there by the admin, so it may be of any kind.
        if !self.allowed.iter().any(|allowed| allowed.matches(&url)) {
            return Err(match kind_of_host(&url) {
                Some(kind) => Refusal::AddressNotAllowed { host, kind },
                None => Refusal::HostNotAllowed { host },
            });
        }
        Ok(url)
    }

    /// Where a response redirects to; none if it is not a redirect. `hops` counts the redirects already followed.
    ///
    /// The API may redirect to anywhere on its own origin. Another host may redirect to nothing but what a guest could ask itself: it is
    /// its vendor's, and the data source's credentials would join the request.
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
        let stays = self.is_own_origin(from) && self.is_own_origin(&url);
        let allowed = plain && (stays || self.resolve_absolute(url.clone()).is_ok());
        if !allowed {
            let to = origin(&url);
            return Err(match kind_of_host(&url).filter(|kind| kind.is_of_machine()) {
                Some(kind) => Refusal::RedirectToMachine { to, kind },
                None => Refusal::Redirect { to },
            });
        }
        Ok(Some(url))
    }

    /// Whether a URL has the scheme, host and port of the datasource's.
    pub(super) fn is_own_origin(&self, url: &Url) -> bool {
        self.base.as_ref().is_some_and(|base| is_same_origin(base, url))
    }

    /// The hosts besides the datasource's own that can be asked, if any can.
    pub(super) fn others(&self) -> &[AllowedHost] {
        if self.described.is_empty() { &[] } else { &self.allowed }
    }

    /// The addresses that may be dialled in order to reach the datasource's own host and port.
    pub(super) fn reach_of_own(&self) -> Reach {
        self.base.as_ref().map(Reach::of_own).unwrap_or_default()
    }

    /// The addresses that may be dialled in order to reach any other host; also the own one, at another port.
    ///
    /// A name is resolved once for all ports that it is asked at, so that an address counts as typed for it if it was at each of them.
    pub(super) fn reach_of_others(&self) -> Reach {
        let is_typed = |address, port| {
            self.allowed
                .iter()
                .any(|typed| typed.address() == Some(address) && typed.port() == port)
        };
        let mut reach = Reach::default();
        for name in self.allowed.iter().filter_map(AllowedHost::name) {
            let same_name = || self.allowed.iter().filter(|host| host.name() == Some(name));
            let typed = self.allowed.iter().filter_map(AllowedHost::address);
            let typed = typed.filter(|at| same_name().all(|host| is_typed(*at, host.port())));
            reach.typed.extend(typed.map(|address| (name.to_owned(), address)));
        }
        reach
    }
}

/// What the address in a URL is for; none if it is a public one, or a name.
fn kind_of_host(url: &Url) -> Option<AddressKind> {
    url.host().as_ref().and_then(address_of).and_then(AddressKind::of)
}

/// Whether two URLs of HTTP have the same scheme, host and port. `Url::origin` makes new strings of them.
fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Whether `url` is `base` or lies below it.
fn is_below(base: &Url, url: &Url) -> bool {
    let Some(rest) = url.path().strip_prefix(base.path().trim_end_matches('/')) else {
        return false;
    };
    is_same_origin(base, url) && (rest.is_empty() || rest.starts_with('/'))
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
