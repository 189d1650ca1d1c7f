//! One line of the log, whatever it is that has to be said.

use std::time::SystemTime;

use serde_json::Value;
use tracing::Level;

use crate::limits::LOG_LINE_BYTES_MAX;

/// At the end of a text that was cut.
const CUT: &str = "… (cut)";
/// Of a line, for the message; the fields share what is left.
const MESSAGE_BYTES_MAX: usize = LOG_LINE_BYTES_MAX / 2;
/// Of a line, for one field.
const FIELD_BYTES_MAX: usize = 8 << 10;
/// Of a line, for the name of a field or of a module.
const NAME_BYTES_MAX: usize = 256;

/// Makes a line with its line break, shorter than [`LOG_LINE_BYTES_MAX`] in any case.
///
/// What does not fit is cut and marked. A field never takes a name that means something to go-plugin or Grafana: that an
/// `@level` is no text is enough to crash go-plugin's side.
pub(in super::super) fn line<'a>(
    level: Level,
    module: &str,
    message: &str,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
    now: SystemTime,
) -> Vec<u8> {
    let level = match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    };
    let mut line =
        format!(r#"{{"@level":"{level}","@message":{}"#, quoted(message, MESSAGE_BYTES_MAX));
    let pair = |name: &str, value: &str, most: usize| {
        format!(",{}:{}", quoted(name, NAME_BYTES_MAX), quoted(value, most))
    };
    line += &pair("@timestamp", &humantime::format_rfc3339_micros(now).to_string(), NAME_BYTES_MAX);
    line += &pair("@module", module, NAME_BYTES_MAX);
    // Room for the end is kept aside.
    let most = LOG_LINE_BYTES_MAX - "}\n".len();
    for (name, value) in fields {
        let pair = pair(&harmless(name), value, FIELD_BYTES_MAX);
        // A field that does not fit is left out; a shorter one may still come.
        if line.len() + pair.len() <= most {
            line += &pair;
        }
    }
    line += "}\n";
    line.into_bytes()
}

/// A field's name that neither go-plugin nor Grafana takes for one of its own.
fn harmless(name: &str) -> String {
    match name.trim_start_matches('@') {
        "" => "field".to_owned(),
        "timestamp" => "time".to_owned(),
        name => name.to_owned(),
    }
}

/// A JSON string of at most `most` bytes, quotes included.
fn quoted(text: &str, most: usize) -> String {
    let most = most - "\"\"".len();
    let (mut length, mut cut_at) = (0, 0);
    for (position, character) in text.char_indices() {
        if length + CUT.len() <= most {
            cut_at = position;
        }
        length += length_in_json(character);
        if length > most {
            return Value::from(format!("{}{CUT}", &text[..cut_at])).to_string();
        }
    }
    Value::from(text).to_string()
}

/// The most bytes that a character takes between quotes.
fn length_in_json(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        '\u{0}'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}
