//! A detail does not cost the operation, and an operation not the document; what cannot be known costs the operation.

use crate::workshop::{Workshop, options};
use mcp_core::authoring::import::{ImportOptions, Report};
use serde_json::{Value, json};

fn import(paths: &Value, options: &ImportOptions) -> (Workshop, Report) {
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": paths,
    });
    let mut workshop = Workshop::default();
    let report = workshop.import(&document.to_string(), options);
    (workshop, report)
}

fn operation(members: Value) -> Value {
    let mut operation = json!({"responses": {"204": {"description": "Done"}}});
    if let (Some(operation), Value::Object(members)) = (operation.as_object_mut(), members) {
        operation.extend(members);
    }
    operation
}

#[test]
fn headers_of_the_connection_are_left_out() {
    let header = |name: &str| json!({"name": name, "in": "header", "schema": {"type": "string"}});
    let parameters = json!([
        header("Accept-Encoding"),
        header("Content-Length"),
        header("Host"),
        header("X-Trace")
    ]);
    let (workshop, report) = import(
        &json!({"/a": {"get": operation(json!({"operationId": "a", "parameters": parameters}))}}),
        &options(),
    );
    assert!(report.skipped.is_empty(), "{report:?}");
    assert_eq!(report.notes.len(), 3, "{report:?}");
    let names: Vec<_> = workshop.tool("pets.a")["input_schema"]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["X-Trace"]);
}

#[test]
fn paths_are_read_as_they_are_meant() {
    let in_path =
        |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    let paths = json!({
        "/#Action=CreateUser": {"post": operation(json!({"operationId": "create_user"}))},
        "/x/{$id}/{id}": {"get": operation(json!({"operationId": "two", "parameters": [in_path("$id"), in_path("id")]}))},
        "/v1/:lookup": {"get": operation(json!({"operationId": "lookup"}))},
        "/lost": {"get": operation(json!({"operationId": "lost", "parameters": [in_path("id")]}))},
        "/away": {"post": {"$ref": "other.yml"}},
    });
    let (workshop, report) = import(&paths, &options());
    let path = |name: &str| workshop.tool(&format!("pets.{name}"))["tds_ext_info"]["path"].clone();
    assert_eq!(path("create_user"), "/");
    let told = |note: &String| note.contains("`POST /#Action=CreateUser`") && note.contains("after `#`");
    assert!(report.notes.iter().any(told), "{report:?}");
    assert_eq!(path("two"), "/x/{path_id}/{id}");
    assert_eq!(path("lookup"), "/v1/%3Alookup");
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|skipped| (skipped.operation.as_str(), skipped.reason.as_str()))
        .collect();
    let [("GET /lost", lost), ("POST /away", away)] = skipped[..] else {
        panic!("{skipped:?}")
    };
    assert!(
        lost.contains("the path has no {id}") && away.contains("other.yml"),
        "{skipped:?}"
    );
}

#[test]
fn many_paths_with_fragments_are_one_note() {
    let paths: serde_json::Map<_, _> = (0..8)
        .map(|number| {
            let operation = operation(json!({"operationId": format!("do_{number}")}));
            (format!("/#Action=Do{number}"), json!({"post": operation}))
        })
        .collect();
    let (_, report) = import(&paths.into(), &options());
    let told: Vec<_> = report.notes.iter().filter(|note| note.contains('#')).collect();
    assert_eq!(told.len(), 1, "{report:?}");
    assert!(
        told[0].contains("`POST /#Action=Do4`") && told[0].contains(" and 3 more"),
        "{told:?}"
    );
}

#[test]
fn the_media_type_is_the_one_that_is_meant() {
    let object = json!({"schema": {"type": "object", "properties": {"a": {"type": "string"}}}});
    let list = json!({"schema": {"type": "array", "items": {}}});
    let text = json!({"schema": {"type": "string"}});
    let rows = [
        (
            json!({"application/json-patch+json": object, "application/merge-patch+json": object}),
            "json",
            "application/merge-patch+json",
        ),
        (
            json!({"application/json-patch+json": list, "application/merge-patch+json": object}),
            "json",
            "application/merge-patch+json",
        ),
        (
            json!({"application/json-patch+json": list, "application/x-www-form-urlencoded": object}),
            "json",
            "application/json-patch+json",
        ),
        (
            json!({"application/json-patch+json": list, "text/plain": text}),
            "json",
            "application/json-patch+json",
        ),
        (
            json!({"application/json; version=2": object}),
            "json",
            "application/json; version=2",
        ),
        (
            json!({"application/x-www-form-urlencoded; charset=UTF-8": object}),
            "form",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ),
        (
            json!({"application/x-ndjson": text}),
            "raw",
            "application/x-ndjson",
        ),
        (json!({"application/sql": text}), "raw", "application/sql"),
        (json!({"image/*": text}), "raw", "application/octet-stream"),
        (json!({"multipart/mixed": object}), "multipart", "multipart/mixed"),
        (
            json!({"multipart/related; boundary=\"abc\"; type=\"application/json\"": object}),
            "multipart",
            "multipart/related; type=\"application/json\"",
        ),
    ];
    for (content, mode, media) in rows {
        let body = json!({"required": true, "content": content});
        let (workshop, report) = import(
            &json!({"/a": {"patch": operation(json!({"operationId": "a", "requestBody": body}))}}),
            &options(),
        );
        assert!(report.skipped.is_empty(), "{content}: {report:?}");
        let tool = workshop.tool("pets.a");
        assert_eq!(tool["tds_ext_info"]["body"]["mode"], mode, "{content}");
        assert_eq!(tool["tds_ext_info"]["body"]["content_type"], media, "{content}");
        let is_text = tool["input_schema"]["properties"]["text"].is_object();
        assert_eq!(is_text, mode == "raw" && !media.contains("octet"), "{content}");
    }
    for (media, schema, sent) in [
        (
            "*/*",
            json!({"type": "string", "format": "binary"}),
            "application/octet-stream",
        ),
        (
            "application/*",
            json!({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}),
            "image/png",
        ),
        (
            "*/*",
            json!({"allOf": [{"type": "string"}, {"format": "binary"}]}),
            "application/octet-stream",
        ),
    ] {
        let body = json!({"required": true, "content": {media: {"schema": schema}}});
        let (workshop, report) = import(
            &json!({"/a": {"put": operation(json!({"operationId": "a", "requestBody": body}))}}),
            &options(),
        );
        let tool = workshop.tool("pets.a");
        assert_eq!(
            tool["tds_ext_info"]["body"],
            json!({"mode": "raw", "root": "/content", "content_type": sent}),
            "{report:?}"
        );
        assert_eq!(
            tool["input_schema"]["properties"]["content"]["contentEncoding"],
            "base64"
        );
    }
    // What says nothing, or says JSON, stays JSON.
    for (media, schema, has_note) in [
        ("*/*", json!({}), false),
        (
            "application/json",
            json!({"type": "string", "format": "binary"}),
            true,
        ),
    ] {
        let body = json!({"required": true, "content": {media: {"schema": schema}}});
        let (workshop, report) = import(
            &json!({"/a": {"put": operation(json!({"operationId": "a", "requestBody": body}))}}),
            &options(),
        );
        assert_eq!(
            workshop.tool("pets.a")["tds_ext_info"]["body"]["mode"],
            "json",
            "{media}"
        );
        assert_eq!(
            format!("{report:?}").contains("sent as a JSON string"),
            has_note,
            "{report:?}"
        );
    }
    let untold = json!({"required": true, "content": {"multipart/mixed": text}});
    let (_, report) = import(
        &json!({"/a": {"post": operation(json!({"requestBody": untold}))}}),
        &options(),
    );
    assert!(
        report.skipped[0].reason.contains("does not name the parts"),
        "{report:?}"
    );
    let untold = json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {}}}});
    let (workshop, _) = import(
        &json!({"/a": {"post": operation(json!({"operationId": "a", "requestBody": untold}))}}),
        &options(),
    );
    assert_eq!(
        workshop.tool("pets.a")["tds_ext_info"]["body"]["root"],
        "/request"
    );
}

#[test]
fn descriptions_say_what_the_name_does_not_and_fit() {
    let long = "word ".repeat(300);
    let paths = json!({
        "/a": {"get": operation(json!({"operationId": "listAll", "summary": "List all", "description": "Every thing."}))},
        "/b": {"get": operation(json!({"operationId": "old", "description": long, "deprecated": true}))},
    });
    let mut paths = paths;
    paths["/c"] = json!({"get": operation(json!({"operationId": "listOne", "summary": "List one"}))});
    let (workshop, _) = import(&paths, &options());
    assert_eq!(workshop.tool("pets.listAll")["description"], "Every thing.");
    assert_eq!(workshop.tool("pets.listOne")["description"], "GET /c");
    let old = workshop.tool("pets.old")["description"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        old.starts_with("Deprecated. word") && old.chars().count() <= 1_024,
        "{}",
        old.chars().count()
    );
}

#[test]
fn a_pattern_that_selects_nothing_is_reported_with_what_there_is() {
    let paths = json!({"/a": {"get": operation(json!({"operationId": "listPets", "tags": ["pets"]}))}});
    let rows = [
        ("tag:pet", "", "the tags pets and the operation ids listPets"),
        (
            "tag:Pets",
            " (did you mean `pets`?)",
            "the tags pets and the operation ids listPets",
        ),
        (
            "list_pets",
            " (did you mean `listPets`?)",
            "the tags pets and the operation ids listPets",
        ),
        ("path:/zz", "", "the paths /a"),
        ("path:/A/", " (did you mean `/a`?)", "the paths /a"),
        ("method:PATCH", "", "the methods GET"),
        ("POST /a", "", "the operations GET /a"),
    ];
    for (pattern, meant, there_are) in rows {
        let options = ImportOptions {
            include: vec![pattern.parse().unwrap(), "listPets".parse().unwrap()],
            ..options()
        };
        let (_, report) = import(&paths, &options);
        let shown = options.include[0].to_string();
        let expected =
            format!("include `{shown}` selects no operation{meant}; the description has {there_are}");
        assert_eq!(report.notes, [expected]);
    }
}

#[test]
fn an_optional_body_with_required_members_is_left_out_as_a_whole() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]});
    let body = json!({"content": {"application/json": {"schema": schema}}});
    let paths = json!({"/a": {
        "post": operation(json!({"operationId": "make", "requestBody": body})),
        "delete": operation(json!({"operationId": "drop", "requestBody": body})),
    }});
    let (workshop, _) = import(&paths, &options());
    for name in ["make", "drop"] {
        let tool = workshop.tool(&format!("pets.{name}"));
        assert_eq!(
            tool["tds_ext_info"]["body"],
            json!({"mode": "json", "optional": true}),
            "{name}"
        );
        assert_eq!(
            tool["input_schema"]["dependentRequired"],
            json!({"b": ["a"]}),
            "{name}"
        );
    }
}

#[test]
fn the_caller_s_credential_and_headers_are_those_of_every_tool() {
    let header = |name: &str| json!({"name": name, "in": "header", "schema": {"type": "string"}});
    let paths = json!({"/a": {"get": operation(json!({"operationId": "a", "parameters": [header("x-tenant"), header("X-Key"), header("X-More")]}))}});
    let options = ImportOptions {
        auth: Some("header:X-Key:${env:DYNMCP_SECRET_A}".parse().unwrap()),
        headers: vec!["X-Tenant: t1".parse().unwrap()],
        ..options()
    };
    let (workshop, report) = import(&paths, &options);
    assert!(report.skipped.is_empty(), "{report:?}");
    let tool = workshop.tool("pets.a");
    let binding = &tool["tds_ext_info"];
    assert_eq!(binding["headers"], json!({"X-Tenant": "t1"}));
    assert_eq!(binding["auth"]["credential"], "${env:DYNMCP_SECRET_A}");
    assert_eq!(binding["params"], json!([{"name": "X-More", "in": "header"}]));
}

#[test]
fn of_a_description_with_too_many_operations_a_part_can_be_imported() {
    let operations = (0..10).map(|n| {
        let tag = if n < 3 { "few" } else { "many" };
        (format!("/{n}"), json!({"get": operation(json!({"tags": [tag]}))}))
    });
    let document = json!({"openapi": "3.1.0", "info": {"title": "T"}, "servers": [{"url": "https://a.example"}], "paths": Value::Object(operations.collect())});
    let mut few = options();
    few.limits.max_operations = 3;
    few.include = vec!["tag:few".parse().unwrap()];
    assert_eq!(
        Workshop::default()
            .import(&document.to_string(), &few)
            .created
            .len(),
        3
    );
}

#[test]
fn a_pattern_that_is_too_large_does_not_cost_the_operation() {
    let parameter = json!({"name": "q", "in": "query", "schema": {"type": "string", "pattern": "^((a{1000}){1000}){1000}$"}});
    let (workshop, report) = import(
        &json!({"/a": {"get": operation(json!({"operationId": "a", "parameters": [parameter]}))}}),
        &options(),
    );
    assert_eq!(
        workshop.tool("pets.a")["input_schema"]["properties"]["q"],
        json!({"type": "string"})
    );
    assert!(
        report.notes[0].starts_with(
            "GET /a: the pattern `^((a{1000}){1000}){1000}$` is left out: the pattern takes more than"
        ),
        "{report:?}"
    );
}

#[test]
fn a_pattern_that_cannot_be_used_costs_no_other() {
    let of = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let large = "^((a{1000}){1000}){1000}$";
    let body = json!({"type": "object", "properties": {
        "good": of("^x$"),
        "inner": {"type": "object", "properties": {"bad": of(large), "good": of("^y$")}},
        "map": {"type": "object", "patternProperties": {large: {}, "^z": of("^w$")}, "additionalProperties": false},
        "named": of(r"(?<n>a)\k<n>"),
    }});
    let body = json!({"required": true, "content": {"application/json": {"schema": body}}});
    let (workshop, report) = import(
        &json!({"/a": {"post": operation(json!({"operationId": "a", "requestBody": body}))}}),
        &options(),
    );
    let expected = json!({
        "good": of("^x$"),
        "inner": {"type": "object", "properties": {"bad": {"type": "string"}, "good": of("^y$")}},
        // Speaks of the members that have none of the patterns.
        "map": {"type": "object", "patternProperties": {"^z": of("^w$")}},
        "named": of(r"(?<n>a)\1"),
    });
    assert_eq!(
        workshop.tool("pets.a")["input_schema"]["properties"],
        expected,
        "{report:?}"
    );
    assert_eq!(report.notes.len(), 1, "{report:?}");
    assert!(
        report.notes[0].starts_with(&format!("POST /a: the pattern `{large}` is left out: ")),
        "{report:?}"
    );
}

#[test]
fn a_text_says_the_charset_that_it_is_sent_in() {
    let object = json!({"schema": {"type": "object", "properties": {"a": {"type": "string"}}}});
    let text = json!({"schema": {"type": "string"}});
    let rows = [
        (
            json!({"text/csv; charset=iso-8859-1": text}),
            "text/csv; charset=utf-8",
            Some("iso-8859-1"),
        ),
        (
            json!({"application/json; charset=utf-16": object}),
            "application/json; charset=utf-8",
            Some("utf-16"),
        ),
        (
            json!({"application/x-www-form-urlencoded;charset=\"windows-1252\"": object}),
            "application/x-www-form-urlencoded;charset=utf-8",
            Some("windows-1252"),
        ),
        (
            json!({"text/csv; charset=UTF8": text}),
            "text/csv; charset=UTF8",
            None,
        ),
        // The bytes are the caller's.
        (
            json!({"application/vnd.x; charset=iso-8859-1": text}),
            "application/vnd.x; charset=iso-8859-1",
            None,
        ),
    ];
    for (content, media, other) in rows {
        let body = json!({"required": true, "content": content});
        let (workshop, report) = import(
            &json!({"/a": {"post": operation(json!({"operationId": "a", "requestBody": body}))}}),
            &options(),
        );
        assert_eq!(
            workshop.tool("pets.a")["tds_ext_info"]["body"]["content_type"],
            media,
            "{content}"
        );
        let expected: Vec<_> = other
            .map(|other| {
                format!("POST /a: its body is sent as UTF-8, and says so: the description names the charset `{other}`")
            })
            .into_iter()
            .collect();
        assert_eq!(report.notes, expected, "{content}");
    }
}
