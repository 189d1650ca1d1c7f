//! How much work can a schema make? Pure.
//!
//! References multiply: forty definitions that refer to one another twice each are two kilobytes, and a million million checks.
//! A chain of references that is long enough takes more stack than there is. So before a schema is used its work is counted, each
//! definition once.

use std::collections::HashMap;

use serde_json::Value;

use crate::limits::{SCHEMA_DEPTH_MAX, SCHEMA_WORK_MAX};

/// Whether checking one value by this schema is so little work that nobody notices. Also not if a reference leads in a circle or out
/// of the schema, or is of a kind that can only be followed when it is used.
pub(super) fn is_bounded(schema: &Value) -> bool {
    let mut count = Count { root: schema, known: HashMap::new() };
    count.work(schema, 0).is_some_and(|work| work <= SCHEMA_WORK_MAX)
}

struct Count<'a> {
    root: &'a Value,
    /// The work of each reference that was followed; none while it is being followed.
    known: HashMap<&'a str, Option<usize>>,
}

impl<'a> Count<'a> {
    /// Values that are looked at, references followed; none if there is no end to them.
    fn work(&mut self, value: &'a Value, depth: usize) -> Option<usize> {
        if depth > SCHEMA_DEPTH_MAX {
            return None;
        }
        let mut work = 1_usize;
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let more = match (name.as_str(), member) {
                        ("$ref", Value::String(reference)) => self.reference(reference, depth)?,
                        ("$dynamicRef" | "$recursiveRef", _) => return None,
                        (_, member) => self.work(member, depth + 1)?,
                    };
                    work = work.saturating_add(more);
                }
            }
            Value::Array(items) => {
                for item in items {
                    work = work.saturating_add(self.work(item, depth + 1)?);
                }
            }
            _ => {}
        }
        Some(work)
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> Option<usize> {
        if let Some(known) = self.known.get(reference) {
            return *known;
        }
        let target = self.root.pointer(reference.strip_prefix('#')?)?;
        self.known.insert(reference, None);
        let work = self.work(target, depth + 1)?;
        self.known.insert(reference, Some(work));
        Some(work)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_as_people_write_them_are_bounded() {
        let name = json!({"type": "string", "pattern": "^[a-z]+$"});
        let by_reference = json!({
            "$defs": {"name": name},
            "properties": {"first": {"$ref": "#/$defs/name"}, "last": {"$ref": "#/$defs/name"}},
        });
        for schema in [json!({}), json!(true), by_reference] {
            assert!(is_bounded(&schema), "{schema}");
        }
    }

    #[test]
    fn references_that_multiply_are_not() {
        let definitions = (0..40).map(|number| {
            let next = json!({"$ref": format!("#/$defs/d{}", number + 1)});
            (format!("d{number}"), json!({"allOf": [next, next]}))
        });
        let mut definitions: serde_json::Map<String, Value> = definitions.collect();
        definitions.insert("d40".to_owned(), json!({"type": "string"}));
        assert!(!is_bounded(&json!({"$defs": definitions, "$ref": "#/$defs/d0"})));
    }

    #[test]
    fn a_chain_of_references_that_takes_all_stack_is_not() {
        let link = |number: usize| {
            (format!("d{number}"), json!({"$ref": format!("#/$defs/d{}", number + 1)}))
        };
        let mut definitions: serde_json::Map<String, Value> = (0..50_000).map(link).collect();
        definitions.insert("d50000".to_owned(), json!(true));
        assert!(!is_bounded(&json!({"$defs": definitions, "$ref": "#/$defs/d0"})));
    }

    #[test]
    fn references_in_a_circle_or_to_elsewhere_are_not() {
        for reference in ["#", "#/$defs/a", "http://127.0.0.1:1/schema", "#/nowhere"] {
            let schema =
                json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": reference});
            assert!(!is_bounded(&schema), "{reference}");
        }
        assert!(!is_bounded(&json!({"$dynamicRef": "#a"})));
    }
}
