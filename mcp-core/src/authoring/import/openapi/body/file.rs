//! Which members of a multipart body are files: decided on what the schema comes to, whatever it is composed of.

use super::media::{essence, is_text};
use crate::authoring::import::openapi::spec::{Spec, Version};
use serde_json::{Map, Value, json};

/// References, lists and compositions inside each other.
const MAX_DEPTH: usize = 16;
/// Of types that nobody writes as text.
const OF_BYTES: [&str; 5] = [
    "image/",
    "audio/",
    "video/",
    "application/octet-stream",
    "application/pdf",
];

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Files,
    Other,
}

/// Whether the member is a file, or a list of files; its schema then says base64.
pub(super) fn make_file(
    spec: &Spec<'_>,
    original: &Value,
    encoding: Option<&Value>,
    schema: &mut Value,
) -> bool {
    let media = encoding
        .and_then(|encoding| encoding.get("contentType"))
        .and_then(Value::as_str);
    let look = Look { spec, media };
    let kind = look.kind(original, MAX_DEPTH);
    let description = schema
        .get("description")
        .or_else(|| original.get("description"))
        .cloned();
    let file = |description: Option<Value>| {
        let mut file = json!({"type": "string", "contentEncoding": "base64"});
        file["description"] = description.unwrap_or_else(|| "The file, in base64".into());
        file
    };
    *schema = match kind {
        Kind::Other => return false,
        Kind::File => file(description),
        Kind::Files => {
            let mut files = json!({"type": "array", "items": file(None)});
            if let Some(description) = description {
                files["description"] = description;
            }
            files
        }
    };
    true
}

struct Look<'a> {
    spec: &'a Spec<'a>,
    /// What the description says that the part is.
    media: Option<&'a str>,
}

impl Look<'_> {
    fn kind(&self, schema: &Value, depth: usize) -> Kind {
        let Some(merged) = self.merged(schema, depth) else {
            return Kind::Other;
        };
        let alternatives = ["anyOf", "oneOf"]
            .iter()
            .find_map(|keyword| merged.get(*keyword)?.as_array())
            .filter(|_| depth > 0);
        if let Some(alternatives) = alternatives {
            let kinds = alternatives
                .iter()
                .filter(|schema| !self.is_null(schema))
                .map(|schema| self.kind(schema, depth - 1));
            // One file or several are several.
            return kinds
                .reduce(|all, kind| match (all, kind) {
                    (Kind::Other, _) | (_, Kind::Other) => Kind::Other,
                    (Kind::File, Kind::File) => Kind::File,
                    _ => Kind::Files,
                })
                .unwrap_or(Kind::Other);
        }
        let types = types(&merged);
        if self.is_file(&merged, &types) {
            return Kind::File;
        }
        let is_list = types.is_empty() || types.contains(&"array");
        match merged.get("items").filter(|_| is_list && depth > 0) {
            Some(items) if self.kind(items, depth - 1) == Kind::File => Kind::Files,
            _ => Kind::Other,
        }
    }

    /// The schema after its references and the parts of its `allOf`; what stands first counts.
    fn merged(&self, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
        let target = self.spec.resolve(schema).ok()?;
        let mut merged = target.as_object()?.clone();
        let parts = merged.shift_remove("allOf");
        for part in parts.as_ref().and_then(Value::as_array).into_iter().flatten() {
            for (keyword, value) in self.merged(part, depth.checked_sub(1)?)? {
                merged.entry(keyword).or_insert(value);
            }
        }
        Some(merged)
    }

    fn is_null(&self, schema: &Value) -> bool {
        let schema = self.spec.resolve(schema).unwrap_or(schema);
        schema.get("type").is_some_and(|kind| kind == "null")
            || schema.get("const").is_some_and(Value::is_null)
    }

    fn is_file(&self, merged: &Map<String, Value>, types: &[&str]) -> bool {
        let text = |member: &str| merged.get(member).and_then(Value::as_str);
        if text("format") == Some("binary") || types.contains(&"file") {
            return true;
        }
        if !types.is_empty() && !types.contains(&"string") {
            return false;
        }
        if let Some(media) = self.media {
            return OF_BYTES.iter().any(|bytes| media.starts_with(bytes));
        }
        if text("contentEncoding").is_some() || text("format") == Some("base64") {
            return true;
        }
        match text("contentMediaType") {
            Some(media) => types.is_empty() || !(is_text(media) || essence(media).ends_with("json")),
            // OpenAPI 3.1: a part of which nothing is said is `application/octet-stream`.
            None => types.is_empty() && self.spec.version == Version::V31 && says_nothing(merged),
        }
    }
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect(),
        _ => Vec::new(),
    }
}

/// Of what the value may be.
fn says_nothing(schema: &Map<String, Value>) -> bool {
    let about_it = [
        "title",
        "description",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
    ];
    schema
        .keys()
        .all(|keyword| about_it.contains(&keyword.as_str()) || keyword.starts_with("x-"))
}
