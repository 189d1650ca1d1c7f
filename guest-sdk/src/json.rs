//! JSON of responses, read fast: most of a large one is numbers, and a sandboxed loop pays for
//! every turn.
//!
//! This reader takes a document or leaves it. What it takes, serde_json takes for the same, which
//! tests hold against each other; what it leaves, right or wrong, is read by serde_json again. So
//! what is accepted, and what an error says, is decided in one place, and here is no sentence.

mod cursor;
mod deserializer;
mod digits;
mod number;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod short;

#[cfg(test)]
mod tests;

use serde::Deserialize;

use cursor::Cursor;

/// The document as a `T`; none if it is not one, or too odd for this reader.
pub(crate) fn read<'de, T: Deserialize<'de>>(document: &'de [u8]) -> Option<T> {
    let mut cursor = Cursor::new(document);
    let value = T::deserialize(&mut cursor).ok()?;
    cursor.pass_space();
    cursor.is_at_end().then_some(value)
}

/// The number in a text: `1`, `-2.5e-7`, `NaN`, `+Inf`, as [`f64`] parses it.
pub(crate) fn number_in(text: &str) -> Option<f64> {
    let text = text.trim();
    let mut cursor = Cursor::new(text.as_bytes());
    match cursor.number() {
        Some(number) if cursor.is_at_end() => Some(number.into()),
        _ => text.parse().ok(),
    }
}

/// The JSON number that these bytes begin with, and how many of them it takes.
#[inline(always)]
pub(crate) fn leading_number(bytes: &[u8]) -> Option<(f64, usize)> {
    let mut cursor = Cursor::new(bytes);
    let number = cursor.number()?;
    Some((number.into(), cursor.position))
}
