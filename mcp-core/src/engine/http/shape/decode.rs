//! Bytes to text: byte order marks, charsets, and JSON that comes in lines.

use super::media::{Media, essence};
use crate::{engine::http::client::Answer, framing};
use encoding_rs::{Encoding, UTF_8};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The body as text, whatever it is encoded in. What is not Unicode becomes U+FFFD.
pub(super) fn text(answer: &Answer) -> Cow<'_, str> {
    decoded(answer).0
}

/// The text, and whether something in it is not what the charset says.
fn decoded(answer: &Answer) -> (Cow<'_, str>, bool) {
    let label = framing::content_type(&answer.headers).and_then(charset);
    let encoding = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    // A byte order mark says it better than the header, and is no part of the text.
    let (text, _, is_broken) = encoding.unwrap_or(UTF_8).decode(&answer.body);
    (text, is_broken)
}

/// The same for people: of HTML, what a reader sees.
pub(super) fn readable<'a>(answer: &'a Answer, media: &Media) -> Cow<'a, str> {
    let is_html = *media == Media::Text
        && essence(answer).is_some_and(|kind| {
            kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
        });
    let text = text(answer);
    if is_html {
        super::html::text(&text).into()
    } else {
        text
    }
}

/// The body as JSON text. Lines of JSON become an array.
pub(super) fn json(answer: &Answer) -> Result<Cow<'_, str>, String> {
    let is_lines = is_lines(answer);
    if !is_lines && let Ok(raw) = serde_json::from_slice::<&RawValue>(&answer.body) {
        return Ok(Cow::Borrowed(raw.get()));
    }
    let (text, is_broken) = decoded(answer);
    if is_broken {
        return Err("it is not text of its charset".to_owned());
    }
    if !is_lines {
        return match serde_json::from_str::<&RawValue>(text.trim_start_matches('\u{feff}')) {
            Ok(raw) => Ok(Cow::Owned(raw.get().to_owned())),
            Err(error) => Err(error.to_string()),
        };
    }
    let mut items = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{1e}');
        if line.is_empty() {
            continue;
        }
        let item: &RawValue =
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        items.push(item.get());
    }
    Ok(Cow::Owned(format!("[{}]", items.join(","))))
}

/// Whether each line of the body is a JSON value of its own.
pub(super) fn is_lines(answer: &Answer) -> bool {
    const LINES: [&str; 6] = [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/json-seq",
        "application/stream+json",
    ];
    essence(answer).is_some_and(|kind| LINES.iter().any(|lines| kind.eq_ignore_ascii_case(lines)))
}

fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    })
}
