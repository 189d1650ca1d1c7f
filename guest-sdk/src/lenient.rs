//! Numbers as APIs write them, for serde's `deserialize_with`.
//!
//! ```
//! # use serde::Deserialize;
//! #[derive(Deserialize)]
//! struct Series {
//!     #[serde(deserialize_with = "graft_guest::lenient::numbers")]
//!     values: Vec<Option<f64>>,
//! }
//!
//! let series: Series = serde_json::from_str(r#"{"values": [1, "2.5", null]}"#)?;
//! assert_eq!(series.values, [Some(1.0), Some(2.5), None]);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! [`Numbers`](crate::Numbers) reads the same, without a detour over options.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Unexpected, Visitor};

use crate::json::number_in;

/// A list of numbers, each a JSON number, a text that holds one (`"2.5"`, `"NaN"`, `"+Inf"`), or
/// null.
///
/// # Errors
/// Where there is no list, or something else in it.
pub fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Option<f64>>, D::Error> {
    deserializer.deserialize_seq(List)
}

/// One number: a JSON number, a text that holds one (`"2.5"`, `"NaN"`, `"+Inf"`), or null.
///
/// # Errors
/// Where there is something else.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    deserializer.deserialize_any(Number)
}

/// The JSON number that these bytes begin with, and how many of them it takes; for a guest that reads
/// by hand what is nearly all of its large responses. Exactly what [`f64`] would parse, and fast for
/// numbers of up to fifteen digits. None if there is no number, or one that is larger than a double.
///
/// ```
/// # use graft_guest::lenient::leading_number;
/// assert_eq!(leading_number(b"-2.50,7"), Some((-2.5, 5)));
/// assert_eq!(leading_number(b"NaN"), None);
/// ```
#[inline(always)]
pub fn leading_number(bytes: &[u8]) -> Option<(f64, usize)> {
    crate::json::leading_number(bytes)
}

/// One number, lenient.
pub(crate) struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = Option<f64>;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a column of doubles is what the guest asks for")]
impl<'de> Visitor<'de> for Number {
    type Value = Option<f64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a text that holds one, or null")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let number = number_in(text);
        number.map(Some).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<Option<f64>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = rows.next_element_seed(Number)? {
            numbers.push(number);
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<Option<f64>>, String> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        numbers(&mut deserializer).map_err(|error| error.to_string())
    }

    #[test]
    fn integers_fractions_texts_and_nulls_are_numbers() {
        let rows = read(r#"[1, -2, 18446744073709551615, 0.1, "2.5", " 7 ", "+Inf", null]"#);
        let expected = [1.0, -2.0, 18_446_744_073_709_551_615.0, 0.1, 2.5, 7.0, f64::INFINITY];
        let expected = expected.into_iter().map(Some).chain([None]).collect();
        assert_eq!(rows, Ok(expected));
        assert!(read(r#"["NaN"]"#).is_ok_and(|rows| rows[0].is_some_and(f64::is_nan)));
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_was_found() {
        let found = read(r#"[1, "high"]"#).unwrap_err();
        let expected =
            r#"invalid value: string "high", expected a number, a text that holds one, or null"#;
        assert!(found.starts_with(expected), "{found}");
        assert!(read("[true]").unwrap_err().starts_with("invalid type: boolean `true`"));
        assert!(read("{}").unwrap_err().contains("a list of numbers"));
    }

    #[test]
    fn a_fraction_comes_out_as_it_was_written() {
        // A parser that rounds as it goes reads the first of these one bit too low.
        for text in ["9.204938554384977", "0.1", "1.7976931348623157e308", "5e-324"] {
            let rows = read(&format!("[{text}]")).unwrap();
            assert_eq!(rows[0].map(f64::to_bits), text.parse().ok().map(f64::to_bits), "{text}");
        }
    }
}
