//! The URL of a data source: what requests begin with, apart from whatever else admins write into it.

use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

use super::Error;
use crate::egress::BasicAuth;
use crate::model::Secret;

/// A data source's URL, taken apart.
pub(super) struct BaseUrl {
    /// Scheme, host, port and path without slashes at its end.
    pub(super) url: Url,
    /// User name and password that stood in it. Go's HTTP client sends them as basic authentication, so people rely on
    /// that.
    pub(super) basic_auth: Option<BasicAuth>,
}

impl BaseUrl {
    /// Reads a URL as an admin entered it. None if there is none.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let mut url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            Ok(url) if text.contains("://") => {
                return Err(Error::Scheme { scheme: url.scheme().to_owned() });
            }
            // `localhost:9090` has the scheme `localhost`.
            Ok(_) | Err(ParseError::RelativeUrlWithoutBase) => return Err(no_scheme(text)),
            Err(error) => return Err(Error::Url { reason: error.to_string() }),
        };
        if url.query().is_some_and(|query| !query.is_empty()) {
            return Err(Error::UrlQuery);
        }
        let basic_auth = basic_auth(&url);
        strip(&mut url);
        Ok(Some(Self { url, basic_auth }))
    }

    /// The URL as guests see it.
    pub(super) fn view(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }
}

fn no_scheme(text: &str) -> Error {
    let url = Url::parse(&format!("http://{}", text.trim_start_matches('/')));
    let proposal = url.ok().map(|mut url| {
        strip(&mut url);
        url.as_str().trim_end_matches('/').to_owned()
    });
    // With an `@` left, what looks like a path may be the rest of a password.
    Error::NoScheme { proposal: proposal.filter(|url| !url.contains('@')) }
}

/// Removes all that is not scheme, host, port or path. A fragment is never sent, so nobody misses it: it comes along
/// when the address of a page is copied.
fn strip(url: &mut Url) {
    // Both fail for URLs without a host alone, which those with http always have.
    let _set = url.set_username("");
    let _set = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
}

fn basic_auth(url: &Url) -> Option<BasicAuth> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (url.username(), url.password());
    (!user.is_empty() || password.is_some()).then(|| BasicAuth {
        user: decode(user),
        password: Secret::new(password.map(decode).unwrap_or_default()),
    })
}
