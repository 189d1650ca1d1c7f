//! Grafana's field types, and what each is called in Arrow and in JSON (contract section 3.2).

use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};

use crate::model::{Column, Field};

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    /// 8-bit signed integers.
    Int8,
    /// 16-bit signed integers.
    Int16,
    /// 32-bit signed integers.
    Int32,
    /// 64-bit signed integers.
    Int64,
    /// 8-bit unsigned integers.
    Uint8,
    /// 16-bit unsigned integers.
    Uint16,
    /// 32-bit unsigned integers.
    Uint32,
    /// 64-bit unsigned integers.
    Uint64,
    /// 32-bit floats.
    Float32,
    /// 64-bit floats.
    Float64,
    /// Text.
    String,
    /// Booleans.
    Bool,
    /// Nanoseconds since the epoch.
    Time,
    /// One JSON document for each row.
    Json,
    /// Indexes into the field's enum texts.
    Enum,
}

impl ValueType {
    /// The name in a JSON frame's `typeInfo.frame`.
    pub(super) fn frame_name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Time => "time.Time",
            Self::Json => "json.RawMessage",
            Self::Enum => "enum",
        }
    }

    /// The name of the type that browsers see: `tstype` in Arrow, `type` in JSON.
    pub(super) fn browser_name(self) -> &'static str {
        match self {
            Self::Int8
            | Self::Int16
            | Self::Int32
            | Self::Int64
            | Self::Uint8
            | Self::Uint16
            | Self::Uint32
            | Self::Uint64
            | Self::Float32
            | Self::Float64 => "number",
            Self::String => "string",
            Self::Bool => "boolean",
            Self::Time => "time",
            Self::Json => "other",
            Self::Enum => "enum",
        }
    }

    /// Whether Grafana takes it for a number: integers and floats.
    pub(super) fn is_number(self) -> bool {
        self.browser_name() == "number"
    }

    /// Whether it can be the value of a series: numbers, and booleans as 0 and 1.
    pub(super) fn is_value(self) -> bool {
        self.is_number() || self == Self::Bool
    }

    /// What one value takes in Arrow, bytes, its validity and, for text, all but the text itself.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Int8 | Self::Uint8 | Self::Bool => 2,
            Self::Int16 | Self::Uint16 | Self::Enum => 3,
            Self::Int32 | Self::Uint32 | Self::Float32 | Self::String | Self::Json => 5,
            Self::Int64 | Self::Uint64 | Self::Float64 | Self::Time => 9,
        }
    }

    /// The type in Arrow. Grafana accepts these and no others.
    pub(super) fn arrow_type(self) -> DataType {
        match self {
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Uint8 => DataType::UInt8,
            Self::Uint16 | Self::Enum => DataType::UInt16,
            Self::Uint32 => DataType::UInt32,
            Self::Uint64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::String => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::Json => DataType::Binary,
        }
    }
}

/// A field's type: what its values are, and whether some may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldType {
    /// What its values are.
    pub values: ValueType,
    /// Whether some may be missing.
    pub nullable: bool,
}

impl From<&Field> for FieldType {
    fn from(field: &Field) -> Self {
        let values = match &field.values {
            Column::Int8(_) => ValueType::Int8,
            Column::Int16(_) => ValueType::Int16,
            Column::Int32(_) => ValueType::Int32,
            Column::Int64(_) => ValueType::Int64,
            Column::Uint8(_) => ValueType::Uint8,
            Column::Uint16(_) => ValueType::Uint16,
            Column::Uint32(_) => ValueType::Uint32,
            Column::Uint64(_) => ValueType::Uint64,
            Column::Float32(_) => ValueType::Float32,
            Column::Float64(_) => ValueType::Float64,
            Column::String(_) => ValueType::String,
            Column::Bool { .. } => ValueType::Bool,
            Column::Time(_) => ValueType::Time,
            Column::Json(_) => ValueType::Json,
            Column::Enum(_) => ValueType::Enum,
        };
        Self { values, nullable: field.validity.is_some() }
    }
}

/// As messages name it: `nullable float64`.
impl fmt::Display for FieldType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.values {
            ValueType::Time => "time",
            ValueType::Json => "json",
            values => values.frame_name(),
        };
        write!(formatter, "{}{name}", if self.nullable { "nullable " } else { "" })
    }
}
