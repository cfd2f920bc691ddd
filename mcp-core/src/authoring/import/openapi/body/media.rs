//! Which of a body's media types is taken.

use super::Mode;
use crate::authoring::import::prose;
use serde_json::{Map, Value};

/// JSON where there is any, then what is easiest to fill.
pub(super) fn choose(content: &Map<String, Value>) -> (&str, Mode, &Value) {
    let mut best: Option<(usize, &str, Mode, &Value)> = None;
    for (media, entry) in content {
        let essence = essence(media);
        let (rank, mode) = match essence.as_str() {
            "application/json" => (0, Mode::Json),
            json if json.ends_with("+json") || json.ends_with("/json") => (1, Mode::Json),
            "*/*" | "application/*" => (2, Mode::Json),
            "application/x-www-form-urlencoded" => (3, Mode::Form),
            "multipart/form-data" => (4, Mode::Multipart),
            text if is_text(text) => (5, Mode::Raw),
            _ => (6, Mode::Raw),
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

pub(super) fn essence(media: &str) -> String {
    media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

pub(super) fn is_text(media: &str) -> bool {
    let essence = essence(media);
    essence.starts_with("text/")
        || essence.contains("xml")
        || essence.contains("yaml")
        || essence.contains("graphql")
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
