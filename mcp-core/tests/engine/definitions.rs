//! What is refused when a definition is compiled, and how a tool is listed.

use crate::calling::{compile, compile_text, definition};
use mcp_core::spec::Era;
use serde_json::{Value, json};

fn binding(more: Value) -> Value {
    let mut binding = json!({"domain": "api.example.com", "method": "GET", "path": "/x"});
    for (name, value) in more.as_object().unwrap() {
        binding[name] = value.clone();
    }
    binding
}

#[test]
fn refusals_name_the_field_and_the_reason() {
    let flat = json!({"type": "object", "properties": {"id": {}}});
    let grouped = json!({"properties": {"path": {"type": "object", "properties": {"id": {}}}}});
    let header = |name: &str| json!({"properties": {"header": {"type": "object", "properties": {name: {}}}}});
    let table = [
        (
            flat.clone(),
            json!({"path": "/x/{user}"}),
            "tds_ext_info.path: nothing fills the placeholder `user`",
        ),
        (
            grouped.clone(),
            json!({"path": "/x/:user"}),
            "tds_ext_info.path: nothing fills the placeholder `user`",
        ),
        (flat.clone(), json!({"path": "/x/{"}), "tds_ext_info.path: "),
        (
            flat.clone(),
            json!({"method": "G T"}),
            "tds_ext_info.method: `G T` is not an HTTP method",
        ),
        (
            flat.clone(),
            json!({"method": "CONNECT"}),
            "tds_ext_info.method: ",
        ),
        (
            flat.clone(),
            json!({"domain": "a b"}),
            "tds_ext_info.domain: `a b` ",
        ),
        (
            flat.clone(),
            json!({"headers": {"Host": "x"}}),
            "tds_ext_info.headers.Host: cannot be set",
        ),
        (
            flat.clone(),
            json!({"headers": {"X": "a\r\nb"}}),
            "tds_ext_info.headers.X: has a line break",
        ),
        (
            flat.clone(),
            json!({"headers": {"X": ["a"]}}),
            "tds_ext_info.headers.X: must be a text",
        ),
        (
            flat.clone(),
            json!({"headers": {"X": "1", "x": "2"}}),
            "tds_ext_info.headers.x: appears twice",
        ),
        (
            flat.clone(),
            json!({"headers": {"X": "{{ args.user }}"}}),
            "tds_ext_info.headers.X: names `args.user`, which input_schema does not have",
        ),
        (
            flat.clone(),
            json!({"headers": {"X": "a {{ args.user }}"}}),
            "tds_ext_info.headers.X: names `args.user`",
        ),
        (
            grouped.clone(),
            json!({"query": {"q": "{{ args.path.user }}"}}),
            "tds_ext_info.query.q: names `args.path.user`",
        ),
        (
            flat.clone(),
            json!({"query": {"q": "{{ user }}"}}),
            "tds_ext_info.query.q: names `user`, which is unknown",
        ),
        (
            flat.clone(),
            json!({"query": {"q": "{{ request.headers }}"}}),
            "tds_ext_info.query.q: names the client's request as a whole",
        ),
        (
            flat.clone(),
            json!({"query": {"q": "{{ principal.claims }}"}}),
            "tds_ext_info.query.q: names `principal.claims`",
        ),
        (
            flat.clone(),
            json!({"query": {"q": "{{ args }}"}}),
            "tds_ext_info.query.q: names `args` as a whole",
        ),
        (
            flat.clone(),
            json!({"query": {"q": "{{ args.id"}}),
            "tds_ext_info.query.q: is not a template",
        ),
        (
            flat.clone(),
            json!({"query": {"q": "{{ args.id | nosuch }}"}}),
            "tds_ext_info.query.q: ",
        ),
        (
            flat.clone(),
            json!({"query": {"q": {"a": 1}}}),
            "tds_ext_info.query.q: must be a text",
        ),
        (
            flat.clone(),
            json!({"path": "/x?q=1", "query": {"q": 2}}),
            "tds_ext_info.query.q: stands in the path's query",
        ),
        (
            header("Content-Length"),
            json!({}),
            "input_schema.properties.header.properties.Content-Length: cannot be set",
        ),
        (
            header("X-A"),
            json!({"headers": {"x-a": "1"}}),
            "input_schema.properties.header.properties.X-A: is also given",
        ),
        (json!({"type": "string"}), json!({}), "input_schema.type: "),
        (
            json!({"properties": {"a": {"$ref": "https://example.com/s.json"}}}),
            json!({}),
            "input_schema: is not a schema",
        ),
        (
            json!({"$schema": "https://example.com/d"}),
            json!({}),
            "input_schema.$schema: the dialect",
        ),
        (
            json!({"properties": {"a": {"type": "number", "x-mcp-header": "A"}}}),
            json!({}),
            "input_schema.properties.a.x-mcp-header: ",
        ),
    ];
    for (schema, more, expected) in table {
        let refusal = compile(&definition(&schema, &binding(more.clone()))).err();
        assert!(
            refusal.as_ref().is_some_and(|text| text.starts_with(expected)),
            "{more}: {refusal:?}"
        );
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let bad = binding(json!({"method": "", "domain": "a b", "path": "/{", "headers": {"Host": "x"}}));
    let text = compile(&definition(
        &json!({"properties": {"a": {"type": "nosuch"}}}),
        &bad,
    ))
    .unwrap_err();
    for field in [
        "input_schema",
        "tds_ext_info.method",
        "tds_ext_info.domain",
        "tds_ext_info.path",
        "tds_ext_info.headers.Host",
    ] {
        assert!(text.contains(&format!("{field}: ")), "{field}: {text}");
    }
}

#[test]
fn the_v1_document_compiles_and_is_listed() {
    let text = r#"{ "id": "tool123", "name": "example_tool", "description": "An example tool", "input_schema": {},
      "tds_ext_info": { "domain": "api.example.com", "method": "GET", "path": "/v1/example", "required_params": {}, "ext_info": {} } }"#;
    let (tool, _) = compile_text(text).unwrap();
    let expected = r#"{"name":"example_tool","description":"An example tool","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"idempotentHint":true}}"#;
    assert_eq!(tool.listing("example_tool", None, Era::Legacy), expected);
}

#[test]
fn a_tool_is_listed_as_it_is_stored() {
    let text = r#"{"name":"n","title":"T \"1\"","description":"d","input_schema":{"$schema":"http://json-schema.org/draft-07/schema#",
        "type":"object","properties":{"a":{"maximum":1.10,"x-own":[1e2]}},"additionalProperties":false},
        "output_schema":{"type":"array"},"annotations":{"readOnlyHint":false,"x":1},"icons":[{"src":"https://a/b.png"}],"_meta":{"a/b":1.0},
        "tds_ext_info":{"domain":"a","method":"delete","path":"/"}}"#;
    let (tool, warnings) = compile_text(text).unwrap();
    let expected = r#"{"name":"other","title":"T \"1\"","description":"e","inputSchema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"maximum":1.10,"x-own":[1e2]}},"additionalProperties":false},"outputSchema":{"type":"array"},"annotations":{"readOnlyHint":false,"x":1,"destructiveHint":true,"idempotentHint":true},"icons":[{"src":"https://a/b.png"}],"_meta":{"a/b":1.0}}"#;
    assert_eq!(tool.listing("other", Some("e"), Era::Modern), expected);
    assert_eq!(
        tool.listing("other", Some("e"), Era::Legacy),
        expected.replace(r#""outputSchema":{"type":"array"},"#, "")
    );
    assert_eq!(warnings, Vec::<String>::new());
    assert!(
        compile_text(&text.replace(r#"[{"src":"https://a/b.png"}]"#, "1"))
            .unwrap_err()
            .starts_with("icons: must be a JSON array")
    );
}

#[test]
fn mirrored_headers_are_known_to_the_protocol() {
    let schema = json!({"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}});
    let (tool, _) = compile(&definition(&schema, &binding(json!({})))).unwrap();
    assert_eq!(tool.mirrored_headers().len(), 1);
    assert_eq!(tool.mirrored_headers()[0].header, "mcp-param-region");
}
