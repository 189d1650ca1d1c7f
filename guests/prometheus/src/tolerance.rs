//! Reading members that nobody checked when they were saved.
//!
//! Dashboards outlive the versions that wrote them, and provisioned ones are written by hand. A
//! member that is absent, null or of another type must not fail a query, so it is read as what it
//! can stand for, or as its default.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

/// A text, or a number as text. Anything else is the empty text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

/// True, as a boolean or as text. Anything else is false.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    })
}

/// A whole number, also as a text that holds one; a fraction is cut off. Anything else is zero.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and no sane member is near")]
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64().unwrap_or_default() as i64,
        Value::String(text) => text.trim().parse::<f64>().unwrap_or_default() as i64,
        _ => 0,
    })
}

/// The items of a list that are what they should be. Anything else is an empty list.
pub(crate) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => {
            items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect()
        }
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_may_be_a_number_and_nothing_else_fails() {
        let cases =
            [(json!(" 15s "), "15s"), (json!(15), "15"), (json!(null), ""), (json!({}), "")];
        for (value, expected) in cases {
            assert_eq!(text(&value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn only_what_says_true_is_true() {
        let cases =
            [(json!(true), true), (json!("true"), true), (json!(1), false), (json!([]), false)];
        for (value, expected) in cases {
            assert_eq!(flag(&value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn a_number_may_be_a_fraction_or_a_text() {
        let cases =
            [(json!(2), 2), (json!(2.9), 2), (json!("3"), 3), (json!("x"), 0), (json!([1]), 0)];
        for (value, expected) in cases {
            assert_eq!(integer(&value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn a_list_keeps_what_fits() {
        assert_eq!(list::<_, String>(&json!(["a", 1, "b"])).unwrap(), ["a", "b"]);
        assert!(list::<_, String>(&json!("a")).unwrap().is_empty());
    }
}
