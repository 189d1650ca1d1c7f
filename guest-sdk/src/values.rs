//! Columns in Arrow's layout, from the values of Rust: whole lists, or built row by row.

use crate::{Bits, Column, Texts};

/// A column with its validity: what a field is made of.
///
/// A list becomes one by [`From`]: of numbers (moved, not copied), booleans, texts or JSON values,
/// each also as a list of options; and [`Numbers`](crate::Numbers). A field is nullable if it was made of options, whether or not
/// one of them is none: the pages of a frame must agree in that.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// The values; a row without a value holds anything.
    pub column: Column,
    /// Which rows have a value; none if the field is not nullable.
    pub validity: Option<Vec<u8>>,
}

impl Values {
    /// A nullable column from one that was built beside its validity, row by row.
    pub fn nullable(column: impl Into<Column>, validity: Validity) -> Self {
        Self { column: column.into(), validity: Some(validity.finish()) }
    }
}

impl<C: Into<Column>> From<C> for Values {
    fn from(column: C) -> Self {
        Self { column: column.into(), validity: None }
    }
}

/// A bitmap that grows row by row: a set bit for each row that has a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    bytes: Vec<u8>,
    length: usize,
}

impl Validity {
    /// A bitmap with room for this many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self { bytes: Vec::with_capacity(rows.div_ceil(8)), length: 0 }
    }

    /// Adds a row that has a value, or has none.
    pub fn push(&mut self, valid: bool) {
        let bit = self.length % 8;
        match self.bytes.last_mut() {
            Some(last) if bit > 0 => *last |= u8::from(valid) << bit,
            _ => self.bytes.push(u8::from(valid)),
        }
        self.length += 1;
    }

    /// The bitmap, as a field carries it.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl FromIterator<bool> for Validity {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let mut validity = Self::with_capacity(rows.size_hint().0);
        rows.for_each(|valid| validity.push(valid));
        validity
    }
}

impl From<Validity> for Bits {
    fn from(validity: Validity) -> Self {
        // No memory that a guest can have holds more bits than a u32 counts.
        let length = u32::try_from(validity.length).unwrap_or(u32::MAX);
        Self { length, bytes: validity.bytes }
    }
}

/// Texts that grow row by row, without an allocation for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextsBuilder {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Default for TextsBuilder {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl TextsBuilder {
    /// Adds a row. Past 2 GiB of text, where Arrow's offsets end, the host refuses the column:
    /// memory ends long before.
    pub fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    /// The column's content, for [`Field::new`](crate::Field::new) or for [`Column::Json`].
    pub fn finish(self) -> Texts {
        Texts { offsets: self.offsets, bytes: self.bytes }
    }
}

impl<T: AsRef<str>> FromIterator<T> for TextsBuilder {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        let mut builder = Self::default();
        rows.into_iter().for_each(|text| builder.push(text.as_ref()));
        builder
    }
}

impl From<Texts> for Column {
    fn from(texts: Texts) -> Self {
        Self::String(texts)
    }
}

impl From<TextsBuilder> for Column {
    fn from(builder: TextsBuilder) -> Self {
        Self::String(builder.finish())
    }
}

/// Number columns: a list as it is, or a list of options with its validity.
macro_rules! numbers {
    ($($number:ty => $case:ident),+ $(,)?) => {$(
        impl From<Vec<$number>> for Column {
            fn from(values: Vec<$number>) -> Self {
                Self::$case(values)
            }
        }

        impl From<Vec<Option<$number>>> for Values {
            fn from(rows: Vec<Option<$number>>) -> Self {
                let validity = validity(&rows);
                let numbers: Vec<$number> = rows.into_iter().map(Option::unwrap_or_default).collect();
                Self::nullable(numbers, validity)
            }
        }
    )+};
}

numbers! {
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => Uint8, u16 => Uint16, u32 => Uint32, u64 => Uint64,
    f32 => Float32, f64 => Float64,
}

impl From<Vec<bool>> for Column {
    fn from(values: Vec<bool>) -> Self {
        Self::Bool(Validity::from_iter(values).into())
    }
}

impl From<Vec<Option<bool>>> for Values {
    fn from(rows: Vec<Option<bool>>) -> Self {
        let validity = validity(&rows);
        let bits: Validity = rows.into_iter().map(Option::unwrap_or_default).collect();
        Self::nullable(Column::Bool(bits.into()), validity)
    }
}

/// Text columns, owned or borrowed.
macro_rules! texts {
    ($($text:ty),+) => {$(
        impl From<Vec<$text>> for Column {
            fn from(values: Vec<$text>) -> Self {
                TextsBuilder::from_iter(values).into()
            }
        }

        impl From<Vec<Option<$text>>> for Values {
            fn from(rows: Vec<Option<$text>>) -> Self {
                let texts = rows.iter().map(|row| row.as_deref().unwrap_or_default());
                Self::nullable(TextsBuilder::from_iter(texts), validity(&rows))
            }
        }
    )+};
}

texts!(String, &str);

impl From<Vec<serde_json::Value>> for Column {
    fn from(values: Vec<serde_json::Value>) -> Self {
        Self::Json(values.iter().map(ToString::to_string).collect::<TextsBuilder>().finish())
    }
}

/// Which of the rows have a value.
pub(crate) fn validity<T>(rows: &[Option<T>]) -> Validity {
    rows.iter().map(Option::is_some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_values_and_a_bitmap_with_the_least_significant_bit_first() {
        let rows: Vec<Option<f64>> =
            (0..10).map(|row| (row != 1 && row != 9).then_some(1.0)).collect();
        let values = Values::from(rows);
        assert_eq!(values.validity, Some(vec![0b1111_1101, 0b0000_0001]));
        assert!(matches!(values.column, Column::Float64(numbers) if numbers.len() == 10));
    }

    #[test]
    fn a_list_of_numbers_is_moved_and_not_copied() {
        let numbers = vec![1.0, 2.0];
        let address = numbers.as_ptr();
        let Column::Float64(numbers) = Values::from(numbers).column else { panic!() };
        assert_eq!(numbers.as_ptr(), address);
    }

    #[test]
    fn booleans_are_packed_and_counted() {
        let values = Values::from(vec![Some(true), None, Some(false), Some(true)]);
        assert_eq!(values.column, Column::Bool(Bits { length: 4, bytes: vec![0b1001] }));
        assert_eq!(values.validity, Some(vec![0b1101]));
    }

    #[test]
    fn texts_are_offsets_and_bytes() {
        let Column::String(texts) = Values::from(vec!["ab", "", "ç"]).column else { panic!() };
        assert_eq!(texts.offsets, [0, 2, 2, 4]);
        assert_eq!(texts.bytes, "abç".as_bytes());
    }

    #[test]
    fn a_text_that_is_none_takes_a_row_and_no_bytes() {
        let values = Values::from(vec![Some("ab".to_owned()), None]);
        assert_eq!(
            values.column,
            Column::String(Texts { offsets: vec![0, 2, 2], bytes: b"ab".to_vec() })
        );
        assert_eq!(values.validity, Some(vec![0b01]));
    }

    #[test]
    fn json_values_become_one_document_for_each_row() {
        let column = Column::from(vec![serde_json::json!({"a": 1}), serde_json::Value::Null]);
        assert_eq!(column, Column::Json(TextsBuilder::from_iter([r#"{"a":1}"#, "null"]).finish()));
    }

    #[test]
    fn no_rows_are_legal_in_every_form() {
        assert_eq!(Values::from(Vec::<Option<bool>>::new()).validity, Some(Vec::new()));
        let Column::String(texts) = Values::from(Vec::<String>::new()).column else { panic!() };
        assert_eq!(texts.offsets, [0]);
    }
}
