//! What an event or a span says, as text.
//!
//! All values become text: go-plugin reads numbers as floats, so that Grafana would show 1000000 as `1e+06`, and nested values
//! in Go's notation.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};

/// The field that holds an event's text.
const MESSAGE: &str = "message";

/// The field that holds pairs whose names are only known at run time: a line each, `name=value`.
const PAIRS: &str = "loggerParams";

/// Names and values in the order said.
#[derive(Default)]
pub(super) struct Fields {
    own: Vec<(&'static str, String)>,
    /// What Grafana wants said beside it. Where names meet, ours count.
    given: Vec<(String, String)>,
}

/// The fields of a span, kept with it until it closes.
#[derive(Default)]
pub(super) struct SpanFields(pub(super) Fields);

impl Fields {
    /// Says something; what was said before under that name no longer counts.
    fn set(&mut self, name: &'static str, value: String) {
        if name == PAIRS {
            let pairs = value.lines().filter_map(|line| line.split_once('='));
            self.given = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return;
        }
        match self.own.iter_mut().find(|(known, _value)| *known == name) {
            Some((_name, known)) => *known = value,
            None => self.own.push((name, value)),
        }
    }

    pub(super) fn extend(&mut self, others: &Self) {
        for (name, value) in &others.own {
            self.set(name, value.clone());
        }
        self.given.extend_from_slice(&others.given);
    }

    /// Takes out the text of an event; empty if it has none.
    pub(super) fn take_message(&mut self) -> String {
        let position = self.own.iter().position(|(name, _value)| *name == MESSAGE);
        position.map(|position| self.own.remove(position).1).unwrap_or_default()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_ours = |name: &str| self.own.iter().any(|(known, _value)| *known == name);
        let given = self.given.iter().filter(move |(name, _value)| !is_ours(name));
        let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
        self.own.iter().map(|(name, value)| (*name, value.as_str())).chain(given)
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
