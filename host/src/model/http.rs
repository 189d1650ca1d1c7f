//! A request that a guest asks for, and the response that it is given.

use std::time::Duration;

use bytes::Bytes;

/// A request method that guests may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Method {
    /// Read.
    Get,
    /// Read the headers only.
    Head,
    /// Send, or a query too long for a URL.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// The method's name as HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request carries after its headers.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Body {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// Text as it is.
    Text(String),
    /// A JSON document.
    Json(String),
    /// Form fields, to be URL-encoded: name and value.
    Form(Vec<(String, String)>),
}

/// One HTTP request that a guest asks for.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// A path below the data source's URL, or an absolute URL.
    pub target: String,
    /// Query parameters, name and value, not yet encoded.
    pub parameters: Vec<(String, String)>,
    /// Header fields, name and value.
    pub headers: Vec<(String, String)>,
    /// The body, if any.
    pub body: Option<Body>,
    /// How long a response may be served again.
    pub cache_for: Option<Duration>,
    /// Whether sending twice does no harm.
    pub idempotent: bool,
    /// Give up after this time, if that is sooner than the data source's timeout.
    pub timeout: Option<Duration>,
    /// Hand a transport failure to the guest instead of failing the query.
    pub tolerate_failure: bool,
}

impl Request {
    /// A plain read of a target.
    pub fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            target: target.into(),
            parameters: Vec::new(),
            headers: Vec::new(),
            body: None,
            cache_for: None,
            idempotent: false,
            timeout: None,
            tolerate_failure: false,
        }
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportFailure {
    /// Not resolved, refused, reset, no route.
    Unreachable(String),
    /// Nothing complete in time.
    Timeout(String),
    /// TLS was not acceptable.
    Tls(String),
    /// The response broke HTTP, was too long, or ended too soon.
    Broken(String),
}

/// One HTTP response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// The status code; 0 if `failure` is set.
    pub status: u16,
    /// Header fields, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed. Several queries may have the same.
    pub body: Bytes,
    /// Set if there is no response.
    pub failure: Option<TransportFailure>,
}
