//! One definition in three formats, read by the gateway's own reader.

use super::folder::{Folder, Reader};
use mcp_common::{definition::ToolDefinition, document::Document, key::Key};

const YAML: &str = r#"
kind: tds
id: yaml
name: find_order
description: |
  Finds an order.
  By its id.
input_schema: {type: object, properties: {id: {type: integer, maximum: 123456789012345678901234567890}}}
tds_ext_info:
  domain: api.example.com
  method: GET
  path: "/orders/{id}"
  timeout_ms: 1_500
"#;

const JSON: &str = r#"{"kind": "tds", "id": "json", "name": "find_order", "description": "Finds an order.\nBy its id.\n",
 "input_schema": {"type": "object", "properties": {"id": {"type": "integer", "maximum": 123456789012345678901234567890}}},
 "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/orders/{id}"}}"#;

const TOML: &str = r#"
[[tds]]
id = "toml"
name = "find_order"
description = """
Finds an order.
By its id.
"""
[tds.input_schema]
type = "object"
properties.id = {type = "integer", maximum = 123456789012345678901234567890}
[tds.tds_ext_info]
domain = "api.example.com"
method = "GET"
path = "/orders/{id}"
"#;

#[tokio::test]
async fn all_three_say_the_same() {
    let folder = Folder::new();
    // `1_500` is text in YAML 1.2, so the reader of definitions would refuse it.
    folder.write("a.yaml", &YAML.replace("  timeout_ms: 1_500\n", ""));
    folder.write("b.json", JSON);
    folder.write("c.toml", TOML);
    let reader = Reader::of(&folder.open()).await;
    assert_eq!(reader.unreadable(), []);
    let mut schemas = Vec::new();
    for id in ["json", "toml", "yaml"] {
        let document = Document::parse(reader.text(&Key::tool(id)).unwrap().as_bytes()).unwrap();
        let read = ToolDefinition::read(id, &document).unwrap();
        assert_eq!(
            (&*read.definition.name, &*read.definition.description),
            ("find_order", "Finds an order.\nBy its id.\n")
        );
        assert_eq!(read.warnings, [] as [String; 0]);
        schemas.push(document.get("input_schema").unwrap().get().replace(' ', ""));
    }
    assert!(schemas[0].contains("123456789012345678901234567890"));
    assert!(
        schemas[0] == schemas[1] && schemas[1] == schemas[2],
        "{schemas:?}"
    );
}
