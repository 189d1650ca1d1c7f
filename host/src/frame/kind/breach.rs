//! How a frame is not what its kind promises.

use crate::frame::error::Position;

/// What does not fit the kind, as a clause whose subject "it" is the frame or the field that was named before. Rows,
/// frames and fields count from 0.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Breach {
    /// There is nothing that can be the times of a series.
    #[error(
        "it has no time field, or only such as are nullable, and the points in time must be in one that is not"
    )]
    NoTime,
    /// There is nothing that can be the values.
    #[error("it has no field of numbers or booleans, and its values must be in one")]
    NoValue,
    /// Rows are not in order.
    #[error(
        "its time in row {0} is before that of the row above, and rows must be in ascending order of time"
    )]
    TimeFalls(usize),
    /// Two rows have the same time.
    #[error(
        "its time in row {0} is also that of the row above, and each point in time may be there once"
    )]
    TimeRepeats(usize),
    /// Two series cannot be told apart.
    #[error(
        "it has the name and the labels of field {field} of frame {frame}, and series must differ in one or the other"
    )]
    SeriesTwice {
        /// The frame that has the first.
        frame: usize,
        /// Its field.
        field: usize,
    },
    /// Two series of a long frame cannot be told apart.
    #[error(
        "it has the name of field {0}, and the labels of fields do not tell values apart in a frame of that kind"
    )]
    NameTwice(usize),
    /// A second frame of a kind that puts all into one.
    #[error(
        "frame {0} is of that kind already, and a query may return one: put all into that frame (pages of one frame have \
         the same page key), or return a frame for each series, of the kind that ends in '-multi'"
    )]
    SecondFrame(usize),
    /// "No data" and data.
    #[error(
        "frame {none} has no fields, which says that there is no data, but frame {data} has some: leave one of them out"
    )]
    NoDataBesideData {
        /// The first frame that has fields.
        data: Position,
        /// The first that has none.
        none: Position,
    },
    /// More than one row where values are single.
    #[error("it has {0} rows, and may have one at most")]
    Rows(usize),
    /// Rows that nothing tells apart.
    #[error("it has {0} rows, and needs a field of text that tells them apart")]
    NoDimension(usize),
    /// A field that is found by its name is not there.
    #[error("it needs a field '{name}' of type {expected}")]
    NoField {
        /// The name.
        name: &'static str,
        /// The type.
        expected: &'static str,
    },
    /// A field that is found by its name would be passed over.
    #[error("it is of type {found}, and a field of that name must be of type {expected}{}", strictly(*.required))]
    FieldType {
        /// Its type.
        found: String,
        /// The type that it must have.
        expected: &'static str,
        /// Whether it may not be nullable.
        required: bool,
    },
}

fn strictly(required: bool) -> &'static str {
    if required { ", not nullable" } else { "" }
}
