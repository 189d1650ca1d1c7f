//! The reader as serde's deserializer.
//!
//! Each way in asks for the bytes that serde_json asks for, so that no visitor gets to see here what
//! it would not there.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::cursor::Cursor;
use super::number::Number;

/// The document is left to serde_json.
#[derive(Debug)]
pub(super) struct Left;

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the document is not for this reader")
    }
}

impl std::error::Error for Left {}

impl de::Error for Left {
    /// Nobody reads the sentence, so none is made.
    fn custom<T: fmt::Display>(_sentence: T) -> Self {
        Self
    }
}

/// Ways in that go on only if the value begins like this.
macro_rules! beginning_with {
    ($($first:pat => $($method:ident($($argument:ident: $kind:ty),*))+;)+) => {$($(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, Left> {
            match self.peek_after_space() {
                $first => self.deserialize_any(visitor),
                _ => Err(Left),
            }
        }
    )+)+};
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = Left;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        match self.peek_after_space() {
            b'-' | b'0'..=b'9' => match self.number().ok_or(Left)? {
                Number::Whole(number) => visitor.visit_u64(number),
                Number::Negative(number) => visitor.visit_i64(number),
                Number::Float(number) => visitor.visit_f64(number),
            },
            b'"' => match self.string().ok_or(Left)? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            b'[' => {
                self.open().ok_or(Left)?;
                let value = visitor.visit_seq(Items::new(self))?;
                self.close(b']').ok_or(Left)?;
                Ok(value)
            }
            b'{' => {
                self.open().ok_or(Left)?;
                let value = visitor.visit_map(Members { cursor: self, is_first: true })?;
                self.close(b'}').ok_or(Left)?;
                Ok(value)
            }
            b'n' => self.pass_word(b"null").ok_or(Left).and_then(|()| visitor.visit_unit()),
            b't' => self.pass_word(b"true").ok_or(Left).and_then(|()| visitor.visit_bool(true)),
            b'f' => self.pass_word(b"false").ok_or(Left).and_then(|()| visitor.visit_bool(false)),
            _ => Err(Left),
        }
    }

    beginning_with! {
        b'-' | b'0'..=b'9' =>
            deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
            deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
            deserialize_f32() deserialize_f64();
        b'"' =>
            deserialize_str() deserialize_string() deserialize_char() deserialize_identifier();
        b'[' =>
            deserialize_seq() deserialize_tuple(_length: usize)
            deserialize_tuple_struct(_name: &'static str, _length: usize);
        b'{' => deserialize_map();
        b'[' | b'{' =>
            deserialize_struct(_name: &'static str, _fields: &'static [&'static str]);
        b't' | b'f' => deserialize_bool();
        b'n' => deserialize_unit() deserialize_unit_struct(_name: &'static str);
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        match self.peek_after_space() {
            b'n' => self.pass_word(b"null").ok_or(Left).and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Left> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Left> {
        match self.peek_after_space() {
            b'"' => {
                let variant = self.string().ok_or(Left)?;
                visitor.visit_enum(IntoDeserializer::<Left>::into_deserializer(variant.as_ref()))
            }
            b'{' => {
                self.open().ok_or(Left)?;
                let members = Members { cursor: self, is_first: true };
                let value = visitor.visit_enum(MapAccessDeserializer::new(members))?;
                self.close(b'}').ok_or(Left)?;
                Ok(value)
            }
            _ => Err(Left),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        self.deserialize_any(visitor)
    }

    /// Strings of bytes may hold what is no text.
    fn deserialize_bytes<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Left> {
        Err(Left)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Left> {
        Err(Left)
    }
}

/// The items of a list.
struct Items<'cursor, 'de> {
    cursor: &'cursor mut Cursor<'de>,
    start: usize,
    /// How many were read.
    count: usize,
}

impl<'cursor, 'de> Items<'cursor, 'de> {
    fn new(cursor: &'cursor mut Cursor<'de>) -> Self {
        let start = cursor.position;
        Self { cursor, start, count: 0 }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Left;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Left> {
        match self.cursor.peek_after_space() {
            b']' => return Ok(None),
            b',' if self.count > 0 => self.cursor.position += 1,
            _ if self.count == 0 => {}
            _ => return Err(Left),
        }
        self.count += 1;
        seed.deserialize(&mut *self.cursor).map(Some)
    }

    /// How many more there would be if the rest of the document were more of the same.
    fn size_hint(&self) -> Option<usize> {
        let (read, rest) =
            (self.cursor.position - self.start, self.cursor.body.len() - self.cursor.position);
        let more = self.count as u64 * rest as u64 / read.max(1) as u64;
        usize::try_from(more).ok().filter(|_more| self.count > 0)
    }
}

/// The members of an object.
struct Members<'cursor, 'de> {
    cursor: &'cursor mut Cursor<'de>,
    is_first: bool,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Left;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Left> {
        match self.cursor.peek_after_space() {
            b'}' => return Ok(None),
            b',' if !self.is_first => {
                self.cursor.position += 1;
                self.cursor.pass_space();
            }
            b'"' if self.is_first => {}
            _ => return Err(Left),
        }
        self.is_first = false;
        let name = self.cursor.string().ok_or(Left)?;
        self.cursor.pass(b':').ok_or(Left)?;
        seed.deserialize(Name(name)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Left> {
        seed.deserialize(&mut *self.cursor)
    }
}

/// The name of a member. Names that are to become numbers are left to serde_json.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Left;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        match self.0 {
            Cow::Borrowed(name) => visitor.visit_borrowed_str(name),
            Cow::Owned(name) => visitor.visit_string(name),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Left> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Left> {
        visitor.visit_enum(IntoDeserializer::<Left>::into_deserializer(self.0.as_ref()))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
