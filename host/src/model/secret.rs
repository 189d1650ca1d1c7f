//! Text that shows itself nowhere.

use std::fmt;

/// Secrets that the settings of every HTTP data source have, here or in Grafana's other plugins: the host knows what to do with them.
const OF_HOST: [&str; 15] = [
    "authToken",
    "authApiKey",
    "authPassword",
    "authClientSecret",
    "authRefreshToken",
    "authPrivateKey",
    "basicAuthPassword",
    "password",
    "tlsCACert",
    "tlsClientCert",
    "tlsClientKey",
    "secureSocksProxyPassword",
    "sigV4AccessKey",
    "sigV4SecretKey",
    "sigV4SessionToken",
];
/// What the names of custom headers' values begin with; a number follows.
const OF_HOST_PREFIX: &str = "httpHeaderValue";

/// A secret of a data source. It can be read where a request is made, and shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// Whether a secret of this name is for the host alone, so that no guest may name it.
    pub fn is_of_host(name: &str) -> bool {
        OF_HOST.contains(&name) || name.starts_with(OF_HOST_PREFIX)
    }

    /// The secret itself. Only `egress/credentials.rs` and the TLS set-up have a reason to ask.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[REDACTED]")
    }
}
