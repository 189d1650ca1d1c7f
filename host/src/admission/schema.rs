//! Do settings have the shape that their guest's schema says? Pure. Both are strangers' texts.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::bounds::is_bounded;
use crate::limits::{ERROR_TEXT_BYTES_MAX, OBJECTIONS_MAX};

/// One sentence for each thing that is wrong, up to a limit. A schema that is none itself objects to nothing: that is the
/// vendor's to mend, and the admin has no part in it.
pub(super) fn objections(schema: &str, settings: &[u8]) -> Vec<String> {
    let Ok(schema) = serde_json::from_str::<Value>(schema) else { return Vec::new() };
    if !is_bounded(&schema) {
        tracing::warn!("A guest's settings schema makes too much work, so it is not checked");
        return Vec::new();
    }
    let settings = if settings.is_empty() { b"{}" } else { settings };
    let settings: Value = match serde_json::from_slice(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![format!("The settings are not a JSON object: {error}.")],
    };
    let validator = match jsonschema::draft202012::new(&schema) {
        Ok(validator) => validator,
        Err(error) => {
            tracing::warn!(%error, "A guest's settings schema is no JSON Schema, so it is not checked");
            return Vec::new();
        }
    };
    let errors = validator.iter_errors(&settings);
    // jsonData holds the host's own keys and Grafana's beside the guest's.
    let of_guest = errors.filter(|error| !is_about_other_keys(error));
    of_guest.take(OBJECTIONS_MAX).map(|error| sentence(&error)).collect()
}

fn is_about_other_keys(error: &jsonschema::ValidationError<'_>) -> bool {
    let is_root = error.instance_path().as_str().is_empty();
    is_root
        && matches!(
            error.kind(),
            ValidationErrorKind::AdditionalProperties { .. }
                | ValidationErrorKind::UnevaluatedProperties { .. }
        )
}

fn sentence(error: &jsonschema::ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
    let reason: String = error.to_string().chars().take(ERROR_TEXT_BYTES_MAX / 8).collect();
    format!("The settings do not fit what the guest expects{place}: {reason}.")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const SCHEMA: &str = r#"{
        "type": "object", "additionalProperties": false, "required": ["thing"],
        "properties": {
            "thing": {"type": "string", "minLength": 1},
            "depth": {"type": "integer", "maximum": 9},
            "mode": {"enum": ["a", "b"]}
        }
    }"#;

    fn check(settings: &str, expected: &Expect) {
        expected.assert_eq(&objections(SCHEMA, settings.as_bytes()).join("\n"));
    }

    #[test]
    fn settings_that_fit_are_not_objected_to_whatever_else_is_beside_them() {
        check(r#"{"thing":"boiler","guest":"things","timeout":5}"#, &expect![""]);
    }

    #[test]
    fn each_thing_that_is_wrong_is_a_sentence_that_says_where() {
        check(
            r#"{"thing":"","depth":10,"mode":"c"}"#,
            &expect![[r#"
            The settings do not fit what the guest expects at '/depth': 10 is greater than the maximum of 9.
            The settings do not fit what the guest expects at '/mode': "c" is not one of "a" or "b".
            The settings do not fit what the guest expects at '/thing': "" is shorter than 1 character."#]],
        );
        check(
            "",
            &expect![[
                r#"The settings do not fit what the guest expects: "thing" is a required property."#
            ]],
        );
        check(
            "[",
            &expect![
                "The settings are not a JSON object: EOF while parsing a list at line 1 column 1."
            ],
        );
    }

    #[test]
    fn a_schema_that_is_none_objects_to_nothing() {
        for schema in ["{", r#"{"type": 7}"#, r#"{"$ref": "http://127.0.0.1:1/schema"}"#] {
            assert_eq!(objections(schema, b"{}"), Vec::<String>::new(), "{schema}");
        }
    }

    #[test]
    fn no_more_is_said_than_anybody_reads() {
        let schema = r#"{"additionalProperties": {"type": "string"}}"#;
        let members: Vec<_> = (0..100).map(|number| format!("\"{number}\":1")).collect();
        let settings = format!("{{{}}}", members.join(","));
        assert_eq!(objections(schema, settings.as_bytes()).len(), OBJECTIONS_MAX);
    }
}
