//! Why frames cannot be shown: whose fault, which frame and field, and what is wrong with it.

use std::fmt;

use super::kind::Breach;
use super::reshape::Obstacle;
use crate::limits::how_to_raise;
use crate::model::Source;

/// Why frames cannot be shown.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// What a guest returned is not a frame, or not of its kind: the guest's fault.
    #[error("frame {frame}{} is malformed", in_field(field.as_ref()))]
    Malformed {
        /// Where in the round's list; if it does not fit its kind, where in the query's.
        frame: Position,
        /// Where in the frame; none if it is not about one field.
        field: Option<Position>,
        /// What is wrong.
        #[source]
        flaw: Flaw,
    },
    /// A limit does not allow that much: the user asks for less, or the admin raises it.
    #[error("more than {limit} {what}")]
    TooMuch {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The field of `Limits`; none if the limit is part of the design.
        key: Option<&'static str>,
    },
    /// An alert rule asked, and can do nothing with the result. Each reason is a sentence.
    #[error("an alert rule cannot evaluate the result: {}", .0.join(" "))]
    NotForAlerts(Vec<String>),
    /// A stream asked, and the frames do not become one.
    #[error("the frames cannot be joined into one")]
    NotOneFrame(#[source] Obstacle),
    /// A checked frame could not be written: the host's fault.
    #[error("frame {frame} cannot be encoded: {cause}")]
    Encoding {
        /// Where in the query's list.
        frame: Position,
        /// What the encoder says.
        cause: String,
    },
}

impl Error {
    /// The HTTP status that Grafana shows.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } | Self::Encoding { .. } => 500,
            Self::TooMuch { .. } | Self::NotForAlerts(_) | Self::NotOneFrame(_) => 400,
        }
    }

    /// Whose fault it is, in Grafana's words (contract section 4.1).
    pub fn source_of_error(&self) -> Source {
        match self {
            Self::Malformed { .. } | Self::Encoding { .. } => Source::Plugin,
            Self::TooMuch { .. } | Self::NotForAlerts(_) | Self::NotOneFrame(_) => {
                Source::Downstream
            }
        }
    }

    /// What the panel shows. `guest` is a guest's name and version, such as `prometheus 0.1.0`.
    pub fn user_message(&self, guest: &str) -> String {
        match self {
            Self::Malformed { frame, field, flaw } => format!(
                "Guest '{guest}' returned a malformed frame: frame {frame}{} {flaw}. The guest's vendor has to mend that.",
                in_field(field.as_ref())
            ),
            Self::TooMuch { what, limit, key } => {
                let (name, remedy) = match key {
                    Some(key) => {
                        (format!(", the limit {key}"), format!(", or {}", how_to_raise(key)))
                    }
                    None => Default::default(),
                };
                format!(
                    "Guest '{guest}' returned more than {limit} {what}{name}. Ask for less, such as a shorter time \
                     range{remedy}."
                )
            }
            Self::NotForAlerts(reasons) => {
                format!("An alert rule cannot evaluate this query. {}", reasons.join(" "))
            }
            Self::NotOneFrame(obstacle) => format!(
                "This query cannot be streamed: a stream carries one frame, and the frames of guest '{guest}' cannot be \
                 joined into one, because {obstacle}."
            ),
            Self::Encoding { frame, cause } => format!(
                "Frame {frame} of guest '{guest}' could not be encoded: {cause}. That is a bug of this plugin: please \
                 report it, with the query."
            ),
        }
    }
}

/// Where a frame is in its round's or its query's list, or a field in its frame: by index from 0, and by name where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Counted from 0.
    pub index: usize,
    /// As the guest named it; may be empty.
    pub name: String,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(formatter, "{}", self.index),
            name => write!(formatter, "{} ('{}')", self.index, printable(name)),
        }
    }
}

/// What is wrong with a frame, as the end of a sentence that begins with where. Rows count from 0.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Flaw {
    /// Columns of a frame differ in length.
    #[error("has {rows} values, but the frame's first field has {expected}")]
    Length {
        /// Its length.
        rows: usize,
        /// The first field's.
        expected: usize,
    },
    /// The validity bitmap is too short.
    #[error("has {rows} values, but a validity bitmap of {bytes} bytes; one bit each is needed")]
    Validity {
        /// The column's length.
        rows: usize,
        /// The bitmap's length.
        bytes: usize,
    },
    /// There are fewer bits than booleans.
    #[error("has {rows} booleans, but {bytes} bytes of them; one bit each is needed")]
    Bits {
        /// How many there should be.
        rows: usize,
        /// How many bytes there are.
        bytes: usize,
    },
    /// The first offset is not 0.
    #[error("has text offsets that start at {0}; they must start at 0")]
    OffsetsStart(i32),
    /// An offset is smaller than the one before.
    #[error("has a text in row {row} that ends before it starts, at byte {end}")]
    OffsetsOrder {
        /// The first such row.
        row: usize,
        /// The second of its offsets.
        end: i32,
    },
    /// The last offset is not the end of the texts.
    #[error("has text offsets that end at {end}, but {bytes} bytes of text")]
    OffsetsEnd {
        /// The last offset.
        end: i32,
        /// The length of the texts.
        bytes: usize,
    },
    /// A text is not UTF-8.
    #[error("has a text in row {0} that is not UTF-8")]
    NotUtf8(usize),
    /// A value of a JSON column is not one document.
    #[error("has in row {row} what is not a JSON document: {cause}")]
    NotJson {
        /// The first such row.
        row: usize,
        /// What the parser says.
        cause: String,
    },
    /// An enum value has no text.
    #[error("has the enum value {value} in row {row}, but {texts} enum texts")]
    EnumValue {
        /// The first such row.
        row: usize,
        /// The value.
        value: u16,
        /// How many texts there are.
        texts: usize,
    },
    /// Two labels of one field have the same name.
    #[error("has the label '{}' twice", printable(.0))]
    LabelTwice(String),
    /// Something that must be a JSON object is not.
    #[error("has a '{what}' that is not a JSON object: {cause}")]
    NotObject {
        /// The name of the config or meta case.
        what: &'static str,
        /// What the parser says.
        cause: String,
    },
    /// The meta names a field that is not there.
    #[error("has {fields} fields, but 'unique-row-id-fields' names field {index}")]
    RowIdField {
        /// What it names.
        index: u32,
        /// How many fields there are.
        fields: usize,
    },
    /// The frame, or all frames of the query together, are not what their kind promises.
    #[error("does not fit the kind '{kind}': {breach}")]
    Kind {
        /// Grafana's name for the kind.
        kind: &'static str,
        /// What does not fit.
        breach: Box<Breach>,
    },
    /// A page has other fields than the first.
    #[error("has {fields} fields, but the first page of its key has {expected}")]
    PageFields {
        /// How many.
        fields: usize,
        /// How many the first page has.
        expected: usize,
    },
    /// A page's field has another name.
    #[error("is called '{}' on the first page of its key", printable(.0))]
    PageName(String),
    /// A page's field has another type.
    #[error("is of type {found}, but of type {expected} on the first page of its key")]
    PageType {
        /// Its type.
        found: String,
        /// The first page's.
        expected: String,
    },
}

impl Flaw {
    /// The flaw of a field.
    pub(super) fn of_field(self, index: usize, name: &str) -> Misfit {
        Misfit { field: Some(Position { index, name: name.to_owned() }), flaw: self }
    }
}

/// A flaw with its place inside the frame.
#[derive(Debug)]
pub(super) struct Misfit {
    /// None if it is not about one field.
    pub field: Option<Position>,
    /// What is wrong.
    pub flaw: Flaw,
}

impl From<Flaw> for Misfit {
    fn from(flaw: Flaw) -> Self {
        Self { field: None, flaw }
    }
}

fn in_field(field: Option<&Position>) -> String {
    field.map(|field| format!(", field {field}")).unwrap_or_default()
}

/// A guest's name for something, fit for one line of a message.
pub(super) fn printable(name: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    let escape = |character: char| match character {
        '\'' | '"' => character.to_string(),
        _ => character.escape_debug().to_string(),
    };
    let mut short: String = name.chars().take(CHARACTERS_MAX).map(escape).collect();
    if name.chars().nth(CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}
