//! Which of a body's media types is taken.

use super::{Mode, file::Files};
use crate::authoring::import::{openapi::spec::Spec, prose};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// JSON where there is any, then what is easiest to fill; whatever the order of the description.
pub(super) fn choose<'c>(spec: &Spec<'_>, content: &'c Map<String, Value>) -> (&'c str, Mode, &'c Value) {
    let mut best: Option<(usize, &str, Mode, &Value)> = None;
    for (media, entry) in content {
        let essence = essence(media);
        let (rank, mode) = match essence.as_str() {
            "application/json" => (0, Mode::Json),
            // A list of changes. Many descriptions write the object itself there, and mean one of the other types.
            JSON_PATCH if is_list(spec, entry) => (2, Mode::Json),
            JSON_PATCH => (4, Mode::Json),
            json if json.ends_with("+json") || json.ends_with("/json") => (1, Mode::Json),
            any if is_any(any) && file_of(spec, entry).is_some() => (8, Mode::Raw),
            any if is_any(any) => (3, Mode::Json),
            "application/x-www-form-urlencoded" => (5, Mode::Form),
            "multipart/form-data" => (6, Mode::Multipart),
            text if is_text(text) => (7, Mode::Raw),
            multipart if multipart.starts_with("multipart/") => (9, Mode::Multipart),
            _ => (8, Mode::Raw),
        };
        if best.is_none_or(|(other, ..)| rank < other) {
            best = Some((rank, media, mode, entry));
        }
    }
    match best {
        Some((_, media, mode, entry)) => (media, mode, entry),
        None => ("", Mode::None, &Value::Null),
    }
}

/// Says nothing of what the body is.
fn is_any(media: &str) -> bool {
    matches!(media, "*/*" | "application/*")
}

/// The type of a body: of a file that may be of any, that which its schema says.
pub(super) fn of_body<'c>(spec: &Spec<'_>, media: &'c str, entry: &Value) -> Cow<'c, str> {
    let file = is_any(&essence(media)).then(|| file_of(spec, entry)).flatten();
    file.map_or(Cow::Borrowed(media), Cow::Owned)
}

/// The type of a file, if the body is one by its schema.
pub(super) fn file_of(spec: &Spec<'_>, entry: &Value) -> Option<String> {
    Files::new(spec).of_body(entry.get("schema")?)
}

const JSON_PATCH: &str = "application/json-patch+json";

fn is_list(spec: &Spec<'_>, entry: &Value) -> bool {
    let schema = entry.get("schema").and_then(|schema| spec.resolve(schema).ok());
    schema.is_some_and(|schema| match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "array"),
        Some(kind) => kind == "array",
        None => schema.get("items").is_some(),
    })
}

/// The type where it is just one, as `Content-Type` can have it.
pub(super) fn concrete(media: &str) -> Option<&str> {
    let is_token = |text: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c);
        !text.is_empty() && text.chars().all(is_plain)
    };
    let (kind, subtype) = media.split(';').next()?.trim().split_once('/')?;
    let is_one = is_token(kind) && is_token(subtype) && !media.contains([',', '*', '{']);
    is_one.then(|| media.trim())
}

pub(super) fn essence(media: &str) -> String {
    media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// The type with its parameters, but for a boundary, which each request has of its own.
pub(super) fn without_boundary(media: &str) -> String {
    let is_boundary = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("boundary")
    };
    let parts: Vec<&str> = media.split(';').filter(|part| !is_boundary(part)).collect();
    parts.join(";").trim().to_owned()
}

/// Words in the names of types that people write, beside those of `text/`.
const TEXTS: [&str; 13] = [
    "xml",
    "yaml",
    "graphql",
    "ndjson",
    "jsonl",
    "json-seq",
    "sql",
    "javascript",
    "ecmascript",
    "typescript",
    "toml",
    "csv",
    "x-sh",
];

pub(super) fn is_text(media: &str) -> bool {
    let essence = essence(media);
    let is_named_so = TEXTS.iter().any(|word| essence.contains(word));
    // Office documents are archives.
    essence.starts_with("text/") || (is_named_so && !essence.contains("openxml"))
}

/// Text as text, anything else in base64.
pub(super) fn raw_schema(media: &str, schema: &Value, body: &Value) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), "string".into());
    if !is_text(media) {
        out.insert("contentEncoding".into(), "base64".into());
    }
    out.insert("contentMediaType".into(), essence(media).into());
    let description = [body, schema]
        .iter()
        .find_map(|v| v.get("description")?.as_str())
        .unwrap_or("The request's body");
    out.insert(
        "description".into(),
        prose::bounded(description, prose::ARGUMENT).into(),
    );
    out.into()
}
