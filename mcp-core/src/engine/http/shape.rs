//! Answer → tool result.

mod decode;
mod defined;
mod html;
mod json;
mod media;
mod names;
mod truncate;
mod unsuccessful;

use super::client::Answer;
use crate::{
    engine::{
        CallContext,
        failure::Failure,
        result::{CallResult, Outcome},
        work::{Stop, Work},
    },
    tool::{Call, bounded},
};
use http::{StatusCode, header};
use mcp_common::definition::tool::OnMismatch;
use media::Media;
use std::borrow::Cow;

/// Largest result of a jq program.
pub(super) const MAX_JQ_BYTES: usize = 8 << 20;
/// How much of a body is repeated beside an error.
const MAX_ERROR_BODY: usize = 4 << 10;

/// For answers that no exchange has unpacked: why they cannot be read, if they are packed.
pub(crate) fn packed(answer: &Answer) -> Option<CallResult> {
    let status = answer.status.as_u16();
    let encoding = answer.header(header::CONTENT_ENCODING).unwrap_or("identity");
    if encoding.eq_ignore_ascii_case("identity") {
        return None;
    }
    let host = host(answer);
    let text = format!(
        "{host} answered {status} with {} content, which is not unpacked here.",
        bounded(encoding, 40)
    );
    Some(Failure::new(Outcome::BadAnswer, text).into_result(Some(status)))
}

/// What the client gets to see.
pub(crate) fn shape(
    call: &Call,
    answer: &Answer,
    context: &CallContext<'_>,
    on_mismatch: OnMismatch,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    match &call.response {
        Some(response) => defined::shape(call, response, answer, context, on_mismatch, work),
        None => undefined(call, answer, on_mismatch, work),
    }
}

/// What a program works on.
pub(super) fn jq_input(answer: &Answer) -> Result<Cow<'_, str>, String> {
    match answer.body.is_empty() {
        true => Ok(Cow::Borrowed("null")),
        false => decode::json(answer).map_err(|error| format!("The answer is not JSON: {error}.")),
    }
}

/// Where the definition says nothing about answers.
fn undefined(
    call: &Call,
    answer: &Answer,
    on_mismatch: OnMismatch,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    if !answer.status.is_success() {
        return Ok(unsuccessful::shape(answer));
    }
    if answer.body.is_empty() {
        return Ok(empty(call, answer.status));
    }
    let media = Media::of(answer);
    match media {
        Media::Json => json::shape(call, answer, on_mismatch, work),
        _ if call.signature.output.is_some() && decode::is_lines(answer) => {
            json::shape(call, answer, on_mismatch, work)
        }
        _ if call.signature.output.is_some() => Ok(not_json(answer)),
        media => Ok(media::shape(answer, media)),
    }
}

fn empty(call: &Call, status: StatusCode) -> CallResult {
    let said = format!("HTTP {}, no content", status.as_u16());
    let Some(output) = &call.signature.output else {
        return CallResult::text(&said, false, Outcome::Ok, Some(status.as_u16()));
    };
    if output.is_valid(&serde_json::Value::Null) {
        let result = CallResult::text(&said, false, Outcome::Ok, Some(status.as_u16()));
        return CallResult {
            structured: Some(bytes::Bytes::from_static(b"null")),
            ..result
        };
    }
    let text = format!("{said}. The call was successful, but the definition promises JSON (output_schema).");
    CallResult::text(&text, true, Outcome::BadAnswer, Some(status.as_u16()))
}

/// Something else where the definition needs JSON.
fn not_json(answer: &Answer) -> CallResult {
    let what = answer
        .header(header::CONTENT_TYPE)
        .unwrap_or("data without a Content-Type")
        .to_owned();
    let text = format!("The definition promises JSON (output_schema), but the upstream answered {what}.");
    bad_answer(answer, &text)
}

/// The upstream did what it was asked for, but its answer cannot be used.
fn bad_answer(answer: &Answer, text: &str) -> CallResult {
    let mut text = text.to_owned();
    unsuccessful::append_body(&mut text, answer);
    CallResult::text(&text, true, Outcome::BadAnswer, Some(answer.status.as_u16()))
}

fn host(answer: &Answer) -> &str {
    answer
        .uri
        .authority()
        .map_or("The upstream", |authority| authority.as_str())
}

/// `HTTP 404 Not Found`.
fn line(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("HTTP {} {reason}", status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    }
}
