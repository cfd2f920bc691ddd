//! What the gateway describes with OpenAPI is OpenAPI: a validator of others says so.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

/// `cargo xtask tools` installs it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/openapi/bin/python");

fn valid(sandbox: &Sandbox, name: &str, document: &str) {
    assert!(
        Path::new(PYTHON).exists(),
        "{PYTHON} is there: `cargo xtask tools` installs it"
    );
    let file = sandbox.write(&format!("{name}.json"), document);
    let output = Command::new(PYTHON)
        .args(["-m", "openapi_spec_validator", "--validation-errors", "all"])
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // It repeats the document.
    let said: Vec<String> = said
        .lines()
        .map(|line| line.chars().take(300).collect())
        .collect();
    assert!(output.status.success(), "{name}: {}", said.join("\n"));
}

fn get(gateway: &Gateway, path: &str) -> String {
    let asked = reqwest::Client::new()
        .get(format!("{}{path}", gateway.origin))
        .bearer_auth(KEY);
    let (status, body) = super::gateway::request(asked).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[test]
fn a_validator_takes_the_admin_api_and_instances_of_every_shape() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let older = "http://json-schema.org/draft-07/schema#";
    let object = |members: Value| {
        let mut schema = json!({"type": "object"});
        schema
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        schema
    };
    let tree = json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}});
    let schemas = [
        ("plain", json!({})),
        (
            "tree",
            object(json!({"properties": {"node": {"$ref": "#/$defs/node"}}, "$defs": {"node": tree}})),
        ),
        (
            "booleans",
            object(json!({"properties": {"any": true, "none": false}, "additionalProperties": false})),
        ),
        (
            "anchor",
            object(
                json!({"properties": {"x": {"$ref": "#leaf"}}, "$defs": {"leaf": {"$anchor": "leaf", "type": "string"}}}),
            ),
        ),
        (
            "other.anchor",
            object(
                json!({"properties": {"x": {"$ref": "#leaf"}}, "$defs": {"leaf": {"$anchor": "leaf", "type": "integer"}}}),
            ),
        ),
        (
            "dynamic",
            object(json!({"$dynamicAnchor": "node", "properties": {"x": {"$dynamicRef": "#node"}}})),
        ),
        (
            "named",
            object(
                json!({"$id": "https://example.com/root.json", "properties": {"x": {"$ref": "part.json"}},
            "$defs": {"part": {"$id": "part.json", "properties": {"y": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"type": "string"}}}}}),
            ),
        ),
        (
            "older",
            object(
                json!({"$schema": older, "definitions": {"x": {"type": "string"}}, "dependencies": {"x": ["y"]},
            "properties": {"x": {"$ref": "#/definitions/x"}, "y": {"items": [{"type": "string"}], "additionalItems": false}}}),
            ),
        ),
        (
            "escaped",
            object(
                json!({"properties": {"a b/c~d%e": {"type": "string"}, "z": {"$ref": "#/properties/a%20b~1c~0d%25e"}}}),
            ),
        ),
    ];
    let mut ids = Vec::new();
    for (name, schema) in &schemas {
        let tool = json!({"name": name, "title": "A tool", "description": "*Does* it.", "input_schema": schema,
            "output_schema": schema, "static": {"structured": {}}});
        gateway.put(&format!("tds/{name}"), &tool);
        ids.push(*name);
    }
    gateway.put(
        "ids/odd%20one",
        &json!({"name": "Odd one", "description": "Has *everything*.", "tool_ids": ids}),
    );
    gateway.put("ids/empty", &json!({"name": "Empty", "tool_ids": []}));

    valid(&sandbox, "admin", &get(&gateway, "/admin/openapi.json"));
    valid(&sandbox, "older", &get(&gateway, "/api-docs/openapi.json"));
    valid(&sandbox, "empty", &get(&gateway, "/instances/empty/openapi.json"));
    let text = get(&gateway, "/instances/odd%20one/openapi.json");
    valid(&sandbox, "odd", &text);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["paths"].as_object().unwrap().len(), schemas.len());
    // What leads nowhere is not found by whoever follows no references.
    let broken = text.replace(
        "#/components/schemas/tree.arguments/$defs/node",
        "#/components/schemas/nobody",
    );
    let refused = std::panic::catch_unwind(|| valid(&sandbox, "broken", &broken));
    assert!(refused.is_err(), "the validator follows references");
}
