//! Alternatives of `oneOf` that a value fits together, where their author meant either: what tells them apart (`format`) is checked by
//! nobody, and a whole number is a number. No value would fit exactly one of them.

use serde_json::{Map, Value};
use std::collections::HashSet;

/// What says nothing about which values fit.
const SAYS_NOTHING: [&str; 7] = [
    "format",
    "title",
    "description",
    "example",
    "examples",
    "deprecated",
    "default",
];

/// Whether a value that fits one of them fits another one for sure.
pub(super) fn overlap(alternatives: &[Value]) -> bool {
    let (mut seen, mut has_integer, mut has_number) = (HashSet::new(), false, false);
    let mut plain = alternatives.iter().filter_map(plain);
    plain.any(|one| {
        let is = |kind: &str| one.get("type").is_some_and(|its| its == kind);
        has_integer |= is("integer");
        // Any number, that is.
        has_number |= is("number") && one.len() == 1;
        let mut one = Value::Object(one);
        one.sort_all_objects();
        !seen.insert(one.to_string()) || has_integer && has_number
    })
}

/// The keywords that are checked.
fn plain(schema: &Value) -> Option<Map<String, Value>> {
    let mut members = schema.as_object()?.clone();
    members.retain(|keyword, _| !SAYS_NOTHING.contains(&keyword.as_str()));
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_in_what_nobody_checks_overlaps() {
        for (alternatives, expected) in [
            (
                json!([{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]),
                true,
            ),
            (
                json!([{"type": "integer"}, {"type": "number", "description": "x"}]),
                true,
            ),
            (
                json!([{"type": "number"}, {"type": "string"}, {"type": "integer", "minimum": 1}]),
                true,
            ),
            (json!([{"type": "string"}, {"type": "integer"}]), false),
            (
                json!([{"type": "string", "maxLength": 3}, {"type": "string", "minLength": 4}]),
                false,
            ),
            (
                json!([{"type": "integer"}, {"type": "number", "minimum": 5}]),
                false,
            ),
            (json!([{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]), false),
        ] {
            assert_eq!(
                overlap(alternatives.as_array().unwrap()),
                expected,
                "{alternatives}"
            );
        }
    }
}
