//! A frame as Grafana's frame JSON (contract section 3.3), written straight from the columns.
//!
//! Keys stand in the order in which Grafana's decoder needs them: the schema before the data, the values before what JSON
//! numbers cannot say, namely `entities` (not a number, the infinities) and `nanos` (what is left below a millisecond).

use std::mem;

use arrow::array::{Array, ArrayAccessor, ArrayIter, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampNanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use serde::Serialize;
use serde_json::Result;

use super::field_type::ValueType;
use super::pages::{CheckedField, CheckedFrame};

/// Encodes a frame: its schema, then its data. Each column is dropped when it is written.
pub(super) fn encode(frame: CheckedFrame, ref_id: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(room(&frame));
    out.extend(b"{\"schema\":");
    write_schema(&mut out, &frame, ref_id)?;
    out.extend(b",\"data\":");
    write_data(&mut out, frame)?;
    Ok(finished(out))
}

/// The schema alone, as a stream sends it before its first rows.
pub(super) fn encode_schema(frame: &CheckedFrame, ref_id: &str) -> Result<Vec<u8>> {
    let mut out = b"{\"schema\":".to_vec();
    write_schema(&mut out, frame, ref_id)?;
    Ok(finished(out))
}

/// The rows alone, for whoever has the schema. Each column is dropped when it is written.
pub(super) fn encode_data(frame: CheckedFrame) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(room(&frame));
    out.extend(b"{\"data\":");
    write_data(&mut out, frame)?;
    Ok(finished(out))
}

fn finished(mut out: Vec<u8>) -> Vec<u8> {
    out.push(b'}');
    out.shrink_to_fit();
    out
}

fn write_data(out: &mut Vec<u8>, mut frame: CheckedFrame) -> Result<()> {
    out.extend(b"{\"values\":[");
    let mut leftovers = Vec::with_capacity(frame.fields.len());
    for (index, field) in frame.fields.iter_mut().enumerate() {
        separate(out, index);
        let pages = mem::take(&mut field.pages);
        leftovers.push(write_values(out, field.field_type.values, &pages)?);
    }
    out.push(b']');
    if leftovers.iter().any(|leftover| leftover.entities.is_some()) {
        out.extend(b",\"entities\":");
        serde_json::to_writer(&mut *out, &Each(&leftovers, |leftover| &leftover.entities))?;
    }
    if leftovers.iter().any(|leftover| leftover.nanos.is_some()) {
        out.extend(b",\"nanos\":");
        serde_json::to_writer(&mut *out, &Each(&leftovers, |leftover| &leftover.nanos))?;
    }
    out.push(b'}');
    Ok(())
}

fn write_schema(out: &mut Vec<u8>, frame: &CheckedFrame, ref_id: &str) -> Result<()> {
    out.push(b'{');
    for (key, value) in [("name", frame.name.as_str()), ("refId", ref_id)] {
        if !value.is_empty() {
            write_key(out, key);
            serde_json::to_writer(&mut *out, value)?;
            out.push(b',');
        }
    }
    if let Some(meta) = &frame.meta {
        write_key(out, "meta");
        serde_json::to_writer(&mut *out, meta)?;
        out.push(b',');
    }
    write_key(out, "fields");
    out.push(b'[');
    for (index, field) in frame.fields.iter().enumerate() {
        separate(out, index);
        write_field(out, field)?;
    }
    out.extend(b"]}");
    Ok(())
}

fn write_field(out: &mut Vec<u8>, field: &CheckedField) -> Result<()> {
    out.push(b'{');
    if !field.name.is_empty() {
        write_key(out, "name");
        serde_json::to_writer(&mut *out, &field.name)?;
        out.push(b',');
    }
    let values = field.field_type.values;
    write_key(out, "type");
    serde_json::to_writer(&mut *out, values.browser_name())?;
    out.push(b',');
    write_key(out, "typeInfo");
    out.extend(b"{\"frame\":");
    serde_json::to_writer(&mut *out, values.frame_name())?;
    if field.field_type.nullable {
        out.extend(b",\"nullable\":true");
    }
    out.push(b'}');
    for (key, json) in [("labels", &field.labels), ("config", &field.config)] {
        if let Some(json) = json {
            out.push(b',');
            write_key(out, key);
            out.extend(json.as_bytes());
        }
    }
    out.push(b'}');
    Ok(())
}

/// What a column's JSON values could not say.
#[derive(Default)]
struct Leftovers {
    /// Where the values are that are no numbers.
    entities: Option<Entities>,
    /// What is left of each point in time below a millisecond, in nanoseconds.
    nanos: Option<Vec<u32>>,
}

/// Rows by what they hold instead of a number.
#[derive(Default, Serialize)]
struct Entities {
    #[serde(rename = "NaN", skip_serializing_if = "Vec::is_empty")]
    not_a_number: Vec<usize>,
    #[serde(rename = "Inf", skip_serializing_if = "Vec::is_empty")]
    infinite: Vec<usize>,
    #[serde(rename = "NegInf", skip_serializing_if = "Vec::is_empty")]
    negative_infinite: Vec<usize>,
}

/// One part of each column's leftovers, as a JSON array; null for columns without.
struct Each<'a, T>(&'a [Leftovers], fn(&Leftovers) -> &Option<T>);

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

fn write_values(out: &mut Vec<u8>, values: ValueType, pages: &[ArrayRef]) -> Result<Leftovers> {
    match values {
        ValueType::Int8 => write_numbers::<Int8Type>(out, pages)?,
        ValueType::Int16 => write_numbers::<Int16Type>(out, pages)?,
        ValueType::Int32 => write_numbers::<Int32Type>(out, pages)?,
        ValueType::Int64 => write_numbers::<Int64Type>(out, pages)?,
        ValueType::Uint8 => write_numbers::<UInt8Type>(out, pages)?,
        ValueType::Uint16 | ValueType::Enum => write_numbers::<UInt16Type>(out, pages)?,
        ValueType::Uint32 => write_numbers::<UInt32Type>(out, pages)?,
        ValueType::Uint64 => write_numbers::<UInt64Type>(out, pages)?,
        ValueType::Float32 => return write_floats::<Float32Type>(out, pages),
        ValueType::Float64 => return write_floats::<Float64Type>(out, pages),
        ValueType::Time => return write_times(out, pages),
        ValueType::String => write_list(out, pages, |page| page.as_string::<i32>(), write_plain)?,
        ValueType::Bool => write_list(out, pages, |page| page.as_boolean(), write_plain)?,
        ValueType::Json => write_list(
            out,
            pages,
            |page| page.as_binary::<i32>(),
            |out, _, json| {
                out.extend(json);
                Ok(())
            },
        )?,
    }
    Ok(Leftovers::default())
}

fn write_numbers<T: ArrowPrimitiveType>(out: &mut Vec<u8>, pages: &[ArrayRef]) -> Result<()>
where
    T::Native: Serialize,
{
    write_list(out, pages, |page| page.as_primitive::<T>(), write_plain)
}

fn write_floats<T: ArrowPrimitiveType>(out: &mut Vec<u8>, pages: &[ArrayRef]) -> Result<Leftovers>
where
    T::Native: Serialize + Into<f64>,
{
    let mut entities: Option<Entities> = None;
    write_list(
        out,
        pages,
        |page| page.as_primitive::<T>(),
        |out, row, number| {
            let wide: f64 = number.into();
            if !wide.is_finite() {
                let entities = entities.get_or_insert_default();
                match wide {
                    f64::INFINITY => entities.infinite.push(row),
                    f64::NEG_INFINITY => entities.negative_infinite.push(row),
                    _ => entities.not_a_number.push(row),
                }
            }
            // What is no number is written as null.
            serde_json::to_writer(out, &number)
        },
    )?;
    Ok(Leftovers { entities, nanos: None })
}

fn write_times(out: &mut Vec<u8>, pages: &[ArrayRef]) -> Result<Leftovers> {
    const NANOS_PER_MILLISECOND: i64 = 1_000_000;
    let as_times = |page| AsArray::as_primitive::<TimestampNanosecondType>(page);
    write_list(out, pages, as_times, |out, _, nanoseconds| {
        serde_json::to_writer(out, &nanoseconds.div_euclid(NANOS_PER_MILLISECOND))
    })?;

    // Most points in time are whole milliseconds: looking twice is cheaper than keeping what may not be needed.
    let all = || pages.iter().flat_map(|page| as_times(page).iter());
    let nanos = |time: Option<i64>| {
        let rest = time.unwrap_or_default().rem_euclid(NANOS_PER_MILLISECOND);
        u32::try_from(rest).unwrap_or_default()
    };
    let nanos = all().any(|time| nanos(time) != 0).then(|| all().map(nanos).collect());
    Ok(Leftovers { entities: None, nanos })
}

/// Writes one JSON array from all pages of a column. `write` gets the row and its value; null is written for it where
/// there is no value.
fn write_list<'a, A: ArrayAccessor>(
    out: &mut Vec<u8>,
    pages: &'a [ArrayRef],
    typed: impl Fn(&'a ArrayRef) -> A,
    mut write: impl FnMut(&mut Vec<u8>, usize, A::Item) -> Result<()>,
) -> Result<()> {
    out.push(b'[');
    let values = pages.iter().flat_map(|page| ArrayIter::new(typed(page)));
    for (row, value) in values.enumerate() {
        separate(out, row);
        match value {
            Some(value) => write(out, row, value)?,
            None => out.extend(b"null"),
        }
    }
    out.push(b']');
    Ok(())
}

fn write_plain<T: Serialize>(out: &mut Vec<u8>, _row: usize, value: T) -> Result<()> {
    serde_json::to_writer(out, &value)
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    out.push(b'"');
    out.extend(key.as_bytes());
    out.extend(b"\":");
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

/// What the document takes at most, in the usual case. Memory that is never written to is never taken, so that much is
/// better than little: growing would copy everything, and hold it twice.
fn room(frame: &CheckedFrame) -> usize {
    const FIELD_BYTES: usize = 128;
    const HEAD_BYTES: usize = 512;
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let fields = frame.fields.iter().map(|field| {
        let text: usize = match field.field_type.values {
            ValueType::String | ValueType::Json => {
                field.pages.iter().map(|page| page.get_buffer_memory_size()).sum()
            }
            _ => 0,
        };
        let head =
            FIELD_BYTES + field.name.len() + optional(&field.labels) + optional(&field.config);
        head + frame.rows * digits(field.field_type.values) + text
    });
    HEAD_BYTES + frame.name.len() + fields.sum::<usize>()
}

/// The longest JSON of one value with its comma, bytes; for texts what stands around them.
fn digits(values: ValueType) -> usize {
    match values {
        ValueType::Int8 | ValueType::Uint8 => 5,
        ValueType::Int16 | ValueType::Uint16 | ValueType::Enum | ValueType::Bool => 7,
        ValueType::Int32 | ValueType::Uint32 => 12,
        ValueType::Int64 | ValueType::Uint64 => 21,
        ValueType::Float32 => 16,
        ValueType::Float64 => 25,
        ValueType::Time => 15,
        ValueType::String | ValueType::Json => 4,
    }
}
