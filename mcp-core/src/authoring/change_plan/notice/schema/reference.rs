//! References inside one schema.

use serde_json::Value;

/// A chain that is longer leads in a circle.
const MAX_HOPS: usize = 16;

/// What the schema stands for, and the reference that led there. One that leads nowhere (which no compiled definition
/// has) or that has conditions beside it stays what it is.
pub(super) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> (Option<&'a str>, &'a Value) {
    let mut at = schema;
    let mut name = None;
    for _ in 0..MAX_HOPS {
        let Some(Value::String(reference)) = at.get("$ref") else {
            return (name, at);
        };
        let target = match reference.strip_prefix('#') {
            Some("") => Some(root),
            Some(pointer) => root.pointer(pointer),
            None => None,
        };
        let Some(target) = target.filter(|_| !has_conditions(at)) else {
            return (name, at);
        };
        name = Some(reference.as_str());
        at = target;
    }
    (name, at)
}

/// Beside the reference, other than texts for people.
fn has_conditions(schema: &Value) -> bool {
    let texts = [
        "$ref",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "$comment",
    ];
    let members = schema.as_object().into_iter().flatten();
    members
        .map(|(name, _)| name.as_str())
        .any(|name| !texts.contains(&name))
}
