//! Names of arguments from one import to the next: an instance's value never means another parameter.

use crate::workshop::{Workshop, options};
use mcp_core::authoring::import::{Format, ImportOptions};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn description(method: &str, path: &str, operation: &Value) -> String {
    let mut operation = operation.clone();
    operation["operationId"] = json!("it");
    json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {path: {method: operation}},
    })
    .to_string()
}

fn parameter(name: &str, place: &str) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}})
}

fn body(media: &str, properties: Value) -> Value {
    let schema = json!({"type": "object", "properties": properties});
    json!({"required": true, "content": {media: {"schema": schema}}})
}

/// Where each argument goes: `query id`, by its name.
fn places(tool: &Value) -> BTreeMap<String, String> {
    let binding = &tool["tds_ext_info"];
    let path = binding["path"].as_str().unwrap();
    let is_in_query = matches!(binding["method"].as_str().unwrap(), "GET" | "DELETE");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (params, parts) = (list(&binding["params"]), list(&binding["body"]["parts"]));
    let place = |name: &String| {
        if path.contains(&format!("{{{name}}}")) {
            return "path".to_owned();
        }
        if let Some(part) = parts.iter().find(|part| part["from"] == format!("/{name}")) {
            return format!("part {}", part["name"].as_str().unwrap());
        }
        if binding["body"]["root"] == format!("/{name}") {
            return "root".to_owned();
        }
        match params.iter().find(|param| param["name"] == *name) {
            Some(param) => {
                let wire = param["as"].as_str().unwrap_or(name);
                format!(
                    "{} {}",
                    param["in"].as_str().unwrap(),
                    wire.trim_start_matches('/')
                )
            }
            None if is_in_query => format!("query {name}"),
            None => format!("body {name}"),
        }
    };
    let names = tool["input_schema"]["properties"].as_object().unwrap().keys();
    names.map(|name| (name.clone(), place(name))).collect()
}

/// What the arguments are after the first and then the second description.
fn again(first: &str, second: &str) -> [BTreeMap<String, String>; 2] {
    let mut workshop = Workshop::default();
    [first, second].map(|text| {
        let report = workshop.import(text, &options());
        assert!(
            report.skipped.is_empty() && report.conflicts.is_empty(),
            "{report}"
        );
        places(&workshop.tool("pets.it"))
    })
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, place)| ((*name).to_owned(), (*place).to_owned()))
        .collect()
}

#[test]
fn a_placeholder_keeps_its_name_beside_a_new_parameter_that_is_called_so() {
    let of = |parameters: &[Value]| description("get", "/x/{id}", &json!({"parameters": parameters}));
    let id = parameter("id", "path");
    for place in ["query", "header", "cookie"] {
        let other = parameter("id", place);
        let (own, sent) = (format!("{place}_id"), format!("{place} id"));
        for order in [[other.clone(), id.clone()], [id.clone(), other.clone()]] {
            let [before, after] = again(&of(std::slice::from_ref(&id)), &of(&order));
            assert_eq!(before, expected(&[("id", "path")]));
            assert_eq!(after, expected(&[("id", "path"), (&own, &sent)]), "{order:?}");
        }
    }
}

#[test]
fn what_the_flat_rule_places_keeps_its_name_too() {
    // In the query.
    let of = |parameters: &[Value]| description("get", "/x", &json!({"parameters": parameters}));
    let (query, header) = (parameter("id", "query"), parameter("id", "header"));
    for order in [[header.clone(), query.clone()], [query.clone(), header.clone()]] {
        let [_, after] = again(&of(std::slice::from_ref(&query)), &of(&order));
        assert_eq!(
            after,
            expected(&[("id", "query id"), ("header_id", "header id")]),
            "{order:?}"
        );
    }
    // In a body, of every kind.
    for media in [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let with = |parameters: Value| {
            let body = body(media, json!({"name": {"type": "string"}}));
            description(
                "post",
                "/x",
                &json!({"parameters": parameters, "requestBody": body}),
            )
        };
        let [before, after] = again(&with(json!([])), &with(json!([parameter("name", "query")])));
        assert_eq!(before, expected(&[("name", "body name")]));
        let both = expected(&[("name", "body name"), ("query_name", "query name")]);
        assert_eq!(after, both, "{media}");
    }
}

#[test]
fn a_body_in_one_piece_and_a_member_that_becomes_a_file_keep_their_names() {
    let list = json!({"required": true, "content": {"application/json": {"schema": {"type": "array", "items": {}}}}});
    let with = |parameters: Value| {
        description(
            "post",
            "/x",
            &json!({"parameters": parameters, "requestBody": list}),
        )
    };
    let [before, after] = again(&with(json!([])), &with(json!([parameter("items", "query")])));
    assert_eq!(before, expected(&[("items", "root")]));
    assert_eq!(
        after,
        expected(&[("items", "root"), ("query_items", "query items")])
    );

    let form = |schema: Value| {
        let body = body("multipart/form-data", json!({"it": schema}));
        description("post", "/x", &json!({"requestBody": body}))
    };
    let [_, after] = again(
        &form(json!({"type": "string"})),
        &form(json!({"type": "string", "format": "binary"})),
    );
    assert_eq!(after, expected(&[("it", "part it")]));
}

#[test]
fn a_parameter_that_is_gone_leaves_its_name_to_nobody() {
    let of = |path: &str, parameters: Value| description("get", path, &json!({"parameters": parameters}));
    let first = of("/x", json!([parameter("id", "header")]));
    let second = of("/x", json!([parameter("id", "query")]));
    let [_, after] = again(&first, &second);
    assert_eq!(after, expected(&[("query_id", "query id")]));
    // Headers are called the same in any case.
    let first = of("/x", json!([parameter("X-Id", "header")]));
    let second = of("/x", json!([parameter("x-id", "header")]));
    let [_, after] = again(&first, &second);
    assert_eq!(after, expected(&[("X-Id", "header x-id")]));
}

#[test]
fn samples_keep_the_names_of_the_last_import() {
    let options = ImportOptions {
        source: Some("lines".to_owned()),
        ..options()
    };
    let mut workshop = Workshop::default();
    let mut places_of = |line: &str| {
        let report = workshop.import_as(Format::Curl, line, &options);
        let id = report.created.first().or(report.changed.first()).cloned();
        places(&workshop.tool(&id.unwrap_or_else(|| panic!("{report}"))))
    };
    let before = places_of("curl https://a.example/x --json '{\"name\": \"a\"}'");
    assert_eq!(before, expected(&[("name", "body name")]));
    let after = places_of("curl 'https://a.example/x?name=b' --json '{\"name\": \"a\"}'");
    assert_eq!(
        after,
        expected(&[("name", "body name"), ("query_name", "query name")])
    );
}
