//! `host` and `host:port`, as descriptions and admins write them.

use url::{Host, Url};

/// A host that may be asked besides the datasource's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AllowedHost {
    host: Host<String>,
    /// None stands for https on its default port: without a port, nobody said that a secret may travel in clear.
    port: Option<u16>,
}

impl AllowedHost {
    /// Reads an entry; IPv6 addresses in brackets. Whatever is more than a host and a port is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            // `u16::from_str` takes a sign.
            Some(port) if port.starts_with('+') => return None,
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        // The parser takes `*`, and it would match nothing.
        let host = Host::parse(host).ok().filter(|_| !host.contains('*'))?;
        Some(Self { host, port })
    }

    /// Whether the entry is for this URL.
    pub(super) fn matches(&self, url: &Url) -> bool {
        let host = url.host().is_some_and(|host| host.to_owned() == self.host);
        let port = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.scheme() == "https" && url.port().is_none(),
        };
        host && port
    }
}
