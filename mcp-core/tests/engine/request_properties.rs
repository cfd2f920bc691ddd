//! For arbitrary arguments the structure of forms, multipart bodies, places and templates is the definition's, and the
//! values arrive.

use crate::{
    calling::{text, with},
    parts::parse,
    properties::{World, any_json, any_text, check, decoded},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};

/// The pairs of a form or query, decoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// What `deepObject` makes of a value: the way to each leaf.
fn leaves(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) => out.push((name.to_owned(), text.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(&format!("{name}[{index}]"), item, out);
            }
        }
        Value::Object(members) => {
            for (member, item) in members {
                leaves(&format!("{name}[{member}]"), item, out);
            }
        }
        scalar => out.push((name.to_owned(), scalar.to_string())),
    }
}

#[test]
fn forms_have_the_fields_of_the_definition() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"text": {}, "list": {}, "deep": {}, "json": {}}});
    let more = json!({"body": {"mode": "form", "encoding": {"deep": {"style": "deepObject"}, "json": {"style": "json"}}}});
    let tool = with(&world.server.origin, "POST", "/", &schema, &more);
    let arguments = (
        any_text(),
        prop::collection::vec(any_text(), 0..4),
        any_json(),
        any_json(),
    )
        .prop_map(|(text, list, deep, json)| json!({"text": text, "list": list, "deep": deep, "json": json}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        let mut expected = vec![("text".to_owned(), arguments["text"].as_str().unwrap().to_owned())];
        for item in arguments["list"].as_array().unwrap() {
            expected.push(("list".to_owned(), item.as_str().unwrap().to_owned()));
        }
        leaves("deep", &arguments["deep"], &mut expected);
        expected.push(("json".to_owned(), arguments["json"].to_string()));
        prop_assert_eq!(pairs(seen.text()), expected);
        Ok(())
    });
}

#[test]
fn delimited_queries_cannot_be_broken_by_their_values() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"form": {}, "deep": {}, "json": {}}, "additionalProperties": false});
    let more = json!({"params": [
        {"name": "form", "in": "query", "explode": false}, {"name": "deep", "in": "query", "style": "deepObject"},
        {"name": "json", "in": "query", "style": "json"}, {"name": "v", "in": "query", "const": "1"}
    ]});
    let tool = with(&world.server.origin, "GET", "/x", &schema, &more);
    let arguments = (prop::collection::vec(any_text(), 1..4), any_json(), any_json())
        .prop_map(|(form, deep, json)| json!({"form": form, "deep": deep, "json": json}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        prop_assert_eq!(seen.path(), "/x");
        let (_, query) = seen.target.split_once('?').unwrap();
        let (form, rest) = query.split_once('&').unwrap();
        let items: Vec<Value> = form
            .strip_prefix("form=")
            .unwrap()
            .split(',')
            .map(|item| decoded(item).into())
            .collect();
        prop_assert_eq!(&Value::from(items), &arguments["form"]);
        let mut expected = Vec::new();
        leaves("deep", &arguments["deep"], &mut expected);
        if !arguments["json"].is_null() {
            expected.push(("json".to_owned(), arguments["json"].to_string()));
        }
        expected.push(("v".to_owned(), "1".to_owned()));
        prop_assert_eq!(pairs(rest), expected);
        Ok(())
    });
}

#[test]
fn reserved_characters_never_end_the_value_that_may_have_them() {
    let world = World::new();
    let schema =
        json!({"type": "object", "properties": {"one": {}, "list": {}}, "additionalProperties": false});
    let more = json!({"params": [
        {"name": "one", "in": "query", "allow_reserved": true},
        {"name": "list", "in": "query", "explode": false, "allow_reserved": true}, {"name": "v", "in": "query", "const": "1"}
    ]});
    let tool = with(&world.server.origin, "GET", "/x", &schema, &more);
    // Mostly what could do harm.
    let text = || prop_oneof![any_text(), "[a%2&#=+,;?/ 60]{1,12}"];
    let arguments = (text(), prop::collection::vec(text(), 1..4))
        .prop_map(|(one, list)| json!({"one": one, "list": list}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        prop_assert_eq!(seen.path(), "/x");
        let (_, query) = seen.target.split_once('?').unwrap();
        // Triplets of the value are the value's own encoding.
        let bytes = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let got: Vec<(&str, Vec<Vec<u8>>)> = query
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                let items = value.split(',').map(bytes);
                (
                    name,
                    if name == "list" {
                        items.collect()
                    } else {
                        vec![bytes(value)]
                    },
                )
            })
            .collect();
        let list = arguments["list"].as_array().unwrap();
        let list = list.iter().map(|item| bytes(item.as_str().unwrap())).collect();
        let one = vec![bytes(arguments["one"].as_str().unwrap())];
        prop_assert_eq!(
            got,
            vec![("one", one), ("list", list), ("v", vec![b"1".to_vec()])]
        );
        Ok(())
    });
}

#[test]
fn multipart_bodies_have_the_parts_of_the_definition() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"text": {}, "object": {}, "files": {}, "name": {}, "more": {}}});
    let more = json!({"body": {"parts": [
        {"name": "file", "from": "/files", "source": "base64", "filename": "{{ args.name }}"}, {"name": "more", "source": "text"}
    ]}});
    let tool = with(&world.server.origin, "POST", "/", &schema, &more);
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    let arguments = (
        any_text(),
        any_json(),
        prop::collection::vec(bytes, 0..3),
        any_text(),
        any_text(),
    )
        .prop_map(|(text, object, files, name, more)| {
            (
                json!({"text": text, "object": {"x": object}, "name": name, "more": more}),
                files,
            )
        });
    let arguments = arguments.prop_map(|(mut arguments, files)| {
        arguments["files"] = files.iter().map(|bytes| BASE64_STANDARD.encode(bytes)).collect();
        arguments
    });
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        let parts = world.runtime.block_on(parse(&seen));
        let files = arguments["files"].as_array().unwrap();
        prop_assert_eq!(parts.len(), 3 + files.len());
        let shown: Vec<&str> = parts.iter().map(|part| part.0.as_str()).collect();
        let expected = ["text", "object"]
            .into_iter()
            .chain(files.iter().map(|_| "file"))
            .chain(["more"]);
        prop_assert_eq!(shown, expected.collect::<Vec<_>>());
        prop_assert_eq!(&parts[0].4, arguments["text"].as_str().unwrap().as_bytes());
        prop_assert_eq!(
            String::from_utf8_lossy(&parts[1].4),
            arguments["object"].to_string()
        );
        for (part, file) in parts[2..].iter().zip(files) {
            prop_assert_eq!(BASE64_STANDARD.encode(&part.4), file.as_str().unwrap());
            prop_assert!(part.1.is_some());
            prop_assert_eq!(part.2.as_deref(), Some("application/octet-stream"));
        }
        prop_assert_eq!(
            &parts.last().unwrap().4,
            arguments["more"].as_str().unwrap().as_bytes()
        );
        Ok(())
    });
}

#[test]
fn values_stand_at_their_pointers_and_nowhere_else() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {}, "rest": {}}});
    let more = json!({"params": [
        {"name": "a", "in": "body", "as": "/x/y/0"}, {"name": "b", "in": "body", "as": "/x/y/1/z~1~0"},
        {"name": "c", "in": "body", "as": "/ü"}, {"name": "k", "in": "body", "as": "/x/k", "const": [1]}
    ]});
    let tool = with(&world.server.origin, "POST", "/", &schema, &more);
    let arguments = (any_json(), any_json(), any_json(), any_json())
        .prop_map(|(a, b, c, rest)| json!({"a": a, "b": b, "c": c, "rest": rest}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        let expected = json!({
            "x": {"y": [arguments["a"], {"z/~": arguments["b"]}], "k": [1]}, "ü": arguments["c"], "rest": arguments["rest"]
        });
        prop_assert_eq!(seen.text(), expected.to_string());
        Ok(())
    });
}

#[test]
fn templates_keep_their_structure() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {"type": "string"}, "c": {}}});
    let template = json!({"a": ["{{ args.a }}", {"b": "x{{ args.b }}y", "c": "{{ args.b }}"}], "typed": "{{ args.c if true else none }}", "end": 1});
    let tool = with(
        &world.server.origin,
        "POST",
        "/",
        &schema,
        &json!({"body": {"template": template}}),
    );
    let arguments =
        (any_json(), any_text(), any_json()).prop_map(|(a, b, c)| json!({"a": a, "b": b, "c": c}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        let b = arguments["b"].as_str().unwrap();
        let sent: Value =
            serde_json::from_str(seen.text()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let expected = json!({
            "a": [arguments["a"], {"b": format!("x{b}y"), "c": b}], "typed": arguments["c"], "end": 1
        });
        prop_assert_eq!(sent, expected);
        Ok(())
    });
}

#[test]
fn styled_paths_keep_their_segments() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"m": {}, "l": {}, "s": {}}});
    let more = json!({"params": [
        {"name": "m", "in": "path", "style": "matrix", "explode": true}, {"name": "l", "in": "path", "style": "label", "explode": true},
        {"name": "s", "in": "path", "style": "simple", "explode": true}
    ]});
    let tool = with(&world.server.origin, "GET", "/a/{m}/b/x{l}/c/{s}", &schema, &more);
    let arguments =
        (any_json(), any_json(), any_json()).prop_map(|(m, l, s)| json!({"m": m, "l": l, "s": s}));
    check(arguments, |arguments| {
        let result = world.call(&tool, &arguments);
        if result.is_error {
            prop_assert!(
                ["/m: ", "/l: ", "/s: ", "`.` or `..`"]
                    .iter()
                    .any(|name| text(&result).contains(name)),
                "{}",
                text(&result)
            );
            prop_assert!(world.server.seen().is_empty());
            return Ok(());
        }
        let seen = world.sent(&result)?;
        let segments: Vec<&str> = seen.target.split('/').collect();
        prop_assert_eq!(segments.len(), 7, "{}", &seen.target);
        prop_assert!(
            segments[1..]
                .iter()
                .all(|segment| !segment.is_empty() && *segment != "." && *segment != "..")
        );
        prop_assert!(segments[2].starts_with(';') && segments[4].starts_with("x."));
        prop_assert!(!seen.target.contains(['?', '#']));
        Ok(())
    });
}
