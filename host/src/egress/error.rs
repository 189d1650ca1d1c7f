//! Why there is no response: in words an admin understands, with status and source, and without any secret.
//!
//! No foreign error is kept: they print URLs, whose queries may hold secrets. What they say about the cause is.

use std::time::Duration;

use super::authentication::TokenError;
use super::policy::Refusal;
use super::settings::SettingsError;
use crate::budget::NoMemory;
use crate::limits::how_to_raise;
use crate::model::{Failure, Source, TransportFailure};

/// Who has to do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The guest, so its vendor: status 500, source plugin.
    Guest,
    /// The datasource's settings, so its admin: status 400, source downstream.
    Settings,
    /// The API: status 502, source downstream.
    Api,
    /// This plugin, which is at one of its limits: status 503, source plugin.
    Host,
}

/// What an exchange was doing when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waited for other exchanges of the same datasource.
    Queue,
    /// It waited for a connection.
    Connection,
    /// It waited for the response's status and header fields.
    Response,
    /// It read the body.
    Body,
}

/// Which time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// That of one exchange: the datasource's timeout, or a shorter one that the guest asked for.
    Exchange,
    /// That of the whole query, with all its exchanges.
    Query,
    /// That of a pause in the middle of a body.
    Idle,
}

/// Why there is no response. `endpoint` is `http://host:port/path`, without query.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The settings cannot be used at all.
    #[error("the HTTP settings cannot be used")]
    Settings(#[from] SettingsError),
    /// The policy does not let the request, or a redirect of it, through.
    #[error("a request of guest '{guest}' to '{target}' is not allowed")]
    Refused {
        /// The guest's name.
        guest: String,
        /// What the guest asked for, printable.
        target: String,
        /// Why not.
        #[source]
        refusal: Refusal,
    },
    /// A placeholder names a secret that the guest's description does not.
    #[error("guest '{guest}' uses the secret '{name}', which its description does not name")]
    SecretNotDescribed {
        /// The guest's name.
        guest: String,
        /// The placeholder's name, printable.
        name: String,
    },
    /// A placeholder names a secret that is not set.
    #[error("guest '{guest}' uses the secret '{name}', which is not set")]
    SecretNotSet {
        /// The guest's name.
        guest: String,
        /// The secret's name.
        name: String,
    },
    /// A secret cannot stand in a header.
    #[error("the secret '{name}' cannot be sent in the header '{header}'")]
    SecretInHeader {
        /// The secret's name.
        name: String,
        /// The header's name.
        header: String,
    },
    /// What proves who asks cannot be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A secret cannot stand in a path.
    #[error("the secret '{name}' cannot be a part of a path")]
    SecretInPath {
        /// The secret's name.
        name: String,
    },
    /// What Grafana forwards of a caller's request cannot be sent.
    #[error("the forwarded header '{header}' cannot be sent")]
    Forwarded {
        /// The header's name.
        header: String,
    },
    /// No connection: not resolved, refused, reset, no route.
    #[error("no connection to {endpoint}: {cause}")]
    Unreachable {
        /// Whom.
        endpoint: String,
        /// What happened, as `connection refused by 127.0.0.1:9`.
        cause: String,
        /// Whether anything of the request may have reached the API.
        was_sent: bool,
    },
    /// Time was over.
    #[error("no complete response from {endpoint} within {after:?} ({phase:?}, {bound:?})")]
    TimedOut {
        /// Whom.
        endpoint: String,
        /// How long it was waited.
        after: Duration,
        /// For what.
        phase: Phase,
        /// By which bound.
        bound: Bound,
    },
    /// TLS failed.
    #[error("no TLS with {endpoint}: {cause}")]
    Tls {
        /// Whom.
        endpoint: String,
        /// What the TLS library says.
        cause: String,
    },
    /// The response broke HTTP, or ended too soon.
    #[error("the response of {endpoint} broke off: {cause}")]
    Broken {
        /// Whom.
        endpoint: String,
        /// What happened.
        cause: String,
    },
    /// The body, or the header fields, are larger than allowed.
    #[error("the {part} of {endpoint} is over the limit {key} of {limit} bytes")]
    TooLarge {
        /// Whom.
        endpoint: String,
        /// `response` or `response's header`.
        part: &'static str,
        /// The field of `Limits`.
        key: &'static str,
        /// Its value, bytes.
        limit: usize,
    },
    /// The body grows too much as its compression is taken off.
    #[error("the response of {endpoint} grows to more than {ratio} times of what was sent")]
    Inflated {
        /// Whom.
        endpoint: String,
        /// `Limits::decompression_ratio`.
        ratio: usize,
    },
    /// The API failed so often that it is left alone for a while.
    #[error("{endpoint} failed {failures} times in a row, and is not asked for {again_in:?}")]
    CircuitOpen {
        /// Whom.
        endpoint: String,
        /// How often.
        failures: u32,
        /// Why it failed last.
        cause: String,
        /// Until it is asked again.
        again_in: Duration,
    },
    /// The pace that settings or the guest's description set left no room in time.
    #[error("the request to {endpoint} had to wait longer than {after:?} for its turn")]
    Pace {
        /// Whom.
        endpoint: String,
        /// How long it was waited.
        after: Duration,
        /// Requests for each second.
        requests_per_second: String,
    },
    /// Too many requests wait already.
    #[error("{limit} requests of this query wait already (limit calls_waiting)")]
    Busy {
        /// How many.
        limit: usize,
    },
    /// The same, after several tries.
    #[error("{error} (after {tries} tries)")]
    Tried {
        /// The last try's.
        error: Box<Self>,
        /// How many there were.
        tries: u32,
    },
    /// There is no memory for the body.
    #[error("there is no memory for a response")]
    NoMemory(#[source] NoMemory),
}

impl Error {
    /// Whose fault it is.
    fn blame(&self) -> Blame {
        match self {
            Self::Refused { refusal, .. } => refusal.blame(),
            Self::SecretNotDescribed { .. } => Blame::Guest,
            Self::Settings(_)
            | Self::SecretNotSet { .. }
            | Self::SecretInHeader { .. }
            | Self::SecretInPath { .. }
            | Self::Forwarded { .. } => Blame::Settings,
            Self::Token(error) => error.blame(),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Tls { .. }
            | Self::Broken { .. }
            | Self::TooLarge { .. }
            | Self::Inflated { .. }
            | Self::CircuitOpen { .. }
            | Self::Pace { .. } => Blame::Api,
            Self::NoMemory(_) | Self::Busy { .. } => Blame::Host,
            Self::Tried { error, .. } => error.blame(),
        }
    }

    /// One word for it, for metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Refused { .. } => "refused",
            Self::SecretNotDescribed { .. }
            | Self::SecretNotSet { .. }
            | Self::SecretInPath { .. }
            | Self::SecretInHeader { .. } => "secret",
            Self::Token(_) => "token",
            Self::Forwarded { .. } => "forwarded",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timeout",
            Self::Tls { .. } => "tls",
            Self::Broken { .. } => "broken",
            Self::TooLarge { .. } | Self::Inflated { .. } => "too_large",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::Pace { .. } => "pace",
            Self::Busy { .. } => "busy",
            Self::Tried { error, .. } => error.kind(),
            Self::NoMemory(_) => "no_memory",
        }
    }

    /// Whether the API, or the way to it, is not well: what waiting may mend.
    pub(super) fn is_of_api(&self) -> bool {
        match self {
            Self::Tried { error, .. } => error.is_of_api(),
            Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Broken { .. }
            | Self::CircuitOpen { .. } => true,
            Self::TimedOut { phase, bound, .. } => *phase != Phase::Queue && *bound != Bound::Query,
            _ => false,
        }
    }

    /// Whether it says that there is no more to be had, and nothing about what was had before.
    pub fn is_about_more(&self) -> bool {
        match self {
            Self::Tried { error, .. } => error.is_about_more(),
            Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::Inflated { .. }
            | Self::NoMemory(_)
            | Self::Busy { .. }
            | Self::Pace { .. } => true,
            error => error.is_of_api(),
        }
    }

    /// Tries after the first.
    pub(super) fn retries(&self) -> u32 {
        match self {
            Self::Tried { tries, .. } => tries.saturating_sub(1),
            _ => 0,
        }
    }

    /// The HTTP status that Grafana shows.
    pub fn status(&self) -> u16 {
        match (self, self.blame()) {
            (Self::Tried { error, .. }, _) => error.status(),
            (Self::TimedOut { .. }, _) => 504,
            (Self::CircuitOpen { .. }, _) => 503,
            (Self::Pace { .. }, _) => 429,
            (Self::Token(TokenError::Refused { status: status @ (401 | 403), .. }), _) => *status,
            (_, Blame::Guest) => 500,
            (_, Blame::Settings) => 400,
            (_, Blame::Api) => 502,
            (_, Blame::Host) => 503,
        }
    }

    /// Whose fault it is, in Grafana's words (contract section 4.1).
    pub fn source_of_error(&self) -> Source {
        match self.blame() {
            Blame::Guest | Blame::Host => Source::Plugin,
            Blame::Settings | Blame::Api => Source::Downstream,
        }
    }

    /// What the panel shows.
    pub fn user_message(&self) -> String {
        match self {
            Self::Settings(error) => format!("The data source's settings cannot be used: {error}."),
            Self::Refused { guest, target, refusal } => refused(guest, target, refusal),
            Self::SecretNotDescribed { guest, name } => format!(
                "Guest '{guest}' uses the secret '{name}', which its description does not name. The guest's vendor \
                 has to mend that."
            ),
            Self::SecretNotSet { guest, name } => format!(
                "Guest '{guest}' needs the secret '{name}', which is not set. Enter it in the data source's settings."
            ),
            Self::SecretInHeader { name, header } => format!(
                "The secret '{name}' holds a line break or another control character, so that it cannot be sent in the \
                 header '{header}'. Enter it again in the data source's settings."
            ),
            Self::Token(error) => error.user_message(),
            Self::SecretInPath { name } => format!(
                "The secret '{name}' cannot be a part of a path: it is '.' or '..', or holds a control character. Enter it again in the \
                 data source's settings."
            ),
            Self::Forwarded { header } => format!(
                "The header '{header}', which Grafana forwards, holds a control character, so that it cannot be sent. Look at \
                 what sets it, or do not have it forwarded (data source's settings)."
            ),
            Self::Unreachable { cause, .. } => format!(
                "{}: is the URL in the data source's settings right, and is the API running?",
                sentence(cause)
            ),
            Self::TimedOut { endpoint, after, phase, bound } => {
                timed_out(endpoint, *after, *phase, *bound)
            }
            Self::Tls { endpoint, cause } => format!(
                "TLS with {endpoint} failed: {cause}. Does the URL in the data source's settings name the host that the \
                 certificate is for, and is its CA known (TLS settings)?"
            ),
            Self::Broken { endpoint, cause } => format!(
                "The response of {endpoint} cannot be used: {cause}. Look at the API, or at a proxy in front of it."
            ),
            Self::TooLarge { endpoint, part, key, limit } => format!(
                "The {part} of {endpoint} is larger than {limit} bytes, the limit {key}. Ask for less, such as a \
                 shorter time range, or {}.",
                how_to_raise(key)
            ),
            Self::Inflated { endpoint, ratio } => format!(
                "The response of {endpoint} grows to more than {ratio} times of its compressed size, the limit \
                 decompression_ratio. Look at the API, or {}.",
                how_to_raise("decompression_ratio")
            ),
            Self::CircuitOpen { endpoint, failures, cause, again_in } => format!(
                "{endpoint} failed {failures} times in a row, so it is left alone for {:.0} s more. The last time: {cause}",
                again_in.as_secs_f64().ceil()
            ),
            Self::Pace { endpoint, after, requests_per_second } => format!(
                "The request for {endpoint} was not sent: within {:.1} s its turn did not come, because this data source may send \
                 {requests_per_second} requests for each second (maxRequestsPerSecond, or the guest's own pace). Ask for less at a \
                 time, or raise it in the data source's settings.",
                after.as_secs_f64()
            ),
            Self::Busy { limit } => format!(
                "{limit} requests of this query wait already. Ask for less at a time, or {}.",
                how_to_raise("calls_waiting")
            ),
            Self::Tried { error, tries } => {
                format!("{} It was tried {tries} times.", error.user_message())
            }
            Self::NoMemory(reason) => {
                format!("There is no memory for a response: {reason}. {}.", reason.advice())
            }
        }
    }

    /// The same without the secrets that others may have quoted. What the host itself says has none.
    pub(crate) fn redacted(self, redact: &dyn Fn(&str) -> String) -> Self {
        let mut error = self;
        match &mut error {
            Self::Token(token) => return Self::Token(token.clone().redacted(redact)),
            Self::Tried { error, tries } => {
                let error = Box::new(error.as_ref().clone().redacted(redact));
                return Self::Tried { error, tries: *tries };
            }
            Self::Refused { target, .. } => *target = redact(target),
            Self::Unreachable { endpoint, cause, .. }
            | Self::Tls { endpoint, cause }
            | Self::Broken { endpoint, cause }
            | Self::CircuitOpen { endpoint, cause, .. } => {
                *endpoint = redact(endpoint);
                *cause = redact(cause);
            }
            Self::TimedOut { endpoint, .. }
            | Self::TooLarge { endpoint, .. }
            | Self::Inflated { endpoint, .. }
            | Self::Pace { endpoint, .. } => *endpoint = redact(endpoint),
            Self::Settings(_)
            | Self::SecretNotDescribed { .. }
            | Self::SecretNotSet { .. }
            | Self::SecretInHeader { .. }
            | Self::SecretInPath { .. }
            | Self::Forwarded { .. }
            | Self::Busy { .. }
            | Self::NoMemory(_) => {}
        }
        error
    }

    /// Whether it is about whoever began an exchange, and nothing for others who wait for the same.
    pub(super) fn is_of_asker(&self) -> bool {
        match self {
            Self::Tried { error, .. } => error.is_of_asker(),
            Self::TimedOut { bound, .. } => *bound == Bound::Query,
            Self::TooLarge { key, .. } => *key == "guest_memory_bytes",
            Self::NoMemory(_) | Self::Busy { .. } | Self::Pace { .. } => true,
            _ => false,
        }
    }

    /// The failure as it is told to whoever looks at what a query did.
    pub(super) fn as_told(&self) -> Failure {
        Failure { sentence: self.user_message(), is_of_tls: self.kind() == "tls" }
    }

    /// The failure as a guest sees it that tolerates failures; none if the error is not the transport's.
    pub(super) fn as_failure(&self) -> Option<TransportFailure> {
        let text = self.to_string();
        match self {
            Self::Tried { error, .. } => error.as_failure(),
            Self::CircuitOpen { .. } => Some(TransportFailure::Unreachable(text)),
            // There is no time left in which a guest could do anything about it.
            Self::TimedOut { bound: Bound::Query, .. } => None,
            Self::Unreachable { .. } | Self::TimedOut { phase: Phase::Connection, .. } => {
                Some(TransportFailure::Unreachable(text))
            }
            Self::TimedOut { .. } => Some(TransportFailure::Timeout(text)),
            Self::Tls { .. } => Some(TransportFailure::Tls(text)),
            Self::Broken { .. } | Self::TooLarge { .. } | Self::Inflated { .. } => {
                Some(TransportFailure::Broken(text))
            }
            Self::Settings(_)
            | Self::Refused { .. }
            | Self::SecretNotDescribed { .. }
            | Self::SecretNotSet { .. }
            | Self::SecretInHeader { .. }
            | Self::SecretInPath { .. }
            | Self::Forwarded { .. }
            | Self::Token(_)
            | Self::Pace { .. }
            | Self::Busy { .. }
            | Self::NoMemory(_) => None,
        }
    }
}

fn refused(guest: &str, target: &str, refusal: &Refusal) -> String {
    match refusal.blame() {
        Blame::Guest => format!(
            "Guest '{guest}' asked for '{target}', which is not allowed: {refusal}. The guest's vendor has to mend that."
        ),
        Blame::Settings | Blame::Api | Blame::Host => {
            format!("The request of guest '{guest}' for '{target}' was not sent: {refusal}.")
        }
    }
}

fn timed_out(endpoint: &str, after: Duration, phase: Phase, bound: Bound) -> String {
    let seconds = after.as_secs_f64();
    let (over, raise) = match bound {
        Bound::Exchange => ("", "raise 'Timeout' in the data source's settings".to_owned()),
        Bound::Query => (", when the query's time was over", how_to_raise("query_time")),
        Bound::Idle => (", the last of them without a byte", "look at the API".to_owned()),
    };
    let less = "Ask for less, such as a shorter time range";
    match phase {
        Phase::Queue => format!(
            "The request for {endpoint} waited {seconds:.1} s for other requests of this data source and was not sent. \
             Ask for less at a time, or {}.",
            how_to_raise("exchanges_in_flight")
        ),
        Phase::Connection => format!(
            "No connection to {endpoint} within {seconds:.1} s: is the URL in the data source's settings right, and \
             does a firewall let Grafana's machine through?"
        ),
        Phase::Response => {
            format!("{endpoint} did not answer within {seconds:.1} s{over}. {less}, or {raise}.")
        }
        Phase::Body => format!(
            "The response of {endpoint} was not complete within {seconds:.1} s{over}. {less}, or {raise}."
        ),
    }
}

/// A cause as the beginning of a sentence.
fn sentence(cause: &str) -> String {
    let mut characters = cause.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}
