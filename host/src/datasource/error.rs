//! Why a datasource cannot be used.

use super::settings;
use crate::model::Source;
use crate::{egress, guest};

/// Why there is no datasource to be asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Its settings are incomplete or wrong.
    #[error("its settings cannot be used")]
    Settings(#[from] settings::Error),
    /// Its guest cannot be used.
    #[error("its guest cannot be used")]
    Guest(#[from] guest::Error),
    /// Its HTTP settings are wrong.
    #[error("no HTTP client can be made for it")]
    Client(#[from] egress::Error),
    /// The host's own fault.
    #[error("the host panicked while it set up the HTTP client")]
    Panicked,
}

impl Error {
    /// The HTTP status that Grafana shows.
    pub fn status(&self) -> u16 {
        match self {
            Self::Settings(error) => error.status(),
            Self::Guest(error) => error.status(),
            Self::Client(error) => error.status(),
            Self::Panicked => 500,
        }
    }

    /// Whose fault it is, in Grafana's words (contract section 4.1).
    pub fn source_of_error(&self) -> Source {
        match self {
            Self::Settings(error) => error.source_of_error(),
            Self::Guest(error) => error.source_of_error(),
            Self::Client(error) => error.source_of_error(),
            Self::Panicked => Source::Plugin,
        }
    }

    /// What the panel shows.
    pub fn user_message(&self) -> String {
        match self {
            Self::Settings(error) => error.user_message(),
            Self::Guest(error) => error.user_message(),
            Self::Client(error) => error.user_message(),
            Self::Panicked => "The plugin itself failed while it read the data source's settings. Grafana's log says where; \
                               please report that to Graft."
                .to_owned(),
        }
    }
}
