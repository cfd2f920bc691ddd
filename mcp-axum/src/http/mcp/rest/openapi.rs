//! The tools of an instance as an OpenAPI document: one operation for each of them.

mod schema;

use mcp_common::definition::instance::InstanceDefinition;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schema::moved;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

/// What stands for itself in a path (RFC 3986, section 2.3) is left to be read.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An entry of `tools/list`.
#[derive(Deserialize)]
struct Tool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    #[serde(rename = "inputSchema")]
    input: Option<Value>,
    #[serde(rename = "outputSchema")]
    output: Option<Value>,
}

pub(super) fn document(instance: &InstanceDefinition, tools: &[Box<RawValue>], server: &str) -> Vec<u8> {
    let place = utf8_percent_encode(&instance.id, SEGMENT);
    let mut paths = Map::new();
    let mut schemas = Map::new();
    schemas.insert("Failure".to_owned(), failure());
    let tools = tools
        .iter()
        .filter_map(|raw| serde_json::from_str::<Tool>(raw.get()).ok());
    for (number, tool) in tools.enumerate() {
        let Tool {
            name,
            title,
            description,
            input,
            output,
        } = tool;
        // A name of OpenAPI has fewer characters than one of MCP.
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        };
        let mut component: String = name.chars().map(plain).collect();
        if component != name {
            component = format!("{component}.{number}");
        }
        let mut refer = |part: &str, schema: Value| {
            let key = format!("{component}.{part}");
            let root = format!("#/components/schemas/{key}");
            schemas.insert(key, moved(schema, &root));
            json!({"$ref": root})
        };
        let input = refer("arguments", input.unwrap_or_else(|| json!({"type": "object"})));
        let data = output.map_or_else(|| json!({}), |output| refer("data", output));
        let mut operation = json!({
            "operationId": name,
            "tags": ["tools"],
            "requestBody": {"required": true, "content": {"application/json": {"schema": input}}},
            "responses": {
                "200": {
                    "description": "What the tool answered; `success` is false where it reports an error.",
                    "content": {"application/json": {"schema": envelope(&data)}},
                },
                "default": {
                    "description": "It was not called: no key (401), not allowed (403), no such tool (404), too much (429), not possible now (5xx).",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
                },
            },
        });
        if let Some(summary) = title {
            operation["summary"] = summary.into();
        }
        if let Some(description) = description {
            operation["description"] = description.into();
        }
        let tool = utf8_percent_encode(&name, SEGMENT);
        paths.insert(
            format!("/instances/{place}/tools/{tool}"),
            json!({"post": operation}),
        );
    }
    let mut info = json!({"title": instance.name, "version": env!("CARGO_PKG_VERSION")});
    if let Some(description) = &instance.description {
        info["description"] = description.as_str().into();
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": server}],
        "tags": [{"name": "tools"}],
        "security": [{"bearer": []}, {"api_key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    });
    serde_json::to_vec(&document).unwrap_or_default()
}

fn envelope(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "error"],
        "properties": {
            "success": {"type": "boolean"},
            "data": {"anyOf": [data, {"type": "null"}]},
            "error": {"type": ["string", "null"]},
        },
    })
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "error"],
        "properties": {
            "success": {"const": false},
            "data": {"type": "null"},
            "error": {"type": "string"},
        },
    })
}
