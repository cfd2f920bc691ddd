//! Answers that are not JSON: text, pictures, sound, and everything else.

use super::decode;
use crate::{
    engine::{
        http::client::Answer,
        result::{CallResult, Outcome},
    },
    framing,
    json::quoted,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    Text,
    Image,
    Audio,
    Binary,
}

impl Media {
    /// The media of an answer, as its `Content-Type` says, or without one, as it looks.
    pub(super) fn of(answer: &Answer) -> Self {
        let Some(kind) = essence(answer) else {
            return match std::str::from_utf8(&answer.body) {
                Ok(_) if serde_json::from_slice::<&RawValue>(&answer.body).is_ok() => Self::Json,
                Ok(_) => Self::Text,
                Err(_) => Self::Binary,
            };
        };
        let starts = |prefix: &str| {
            kind.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let ends = |suffix: &str| {
            let start = kind.len().saturating_sub(suffix.len());
            kind.get(start..)
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        if kind.eq_ignore_ascii_case("application/json")
            || kind.eq_ignore_ascii_case("text/json")
            || ends("+json")
        {
            Self::Json
        } else if starts("image/") && !ends("+xml") {
            Self::Image
        } else if starts("audio/") {
            Self::Audio
        } else if starts("text/") || ends("+xml") || is_text(kind) {
            Self::Text
        } else {
            Self::Binary
        }
    }
}

/// Types outside `text/` that are text all the same.
fn is_text(kind: &str) -> bool {
    const TEXT: [&str; 9] = [
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/javascript",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/jsonl",
        "application/graphql",
        "application/toml",
    ];
    TEXT.iter().any(|text| kind.eq_ignore_ascii_case(text))
}

/// What is neither JSON nor text.
pub(super) fn shape(answer: &Answer, media: Media) -> CallResult {
    let kind = essence(answer).unwrap_or("application/octet-stream");
    let content = match media {
        Media::Image => block("image", kind, answer),
        Media::Audio => block("audio", kind, answer),
        Media::Json | Media::Text | Media::Binary => blob(kind, answer),
    };
    let upstream_status = Some(answer.status.as_u16());
    CallResult {
        content,
        structured: None,
        is_error: false,
        outcome: Outcome::Ok,
        upstream_status,
        mismatch: None,
        asked: None,
    }
}

/// The body as text, if it is meant to be text.
pub(super) fn readable(answer: &Answer) -> Option<Cow<'_, str>> {
    match Media::of(answer) {
        Media::Json | Media::Text => Some(decode::text(answer)),
        Media::Image | Media::Audio | Media::Binary => None,
    }
}

fn block(kind: &str, mime_type: &str, answer: &Answer) -> Vec<u8> {
    let mut out = Vec::with_capacity(answer.body.len() / 3 * 4 + 96);
    out.extend_from_slice(b"[{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"data\":\"");
    base64(&mut out, &answer.body);
    out.extend_from_slice(b"\",\"mimeType\":");
    quoted(&mut out, mime_type);
    out.extend_from_slice(b"}]");
    out
}

fn blob(mime_type: &str, answer: &Answer) -> Vec<u8> {
    let mut out = Vec::with_capacity(answer.body.len() / 3 * 4 + 192);
    out.extend_from_slice(b"[{\"type\":\"resource\",\"resource\":{\"uri\":");
    let uri = answer.uri.to_string();
    quoted(&mut out, uri.split('?').next().unwrap_or_default());
    out.extend_from_slice(b",\"mimeType\":");
    quoted(&mut out, mime_type);
    out.extend_from_slice(b",\"blob\":\"");
    base64(&mut out, &answer.body);
    out.extend_from_slice(b"\"}}]");
    out
}

fn base64(out: &mut Vec<u8>, data: &[u8]) {
    let start = out.len();
    out.resize(start + data.len().div_ceil(3) * 4, b'=');
    // The slice has exactly the length that padded base64 needs.
    let _ = STANDARD.encode_slice(data, &mut out[start..]);
}

/// The media type without its parameters.
pub(super) fn essence(answer: &Answer) -> Option<&str> {
    framing::content_type(&answer.headers).map(framing::essence)
}
