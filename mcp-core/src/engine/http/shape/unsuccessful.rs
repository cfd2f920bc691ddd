//! Answers that say no: a result that the model can act on.

use super::{MAX_ERROR_BODY, line, media};
use crate::{
    engine::{
        http::client::Answer,
        result::{CallResult, Outcome},
    },
    tool::bounded,
};
use http::{StatusCode, header};

pub(super) fn shape(answer: &Answer) -> CallResult {
    let mut text = line(answer.status);
    if answer.status.is_redirection() {
        text.push_str(". Redirects are not followed");
        if let Some(target) = answer.header(header::LOCATION) {
            text.push_str("; Location: ");
            text.push_str(&bounded(target, 1_000));
        }
    }
    append_body(&mut text, answer);
    let outcome = outcome(answer.status);
    CallResult::text(&text, true, outcome, Some(answer.status.as_u16()))
}

/// How an answer of this status counts that is no success.
pub(super) fn outcome(status: StatusCode) -> Outcome {
    if status.is_server_error() {
        Outcome::Upstream5xx
    } else if status.is_redirection() || status.is_informational() {
        Outcome::BadAnswer
    } else {
        Outcome::Upstream4xx
    }
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
