//! What a schema comes to, whatever it is composed of: files, read-only members, closed objects.

use crate::workshop::{Workshop, options};
use serde_json::{Value, json};

/// The one tool of a POST with this body, and the report.
fn posted(version: &str, media: &str, schema: &Value, components: &Value) -> (Value, Value) {
    let document = json!({
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/things": {"post": {
            "operationId": "make",
            "requestBody": {"required": true, "content": {media: {"schema": schema}}},
            "responses": {"204": {"description": "Made"}},
        }}},
        "components": {"schemas": components},
    });
    let mut workshop = Workshop::default();
    let report = workshop.import(&document.to_string(), &options());
    assert!(report.skipped.is_empty(), "{report:?}");
    (workshop.tool("pets.make"), serde_json::to_value(&report).unwrap())
}

#[test]
fn a_file_is_one_in_every_composition() {
    let components = json!({
        "File": {"type": "string", "format": "binary"},
        "Named": {"$ref": "#/components/schemas/File"},
    });
    let file = json!({"type": "string", "format": "binary"});
    let upload = json!({"type": "string", "contentMediaType": "application/octet-stream"});
    let reference = json!({"$ref": "#/components/schemas/Named"});
    let rows = [
        (file.clone(), "file"),
        (upload.clone(), "file"),
        (json!({"anyOf": [upload, {"type": "null"}]}), "file"),
        (json!({"oneOf": [reference, {"type": "null"}]}), "file"),
        (json!({"type": ["string", "null"], "format": "binary"}), "file"),
        (json!({"allOf": [reference], "description": "A picture"}), "file"),
        (json!({"allOf": [{"allOf": [reference]}]}), "file"),
        (json!({}), "file"),
        (json!(true), "file"),
        (json!({"type": "string", "contentEncoding": "base64"}), "file"),
        (json!({"type": "array", "items": upload}), "files"),
        (json!({"type": "array", "items": {"allOf": [reference]}}), "files"),
        (
            json!({"anyOf": [{"type": "array", "items": upload}, {"type": "null"}]}),
            "files",
        ),
        (json!({"type": ["array", "null"], "items": reference}), "files"),
        // As one API of the most used ones has it.
        (
            json!({"anyOf": [file, {"type": "array", "items": file}]}),
            "files",
        ),
        (json!({"type": "string"}), "text"),
        (
            json!({"type": "string", "contentMediaType": "application/json"}),
            "text",
        ),
        (json!({"anyOf": [{"type": "string"}, file]}), "text"),
        (json!({"type": "object", "properties": {"a": file}}), "text"),
    ];
    for (schema, expected) in rows {
        let body = json!({"type": "object", "properties": {"it": schema, "note": {"type": "string"}}});
        let (tool, _) = posted("3.1.0", "multipart/form-data", &body, &components);
        let listed = &tool["input_schema"]["properties"]["it"];
        let found = match &tool["tds_ext_info"]["body"]["parts"][0] {
            Value::Null => "text",
            _ if listed["items"]["contentEncoding"] == "base64" => "files",
            _ if listed["contentEncoding"] == "base64" => "file",
            part => panic!("{schema}: {part} {listed}"),
        };
        assert_eq!(found, expected, "{schema}: {tool}");
    }
}

#[test]
fn a_form_has_the_members_of_all_its_alternatives() {
    let components = json!({"Up": {"type": "object", "required": ["file", "note"], "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"}, "note": {"type": "string"}}}});
    let up = json!({"$ref": "#/components/schemas/Up"});
    let link = json!({"type": "object", "required": ["url", "note"], "properties": {"url": {"type": "string"}, "note": {"type": "string"}}});
    for (schema, required) in [
        (json!({"anyOf": [up, {"type": "null"}]}), json!(["file", "note"])),
        (json!({"oneOf": [up], "title": "Body"}), json!(["file", "note"])),
        (json!({"oneOf": [up, link]}), json!(["note"])),
        (
            json!({"allOf": [up], "type": ["object", "null"]}),
            json!(["file", "note"]),
        ),
    ] {
        let (tool, _) = posted("3.1.0", "multipart/form-data", &schema, &components);
        assert_eq!(
            tool["tds_ext_info"]["body"]["parts"][0]["name"], "file",
            "{schema}: {tool}"
        );
        assert_eq!(tool["input_schema"]["required"], required, "{schema}: {tool}");
    }
}

#[test]
fn alternatives_that_nobody_tells_apart_are_no_either_or() {
    let body = json!({"type": "object", "properties": {
        "at": {"oneOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]},
        "n": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
        "x": {"oneOf": [{"type": "integer"}, {"type": "string"}]}}});
    let (tool, _) = posted("3.0.3", "application/json", &body, &json!({}));
    let keyword = |name: &str| {
        tool["input_schema"]["properties"][name]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .cloned()
    };
    assert_eq!(
        ["at", "n", "x"].map(|name| keyword(name).unwrap()),
        ["anyOf", "anyOf", "oneOf"]
    );
}

#[test]
fn closed_parts_mean_the_members_of_all_of_them() {
    let components = json!({
        "Root": {"type": "object", "additionalProperties": false, "properties": {"id": {"type": "string", "readOnly": true}, "kind": {"type": "string"}}, "required": ["id", "kind"]},
        "Base": {"allOf": [{"$ref": "#/components/schemas/Root"}, {"type": "object", "additionalProperties": false, "properties": {"name": {"type": "string"}}}]},
        "Child": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "additionalProperties": false, "properties": {"age": {"type": "integer"}}}]},
    });
    // As members of the body.
    let (tool, _) = posted(
        "3.0.3",
        "application/json",
        &json!({"$ref": "#/components/schemas/Child"}),
        &components,
    );
    let expected = json!({
        "type": "object",
        "properties": {"kind": {"type": "string"}, "name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["kind"],
        "additionalProperties": false,
    });
    assert_eq!(tool["input_schema"], expected);
    // And inside of one.
    let nested = json!({"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Child"}}});
    let (tool, _) = posted("3.0.3", "application/json", &nested, &components);
    let child = &tool["input_schema"]["properties"]["child"];
    let text = child.to_string();
    assert!(
        !text.contains("additionalProperties") && !text.contains("\"id\""),
        "{text}"
    );
    assert_eq!(text.matches("unevaluatedProperties").count(), 1, "{text}");
    assert_eq!(child["unevaluatedProperties"], false);
}

#[test]
fn read_only_is_what_one_part_says_and_not_required_by_another() {
    let components = json!({
        "Stamp": {"type": "string", "readOnly": true},
        "Names": {"required": ["id", "name", "at"]},
        "Parts": {"allOf": [
            {"type": "object", "properties": {"id": {"allOf": [{"type": "string"}, {"readOnly": true}]}, "name": {"type": "string"}}},
            {"$ref": "#/components/schemas/Names"},
            {"properties": {"at": {"$ref": "#/components/schemas/Stamp"}}},
        ]},
    });
    for schema in [
        json!({"type": "object", "properties": {"x": {"$ref": "#/components/schemas/Parts"}}}),
        json!({"type": "object", "properties": {"x": {"type": "array", "items": {"$ref": "#/components/schemas/Parts"}}}}),
    ] {
        let (tool, _) = posted("3.0.3", "application/json", &schema, &components);
        let text = tool["input_schema"].to_string();
        assert!(text.contains(r#""required":["name"]"#), "{text}");
        assert!(!text.contains(r#""id""#) && !text.contains(r#""at""#), "{text}");
    }
}

#[test]
fn patterns_are_translated_or_left_out_with_a_note() {
    let schema = json!({"type": "object", "properties": {
        "phone": {"type": "string", "pattern": r"^\d{3}\-\d{4}$"},
        "odd": {"type": "string", "pattern": r"(?i)^a\Z"},
        "map": {"type": "object", "patternProperties": {r"^\w\-": {"type": "string"}, "(?i)a": {}}, "additionalProperties": false},
    }});
    let (tool, report) = posted("3.1.0", "application/json", &schema, &json!({}));
    let properties = &tool["input_schema"]["properties"];
    assert_eq!(properties["phone"]["pattern"], r"^\d{3}-\d{4}$");
    assert_eq!(properties["odd"], json!({"type": "string"}));
    let map = json!({"type": "object", "patternProperties": {r"^\w-": {"type": "string"}}});
    assert_eq!(properties["map"], map);
    let notes = report["notes"].to_string();
    assert!(notes.contains("(?i)^a") && notes.contains("`(?i)a`"), "{notes}");
}

#[test]
fn a_file_whose_field_is_no_argument_s_name_is_a_part_alone() {
    let file = json!({"type": "string", "format": "binary"});
    let body = json!({"type": "object", "properties": {"track[artwork_data]": file, "track[title]": {"type": "string"}, "my file": file}});
    let (tool, _) = posted("3.0.3", "multipart/form-data", &body, &json!({}));
    let expected = json!([{"name": "track_title", "in": "body", "as": "/track[title]"}]);
    assert_eq!(tool["tds_ext_info"]["params"], expected);
    let parts = tool["tds_ext_info"]["body"]["parts"].as_array().unwrap();
    let names: Vec<_> = parts.iter().map(|part| (&part["name"], &part["from"])).collect();
    assert_eq!(
        names,
        [
            (&json!("track[artwork_data]"), &json!("/track_artwork_data")),
            (&json!("my file"), &json!("/my_file"))
        ]
    );
}

/// The parts, the `encoding` and the notes of a form with these fields.
fn form(properties: &Value, encoding: &Value, more: &Value) -> (Value, Value) {
    let mut schema = json!({"type": "object", "properties": properties});
    if let (Some(schema), Some(more)) = (schema.as_object_mut(), more.as_object()) {
        schema.extend(more.clone());
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/things": {"post": {
            "operationId": "make",
            "requestBody": {"required": true, "content": {"multipart/form-data": {"schema": schema, "encoding": encoding}}},
        }}},
    });
    let mut workshop = Workshop::default();
    let report = workshop.import(&document.to_string(), &options());
    assert!(report.skipped.is_empty(), "{report:?}");
    (workshop.tool("pets.make"), json!(report.notes))
}

#[test]
fn a_file_has_the_type_that_its_schema_says_unless_the_form_does() {
    let picture = json!({"type": "string", "contentMediaType": "image/png"});
    let octets = json!({"type": "string", "format": "binary"});
    let several = "the file `it` is sent as application/octet-stream: the description allows several types, ";
    let rows = [
        (picture.clone(), json!(null), json!("image/png"), ""),
        (
            json!({"type": "array", "items": picture}),
            json!(null),
            json!("image/png"),
            "",
        ),
        (
            json!({"type": "string", "format": "binary", "contentMediaType": "text/csv"}),
            json!(null),
            json!("text/csv"),
            "",
        ),
        (picture.clone(), json!("image/webp"), json!("image/webp"), ""),
        (
            picture.clone(),
            json!("image/png, image/jpeg"),
            json!("image/png"),
            "",
        ),
        (picture.clone(), json!("image/*"), json!("image/png"), ""),
        (
            octets.clone(),
            json!("image/png, image/jpeg"),
            json!(null),
            "image/png, image/jpeg",
        ),
        (octets.clone(), json!("*/*"), json!(null), ""),
        (octets.clone(), json!(null), json!(null), ""),
        (
            json!({"type": "string", "format": "binary", "contentMediaType": "image/*"}),
            json!(null),
            json!(null),
            "",
        ),
        // Several that are not one type.
        (
            json!({"anyOf": [picture, {"type": "string", "contentMediaType": "image/jpeg"}]}),
            json!(null),
            json!(null),
            "",
        ),
    ];
    for (schema, of_form, media, note) in rows {
        let encoding = match &of_form {
            Value::Null => json!({}),
            media => json!({"it": {"contentType": media}}),
        };
        let (tool, notes) = form(&json!({"it": schema}), &encoding, &json!({}));
        let part = &tool["tds_ext_info"]["body"]["parts"][0];
        assert_eq!(part["content_type"], media, "{schema} {of_form}: {tool}");
        let expected = match note {
            "" => json!([]),
            types => json!([format!("POST /things: {several}{types}")]),
        };
        assert_eq!(notes, expected, "{schema} {of_form}");
    }
}

#[test]
fn a_field_has_one_type_in_utf_8() {
    let text = json!({"type": "string"});
    let xml = json!({"type": "string", "contentMediaType": "text/xml; charset=utf-16"});
    let json_text = json!({"type": "string", "contentMediaType": "application/json"});
    let encoding = json!({
        "a": {"contentType": "text/csv; charset=iso-8859-1"},
        "b": {"contentType": "text/csv, text/plain"},
    });
    let (tool, notes) = form(
        &json!({"a": text, "b": text, "c": xml, "d": json_text}),
        &encoding,
        &json!({}),
    );
    let expected = json!({"a": {"content_type": "text/csv; charset=utf-8"}, "c": {"content_type": "text/xml; charset=utf-8"}});
    assert_eq!(tool["tds_ext_info"]["body"]["encoding"], expected);
    let notes = notes.to_string();
    assert!(
        notes.contains("the field `a` is sent as UTF-8") && notes.contains("the field `c`"),
        "{notes}"
    );
}

#[test]
fn files_that_cannot_be_sent_as_such_are_told_of() {
    let file = json!({"type": "string", "format": "binary"});
    let told =
        |it: Value, more: Value| form(&json!({"it": it, "note": {"type": "string"}}), &json!({}), &more);
    for it in [
        json!({"anyOf": [{"type": "string"}, file]}),
        json!({"type": "object", "properties": {"a": file}}),
        json!({"type": "object", "additionalProperties": file}),
    ] {
        let (tool, notes) = told(it.clone(), json!({}));
        assert!(
            tool["tds_ext_info"]["body"].get("parts").is_none(),
            "{it}: {tool}"
        );
        assert!(
            notes.to_string().contains("the field `it` may be a file"),
            "{it}: {notes}"
        );
    }
    let (tool, notes) = told(json!({"type": "string"}), json!({"additionalProperties": file}));
    assert_eq!(tool["input_schema"]["additionalProperties"], false);
    assert!(
        notes.to_string().contains("may be files, and cannot be given"),
        "{notes}"
    );
    let (tool, notes) = told(
        json!({"type": "object", "properties": {"a": {}}}),
        json!({"additionalProperties": {"type": "string"}}),
    );
    assert_eq!(
        tool["input_schema"]["additionalProperties"],
        json!({"type": "string"})
    );
    assert_eq!(notes, json!([]));
    let (_, notes) = posted_notes(&json!({"type": "object", "additionalProperties": file}));
    assert!(notes.contains("they are sent as texts"), "{notes}");
}

fn posted_notes(schema: &Value) -> (Value, String) {
    let (tool, report) = posted("3.1.0", "multipart/form-data", schema, &json!({}));
    (tool, report["notes"].to_string())
}
