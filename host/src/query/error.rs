//! Why a query has no data: one status, one source, one sentence for the panel, and the whole chain for the log.

use crate::limits::how_to_raise;
use crate::model::{Refusal, Source};
use crate::{datasource, egress, frame, guest};

/// Why there is no data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Grafana's query is not whole. Reads as a sentence without its full stop.
    #[error("the query is not valid: {0}")]
    Invalid(String),
    /// The datasource cannot be used.
    #[error("the data source cannot be used")]
    Datasource(#[from] datasource::Error),
    /// The guest gave no answer.
    #[error("the guest gave no answer")]
    Guest(#[from] guest::Error),
    /// There is no response.
    #[error("an exchange failed")]
    Egress(#[from] egress::Error),
    /// The guest's frames cannot be sent on.
    #[error("the frames of guest '{guest}' cannot be used")]
    Frame {
        /// The guest's name and version.
        guest: String,
        /// What is wrong with them.
        #[source]
        error: Box<frame::Error>,
    },
    /// The guest asks for more than a query may.
    #[error("guest '{guest}' needs more than {limit} {what} (limit {key})")]
    TooMany {
        /// The guest's name and version.
        guest: String,
        /// What.
        what: &'static str,
        /// The field of `Limits`.
        key: &'static str,
        /// Its value.
        limit: u32,
    },
    /// What a guest waits for is not there in time.
    #[error("what guest '{guest}' waits for was not ready after {polls} questions")]
    NotDone {
        /// The guest's name and version.
        guest: String,
        /// How often it asked.
        polls: u32,
    },
    /// Grafana does not take the answer.
    #[error("the answer was not taken in the query's time")]
    NotTaken,
    /// A stream that should not end has ended.
    #[error("the API ended the stream")]
    StreamEnded,
    /// A guest asks for a round where there is none.
    #[error("guest '{guest}' asks for another round after an event of a stream")]
    LiveRound {
        /// The guest's name and version.
        guest: String,
    },
    /// There is no room for one more stream.
    #[error("there are {limit} streams (limit live_streams)")]
    TooManyStreams {
        /// How many there may be.
        limit: usize,
    },
    /// The host's own fault.
    #[error("the host panicked while it checked or encoded the frames")]
    Panicked,
}

impl Error {
    /// Blames a guest for its frames.
    pub(crate) fn frame(guest: &guest::GuestId, error: frame::Error) -> Self {
        Self::Frame { guest: guest.to_string(), error: Box::new(error) }
    }

    /// The same without the secrets that an API may have quoted.
    pub(crate) fn redacted(self, client: &egress::Client) -> Self {
        let redact = client.redactor();
        match self {
            Self::Egress(error) => Self::Egress(error.redacted(&redact)),
            Self::Guest(guest::Error::Refused { guest, refusal }) => {
                Self::Guest(guest::Error::Refused {
                    guest,
                    refusal: refusal.map_text(|text| redact(&text)),
                })
            }
            other => other,
        }
    }

    /// Whether what was found before it is still worth showing: the API did not give more, or a limit was reached.
    pub(crate) fn is_about_more(&self) -> bool {
        match self {
            Self::Egress(error) => error.is_about_more(),
            Self::Guest(guest::Error::Refused { refusal, .. }) => {
                matches!(refusal, Refusal::Downstream { .. } | Refusal::UnexpectedResponse(_))
            }
            Self::Frame { error, .. } => matches!(**error, frame::Error::TooMuch { .. }),
            Self::Guest(
                guest::Error::TimedOut { .. }
                | guest::Error::Failed { failure: guest::Failure::TooMuch(_), .. },
            )
            | Self::TooMany { .. }
            | Self::NotDone { .. } => true,
            _ => false,
        }
    }

    /// The HTTP status that Grafana shows.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) | Self::TooMany { .. } => 400,
            Self::Datasource(error) => error.status(),
            Self::Guest(error) => error.status(),
            Self::Egress(error) => error.status(),
            Self::Frame { error, .. } => error.status(),
            Self::StreamEnded => 502,
            Self::NotTaken | Self::NotDone { .. } => 504,
            Self::TooManyStreams { .. } => 429,
            Self::LiveRound { .. } => 501,
            Self::Panicked => 500,
        }
    }

    /// Whose fault it is, in Grafana's words (contract section 4.1).
    pub fn source_of_error(&self) -> Source {
        match self {
            Self::Invalid(_)
            | Self::TooMany { .. }
            | Self::StreamEnded
            | Self::NotTaken
            | Self::NotDone { .. } => Source::Downstream,
            Self::Datasource(error) => error.source_of_error(),
            Self::Guest(error) => error.source_of_error(),
            Self::Egress(error) => error.source_of_error(),
            Self::Frame { error, .. } => error.source_of_error(),
            Self::LiveRound { .. } | Self::TooManyStreams { .. } | Self::Panicked => Source::Plugin,
        }
    }

    /// What the panel shows.
    pub fn user_message(&self) -> String {
        match self {
            Self::Invalid(problem) => format!("The query is not valid: {problem}."),
            Self::Datasource(error) => error.user_message(),
            Self::Guest(error) => error.user_message(),
            Self::Egress(error) => error.user_message(),
            Self::Frame { guest, error } => error.user_message(guest),
            Self::TooMany { guest, what, key, limit } => format!(
                "Guest '{guest}' needs more than {limit} {what}, which is the limit '{key}'. Ask for less, such as a shorter \
                 time range, or {}.",
                how_to_raise(key)
            ),
            Self::NotDone { guest, polls } => format!(
                "Guest '{guest}' waits for something that the API does for it, and asked {polls} times. It was not ready in the \
                 query's time. Ask for less, or {}.",
                how_to_raise("query_time")
            ),
            Self::NotTaken => format!(
                "The rest of the answer was not taken before the query's time was over. Ask for less, or {}.",
                how_to_raise("query_time")
            ),
            Self::StreamEnded => "The API ended the stream. It is opened again in a moment.".to_owned(),
            Self::LiveRound { guest } => format!(
                "Guest '{guest}' is faulty: it asks for another round after an event of a stream. The guest's vendor has to \
                 mend that."
            ),
            Self::TooManyStreams { limit } => format!(
                "There are {limit} live streams already, which is the limit 'live_streams'. Close a dashboard, or {}.",
                how_to_raise("live_streams")
            ),
            Self::Panicked => "The plugin itself failed while it encoded the data. Grafana's log says where; please report \
                               that to Graft."
                .to_owned(),
        }
    }
}
