//! Why there is nothing to prove with who asks.

use crate::egress::error::Blame;

/// Why a token cannot be had or sent, or a request not be signed. `endpoint` is that of [`Error`](crate::egress::Error).
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// A token server, or a login, does not take what the settings have.
    #[error("{endpoint} gives no token: status {status}{said}")]
    Refused {
        /// Whom.
        endpoint: String,
        /// Its answer's status.
        status: u16,
        /// What it says, in brackets; or nothing.
        said: String,
    },
    /// A token server, or a login, does not work.
    #[error("{endpoint} gives no token: {cause}")]
    Unreadable {
        /// Whom.
        endpoint: String,
        /// What is wrong.
        cause: String,
    },
    /// A token cannot be sent.
    #[error("the token cannot be sent in the header '{header}'")]
    Unusable {
        /// The header's name.
        header: String,
    },
    /// A request cannot be signed.
    #[error("a request cannot be signed: {cause}")]
    Signature {
        /// What the library says.
        cause: String,
    },
    /// The file that has the identity of Grafana's machine cannot be read.
    #[error("the file of the web identity cannot be read: {cause}")]
    File {
        /// What the system says.
        cause: String,
    },
}

impl TokenError {
    /// Whose fault it is.
    pub(in crate::egress) fn blame(&self) -> Blame {
        match self {
            Self::Refused { .. } | Self::Unusable { .. } | Self::File { .. } => Blame::Settings,
            Self::Unreadable { .. } => Blame::Api,
            Self::Signature { .. } => Blame::Host,
        }
    }

    /// What the panel shows.
    pub(in crate::egress) fn user_message(&self) -> String {
        const LOOK: &str = "Look at the authentication in the data source's settings";
        match self {
            Self::Refused { endpoint, status, said } => {
                format!("{endpoint} refuses to give a token, with status {status}{said}. {LOOK}.")
            }
            Self::Unreadable { endpoint, cause } => format!(
                "{endpoint} gives no token: {cause}. Look at it, and at its URL in the data source's settings."
            ),
            Self::Unusable { header } => format!(
                "The token cannot be sent in the header '{header}': it holds a line break or another control character, \
                 or that is no name of a header. {LOOK}."
            ),
            Self::Signature { cause } => format!("The request cannot be signed: {cause}."),
            Self::File { cause } => format!(
                "The file of the web identity cannot be read: {cause}. Look at AWS_WEB_IDENTITY_TOKEN_FILE in the plugin's \
                 environment."
            ),
        }
    }

    /// The same without the secrets that a server may have quoted.
    pub(in crate::egress) fn redacted(self, redact: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::Refused { endpoint, status, said } => {
                Self::Refused { endpoint, status, said: redact(&said) }
            }
            Self::Unreadable { endpoint, cause } => {
                Self::Unreadable { endpoint, cause: redact(&cause) }
            }
            other => other,
        }
    }
}
