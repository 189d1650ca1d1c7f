//! What came of a request, for those who want to know what a query did.

use std::time::Duration;

/// A request of a query and what came of it. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method, such as `GET`.
    pub method: &'static str,
    /// The whole URL, query included, with placeholders in the place of secrets.
    pub url: String,
    /// The response's status; 0 if there is none.
    pub status: u16,
    /// From when it was asked for to its end: queues, pauses and all tries.
    pub elapsed: Duration,
    /// The response's body, decompressed, bytes.
    pub bytes: usize,
    /// Where the response came from.
    pub origin: Origin,
    /// Tries after the first.
    pub retries: u32,
    /// Why there is no response.
    pub failure: Option<Failure>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In words, as the panel shows them.
    pub sentence: String,
    /// Whether TLS is where it ended.
    pub is_of_tls: bool,
}

/// Where a response came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The API.
    Api,
    /// The API, which was asked for another query at the same time.
    Shared,
    /// The cache, because it was fresh.
    Cache,
    /// The cache, because the API said that nothing has changed.
    Revalidated,
    /// The cache, although it was not fresh any more, because the API gave no answer.
    Stale,
}

impl Origin {
    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Shared => "shared",
            Self::Cache => "cache",
            Self::Revalidated => "revalidated",
            Self::Stale => "stale",
        }
    }
}
