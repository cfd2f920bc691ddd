//! Answers that say no: a result that the model can act on.

use super::{MAX_ERROR_BODY, line, media};
use crate::{
    engine::{
        result::{CallResult, Outcome},
        upstream::Answer,
    },
    tool::bounded,
};
use http::header;

pub(super) fn shape(answer: &Answer) -> CallResult {
    let mut text = line(answer.status);
    let outcome = if answer.status.is_redirection() {
        text.push_str(". Redirects are not followed");
        if let Some(target) = answer.header(header::LOCATION) {
            text.push_str("; Location: ");
            text.push_str(&bounded(target, 1_000));
        }
        Outcome::BadAnswer
    } else if answer.status.is_server_error() {
        Outcome::Upstream5xx
    } else if answer.status.is_client_error() {
        Outcome::Upstream4xx
    } else {
        Outcome::BadAnswer
    };
    append_body(&mut text, answer);
    CallResult::text(&text, true, outcome, Some(answer.status.as_u16()))
}

/// Appends the body as far as it is text and fits.
pub(super) fn append_body(text: &mut String, answer: &Answer) {
    if answer.body.is_empty() {
        return;
    }
    text.push('\n');
    let size = answer.body.len();
    let Some(body) = media::readable(answer) else {
        let kind = answer.header(header::CONTENT_TYPE).unwrap_or("binary data");
        text.push_str(&format!("({size} bytes of {})", bounded(kind, 100)));
        return;
    };
    let end = body.floor_char_boundary(MAX_ERROR_BODY);
    text.push_str(&body[..end]);
    if end < body.len() {
        text.push_str(&format!("\n(cut: the first {end} of {size} bytes)"));
    }
}
