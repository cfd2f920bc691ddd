//! A body for people: text as it is, files by name and size, everything bounded.

use crate::{authoring::tokens, tool::bounded};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// How much of a text is shown.
const MOST_TEXT: usize = 32 << 10;
/// How much of the text of one part of a multipart body.
const MOST_PART: usize = 4 << 10;
/// How many bytes of what is no text.
const MOST_BINARY: usize = 96;

/// What is in a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownBody {
    /// The bytes of the whole body.
    pub bytes: usize,
    /// An estimate, see [`tokens::estimate`]; absent for what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// The text, cut where it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The beginning of what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The parts of a multipart body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ShownPart>,
    /// Whether there is more than is shown.
    #[serde(default)]
    pub truncated: bool,
}

/// A part of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPart {
    /// The part's header lines.
    pub headers: Vec<String>,
    /// The bytes of its content.
    pub bytes: usize,
    /// The content, if it is text; cut where it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl ShownBody {
    pub(super) fn of_request(body: &[u8], content_type: &str) -> Self {
        match content_type.split_once("boundary=") {
            Some((_, boundary)) => Self {
                bytes: body.len(),
                tokens: None,
                text: None,
                base64: None,
                parts: parts(body, boundary),
                truncated: false,
            },
            None => Self::of(body, |text| text.to_owned()),
        }
    }

    /// `redacted` takes secrets out before anything is cut.
    pub(super) fn of(body: &[u8], redacted: impl Fn(&str) -> String) -> Self {
        let mut shown = Self {
            bytes: body.len(),
            tokens: None,
            text: None,
            base64: None,
            parts: Vec::new(),
            truncated: false,
        };
        if let Ok(text) = std::str::from_utf8(body) {
            shown.tokens = Some(tokens::estimate(text));
            let text = redacted(text);
            shown.truncated = text.len() > MOST_TEXT;
            shown.text = Some(bounded(&text, MOST_TEXT));
        } else {
            shown.truncated = body.len() > MOST_BINARY;
            // Bytes cannot be searched for a secret in all its spellings: what reads like text in them is left out.
            let start = &body[..body.len().min(MOST_BINARY)];
            let lossy = String::from_utf8_lossy(body);
            if redacted(&lossy) == lossy {
                shown.base64 = Some(STANDARD.encode(start));
            }
        }
        shown
    }
}

/// The boundary is random: wherever it stands, a part ends.
fn parts(body: &[u8], boundary: &str) -> Vec<ShownPart> {
    let mark = format!("--{boundary}\r\n");
    let end = format!("\r\n--{boundary}");
    let mut out = Vec::new();
    let mut rest = body;
    while let Some(start) = find(rest, mark.as_bytes()) {
        rest = &rest[start + mark.len()..];
        let Some(length) = find(rest, end.as_bytes()) else {
            break;
        };
        let part = &rest[..length];
        // The mark of the next part begins within the end of this one.
        rest = &rest[length + 2..];
        let head = find(part, b"\r\n\r\n").unwrap_or(part.len());
        let content = part.get(head + 4..).unwrap_or_default();
        let text = std::str::from_utf8(content).ok();
        out.push(ShownPart {
            headers: String::from_utf8_lossy(&part[..head])
                .split("\r\n")
                .map(str::to_owned)
                .collect(),
            bytes: content.len(),
            text: text.map(|text| bounded(text, MOST_PART)),
        });
    }
    out
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
