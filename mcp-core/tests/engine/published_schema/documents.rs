//! Documents in which every object of the language stands.

use serde_json::Value;

pub(super) const TOOL: &str = r#"{
    "name": "t", "description": "d",
    "access": {"roles": ["lead"], "scopes": ["a"], "when": "args.note == 1"},
    "limits": {"rate": "5/s", "per_day": 9},
    "input_schema": {"type": "object", "properties": {"note": {}, "f": {}, "q": {}}},
    "examples": [{"arguments": {}, "expect": {}, "mock": {}}],
    "tds_ext_info": {
        "domain": "a.example", "method": "POST", "path": "/x",
        "params": [{"name": "q", "in": "query"}],
        "body": {"mode": "multipart", "parts": [{"name": "f", "from": "/f"}], "encoding": {"note": {}}},
        "limits": {}, "retry": {"max": 1, "backoff": {}, "idempotency_key": "X-Key"}, "redirect": {}, "tls": {}, "proxy": {"url": "http://proxy.example:3128"}, "egress": {},
        "response": {"errors": [{"when": "status == 404", "message": "m"}]}
    }
}"#;

/// A tool that sends nothing.
pub(super) const STATIC: &str = r#"{
    "name": "t", "description": "d", "input_schema": {},
    "static": {"content": [
        {"type": "text", "text": "t"},
        {"type": "image", "data": "aQ==", "mimeType": "image/png"},
        {"type": "audio", "data": "aQ==", "mimeType": "audio/wav"},
        {"type": "resource", "resource": {"uri": "file:///a", "text": "t"}},
        {"type": "resource_link", "uri": "file:///a", "name": "a", "title": "A", "description": "d", "size": 3, "icons": []}
    ]}
}"#;

pub(super) const INSTANCE: &str = r#"{
    "name": "i", "access": {"roles": ["lead"], "scopes": ["a"], "when": "args.note == 1"}, "limits": {"rate": "5/s"}, "tool_ids": ["a", {"id": "u/b", "output": {}}], "include": {"tags": []}, "exclude": {"tool_ids": []}, "metadata": {}
}"#;

/// The document with another member at a place.
pub(super) fn put(document: &Value, place: &str, name: &str, value: Value) -> Value {
    let mut document = document.clone();
    let object = document.pointer_mut(place).and_then(Value::as_object_mut);
    object
        .unwrap_or_else(|| panic!("no object at {place}"))
        .insert(name.to_owned(), value);
    document
}
