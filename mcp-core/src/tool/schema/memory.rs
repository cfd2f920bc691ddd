//! About how much memory a compiled schema takes, known from the schema alone.

use super::pattern;
use serde_json::Value;

/// Bytes for each value of a schema: its validator, and the schema as it is kept beside it.
const VALUE_BYTES: u64 = 400;
/// Bytes for a schema that says nothing.
const SCHEMA_BYTES: u64 = 2 << 10;

pub(super) fn of(schema: &Value) -> u64 {
    SCHEMA_BYTES + of_value(schema)
}

fn of_value(value: &Value) -> u64 {
    VALUE_BYTES
        + match value {
            Value::Array(items) => items.iter().map(of_value).sum(),
            Value::String(text) => text.len() as u64,
            Value::Object(members) => {
                let names: u64 = members.keys().map(|name| name.len() as u64).sum();
                let named = members.get("patternProperties").and_then(Value::as_object);
                let named = named.into_iter().flatten().map(|(name, _)| pattern::memory(name));
                let own = members
                    .get("pattern")
                    .and_then(Value::as_str)
                    .map(pattern::memory);
                names + named.chain(own).sum::<u64>() + members.values().map(of_value).sum::<u64>()
            }
            _ => 0,
        }
}
