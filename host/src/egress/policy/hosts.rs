//! `host` and `host:port`, as descriptions and admins write them.

use std::net::IpAddr;

use url::{Host, Url};

/// A host that may be asked besides the datasource's own.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::egress) struct AllowedHost {
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

    /// The name, if the entry has one.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// The address, if the entry has one instead of a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        address_of(&self.host)
    }

    /// Whether it is this very machine.
    pub(in crate::egress) fn is_loopback(&self) -> bool {
        match self.address() {
            Some(address) => address.is_loopback(),
            None => self.name() == Some("localhost"),
        }
    }

    /// The port that it is for.
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(443)
    }

    /// Whether the entry is for this URL.
    pub(super) fn matches(&self, url: &Url) -> bool {
        let host = url.host() == Some(borrowed(&self.host));
        let port = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.scheme() == "https" && url.port().is_none(),
        };
        host && port
    }
}

/// The address that a host is, unless it is a name. Whatever spelling it came in, the URL's parser has read it by now.
pub(super) fn address_of<S>(host: &Host<S>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
    }
}

fn borrowed(host: &Host<String>) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}
