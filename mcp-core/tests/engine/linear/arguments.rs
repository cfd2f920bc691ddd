//! Encoders, places and checks of arguments.

use super::{list, members, nested, requests};
use crate::calling::with;
use mcp_common::definition::instance::ToolOverrides;
use mcp_core::tool::CompiledTool;
use serde_json::{Value, json};
use std::sync::Arc;

/// What an argument may be made of.
const KINDS: [&str; 7] = [
    "text",
    "escapes",
    "numbers",
    "members",
    "objects",
    "long name",
    "nested list",
];

fn value(kind: &str, size: usize) -> String {
    match kind {
        "text" => format!("\"{}\"", "ü ".repeat(size / 3)),
        "escapes" => format!("\"{}\"", "\\u0026".repeat(size / 6)),
        "numbers" => list("1", size),
        "members" => members("1", size),
        "objects" => list("{\"a\":{\"b\":1}}", size),
        "long name" => format!("{{\"{}\":{}}}", "n".repeat(size / 2), list("1", size / 2)),
        _ => nested(&list("1", size)),
    }
}

fn tool(method: &str, path: &str, schema: &Value, binding: &Value) -> CompiledTool {
    let mut binding = binding.clone();
    binding["limits"] = json!({"max_request_bytes": 64 << 20});
    with("http://127.0.0.1", method, path, schema, &binding)
}

fn each_kind(what: &str, tool: &CompiledTool, around: (&str, &str)) {
    for kind in KINDS {
        let (before, after) = around;
        requests(&format!("{what}, {kind}"), tool, |size| {
            format!("{before}{}{after}", value(kind, size))
        });
    }
}

#[test]
fn values_of_paths() {
    let open = json!({"properties": {"a": {}}});
    each_kind(
        "placeholder",
        &tool("GET", "/{a}", &open, &json!({})),
        ("{\"a\":", "}"),
    );
    for style in ["label", "matrix"] {
        let params = json!({"params": [{"name": "a", "in": "path", "style": style, "explode": true}]});
        each_kind(style, &tool("GET", "/{a}", &open, &params), ("{\"a\":", "}"));
    }
}

#[test]
fn values_of_queries() {
    let open = json!({"properties": {"a": {}}});
    for style in ["form", "spaceDelimited", "deepObject", "json"] {
        let params = json!({"params": [{"name": "a", "in": "query", "style": style}]});
        each_kind(style, &tool("GET", "/", &open, &params), ("{\"a\":", "}"));
    }
    let reserved =
        json!({"params": [{"name": "a", "in": "query", "allow_reserved": true, "explode": false}]});
    each_kind("reserved", &tool("GET", "/", &open, &reserved), ("{\"a\":", "}"));
    each_kind(
        "group",
        &tool("GET", "/", &json!({}), &json!({})),
        ("{\"query\":{\"a\":", "}}"),
    );
    each_kind(
        "the query itself",
        &tool("GET", "/", &json!({}), &json!({})),
        ("{\"query\":", "}"),
    );
}

#[test]
fn values_of_headers_and_cookies() {
    let open = json!({"properties": {"a": {}}});
    for place in ["header", "cookie"] {
        let params = json!({"params": [{"name": "a", "in": place, "explode": true}]});
        each_kind(place, &tool("GET", "/", &open, &params), ("{\"a\":", "}"));
        let groups = json!({"properties": {place: {"type": "object", "properties": {"a": {}}}}});
        let (before, after) = (format!("{{\"{place}\":{{\"a\":"), "}}");
        each_kind(
            &format!("{place} group"),
            &tool("GET", "/", &groups, &json!({})),
            (&before, after),
        );
        each_kind(
            &format!("the {place} group itself"),
            &tool("GET", "/", &groups, &json!({})),
            (&format!("{{\"{place}\":"), "}"),
        );
    }
}

#[test]
fn values_of_bodies() {
    let open = json!({"properties": {"a": {}}, "additionalProperties": true});
    for body in [
        json!({"mode": "json"}),
        json!({"mode": "form"}),
        json!({"mode": "form", "encoding": {"a": {"style": "deepObject"}}}),
        json!({"mode": "form", "encoding": {"a": {"style": "pipeDelimited", "allow_reserved": true}}}),
        json!({"mode": "multipart"}),
        json!({"mode": "multipart", "encoding": {"a": {"style": "deepObject"}}}),
        json!({"mode": "multipart", "parts": [{"name": "f", "from": "/a"}]}),
        json!({"mode": "raw", "root": "/a"}),
        json!({"mode": "json", "template": {"x": "{{ args.a }}", "y": ["{{ args.a }}", "{{ args.a.b }}"]}}),
        json!({"mode": "raw", "content_type": "application/xml", "template": "<a>{{ args.a }}</a>"}),
    ] {
        let tool = tool("POST", "/", &open, &json!({"body": body}));
        each_kind(&body.to_string(), &tool, ("{\"a\":", "}"));
    }
    let form = tool("POST", "/", &json!({}), &json!({"body": {"mode": "form"}}));
    each_kind("the fields", &form, ("{\"body\":", "}"));
    let parts = tool("POST", "/", &json!({}), &json!({"body": {"mode": "multipart"}}));
    each_kind("the parts", &parts, ("{\"body\":", "}"));
    let schema = json!({"properties": {"a": {"contentEncoding": "base64"}}});
    let base64 = json!({"body": {"mode": "multipart", "parts": [{"name": "f", "from": "/a"}]}});
    requests("base64", &tool("POST", "/", &schema, &base64), |size| {
        format!("{{\"a\":\"{}\"}}", "QUJD\\n".repeat(size / 6))
    });
}

#[test]
fn members_among_many_rules() {
    let names: Vec<String> = (0..500).map(|n| format!("p{n}")).collect();
    let properties: Value = names.iter().map(|name| (name.clone(), json!({}))).collect();
    let schema = json!({"properties": properties, "additionalProperties": true});
    let params: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "in": "query"}))
        .collect();
    let flat = tool("POST", "/", &schema, &json!({"params": params}));
    requests("beside declared parameters", &flat, |size| members("1", size));
    let fixed: Value = names.iter().map(|name| (name.clone(), json!("x"))).collect();
    let query = tool("GET", "/", &json!({}), &json!({"query": fixed}));
    requests("beside a fixed query", &query, |size| {
        format!("{{\"query\":{{\"a\":{}}}}}", members("null", size))
    });
    let looked_into: Value = names
        .iter()
        .map(|name| (name.clone(), json!(format!("{{{{ args.a.b.{name} }}}}"))))
        .collect();
    let open = json!({"properties": {"a": {}}});
    let template = tool("POST", "/", &open, &json!({"body": {"template": looked_into}}));
    requests("templates that look into one argument", &template, |size| {
        format!("{{\"a\":{{\"b\":{}}}}}", members("1", size))
    });
    let required = tool(
        "POST",
        "/",
        &json!({}),
        &json!({"required_params": {"query": names}}),
    );
    requests("required", &required, |size| {
        format!("{{\"query\":{}}}", members("1", size))
    });
}

#[test]
fn values_of_instances() {
    let properties: Value = (0..200).map(|n| (format!("p{n}"), json!({}))).collect();
    let group = json!({"type": "object", "properties": properties, "additionalProperties": true});
    let schema = json!({"properties": {"query": group, "body": group}});
    let base = Arc::new(tool("POST", "/", &schema, &json!({})));
    let overrides = ToolOverrides {
        defaults: (100..200).map(|n| (format!("/body/p{n}"), "1".into())).collect(),
        hide: (0..100).map(|n| format!("/body/p{n}")).collect(),
    };
    let tool = base.with_overrides(&overrides).unwrap();
    requests("completed", &tool, |size| {
        format!("{{\"body\":{}}}", members("1", size))
    });
}

#[test]
fn checks_against_schemas() {
    for (what, schema, value) in [
        ("types", json!({"items": {"type": ["integer", "null"]}}), "1"),
        (
            "texts",
            json!({"items": {"type": "string", "minLength": 1, "maxLength": 5}}),
            "\"abc\"",
        ),
        (
            "objects",
            json!({"items": {"required": ["a"], "properties": {"a": {"enum": [1, 2]}}}}),
            "{\"a\":1}",
        ),
        (
            "choices",
            json!({"items": {"oneOf": [{"type": "string"}, {"const": 1}]}}),
            "1",
        ),
        ("the same again", json!({"uniqueItems": true}), "1"),
        ("contained", json!({"contains": {"const": 2}}), "1"),
    ] {
        let schema = json!({"properties": {"a": schema}});
        let tool = tool("POST", "/", &schema, &json!({}));
        requests(what, &tool, |size| format!("{{\"a\":{}}}", list(value, size)));
    }
    for (what, schema) in [
        ("others", json!({"additionalProperties": {"type": "integer"}})),
        ("names", json!({"propertyNames": {"maxLength": 40}})),
        (
            "none others",
            json!({"allOf": [{"properties": {"b": {}}}], "unevaluatedProperties": {"type": "integer"}}),
        ),
    ] {
        let schema = json!({"properties": {"a": schema}});
        let tool = tool("POST", "/", &schema, &json!({}));
        requests(what, &tool, |size| format!("{{\"a\":{}}}", members("1", size)));
    }
    let unique = tool(
        "POST",
        "/",
        &json!({"properties": {"a": {"uniqueItems": true}}}),
        &json!({}),
    );
    for (what, before, after) in [("numbers", "", ""), ("texts", "\"", "\""), ("lists", "[", "]")] {
        requests(&format!("different {what}"), &unique, |size| {
            let items = (0..size / 10).map(|n| format!("{before}{}{after}", 1_000_000 + n));
            format!("{{\"a\":[{}]}}", items.collect::<Vec<_>>().join(","))
        });
    }
}
