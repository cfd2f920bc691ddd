//! Schemas from values.

use mcp_common::credential_name::may_be_credential;
use serde_json::{Map, Value, json};

const MAX_DEPTH: usize = 12;

/// The schema of a value in JSON. What is there is required; what is `null` can be anything.
pub(super) fn schema_of(name: &str, value: &Value, depth: usize) -> Value {
    let kind = match value {
        Value::Null => return json!({}),
        Value::Array(items) => {
            let mut out = json!({"type": "array"});
            if let Some(first) = items.first().filter(|_| depth < MAX_DEPTH) {
                out["items"] = schema_of(name, first, depth + 1);
            }
            return out;
        }
        Value::Object(members) => {
            let mut out = Map::new();
            out.insert("type".into(), "object".into());
            if depth < MAX_DEPTH && !members.is_empty() {
                // What is inside of a credential is a part of it.
                let speaks = may_be_credential(name);
                let properties: Map<String, Value> = members
                    .iter()
                    .map(|(member, value)| {
                        let named = if speaks { name } else { member };
                        (member.clone(), schema_of(named, value, depth + 1))
                    })
                    .collect();
                out.insert("properties".into(), properties.into());
            }
            return out.into();
        }
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
    };
    with_example(name, json!({"type": kind}), value)
}

/// The schema of a text that stands in a URL or a form.
pub(super) fn text_schema(name: &str, text: &str) -> Value {
    let is_number = text.len() <= 15
        && (text == "0" || !text.starts_with('0'))
        && text.bytes().all(|b| b.is_ascii_digit());
    match text {
        "" => json!({"type": "string"}),
        "true" | "false" => json!({"type": "boolean"}),
        text if is_number => match text.parse::<u64>() {
            Ok(number) => with_example(name, json!({"type": "integer"}), &number.into()),
            Err(_) => json!({"type": "string"}),
        },
        text => with_example(name, json!({"type": "string"}), &text.into()),
    }
}

fn with_example(name: &str, mut schema: Value, value: &Value) -> Value {
    // A variable of Postman's is no example.
    let is_variable = value.as_str().is_some_and(|text| text.contains("{{"));
    let is_short = !is_variable && !value.is_boolean() && value.to_string().len() <= 100;
    if is_short && !may_be_credential(name) {
        schema["examples"] = json!([value]);
    }
    schema
}
