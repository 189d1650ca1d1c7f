//! A list of numbers of a response, read straight into a column.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::lenient::Number;
use crate::{Column, Values};

/// A list of numbers as it becomes a column: the fast way for long ones. Each is a JSON number, a
/// text that holds one (`"2.5"`, `"NaN"`, `"+Inf"`), or null.
///
/// ```
/// # use graft_guest::*;
/// # use serde::Deserialize;
/// #[derive(Deserialize)]
/// struct Series {
///     unix: Numbers,
///     celsius: Numbers,
/// }
///
/// let body = r#"{"unix": [1, 2.5], "celsius": ["20.5", null]}"#;
/// let Series { unix, celsius } = Response::sample(200, body).json()?;
/// let times = unix.complete().ok_or_else(|| Refusal::UnexpectedResponse("A gap.".to_owned()))?;
/// let frame = Frame::new(Kind::TimeseriesWide)
///     .field(Field::time("time", times.into_iter().map(time::from_seconds).collect()))
///     .field(Field::new("temperature", celsius));
/// # assert_eq!(frame.fields[1], Field::new("temperature", vec![Some(20.5), None]));
/// # Ok::<(), Refusal>(())
/// ```
///
/// As a field it is nullable, whether or not a row is null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Of a row that is null, zero.
    values: Vec<f64>,
    /// Which rows have a value, up to the last that has none: what comes after it has one.
    validity: Vec<u8>,
}

impl Numbers {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The numbers, if none of them is null.
    pub fn complete(self) -> Option<Vec<f64>> {
        self.validity.is_empty().then_some(self.values)
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Option<f64>> {
        let is_null = |row: usize| {
            self.validity.get(row / 8).is_some_and(|byte| byte & (1 << (row % 8)) == 0)
        };
        let rows = self.values.iter().enumerate();
        rows.map(move |(row, value)| (!is_null(row)).then_some(*value))
    }

    #[inline(always)]
    fn push(&mut self, number: Option<f64>) {
        if number.is_none() {
            self.mark_null();
        }
        self.values.push(number.unwrap_or_default());
    }

    /// Marks the row that comes next.
    fn mark_null(&mut self) {
        let row = self.values.len();
        self.validity.resize(row / 8 + 1, 0xff);
        self.validity[row / 8] &= !(1 << (row % 8));
    }

    /// Makes room for `expected` more rows: not much at a time, for they are only expected.
    #[cold]
    fn make_room(&mut self, expected: Option<usize>) {
        /// The first rows, by which is judged how many there are to come.
        const FEW: usize = 64;
        let (length, expected) = (self.values.len(), expected.unwrap_or(FEW));
        let most = (length * 15).max(FEW);
        self.values.reserve_exact((expected + expected / 16).clamp(length.max(FEW), most));
    }
}

impl From<Numbers> for Values {
    fn from(numbers: Numbers) -> Self {
        let Numbers { values, mut validity } = numbers;
        validity.resize(values.len().div_ceil(8), 0xff);
        if let (Some(last), used @ 1..) = (validity.last_mut(), values.len() % 8) {
            *last &= (1 << used) - 1;
        }
        Self { column: Column::Float64(values), validity: Some(validity) }
    }
}

impl FromIterator<Option<f64>> for Numbers {
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(rows: I) -> Self {
        let mut numbers = Self::default();
        rows.into_iter().for_each(|row| numbers.push(row));
        numbers
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Numbers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Numbers, A::Error> {
        let mut numbers = Numbers::default();
        while let Some(number) = rows.next_element_seed(Number)? {
            if numbers.values.len() == numbers.values.capacity() {
                numbers.make_room(rows.size_hint());
            }
            numbers.push(number);
        }
        numbers.values.shrink_to_fit();
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Numbers {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rows_are_what_they_were_written_as() {
        let numbers = read(r#"[1, null, "2.5", -0.5, " +Inf "]"#);
        let rows = [Some(1.0), None, Some(2.5), Some(-0.5), Some(f64::INFINITY)];
        assert_eq!(numbers.iter().collect::<Vec<_>>(), rows);
        assert_eq!(numbers, rows.into_iter().collect());
        assert_eq!((numbers.len(), numbers.is_empty()), (5, false));
        assert_eq!(numbers.complete(), None);
    }

    #[test]
    fn as_a_field_they_are_what_options_are() {
        for length in 0..20 {
            for null in 0..=length {
                let rows: Vec<_> = (0..length).map(|row| (row != null).then_some(0.5)).collect();
                let numbers: Numbers = rows.iter().copied().collect();
                assert_eq!(Values::from(numbers), Values::from(rows), "{null} of {length}");
            }
        }
    }

    #[test]
    fn without_a_null_they_are_moved() {
        let numbers = read("[1, 2]");
        let address = numbers.values.as_ptr();
        let values = numbers.complete().unwrap();
        assert_eq!(values.as_ptr(), address);
        assert_eq!(read("[]").complete(), Some(Vec::new()));
    }

    #[test]
    fn a_long_list_takes_no_more_room_than_it_needs() {
        let json = serde_json::to_string(&vec![0.25; 10_000]).unwrap();
        let numbers: Numbers = crate::json::read(json.as_bytes()).unwrap();
        assert_eq!(numbers.complete().map(|values| values.capacity()), Some(10_000));
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_was_found() {
        let error = |json: &str| serde_json::from_str::<Numbers>(json).unwrap_err().to_string();
        assert!(error("[true]").starts_with("invalid type: boolean `true`"));
        assert!(error("{}").contains("a list of numbers"));
    }
}
