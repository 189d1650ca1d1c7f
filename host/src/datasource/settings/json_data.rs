//! `jsonData`: whatever an admin, a provisioning file or an old version of the settings page put there.
//!
//! Types are taken as they are meant where there is but one meaning: `"30"` is a number, `"true"` is a truth value. For
//! a key on which security depends, anything else is an error; for a duration it is the default (contract section 9).

use std::time::Duration;

use serde_json::{Map, Value};

use super::Error;

/// No admin waits longer for one exchange, and the query's own limit comes sooner.
const TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// The object, parsed and as text.
#[derive(Default)]
pub(super) struct JsonData<'a> {
    fields: Map<String, Value>,
    text: &'a str,
    /// What stands before a key's name in a message: for an object inside, its own key and a dot.
    within: String,
}

impl<'a> JsonData<'a> {
    /// Reads what Grafana sent; nothing and `null` are an empty object.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            Error::JsonData { line, column }
        })?;
        let empty = Self { fields: Map::new(), text: "{}", within: String::new() };
        if text.trim().is_empty() {
            return Ok(empty);
        }
        // Of the error only the place: never mind what the parser quotes.
        let value = serde_json::from_str(text)
            .map_err(|error| Error::JsonData { line: error.line(), column: error.column() })?;
        match value {
            Value::Object(fields) => Ok(Self { fields, text, within: String::new() }),
            Value::Null => Ok(empty),
            other => Err(Error::NoObject { found: kind(&other) }),
        }
    }

    /// The object as Grafana sent it.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Whether there is such a key, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// A text that must be one if it is there. Nothing, `null` and `""` are none.
    pub(super) fn text_of(&self, key: &str) -> Result<Option<&str>, Error> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(other) => Err(self.wrong_type(key, other, "a text")),
        }
    }

    /// Whether a switch is on. Nothing, `null` and `""` are off.
    pub(super) fn is_on(&self, key: &str) -> Result<bool, Error> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.is_empty() || text.eq_ignore_ascii_case("false") => {
                Ok(false)
            }
            Some(other) => Err(self.wrong_type(key, other, "true or false")),
        }
    }

    /// A whole number above zero; see [`Self::number`].
    pub(super) fn count(&self, key: &str) -> Option<usize> {
        // Out of range saturates.
        self.number(key).map(|number| number as usize).filter(|count| *count > 0)
    }

    /// A whole number, which may be zero; see [`Self::number`].
    pub(super) fn whole(&self, key: &str) -> Option<u32> {
        // Out of range saturates.
        self.finite(key).filter(|number| *number >= 0.0).map(|number| number as u32)
    }

    /// A number above zero. Whatever is none counts as not set: there is always a default.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.finite(key).filter(|number| *number > 0.0)
    }

    fn finite(&self, key: &str) -> Option<f64> {
        let number: f64 = match self.fields.get(key)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        Some(number).filter(|number| number.is_finite())
    }

    /// A duration in seconds, bounded. Zero counts as not set: an exchange without an end is no choice here.
    pub(super) fn seconds(&self, key: &str) -> Option<Duration> {
        let time = self.number(key).map(Duration::try_from_secs_f64)?;
        Some(time.unwrap_or(TIME_MAX).min(TIME_MAX))
    }

    /// An object inside, if there is one. Its text is not kept.
    pub(super) fn object(&self, key: &str) -> Result<Option<JsonData<'static>>, Error> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => {
                let (fields, within) = (fields.clone(), format!("{}{key}.", self.within));
                Ok(Some(JsonData { fields, text: "", within }))
            }
            Some(other) => Err(self.wrong_type(key, other, "an object")),
        }
    }

    /// A value of any type; nothing and `null` are none.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// The members of an object inside, whose values have to be texts or numbers.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<(String, String)>, Error> {
        let Some(object) = self.object(key)? else { return Ok(Vec::new()) };
        let texts = object.fields.iter().map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Number(number) => Ok((name.clone(), number.to_string())),
            Value::Bool(on) => Ok((name.clone(), on.to_string())),
            other => Err(object.wrong_type(name, other, "a text")),
        });
        texts.collect()
    }

    /// A key as messages name it.
    pub(super) fn path(&self, key: &str) -> String {
        format!("jsonData.{}{key}", self.within)
    }

    fn wrong_type(&self, key: &str, found: &Value, expected: &'static str) -> Error {
        let key = format!("{}{key}", self.within);
        Error::WrongType { key, found: kind(found), expected }
    }

    /// Texts as an array or as one text with commas. Nothing and `null` are no texts.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>, Error> {
        let expected = "an array of texts, or one text with commas";
        let entries: Vec<&str> = match self.fields.get(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => text.split(',').collect(),
            Some(array @ Value::Array(entries)) => entries
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(|| self.wrong_type(key, array, expected))?,
            Some(other) => return Err(self.wrong_type(key, other, expected)),
        };
        let entries = entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty());
        Ok(entries.map(str::to_owned).collect())
    }
}

/// What a value is, without showing it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
