//! What kept an exchange from its response: reqwest's errors, told apart and put into words.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::iter;
use std::time::Duration;

use url::{Position, Url};

use crate::egress::error::{Bound, Error, Phase};
use crate::egress::policy::NoAddress;

/// The name that kept a request from being sent, because none of its addresses may be dialled.
pub(in crate::egress) fn refused_address(error: &reqwest::Error) -> Option<&NoAddress> {
    find(error)
}

/// What went wrong before there was a status, `after` the request was begun.
pub(in crate::egress) fn of_request(
    endpoint: String,
    url: &Url,
    error: &reqwest::Error,
    after: Duration,
) -> Error {
    let address = address(url);
    if error.is_timeout() {
        // The only time that reqwest itself keeps here is that for connecting.
        let (phase, bound) = (Phase::Connection, Bound::Exchange);
        return Error::TimedOut { endpoint, after, phase, bound };
    }
    if let Some(cause) = find::<rustls::Error>(error) {
        return Error::Tls { endpoint, cause: cause.to_string() };
    }
    if error.is_dns() {
        let host = url.host_str().unwrap_or_default();
        let cause = format!("the name '{host}' cannot be resolved ({})", root_cause(error));
        return Error::Unreachable { endpoint, cause, was_sent: false };
    }
    let io = find::<io::Error>(error).map(io::Error::kind);
    let cause = match io {
        Some(ErrorKind::ConnectionRefused) => format!("connection refused by {address}"),
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => {
            format!("connection reset by {address}")
        }
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            format!("there is no route to {address}")
        }
        Some(ErrorKind::UnexpectedEof) => {
            format!("{address} closed the connection without an answer")
        }
        _ if error.is_connect() => format!("no connection to {address} ({})", root_cause(error)),
        _ if find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message) => {
            format!("{address} closed the connection without an answer")
        }
        _ => {
            let cause = format!("{address} did not answer in HTTP ({})", root_cause(error));
            return Error::Broken { endpoint, cause };
        }
    };
    // What is said of connecting was before anything was sent; a connection from the pool may have been dead already.
    Error::Unreachable { endpoint, cause, was_sent: !error.is_connect() }
}

/// What went wrong in the middle of a body of which `read` bytes had come, decompressed, and `announced` were promised.
pub(in crate::egress) fn of_body(
    endpoint: String,
    error: &(dyn StdError + 'static),
    read: usize,
    announced: Option<u64>,
) -> Error {
    let cause = match announced {
        Some(announced) => {
            format!("it ended after {read} of {announced} bytes ({})", root_cause(error))
        }
        None => format!("it broke off after {read} bytes ({})", root_cause(error)),
    };
    Error::Broken { endpoint, cause }
}

/// The innermost error's words. Never reqwest's own, which print URLs.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    // An `io::Error` that wraps another has its words.
    let is_wrapper = |error: &&(dyn StdError + 'static)| {
        error.is::<reqwest::Error>()
            || error.downcast_ref::<io::Error>().is_some_and(|error| error.get_ref().is_some())
    };
    let root = chain(error).filter(|error| !is_wrapper(error)).last();
    match root {
        Some(root) => root.to_string(),
        None => "no reason given".to_owned(),
    }
}

/// `host:port` of a URL.
fn address(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::AfterHost];
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The first error of a type among an error and its sources.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and its sources, outermost first.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| {
        // `io::Error::source` skips the error that it wraps.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}
