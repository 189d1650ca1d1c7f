//! What an event or a span says, as text.
//!
//! All values become text: go-plugin reads numbers as floats, so that Grafana would show 1000000 as `1e+06`, and nested values
//! in Go's notation.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};

/// The field that holds an event's text.
const MESSAGE: &str = "message";

/// Names and values in the order said.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, String)>);

/// The fields of a span, kept with it until it closes.
#[derive(Default)]
pub(super) struct SpanFields(pub(super) Fields);

impl Fields {
    /// Says something; what was said before under that name no longer counts.
    fn set(&mut self, name: &'static str, value: String) {
        match self.0.iter_mut().find(|(known, _value)| *known == name) {
            Some((_name, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    pub(super) fn extend(&mut self, others: &Self) {
        for (name, value) in &others.0 {
            self.set(name, value.clone());
        }
    }

    /// Takes out the text of an event; empty if it has none.
    pub(super) fn take_message(&mut self) -> String {
        let position = self.0.iter().position(|(name, _value)| *name == MESSAGE);
        position.map(|position| self.0.remove(position).1).unwrap_or_default()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.to_owned());
    }

    /// An error's Display leaves out its source; the log wants the whole chain.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            // Writing to a String cannot fail.
            let _written = write!(text, ": {error}");
            source = error.source();
        }
        self.set(field.name(), text);
    }

    /// Also what is said with `%`, whose Debug is its Display.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}
