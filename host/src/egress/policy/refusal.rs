//! Why the policy says no, and whose it is to mend.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use super::{AddressKind, NoAddress};
use crate::egress::error::{Blame, Error};
use crate::limits::{REDIRECTS_MAX, REQUEST_HEADER_BYTES_MAX, REQUEST_HEADERS_MAX, URL_BYTES_MAX};

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
    /// The admin did not allow the host, which is an address that is not public.
    #[error(
        "the guest needs '{host}', {kind}, which is not allowed. Only if you know what it has to do there, add it to the \
         allowed hosts (allowedHosts) in the data source's settings"
    )]
    AddressNotAllowed {
        /// `address:port`.
        host: String,
        /// What the address is for.
        kind: AddressKind,
    },
    /// A name for an address of the machine itself, or of its cloud's.
    #[error(
        "'{host}' resolves to {address}, {kind}, which no name may stand for. Its entry in DNS has to be mended; only an \
         address that is itself entered in the data source's settings can be one of these"
    )]
    MachineAddress {
        /// The name.
        host: String,
        /// The first address that it has.
        address: IpAddr,
        /// What the address is for.
        kind: AddressKind,
    },
    /// A name besides that in the datasource's URL, for an address that is not public.
    #[error(
        "'{host}' resolves to {}, {kind}, and only the host of the data source's own URL may do so. If that is right, add \
         '{address}' as well to the allowed hosts (allowedHosts) in the data source's settings; else its entry in DNS has to \
         be mended",
        .address.ip()
    )]
    PrivateAddress {
        /// The name.
        host: String,
        /// The first address that it has, with the port that was asked.
        address: SocketAddr,
        /// What the address is for.
        kind: AddressKind,
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
    /// A redirect to the machine itself, or to its cloud's services.
    #[error(
        "the API redirects to '{to}', {kind}, where no API is. Look at the API, and at proxies in front of it"
    )]
    RedirectToMachine {
        /// Scheme, host and port.
        to: String,
        /// What the address is for.
        kind: AddressKind,
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
            Self::NoBaseUrl
            | Self::HostNotAllowed { .. }
            | Self::AddressNotAllowed { .. }
            | Self::MachineAddress { .. }
            | Self::PrivateAddress { .. } => Blame::Settings,
            Self::Redirect { .. }
            | Self::RedirectToMachine { .. }
            | Self::RedirectOfSecret { .. }
            | Self::TooManyRedirects => Blame::Api,
            _ => Blame::Guest,
        }
    }

    /// The same as an error, for what a guest asked for.
    pub(in crate::egress) fn blamed(self, guest: &str, target: String) -> Error {
        Error::Refused { guest: guest.to_owned(), target, refusal: self }
    }

    /// Why a name that `url` holds is not asked.
    pub(in crate::egress) fn of_name(refused: NoAddress, url: &Url) -> Self {
        let NoAddress { name: host, address, kind } = refused;
        if kind.is_of_machine() {
            return Self::MachineAddress { host, address, kind };
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Self::PrivateAddress { host, address: SocketAddr::new(address, port), kind }
    }
}
