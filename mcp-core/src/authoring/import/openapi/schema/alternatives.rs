//! Alternatives of `oneOf` that a value fits together, where their author meant either: what tells them apart (`format`) is checked by
//! nobody, and a whole number is a number. No value would fit exactly one of them.

use serde_json::{Map, Value};

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
    let plain: Vec<_> = alternatives.iter().filter_map(plain).collect();
    plain.iter().enumerate().any(|(index, one)| {
        plain[..index]
            .iter()
            .any(|other| one == other || is_in(one, other) || is_in(other, one))
    })
}

/// The keywords that are checked.
fn plain(schema: &Value) -> Option<Map<String, Value>> {
    let mut members = schema.as_object()?.clone();
    members.retain(|keyword, _| !SAYS_NOTHING.contains(&keyword.as_str()));
    Some(members)
}

fn is_in(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let is = |schema: &Map<String, Value>, kind: &str| schema.get("type").is_some_and(|its| its == kind);
    is(one, "integer") && is(other, "number") && other.len() == 1
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
