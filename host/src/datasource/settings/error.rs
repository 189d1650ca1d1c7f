//! Why a data source's settings cannot be used, in words for the admin who can mend them.

use crate::model::Source;

/// Why settings cannot be used. Names keys as provisioning files do; never shows a secret, nor a URL as it was entered.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Nobody chose a guest.
    #[error("no guest is chosen (jsonData.guest)")]
    NoGuest,
    /// What is chosen cannot be a guest's name.
    #[error(
        "'{name}' cannot be a guest's name (jsonData.guest): those have lower case letters, digits and '-', at most 64 \
         of them"
    )]
    GuestName {
        /// As configured, printable.
        name: String,
    },
    /// Not JSON, or not even text.
    #[error("jsonData is not JSON: look at line {line}, column {column}")]
    JsonData {
        /// From 1.
        line: usize,
        /// From 1; 0 for the line's beginning.
        column: usize,
    },
    /// JSON, but of no use.
    #[error("jsonData is {found}, but it must be an object, such as {{\"guest\": \"prometheus\"}}")]
    NoObject {
        /// What it is.
        found: &'static str,
    },
    /// A key's value cannot be understood.
    #[error("jsonData.{key} is {found}, but it must be {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// What the value is.
        found: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A URL without `http://` or `https://`.
    #[error(
        "the URL has no scheme: write {}, or the same with https",
        .proposal.as_deref().map_or("'http://host:port'".to_owned(), |url| format!("'{url}'"))
    )]
    NoScheme {
        /// The URL with `http://`, if that can be one; without user name, password and query.
        proposal: Option<String>,
    },
    /// Another protocol.
    #[error("the URL's scheme is '{scheme}', but only http and https can be asked")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Not a URL.
    #[error("the URL cannot be read: {reason}. Write it as 'https://api.example.com/path'")]
    Url {
        /// What the parser says; never the URL itself.
        reason: String,
    },
    /// The URL goes on after its path.
    #[error(
        "the URL has a query (from '?' on), which cannot be a part of what all requests begin with. Remove it; a key \
         belongs into a secret or a custom header"
    )]
    UrlQuery,
    /// A switch is on, but the secret that it needs is missing.
    #[error(
        "jsonData.{switch} is on, but secureJsonData.{secret} is not set. Enter it, or switch {switch} off"
    )]
    SecretMissing {
        /// The key in jsonData.
        switch: &'static str,
        /// The key in secureJsonData.
        secret: &'static str,
    },
    /// A key that has to be there is not.
    #[error("{key} is not set, and the authentication needs it")]
    Missing {
        /// The key, from `jsonData` on.
        key: String,
    },
    /// A key has a value that it cannot have.
    #[error("{key} must be {expected}")]
    MustBe {
        /// The key, from `jsonData` on.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A secret that the authentication needs is missing.
    #[error("the authentication needs the secret '{name}' (secureJsonData), which is not set")]
    AuthSecretMissing {
        /// The key in secureJsonData.
        name: String,
    },
    /// Two ways to prove who asks.
    #[error(
        "both jsonData.sigV4Auth and jsonData.authentication are set, and a request can be proved in one way only. Remove one of them"
    )]
    TwoAuthentications,
    /// The same with basic authentication.
    #[error(
        "both basic authentication and jsonData.authentication are set, and both are sent in the header 'Authorization'. Remove one of \
         them"
    )]
    BasicAndAuthentication,
    /// The proxy that is switched on is none.
    #[error("jsonData.enableSecureSocksProxy is on, but there is no such proxy: {reason}")]
    SocksProxy {
        /// What is missing.
        reason: String,
    },
    /// A host that the admin of Grafana's machine does not allow.
    #[error(
        "jsonData.allowedHosts names '{host}', which is not among the hosts that may be allowed here (allowed_hosts in grafana.ini, \
         section [plugin.graft-datasource])"
    )]
    HostNotAllowed {
        /// As configured, printable.
        host: String,
    },
    /// A header that nobody may have forwarded.
    #[error(
        "jsonData.allowedHeaders names '{name}', which is no header that can be forwarded: HTTP sets it itself, or it is no name"
    )]
    ForwardedHeader {
        /// As configured, printable.
        name: String,
    },
    /// Without it, requests would go another way or carry less than the admin believes.
    #[error(
        "jsonData.{key} is set, but Graft cannot {what}. Remove it, if the API can be reached without"
    )]
    Unsupported {
        /// The key in jsonData.
        key: &'static str,
        /// What it asks for.
        what: &'static str,
    },
}

impl Error {
    /// The HTTP status that Grafana shows.
    pub fn status(&self) -> u16 {
        400
    }

    /// Whose fault it is, in Grafana's words: what an admin configured is never this plugin's.
    pub fn source_of_error(&self) -> Source {
        Source::Downstream
    }

    /// What the panel shows.
    pub fn user_message(&self) -> String {
        match self {
            Self::NoGuest => {
                "Choose a guest in the data source's settings (jsonData.guest).".to_owned()
            }
            error => format!("The data source's settings cannot be used: {error}."),
        }
    }
}

/// What an admin wrote, fit for a sentence.
pub(in crate::datasource) fn printable(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}
