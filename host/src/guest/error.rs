//! Why a guest gave no answer: in words a user understands, with status and source, and by whose fault.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::compile::CompileError;
use super::inspect::InspectError;
use super::trust::TrustError;
use crate::budget::NoMemory;
use crate::limits::{
    COMPONENT_BYTES_MAX, DESCRIBE_TIMEOUT, GUEST_TABLE_ELEMENTS_MAX, STATE_BYTES_MAX, how_to_raise,
};
use crate::model::{Refusal, Source};

/// A guest as errors and logs name it: `prometheus 0.1.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestId {
    /// The description's name; the file's before there is a description.
    pub name: Arc<str>,
    /// The description's version; empty before there is one.
    pub version: Arc<str>,
}

impl fmt::Display for GuestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if self.version.is_empty() { Ok(()) } else { write!(formatter, " {}", self.version) }
    }
}

/// Why no guest can run at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// wasmtime cannot be set up.
    #[error("the sandbox for guests cannot be set up ({0})")]
    Engine(String),
    /// No threads can be had.
    #[error("the threads that guests run on cannot be started")]
    Threads(#[from] io::Error),
}

impl From<wasmtime::Error> for StartError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No folder has such a guest.
    #[error("there is no guest '{name}'")]
    Unknown {
        /// As the settings name it.
        name: String,
        /// The guests that are there.
        known: Vec<String>,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// The guest's file cannot be used.
    #[error("guest '{name}' cannot be loaded")]
    NotLoaded {
        /// The guest's name.
        name: String,
        /// Why not.
        #[source]
        error: Arc<LoadError>,
    },
    /// The guest is not ready, or had no turn, in the query's time.
    #[error("guest '{name}' was {waiting} when the query's time was over")]
    TimedOut {
        /// The guest's name.
        name: String,
        /// What it was doing, as a participle.
        waiting: &'static str,
    },
    /// Too many calls wait for their turn already.
    #[error("{limit} calls of guest '{name}' wait for their turn already (limit calls_waiting)")]
    Busy {
        /// The guest's name.
        name: String,
        /// How many may wait.
        limit: usize,
    },
    /// The guest said no.
    #[error("guest '{guest}' refused: {}", for_the_log(refusal))]
    Refused {
        /// Which guest.
        guest: GuestId,
        /// What it said.
        refusal: Refusal,
    },
    /// The guest crashed, or was stopped.
    #[error("guest '{guest}' failed in '{export}'")]
    Failed {
        /// Which guest.
        guest: GuestId,
        /// What was called.
        export: &'static str,
        /// How it failed.
        #[source]
        failure: Failure,
    },
}

/// How a call of a guest ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It used more processor time than it may.
    #[error("it used more than {0:?} of processor time (limit guest_cpu)")]
    Cpu(Duration),
    /// It wanted more memory than it may have.
    #[error("it needs more than {0} bytes of memory (limit guest_memory_bytes)")]
    Memory(usize),
    /// There is none left for it of the memory of all queries.
    #[error("it got no memory: {0}")]
    NoMemory(NoMemory),
    /// It wanted a table that is larger than any guest's.
    #[error("it needs a table of more than {GUEST_TABLE_ELEMENTS_MAX} elements")]
    Table,
    /// It recursed too deeply.
    #[error("its stack overflowed")]
    Stack,
    /// It returned more than may cross the boundary.
    #[error("it returned more than {0} bytes (limit column_bytes)")]
    TooMuch(usize),
    /// It handed on more state than it may.
    #[error("it handed on {0} bytes of state, more than {STATE_BYTES_MAX}")]
    State(usize),
    /// Its exports have the contract's names but other types.
    #[error("its exports do not have the contract's types: {0}")]
    Exports(String),
    /// It trapped.
    #[error("it crashed ({0})")]
    Trap(String),
    /// It returned what the contract does not allow.
    #[error("it returned what the contract does not allow ({0})")]
    Contract(String),
    /// The host itself panicked; the log says where.
    #[error("the host panicked")]
    Host,
}

/// Why a guest's file cannot be used. Reads as the end of "guest 'x' cannot be loaded: ".
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("its file {} cannot be read ({error})", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Larger than any guest.
    #[error("its file is {bytes} bytes long, more than {COMPONENT_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It took the process down.
    #[error(
        "it took the plugin down when it ran before, and is not run again until its file changes"
    )]
    Quarantined {
        /// What says so.
        mark: PathBuf,
    },
    /// Not the file that the admin meant.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Not a component for this host.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The compiler did not like it.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its imports or exports have other types than the contract's.
    #[error("its imports or exports do not fit the contract: {0}")]
    Link(String),
    /// The compiled component does not fit this host.
    #[error("its compiled form does not fit this host's version or limits ({0})")]
    Unfit(String),
    /// No thread was free for it.
    #[error(
        "it had no turn to describe itself within {} s, because other guests keep the machine busy",
        DESCRIBE_TIMEOUT.as_secs()
    )]
    Busy,
    /// The host's own fault.
    #[error("the host panicked while it loaded it")]
    Panicked,
    /// It could not describe itself.
    #[error("it cannot describe itself: {0}")]
    Describe(Failure),
    /// Its description breaks the contract.
    #[error("its description is not valid: {0}")]
    Description(String),
    /// The host's own threads are gone.
    #[error("the host is ending")]
    Ending,
}

impl Failure {
    /// One word for it, for metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Memory(_) => "memory",
            Self::NoMemory(_) => "no-memory",
            Self::Table => "table",
            Self::Exports(_) => "exports",
            Self::Stack => "stack",
            Self::TooMuch(_) => "output",
            Self::State(_) => "state",
            Self::Trap(_) => "trap",
            Self::Contract(_) => "contract",
            Self::Host => "host",
        }
    }
}

impl LoadError {
    /// Whether the machine is to blame and not the file, so that another try makes sense.
    pub(super) fn is_of_host(&self) -> bool {
        match self {
            Self::Read { .. } | Self::Busy | Self::Ending => true,
            Self::Trust(error) => error.is_of_host(),
            Self::Compile(error) => error.is_of_host(),
            _ => false,
        }
    }
}

impl Error {
    /// The HTTP status that Grafana shows.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown { .. } => 400,
            Self::Failed { failure: Failure::TooMuch(_), .. } => 400,
            Self::NotLoaded { error, .. } if error.is_of_host() => 503,
            Self::Busy { .. } | Self::Failed { failure: Failure::NoMemory(_), .. } => 503,
            Self::NotLoaded { .. } | Self::Failed { .. } => 500,
            Self::TimedOut { .. } => 504,
            Self::Refused { refusal, .. } => match refusal {
                Refusal::BadQuery(_) | Refusal::BadSettings(_) => 400,
                Refusal::NotFound(_) => 404,
                Refusal::Unsupported(_) => 501,
                Refusal::Downstream { status: status @ 400..=599, .. } => *status,
                Refusal::Downstream { .. } | Refusal::UnexpectedResponse(_) => 502,
                Refusal::Internal(_) => 500,
            },
        }
    }

    /// Whose fault it is, in Grafana's words (contract section 4.1).
    pub fn source_of_error(&self) -> Source {
        match self {
            Self::Unknown { .. } | Self::Failed { failure: Failure::TooMuch(_), .. } => {
                Source::Downstream
            }
            Self::NotLoaded { .. }
            | Self::TimedOut { .. }
            | Self::Busy { .. }
            | Self::Failed { .. } => Source::Plugin,
            Self::Refused { refusal, .. } => match refusal {
                Refusal::BadQuery(_)
                | Refusal::BadSettings(_)
                | Refusal::NotFound(_)
                | Refusal::UnexpectedResponse(_) => Source::Downstream,
                Refusal::Unsupported(_) | Refusal::Internal(_) => Source::Plugin,
                Refusal::Downstream { status, .. } => Source::of_status(*status),
            },
        }
    }

    /// What the panel shows.
    pub fn user_message(&self) -> String {
        match self {
            Self::Unknown { name, known, folders } => unknown(name, known, folders),
            Self::NotLoaded { name, error } => {
                format!("Guest '{name}' cannot be used: {error}. {}", who_mends(error))
            }
            Self::TimedOut { name, waiting } => format!(
                "Guest '{name}' was {waiting} when the query's time was over. Try again in a moment, or {}.",
                how_to_raise("query_time")
            ),
            Self::Busy { name, limit } => format!(
                "{limit} calls of guest '{name}' for this data source wait for their turn already. Ask less at once, or {}.",
                how_to_raise("calls_waiting")
            ),
            // Grafana takes an error without a text for none at all.
            Self::Refused { guest, refusal } => match refusal_text(refusal).trim() {
                "" => format!(
                    "Guest '{guest}' refused with status {} and did not say why. The guest's vendor has to mend that.",
                    self.status()
                ),
                text => text.to_owned(),
            },
            Self::Failed { guest, failure, .. } => failed(guest, failure),
        }
    }
}

fn unknown(name: &str, known: &[String], folders: &[PathBuf]) -> String {
    let installed = match known {
        [] => "No guest is installed".to_owned(),
        known => format!("Installed are {}", known.join(", ")),
    };
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    format!(
        "There is no guest '{name}'. {installed}: choose one in the data source's settings, or put {name}.wasm into {} on \
         Grafana's machine.",
        folders.join(" or ")
    )
}

fn who_mends(error: &LoadError) -> String {
    match error {
        LoadError::Busy | LoadError::Ending => "Try again in a moment.".to_owned(),
        LoadError::Unfit(_) => format!(
            "The admin can restart the plugin if it was updated, or {} if it begins with more memory than that; \
             otherwise the guest's vendor has to mend it.",
            how_to_raise("guest_memory_bytes")
        ),
        LoadError::Quarantined { mark } => format!(
            "The admin can install another version, or, to try this one again, remove {} and restart the plugin. Please report \
             that to the guest's vendor and to Graft.",
            mark.display()
        ),
        LoadError::Trust(error) => error.who_mends(),
        LoadError::Panicked => "Grafana's log says where; please report that to Graft.".to_owned(),
        error if error.is_of_host() => "The admin of Grafana's machine can mend that.".to_owned(),
        _ => {
            "The guest's vendor has to mend that, or the admin install another version.".to_owned()
        }
    }
}

fn failed(guest: &GuestId, failure: &Failure) -> String {
    let less = "Ask for less, such as a shorter time range";
    match failure {
        Failure::Cpu(_) => {
            format!("Guest '{guest}' failed: {failure}. {less}, or {}.", how_to_raise("guest_cpu"))
        }
        Failure::Memory(_) => format!(
            "Guest '{guest}' failed: {failure}. {less}, or {}.",
            how_to_raise("guest_memory_bytes")
        ),
        Failure::TooMuch(_) => {
            format!(
                "Guest '{guest}' failed: {failure}. {less}, or {}.",
                how_to_raise("column_bytes")
            )
        }
        Failure::Host => format!(
            "The plugin itself failed while guest '{guest}' ran. Its log says where; please report that to Graft."
        ),
        Failure::NoMemory(reason) => {
            format!("Guest '{guest}' could not run: {reason}. {}.", reason.advice())
        }
        Failure::Table
        | Failure::Exports(_)
        | Failure::Stack
        | Failure::State(_)
        | Failure::Trap(_)
        | Failure::Contract(_) => format!(
            "Guest '{guest}' is faulty: {failure}. The guest's vendor has to mend that; Grafana's log says more."
        ),
    }
}

/// A refusal as the log tells it. What quotes the API is for the user alone: an API may say again whatever it was sent, credentials
/// included.
fn for_the_log(refusal: &Refusal) -> String {
    match refusal {
        Refusal::BadQuery(text) | Refusal::BadSettings(text) | Refusal::Unsupported(text) => {
            format!("{text:?}")
        }
        Refusal::NotFound(_) => "not found".to_owned(),
        Refusal::UnexpectedResponse(_) => "it cannot read the response".to_owned(),
        Refusal::Internal(_) => "something went wrong in it".to_owned(),
        Refusal::Downstream { status, .. } => format!("the API answered with status {status}"),
    }
}

fn refusal_text(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::BadQuery(text)
        | Refusal::BadSettings(text)
        | Refusal::NotFound(text)
        | Refusal::Unsupported(text)
        | Refusal::UnexpectedResponse(text)
        | Refusal::Internal(text)
        | Refusal::Downstream { message: text, .. } => text,
    }
}
