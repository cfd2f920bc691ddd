//! Which members of a multipart body are files.

use crate::authoring::import::openapi::spec::Spec;
use serde_json::{Value, json};

/// Whether the member is a file, or a list of files; its schema then says base64.
pub(super) fn make_file(
    spec: &Spec<'_>,
    original: &Value,
    encoding: Option<&Value>,
    schema: &mut Value,
) -> bool {
    let original = spec.resolve(original).unwrap_or(original);
    let is_binary = |schema: &Value| {
        let schema = spec.resolve(schema).unwrap_or(schema);
        let text = |member: &str| schema.get(member).and_then(Value::as_str);
        let is_untyped_media = schema.get("type").is_none() && text("contentMediaType").is_some();
        text("format") == Some("binary") || text("type") == Some("file") || is_untyped_media
    };
    let media = encoding
        .and_then(|encoding| encoding.get("contentType"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_media_of_bytes = [
        "image/",
        "audio/",
        "video/",
        "application/octet-stream",
        "application/pdf",
    ]
    .iter()
    .any(|bytes| media.starts_with(bytes));
    let items = original.get("items");
    let is_text = original.get("type").is_some_and(|kind| kind == "string");
    let file = |description: Option<&Value>| {
        let mut file = json!({"type": "string", "contentEncoding": "base64"});
        file["description"] = description
            .cloned()
            .unwrap_or_else(|| "The file, in base64".into());
        file
    };
    if is_binary(original)
        || (is_text && is_media_of_bytes)
        || (original.get("type").is_none() && is_media_of_bytes)
    {
        *schema = file(schema.get("description"));
        return true;
    }
    if items.is_some_and(is_binary) {
        let description = schema.get("description").cloned();
        *schema = json!({"type": "array", "items": file(None)});
        if let Some(description) = description {
            schema["description"] = description;
        }
        return true;
    }
    false
}
