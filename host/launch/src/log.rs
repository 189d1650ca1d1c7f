//! A plugin's stderr, read as go-plugin reads it: contract section 6.1.

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

/// go-plugin splits longer lines and takes the pieces for plain text.
const LINE_BYTES_MAX: usize = 64 << 10;

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// A line of stderr.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// The line as it was written, without its line break.
    pub text: String,
    /// What it says, or why Grafana would not take it for an entry of its log.
    pub entry: Result<Entry, String>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// In lower case: `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// What happened.
    pub message: String,
    /// What of the plugin says so; may be empty.
    pub module: String,
    /// Everything else, without names that begin with `@`.
    pub fields: Map<String, Value>,
}

impl LogLine {
    /// Reads a line, without its line break.
    pub(crate) fn read(text: &str) -> Self {
        Self { text: text.to_owned(), entry: entry(text) }
    }

    /// Whether the line is an entry whose message contains `part`.
    pub fn says(&self, part: &str) -> bool {
        self.entry.as_ref().is_ok_and(|entry| entry.message.contains(part))
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Ok(Entry { level, message, fields, .. }) => {
                write!(formatter, "{level}: {message}")?;
                for (name, value) in fields {
                    match value {
                        Value::String(value) => write!(formatter, " {name}={value}")?,
                        value => write!(formatter, " {name}={value}")?,
                    }
                }
                Ok(())
            }
            Err(_reason) => formatter.write_str(&self.text),
        }
    }
}

fn entry(text: &str) -> Result<Entry, String> {
    if text.len() >= LINE_BYTES_MAX {
        return Err(format!("it has {} bytes, and Grafana reads less than 65536", text.len()));
    }
    let mut fields: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    let mut text_of = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value) => Err(format!("{name} is {value}, which is no text and crashes Grafana")),
        None => Ok(None),
    };
    let level = text_of("@level")?.ok_or("it has no @level")?.to_lowercase();
    let message = text_of("@message")?.ok_or("it has no @message")?;
    let timestamp = text_of("@timestamp")?;
    let module = text_of("@module")?.unwrap_or_default();
    if !LEVELS.contains(&level.as_str()) {
        return Err(format!("@level is '{level}', which Grafana does not know"));
    }
    if let Some(timestamp) = timestamp.filter(|timestamp| !is_timestamp(timestamp)) {
        return Err(format!("@timestamp is '{timestamp}', which Grafana cannot read"));
    }
    match fields.keys().find(|name| name.starts_with('@') || *name == "timestamp") {
        Some(name) => Err(format!("it has a field '{name}', whose name is Grafana's own")),
        None => Ok(Entry { level, message, module, fields }),
    }
}

/// Whether the text is of the layout `2006-01-02T15:04:05.000000Z07:00`, the only one that go-plugin reads.
fn is_timestamp(text: &str) -> bool {
    let digits_as_zeros =
        |character: char| if character.is_ascii_digit() { '0' } else { character };
    let layout: String = text.chars().map(digits_as_zeros).collect();
    let zone = layout.strip_prefix("0000-00-00T00:00:00.000000");
    zone.is_some_and(|zone| ["Z", "+00:00", "-00:00"].contains(&zone))
}
