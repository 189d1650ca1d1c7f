//! A guest's columns as Arrow arrays. Lists become buffers without a copy; values are looked at only where the contract
//! leaves room for wrong ones: offsets, UTF-8, JSON documents and enum indexes.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowNativeType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use serde::de::IgnoredAny;

use super::error::Flaw;
use crate::limits::JSON_DEPTH_MAX;
use crate::model::{Column, Texts};

#[cfg(test)]
mod tests;

/// How many values a column says it has.
pub(super) fn rows(values: &Column) -> usize {
    match values {
        Column::Int8(values) => values.len(),
        Column::Int16(values) => values.len(),
        Column::Int32(values) => values.len(),
        Column::Int64(values) | Column::Time(values) => values.len(),
        Column::Uint8(values) => values.len(),
        Column::Uint16(values) | Column::Enum(values) => values.len(),
        Column::Uint32(values) => values.len(),
        Column::Uint64(values) => values.len(),
        Column::Float32(values) => values.len(),
        Column::Float64(values) => values.len(),
        Column::String(texts) | Column::Json(texts) => texts.offsets.len().saturating_sub(1),
        Column::Bool { length, .. } => *length as usize,
    }
}

/// A column as an Arrow array, checked. `enum_texts` is how many texts the values of an enum column may name.
pub(super) fn array(
    values: Column,
    validity: Option<Vec<u8>>,
    enum_texts: usize,
) -> Result<ArrayRef, Flaw> {
    let rows = rows(&values);
    let nulls = validity.map(|bytes| nulls(bytes, rows)).transpose()?;
    Ok(match values {
        Column::Int8(values) => numbers::<Int8Type>(values, nulls),
        Column::Int16(values) => numbers::<Int16Type>(values, nulls),
        Column::Int32(values) => numbers::<Int32Type>(values, nulls),
        Column::Int64(values) => numbers::<Int64Type>(values, nulls),
        Column::Uint8(values) => numbers::<UInt8Type>(values, nulls),
        Column::Uint16(values) => numbers::<UInt16Type>(values, nulls),
        Column::Uint32(values) => numbers::<UInt32Type>(values, nulls),
        Column::Uint64(values) => numbers::<UInt64Type>(values, nulls),
        Column::Float32(values) => numbers::<Float32Type>(values, nulls),
        Column::Float64(values) => numbers::<Float64Type>(values, nulls),
        Column::Time(values) => numbers::<TimestampNanosecondType>(values, nulls),
        Column::Bool { bytes, .. } => {
            let length = bytes.len();
            let bits = bits(bytes, rows).ok_or(Flaw::Bits { rows, bytes: length })?;
            Arc::new(BooleanArray::new(bits, nulls))
        }
        Column::String(values) => Arc::new(texts(values, nulls)?),
        Column::Json(values) => Arc::new(documents(values, nulls)?),
        Column::Enum(values) => indexes(values, nulls, enum_texts)?,
    })
}

fn numbers<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef
where
    T::Native: ArrowNativeType,
{
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls))
}

fn nulls(bytes: Vec<u8>, rows: usize) -> Result<NullBuffer, Flaw> {
    let length = bytes.len();
    let bits = bits(bytes, rows).ok_or(Flaw::Validity { rows, bytes: length })?;
    Ok(NullBuffer::new(bits))
}

/// The first `length` bits; none if there are fewer. What a guest left behind them is not passed on.
fn bits(mut bytes: Vec<u8>, length: usize) -> Option<BooleanBuffer> {
    let needed = length.div_ceil(8);
    if bytes.len() < needed {
        return None;
    }
    bytes.truncate(needed);
    if let (Some(last), used @ 1..) = (bytes.last_mut(), length % 8) {
        *last &= (1 << used) - 1;
    }
    Some(BooleanBuffer::new(Buffer::from_vec(bytes), 0, length))
}

fn texts(texts: Texts, nulls: Option<NullBuffer>) -> Result<StringArray, Flaw> {
    check_offsets(&texts)?;
    let offsets = match texts.offsets.is_empty() {
        true => OffsetBuffer::new_empty(),
        false => OffsetBuffer::new(ScalarBuffer::from(texts.offsets)),
    };
    let bytes = Buffer::from_vec(texts.bytes);
    StringArray::try_new(offsets.clone(), bytes.clone(), nulls)
        .map_err(|_| Flaw::NotUtf8(first_not_utf8(&offsets, &bytes)))
}

/// Offsets start at 0, ascend, and end where the texts end. So none is negative or behind the end.
fn check_offsets(Texts { offsets, bytes }: &Texts) -> Result<(), Flaw> {
    let first = offsets.first().copied().unwrap_or_default();
    let last = offsets.last().copied().unwrap_or_default();
    if first != 0 {
        return Err(Flaw::OffsetsStart(first));
    }
    if !offsets.is_sorted() {
        let fall = offsets.windows(2).enumerate().find(|(_, pair)| pair[1] < pair[0]);
        let (row, end) = fall.map_or((0, last), |(row, pair)| (row, pair[1]));
        return Err(Flaw::OffsetsOrder { row, end });
    }
    if usize::try_from(last) != Ok(bytes.len()) {
        return Err(Flaw::OffsetsEnd { end: last, bytes: bytes.len() });
    }
    Ok(())
}

/// The row to blame, once it is known that there is one.
fn first_not_utf8(offsets: &[i32], bytes: &[u8]) -> usize {
    let is_text = |pair: &[i32]| {
        let value = bytes.get(pair[0].as_usize()..pair[1].as_usize());
        value.is_some_and(|value| std::str::from_utf8(value).is_ok())
    };
    offsets.windows(2).position(|pair| !is_text(pair)).unwrap_or_default()
}

/// Rows without a value are not looked at: what is there does not leave the host's memory as a document.
fn documents(values: Texts, nulls: Option<NullBuffer>) -> Result<BinaryArray, Flaw> {
    let texts = texts(values, nulls)?;
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let document: Result<IgnoredAny, _> = serde_json::from_str(text);
        document.map_err(|error| Flaw::NotJson { row, cause: error.to_string() })?;
        if depth(text) > JSON_DEPTH_MAX {
            let cause = format!("nested deeper than {JSON_DEPTH_MAX} levels");
            return Err(Flaw::NotJson { row, cause });
        }
    }
    Ok(BinaryArray::from(texts))
}

/// How deep a valid JSON document nests. serde_json skips what it ignores without counting.
fn depth(document: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in document.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn indexes(values: Vec<u16>, nulls: Option<NullBuffer>, texts: usize) -> Result<ArrayRef, Flaw> {
    let array = PrimitiveArray::<UInt16Type>::new(ScalarBuffer::from(values), nulls);
    let outside = |(row, value): (usize, Option<u16>)| {
        value.filter(|value| usize::from(*value) >= texts).map(|value| (row, value))
    };
    match array.iter().enumerate().find_map(outside) {
        Some((row, value)) => Err(Flaw::EnumValue { row, value, texts }),
        None => Ok(Arc::new(array)),
    }
}
