//! Conditions that stand for themselves: bounds, patterns, and those whose parts are not looked into.

use super::{Difference, Effect};
use serde_json::Value;

/// A higher number accepts less.
const LOWER_BOUNDS: [&str; 6] = [
    "minimum",
    "exclusiveMinimum",
    "minLength",
    "minItems",
    "minProperties",
    "minContains",
];
/// A higher number accepts more.
const UPPER_BOUNDS: [&str; 6] = [
    "maximum",
    "exclusiveMaximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "maxContains",
];
/// A condition more accepts less; of two different ones nothing can be told.
const CONDITIONS: [&str; 18] = [
    "pattern",
    "multipleOf",
    "contentEncoding",
    "not",
    "oneOf",
    "anyOf",
    "allOf",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
    "prefixItems",
];
/// Said to the model; values are not checked by them.
const HINTS: [&str; 4] = ["format", "default", "contentMediaType", "deprecated"];

pub(super) fn compare(path: &str, old: &Value, new: &Value, out: &mut Vec<Difference>) {
    let mut note = |effect, text: String| {
        out.push(Difference {
            path: path.to_owned(),
            text,
            effect,
        });
    };
    let bounds = LOWER_BOUNDS.map(|name| (name, true)).into_iter();
    for (name, is_lower) in bounds.chain(UPPER_BOUNDS.map(|name| (name, false))) {
        let (before, after) = (number(old, name), number(new, name));
        let effect = match (before, after) {
            (None, None) => continue,
            (None, Some(_)) => Effect::Narrower,
            (Some(_), None) => Effect::Wider,
            (Some(before), Some(after)) if before == after => continue,
            (Some(before), Some(after)) if (after > before) == is_lower => Effect::Narrower,
            (Some(_), Some(_)) => Effect::Wider,
        };
        note(effect, format!("{name} {} → {}", shown(before), shown(after)));
    }
    let is_unique = |schema: &Value| schema.get("uniqueItems") == Some(&Value::Bool(true));
    match (is_unique(old), is_unique(new)) {
        (false, true) => note(Effect::Narrower, "items have to be unique now".to_owned()),
        (true, false) => note(Effect::Wider, "items may repeat now".to_owned()),
        _ => {}
    }
    for name in CONDITIONS {
        match (old.get(name), new.get(name)) {
            (None, None) => {}
            (None, Some(_)) => note(Effect::Narrower, format!("`{name}` has to hold now")),
            (Some(_), None) => note(Effect::Wider, format!("`{name}` no longer has to hold")),
            (Some(before), Some(after)) if before == after => {}
            (Some(_), Some(_)) => note(Effect::Other, format!("`{name}` is another one")),
        }
    }
    // A reference that could not be followed on one of the sides.
    if old.get("$ref") != new.get("$ref") {
        note(Effect::Other, "refers to another schema".to_owned());
    }
    for name in HINTS {
        let (before, after) = (old.get(name), new.get(name));
        if before != after {
            let spelled =
                |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), ToString::to_string);
            note(
                Effect::None,
                format!("{name} {} → {}", spelled(before), spelled(after)),
            );
        }
    }
}

fn number(schema: &Value, name: &str) -> Option<f64> {
    schema.get(name).and_then(Value::as_f64)
}

fn shown(number: Option<f64>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}
