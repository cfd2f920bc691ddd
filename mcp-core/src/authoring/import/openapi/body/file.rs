//! Which members of a multipart body are files: decided on what the schema comes to, whatever it is composed of.

use super::media::{concrete, essence, is_text};
use crate::authoring::import::openapi::spec::{Spec, Version};
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// References, lists and compositions inside each other.
const MAX_DEPTH: usize = 16;
/// Schemas that are looked at for files in other values.
const MAX_LOOKS: usize = 1_000;
/// Of types that nobody writes as text.
const OF_BYTES: [&str; 5] = [
    "image/",
    "audio/",
    "video/",
    "application/octet-stream",
    "application/pdf",
];

/// What a member is. Files have a media type where their schema says it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    File(Option<String>),
    Files(Option<String>),
    Other,
}

/// What becomes of a member.
pub(super) enum Made {
    /// A file, or a list of files, in base64.
    File {
        media: Option<String>,
        /// What the description allows, where it does not say which of them it is.
        one_of: Option<String>,
    },
    /// A text, of the type that its schema says.
    Text(Option<String>),
    /// A text, though it may be a file, or have one in it.
    TextForFile,
}

/// Makes the member's schema that of a file, or of a list of files, if it is one.
pub(super) fn make_file(
    spec: &Spec<'_>,
    original: &Value,
    encoding: Option<&Value>,
    schema: &mut Value,
) -> Made {
    let media = encoding
        .and_then(|encoding| encoding.get("contentType"))
        .and_then(Value::as_str);
    let look = Look::new(spec, media);
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
    let (made, own) = match kind {
        Kind::Other if look.has_file(original, MAX_DEPTH) => return Made::TextForFile,
        Kind::Other => return Made::Text(look.text_type(original)),
        Kind::File(own) => (file(description), own),
        Kind::Files(own) => {
            let mut files = json!({"type": "array", "items": file(None)});
            if let Some(description) = description {
                files["description"] = description;
            }
            (files, own)
        }
    };
    *schema = made;
    match media {
        None => Made::File {
            media: own,
            one_of: None,
        },
        Some(media) if concrete(media).is_some() => Made::File {
            media: Some(media.trim().to_owned()),
            one_of: None,
        },
        Some(media) => {
            let allowed = |own: &str| media.split(',').any(|one| allows(one, own));
            let own = own.filter(|own| allowed(own));
            let is_told = own.is_some() || allowed(OCTETS);
            Made::File {
                one_of: (!is_told).then(|| media.to_owned()),
                media: own,
            }
        }
    }
}

/// Whether there is a file in what the schema describes, wherever.
pub(super) fn has_file(spec: &Spec<'_>, schema: &Value) -> bool {
    Look::new(spec, None).has_file(schema, MAX_DEPTH)
}

const OCTETS: &str = "application/octet-stream";

/// Whether the type, or range of types, has the media type.
fn allows(range: &str, media: &str) -> bool {
    let (range, media) = (essence(range), essence(media));
    let in_range = range
        .strip_suffix('*')
        .is_some_and(|start| media.starts_with(start));
    range == media || range == "*/*" || in_range
}

struct Look<'a> {
    spec: &'a Spec<'a>,
    /// What the description says that the part is.
    media: Option<&'a str>,
    /// How many schemas may still be looked at.
    looks: Cell<usize>,
}

impl<'a> Look<'a> {
    fn new(spec: &'a Spec<'a>, media: Option<&'a str>) -> Self {
        Self {
            spec,
            media,
            looks: Cell::new(MAX_LOOKS),
        }
    }

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
            let same =
                |one: Option<String>, other: Option<String>| one.filter(|one| Some(one) == other.as_ref());
            return kinds
                .reduce(|all, kind| match (all, kind) {
                    (Kind::Other, _) | (_, Kind::Other) => Kind::Other,
                    (Kind::File(one), Kind::File(other)) => Kind::File(same(one, other)),
                    (Kind::File(one) | Kind::Files(one), Kind::File(other) | Kind::Files(other)) => {
                        Kind::Files(same(one, other))
                    }
                })
                .unwrap_or(Kind::Other);
        }
        let types = types(&merged);
        if self.is_file(&merged, &types) {
            return Kind::File(media_type(&merged).map(str::to_owned));
        }
        let is_list = types.is_empty() || types.contains(&"array");
        match merged.get("items").filter(|_| is_list && depth > 0) {
            Some(items) => match self.kind(items, depth - 1) {
                Kind::File(media) => Kind::Files(media),
                _ => Kind::Other,
            },
            None => Kind::Other,
        }
    }

    /// A file that stands in a value which is none, so that nothing can send it as one.
    fn has_file(&self, schema: &Value, depth: usize) -> bool {
        let Some(left) = self.looks.get().checked_sub(1) else {
            return false;
        };
        self.looks.set(left);
        let Some(merged) = self.merged(schema, depth).filter(|_| depth > 0) else {
            return false;
        };
        let text = |member: &str| merged.get(member).and_then(Value::as_str);
        let is_of_bytes = |media: &str| OF_BYTES.iter().any(|bytes| media.starts_with(bytes));
        if text("format") == Some("binary")
            || types(&merged).contains(&"file")
            || (text("contentEncoding").is_none() && text("contentMediaType").is_some_and(is_of_bytes))
        {
            return true;
        }
        let one = ["items", "additionalProperties"];
        let one = one.iter().filter_map(|keyword| merged.get(*keyword));
        let lists = ["anyOf", "oneOf", "prefixItems"];
        let lists = lists
            .iter()
            .filter_map(|keyword| merged.get(*keyword)?.as_array());
        let named = merged.get("properties").and_then(Value::as_object);
        let mut inside = one
            .chain(lists.flatten())
            .chain(named.into_iter().flatten().map(|(_, schema)| schema));
        inside.any(|schema| self.has_file(schema, depth - 1))
    }

    /// Of what people write that is no JSON: that would be written as JSON once more.
    fn text_type(&self, schema: &Value) -> Option<String> {
        let merged = self.merged(schema, MAX_DEPTH)?;
        let media = media_type(&merged).filter(|media| !essence(media).ends_with("json"))?;
        (types(&merged) == ["string"]).then(|| media.to_owned())
    }

    /// The schema after its references and the parts of its `allOf`; what stands first counts.
    fn merged(&self, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
        let mut merged = match self.spec.resolve(schema).ok()? {
            // The same as `{}`.
            Value::Bool(true) => Map::new(),
            target => target.as_object()?.clone(),
        };
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

/// What the schema says, where it is one type.
fn media_type(schema: &Map<String, Value>) -> Option<&str> {
    concrete(schema.get("contentMediaType")?.as_str()?)
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
