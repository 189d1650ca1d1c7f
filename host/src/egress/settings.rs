//! What a datasource's admin says about HTTP, as plain values (contract section 9).

mod authentication;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use url::Url;

use super::policy::is_own_header;
use crate::model::{Pace, Secret};

pub use authentication::{
    Assertion, AuthStyle, Authentication, AwsKeys, Grant, Login, OAuth2, Role, SendAs, SigV4,
    TokenPlace,
};

/// How the requests of one datasource are sent.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The URL that paths are relative to: http or https, no user name, password, query or fragment. None if the admin
    /// set none.
    pub base_url: Option<Url>,
    /// User name and password, for the base URL's own origin.
    pub basic_auth: Option<BasicAuth>,
    /// Another way to prove who asks, for the base URL's own origin.
    pub authentication: Authentication,
    /// Header fields for the base URL's own origin, name and value. They replace those of the guest.
    pub headers: Vec<(String, Secret)>,
    /// One exchange, from its turn to the last byte of the body.
    pub timeout: Duration,
    /// Until a connection is there, TLS included.
    pub dial_timeout: Duration,
    /// Between two signs of life on a connection (TCP keep-alive).
    pub keep_alive: Duration,
    /// How long a connection is kept for the next exchange.
    pub idle_timeout: Duration,
    /// How many connections are kept for the next exchanges with one host.
    pub idle_connections: usize,
    /// TLS options.
    pub tls: TlsSettings,
    /// Hosts besides the base URL's that guests may ask, if their description names them too: `host` means https on
    /// port 443, `host:port` means http or https there.
    pub allowed_hosts: Vec<String>,
    /// The secrets for `{{secret:name}}`, by name.
    pub secrets: HashMap<String, Secret>,
    /// All secrets, whatever they are for: what others say is searched for them.
    pub all_secrets: Vec<Secret>,
    /// The `User-Agent` of requests that have none.
    pub user_agent: String,
    /// The proxy that everything goes through.
    pub socks: Option<Socks>,
    /// What of a caller's header fields reaches the API.
    pub forward: Forward,
    /// Connections to one host at the same time; none for as many as there are exchanges.
    pub connections_per_host: Option<usize>,
    /// A TLS handshake.
    pub tls_handshake_timeout: Duration,
    /// Grafana's own limit of a response's body, bytes, which holds besides that of `Limits`.
    pub response_bytes: Option<usize>,
    /// How often the API may be asked.
    pub pace: Pace,
    /// Tries after the first.
    pub retries: u32,
    /// How long answers to reads are fresh if neither the API nor the guest's request says; none for what the guest's description says.
    pub cache_for: Option<Duration>,
    /// How long after it was fresh an answer may be given to an alert rule if the API gives none.
    pub stale_if_error: Duration,
}

/// Grafana's secure SOCKS proxy (contract section 9).
#[derive(Clone, Debug)]
pub struct Socks {
    /// `host:port`.
    pub address: String,
    /// The user's name.
    pub user: String,
    /// The password; may be empty.
    pub password: Secret,
    /// TLS; none if the admin of Grafana allows the proxy without.
    pub tls: Option<SocksTls>,
}

/// TLS with the proxy.
#[derive(Clone, Debug)]
pub struct SocksTls {
    /// The name that its certificate is for.
    pub server_name: String,
    /// PEM certificates to trust.
    pub authorities: Vec<Secret>,
    /// The client's certificate, PEM.
    pub certificate: Secret,
    /// Its key, PEM.
    pub key: Secret,
}

/// What of a caller's header fields reaches the API, and only at the datasource's own origin (contract section 4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// The user's OAuth tokens: `Authorization` and `X-Id-Token` (`oauthPassThru`).
    pub tokens: bool,
    /// The cookies that Grafana lets through (`keepCookies`).
    pub cookies: bool,
    /// Other header fields by lower-case name (`allowedHeaders`).
    pub headers: Vec<String>,
}

impl Forward {
    /// Whether a header field of this lower-case name can be forwarded by `headers`: not what HTTP sets itself, and not what the other
    /// two switches are for.
    pub fn can_be(name: &str) -> bool {
        let parsed = http::HeaderName::from_bytes(name.as_bytes());
        let is_of_switches = matches!(name, "authorization" | "x-id-token" | "cookie");
        parsed.is_ok_and(|parsed| !is_own_header(&parsed)) && !is_of_switches
    }
}

impl HttpSettings {
    /// What proves who asks, as the end of "it answers so to".
    pub(super) fn credentials_in_words(&self) -> &'static str {
        match &self.authentication {
            Authentication::Bearer { .. } => "the bearer token of the settings",
            Authentication::HeaderKey { .. } | Authentication::ParameterKey { .. } => {
                "the API key of the settings"
            }
            Authentication::Digest { .. } => "digest authentication",
            Authentication::OAuth2(_) => "a token of the token server",
            Authentication::SigV4(_) => "an AWS signature",
            Authentication::Login(_) => "what its login gave",
            Authentication::None if self.basic_auth.is_some() => "basic authentication",
            Authentication::None if self.forward.tokens => "the user's own token",
            Authentication::None if !self.headers.is_empty() => {
                "the custom headers of the settings"
            }
            Authentication::None if self.tls.client.is_some() => "the client's certificate",
            Authentication::None => "no credentials but those of the guest",
        }
    }

    /// The defaults of Grafana's own client (contract section 9), for requests below `base_url`.
    pub fn new(base_url: Option<Url>) -> Self {
        Self {
            base_url,
            basic_auth: None,
            authentication: Authentication::None,
            headers: Vec::new(),
            timeout: Duration::from_secs(30),
            dial_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(90),
            idle_connections: 100,
            tls: TlsSettings::default(),
            allowed_hosts: Vec::new(),
            secrets: HashMap::new(),
            all_secrets: Vec::new(),
            user_agent: concat!("Graft/", env!("CARGO_PKG_VERSION")).to_owned(),
            socks: None,
            forward: Forward::default(),
            connections_per_host: None,
            tls_handshake_timeout: Duration::from_secs(10),
            response_bytes: None,
            pace: Pace::default(),
            retries: 2,
            cache_for: None,
            stale_if_error: Duration::ZERO,
        }
    }
}

/// Basic authentication (RFC 7617).
#[derive(Clone)]
pub struct BasicAuth {
    /// The user's name; no colon.
    pub user: String,
    /// The password; may be empty.
    pub password: Secret,
}

impl fmt::Debug for BasicAuth {
    /// Nothing at all: many an API takes its key as the user's name.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BasicAuth").finish_non_exhaustive()
    }
}

/// What differs from TLS as everybody does it.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Takes any certificate. Grafana's "Skip TLS Verify".
    pub skip_verify: bool,
    /// PEM certificates to trust instead of the system's.
    pub authority: Option<Secret>,
    /// The certificate that the host shows to the API.
    pub client: Option<ClientCertificate>,
    /// The name that the API's certificate has to be for, and that is asked for, instead of the URL's host (`serverName`).
    pub server_name: Option<String>,
    /// Nothing older than TLS 1.3 (Grafana's feature toggle `pluginsForceTls13`).
    pub only_13: bool,
}

/// A TLS client certificate.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate chain, PEM.
    pub certificate: Secret,
    /// The private key, PEM.
    pub key: Secret,
}

/// Why settings cannot be used. The admin's to mend. Names settings as Grafana's page and its provisioning files do.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// Not a header name, or one that only HTTP itself sets.
    #[error(
        "the custom header '{name}' cannot be set: its name must be of letters, digits and '-', and it must not be \
         one that HTTP sets itself, such as Content-Length or Connection"
    )]
    HeaderName {
        /// The name as configured.
        name: String,
    },
    /// Not a header value; which is a secret.
    #[error(
        "the value of the custom header '{name}' holds a line break or another control character: enter it again"
    )]
    HeaderValue {
        /// The header's name.
        name: String,
    },
    /// RFC 7617 has no way to send it.
    #[error(
        "the user name for basic authentication holds a colon or a control character, which HTTP cannot send"
    )]
    BasicAuthUser,
    /// A secret that HTTP cannot send.
    #[error(
        "the secret '{name}' (secureJsonData) holds a line break or another control character: enter it again"
    )]
    Secret {
        /// The secret's name.
        name: &'static str,
    },
    /// Not an algorithm of RFC 7518 that can be signed with.
    #[error(
        "'{name}' is no algorithm that assertions can be signed with (jsonData.authentication.algorithm): take RS256, PS256, \
         ES256, EdDSA or HS256, or another of their families"
    )]
    Algorithm {
        /// As configured.
        name: String,
    },
    /// Not a private key, or one of another kind.
    #[error(
        "the private key (authPrivateKey) cannot sign with {algorithm}: paste the whole PEM text of a key of that kind, from \
         '-----BEGIN' on (for ES256 and EdDSA in PKCS #8)"
    )]
    PrivateKey {
        /// The algorithm.
        algorithm: String,
    },
    /// Neither a name nor an address.
    #[error(
        "'{host}' in the allowed hosts is not a host: write 'api.example.com' or 'api.example.com:8443'"
    )]
    AllowedHost {
        /// The entry.
        host: String,
    },
    /// No PEM, or no certificate inside.
    #[error(
        "the CA certificate (tlsCACert) cannot be read: {reason}. Paste the whole PEM text, from '-----BEGIN CERTIFICATE-----' on"
    )]
    Authority {
        /// What the parser says; never the text itself.
        reason: String,
    },
    /// No PEM, no certificate or no key inside.
    #[error(
        "the client certificate (tlsClientCert, tlsClientKey) cannot be read: {reason}. Paste the whole PEM texts of \
         the certificate and its private key"
    )]
    ClientCertificate {
        /// What the parser says; never the text itself.
        reason: String,
    },
    /// Grafana's own configuration, most often.
    #[error("the secure SOCKS proxy (enableSecureSocksProxy) cannot be used: {reason}")]
    Socks {
        /// What is wrong.
        reason: String,
    },
    /// An address, or no name at all.
    #[error(
        "serverName (jsonData) must be the name that the API's certificate is for, such as 'api.example.com'"
    )]
    ServerName,
    /// The proxy would be asked for the certificate's name.
    #[error(
        "serverName (jsonData) cannot be used together with a proxy (HTTPS_PROXY in the environment, or enableSecureSocksProxy): the \
         proxy would look for that name"
    )]
    ServerNameAndProxy,
    /// No trusted roots, or another fault of TLS on this machine.
    #[error("TLS cannot be set up on the machine that runs Grafana: {reason}")]
    Tls {
        /// What the library says.
        reason: String,
    },
}
