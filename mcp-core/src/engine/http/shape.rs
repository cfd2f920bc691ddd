//! Answer → tool result.

mod bound;
mod decode;
mod defined;
mod html;
mod json;
mod media;
mod names;
mod unsuccessful;

use super::client::Answer;
use crate::{
    engine::{
        CallContext,
        failure::Failure,
        result::{CallResult, Outcome},
        work::{Stop, Work},
    },
    tool::{Call, Member, ResponseShape, Schema, bounded},
};
use bound::Bound;
use http::{StatusCode, header};
use mcp_common::definition::tool::OnMismatch;
use media::Media;
use std::borrow::Cow;

/// Largest result of a jq program.
pub(super) const MAX_JQ_BYTES: usize = 8 << 20;
/// How much of a body is repeated beside an error.
const MAX_ERROR_BODY: usize = 4 << 10;

/// What holds where a tool says nothing about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    /// What happens to answers that `output_schema` does not allow.
    pub(crate) on_mismatch: OnMismatch,
    /// How many bytes of text, and of structured content, a result has.
    pub(crate) max_result_bytes: usize,
}

/// What shaping goes by: of a tool with a definition, or of one that an upstream has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaping<'a> {
    pub(crate) response: Option<&'a ResponseShape>,
    /// What `output_schema` promises.
    pub(crate) output: Option<&'a Schema>,
    /// Whether a call changes nothing.
    pub(crate) is_safe: bool,
}

impl<'a> From<&'a Call> for Shaping<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            response: call.response.as_deref(),
            output: call.signature.output.as_ref(),
            is_safe: call.method.is_safe(),
        }
    }
}

/// For answers that no exchange has unpacked: why they cannot be read, if they are packed.
pub(crate) fn packed(call: &Call, answer: &Answer) -> Option<CallResult> {
    let encoding = answer.header(header::CONTENT_ENCODING).unwrap_or("identity");
    if encoding.eq_ignore_ascii_case("identity") {
        return None;
    }
    let (host, status) = (host(answer), answer.status);
    let text = format!(
        "{host} answered {} with {} content, which is not unpacked here.",
        status.as_u16(),
        bounded(encoding, 40)
    );
    let failure = Failure::new(Outcome::BadAnswer, text);
    Some(lost(call.into(), status, &failure))
}

/// What the client gets to see.
pub(crate) fn shape(
    shaping: Shaping<'_>,
    answer: &Answer,
    context: &CallContext<'_>,
    defaults: &Defaults,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    match shaping.response {
        Some(response) => defined::shape(shaping, response, answer, context, defaults, work),
        None => undefined(shaping, answer, defaults, work),
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
    shaping: Shaping<'_>,
    answer: &Answer,
    defaults: &Defaults,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    if !answer.status.is_success() {
        return Ok(unsuccessful::shape(answer));
    }
    if answer.body.is_empty() {
        return Ok(empty(shaping, answer.status));
    }
    let media = Media::of(answer);
    match media {
        Media::Json => json::shape(shaping, answer, defaults, work),
        _ if shaping.output.is_some() && decode::is_lines(answer) => {
            json::shape(shaping, answer, defaults, work)
        }
        _ if shaping.output.is_some() => Ok(not_json(shaping, answer)),
        Media::Text => Ok(text(shaping, answer, Bound::of(None, defaults))),
        media => Ok(media::shape(answer, media)),
    }
}

fn text(shaping: Shaping<'_>, answer: &Answer, bound: Bound) -> CallResult {
    match bound.text(decode::text(answer)) {
        Ok((text, note)) => {
            let texts: Vec<&str> = std::iter::once(&*text).chain(note.as_deref()).collect();
            CallResult::texts(&texts, Outcome::Ok, Some(answer.status.as_u16()))
        }
        Err(too_large) => lost(shaping, answer.status, &too_large.into()),
    }
}

fn empty(shaping: Shaping<'_>, status: StatusCode) -> CallResult {
    let said = format!("HTTP {}, no content", status.as_u16());
    let Some(output) = shaping.output else {
        return CallResult::text(&said, false, Outcome::Ok, Some(status.as_u16()));
    };
    if output.is_valid(&serde_json::Value::Null) {
        let result = CallResult::text(&said, false, Outcome::Ok, Some(status.as_u16()));
        return CallResult {
            structured: Some(bytes::Bytes::from_static(b"null")),
            ..result
        };
    }
    let succeeded = succeeded(shaping, status);
    let text = format!("{said}, but the definition promises JSON (output_schema). {succeeded}");
    CallResult::text(&text, true, Outcome::BadAnswer, Some(status.as_u16()))
}

/// Something else where the definition needs JSON.
fn not_json(shaping: Shaping<'_>, answer: &Answer) -> CallResult {
    let what = answer
        .header(header::CONTENT_TYPE)
        .unwrap_or("data without a Content-Type")
        .to_owned();
    let text = format!("The definition promises JSON (output_schema), but the upstream answered {what}.");
    bad_answer(shaping, answer, &text)
}

/// What whoever reads that an answer cannot be used must not take for undone.
fn succeeded(shaping: Shaping<'_>, status: StatusCode) -> String {
    let consequence = match shaping.is_safe {
        true => "It changed nothing.",
        false => "What it changes is changed; do not call again to be sure.",
    };
    // Servers that speak MCP have none.
    let status = match shaping.response.map(|response| response.member) {
        Some(Member::Output) => String::new(),
        Some(Member::Response) | None => format!(" (status {})", status.as_u16()),
    };
    format!("The call itself succeeded{status}. {consequence}")
}

/// There is an answer, but nothing of it to show.
pub(crate) fn lost(shaping: Shaping<'_>, status: StatusCode, failure: &Failure) -> CallResult {
    let mut text = failure.text().into_owned();
    if status.is_success() {
        text.extend([" ", &succeeded(shaping, status)]);
    }
    CallResult::text(&text, true, failure.outcome, Some(status.as_u16()))
}

/// The upstream did what it was asked for, but its answer cannot be used.
fn bad_answer(shaping: Shaping<'_>, answer: &Answer, text: &str) -> CallResult {
    unusable(answer, format!("{text} {}", succeeded(shaping, answer.status)))
}

/// An answer that cannot be used, and the beginning of it.
fn unusable(answer: &Answer, mut text: String) -> CallResult {
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
