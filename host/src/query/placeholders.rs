//! Placeholders for secrets are the guest's to write. What a dashboard's editor types reaches requests by way of the guest, and an API may
//! answer with what it was sent: then every editor could read every secret that the guest may name.

use serde_json::Value;

use super::Error;

/// As a guest writes it, and as it looks in a path.
const OPEN: [&str; 2] = ["{{secret:", "%7B%7Bsecret:"];

/// Refuses a JSON text that has a placeholder in any of its texts or names.
pub(crate) fn check_json(json: &str) -> Result<(), Error> {
    if !json.contains('\\') {
        return check(json);
    }
    // What is escaped may be anything. What is no JSON is told by whoever reads it.
    match serde_json::from_str(json) {
        Ok(value) => check_value(&value),
        Err(_none) => check(json),
    }
}

/// Refuses a text that has a placeholder.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    match OPEN.iter().find(|open| text.contains(**open)) {
        None => Ok(()),
        Some(open) => Err(Error::Invalid(format!(
            "'{open}' begins a placeholder for a secret, which only a guest may write, not whoever asks it. Remove it"
        ))),
    }
}

fn check_value(value: &Value) -> Result<(), Error> {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().try_for_each(check_value),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| check(name).and_then(|()| check_value(value))),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_found_however_it_is_written() {
        for json in [
            r#"{"expr": "label_replace(up, \"x\", \"{{secret:apiKey}}\", \"\", \"\")"}"#,
            r#"{"expr": "{{secret:apiKey}}"}"#,
            r#"{"expr": "\u007b\u007bsecret:apiKey}}"}"#,
            r#"{"a": [1, {"b": "x{{s\u0065cret:apiKey}}"}]}"#,
            r#"{"{{secret:apiKey}}": 1}"#,
            r#"{"path": "/%7B%7Bsecret:apiKey%7D%7D"}"#,
        ] {
            assert!(check_json(json).is_err(), "{json}");
        }
        for json in [
            r#"{"expr": "up{secret=\"x\"}", "legend": "{{instance}} {{secret}}"}"#,
            r#"{"text": "secret: \\{"}"#,
            "{",
        ] {
            assert!(check_json(json).is_ok(), "{json}");
        }
    }
}
