//! What messages are answered with, as `{success, data, error}`.

use super::{Answer, Reply, ReplyBody, json_response};
use crate::http::error::{Error, Result};
use axum::response::Response;
use bytes::BytesMut;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::{collections::HashMap, time::Duration};

/// Codes of JSON-RPC that are something else over HTTP.
const INVALID_PARAMS: i32 = -32602;
const METHOD_NOT_FOUND: i32 = -32601;

/// An answer in its envelope.
pub(super) struct Outcome(Box<RawValue>);

#[derive(Serialize)]
struct Envelope<'a> {
    success: bool,
    data: Option<&'a RawValue>,
    error: Option<&'a str>,
}

/// The message that a reply is.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    code: i32,
    message: String,
}

#[derive(Deserialize)]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
    #[serde(borrow, rename = "structuredContent")]
    structured: Option<&'a RawValue>,
    #[serde(rename = "isError", default)]
    is_error: bool,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

impl Outcome {
    fn of(success: bool, data: Option<&RawValue>, error: Option<&str>) -> Result<Self> {
        let envelope = Envelope { success, data, error };
        to_raw_value(&envelope)
            .map(Self)
            .map_err(|error| Error::internal(error.to_string()))
    }

    pub(super) fn into_response(self) -> Response {
        json_response(
            StatusCode::OK,
            String::from(Box::<str>::from(self.0)).into_bytes(),
        )
    }
}

/// Why there is no data.
pub(super) fn failure(message: &str) -> Vec<u8> {
    let envelope = Envelope {
        success: false,
        data: None,
        error: Some(message),
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// All of a list.
pub(super) fn of_list(items: Vec<Box<RawValue>>) -> Answer {
    #[derive(Serialize)]
    struct Listed {
        success: bool,
        data: Vec<Box<RawValue>>,
        error: Option<()>,
    }
    let listed = Listed {
        success: true,
        data: items,
        error: None,
    };
    Answer::Plain(serde_json::to_vec(&listed).unwrap_or_default())
}

/// One page of a list, and the cursor of the next one.
pub(super) fn page(reply: Reply, member: &str) -> Result<(Vec<Box<RawValue>>, Option<String>)> {
    let body = whole(&reply)?;
    let result = result(&reply, &body)?;
    let internal = |error: serde_json::Error| Error::internal(error.to_string());
    let members: HashMap<&str, &RawValue> = serde_json::from_str(result.get()).map_err(internal)?;
    let items = match members.get(member) {
        Some(items) => serde_json::from_str(items.get()).map_err(internal)?,
        None => Vec::new(),
    };
    let next = members
        .get("nextCursor")
        .and_then(|next| serde_json::from_str(next.get()).ok());
    Ok((items, next))
}

/// The result of a message as it is.
pub(super) fn of_result(reply: Reply) -> Result<Outcome> {
    let body = whole(&reply)?;
    Outcome::of(true, Some(result(&reply, &body)?), None)
}

/// What a tool answered: its structured content, or its only text (as JSON where it is an object or a list), or its blocks.
///
/// A tool that reports an error has been called. It is answered with 200 all the same: what repeats requests after a 5xx would call it again.
pub(super) fn of_call(reply: Reply) -> Result<Outcome> {
    let body = whole(&reply)?;
    let result = result(&reply, &body)?;
    let result: ToolResult<'_> =
        serde_json::from_str(result.get()).map_err(|error| Error::internal(error.to_string()))?;
    let texts = || {
        let blocks = result.content.iter();
        let blocks = blocks.filter_map(|raw| serde_json::from_str::<Block>(raw.get()).ok());
        blocks
            .filter(|block| block.kind == "text")
            .filter_map(|block| block.text)
    };
    if result.is_error {
        let text = texts().collect::<Vec<_>>().join("\n");
        return Outcome::of(false, result.structured, Some(&text));
    }
    if let Some(structured) = result.structured {
        return Outcome::of(true, Some(structured), None);
    }
    if result.content.len() == 1
        && let Some(text) = texts().next()
    {
        let is_json = text.trim_start().starts_with(['{', '[']);
        if is_json && let Ok(json) = serde_json::from_str::<&RawValue>(&text) {
            return Outcome::of(true, Some(json), None);
        }
        let text = to_raw_value(&text).map_err(|error| Error::internal(error.to_string()))?;
        return Outcome::of(true, Some(&text), None);
    }
    let blocks = to_raw_value(&result.content).map_err(|error| Error::internal(error.to_string()))?;
    Outcome::of(true, Some(&blocks), None)
}

/// The bytes of a reply.
pub(super) fn size(reply: &Reply) -> u64 {
    match &reply.body {
        ReplyBody::Json(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
        ReplyBody::Empty | ReplyBody::Events(_) => 0,
    }
}

/// The whole body of a reply.
fn whole(reply: &Reply) -> Result<BytesMut> {
    match &reply.body {
        ReplyBody::Json(pieces) => {
            let mut whole = BytesMut::with_capacity(pieces.iter().map(bytes::Bytes::len).sum());
            pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
            Ok(whole)
        }
        // What nobody asked for as a stream is none.
        ReplyBody::Empty | ReplyBody::Events(_) => {
            Err(Error::internal("a message was not answered by a message"))
        }
    }
}

fn result<'a>(reply: &Reply, body: &'a [u8]) -> Result<&'a RawValue> {
    let message: Message<'a> =
        serde_json::from_slice(body).map_err(|error| Error::internal(error.to_string()))?;
    let Some(problem) = message.error else {
        return message
            .result
            .ok_or_else(|| Error::internal("neither a result nor an error"));
    };
    let status = match problem.code {
        _ if !reply.status.is_success() => reply.status,
        METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        INVALID_PARAMS
            if problem.message.starts_with("Unknown tool")
                || problem.message.starts_with("Resource not found") =>
        {
            StatusCode::NOT_FOUND
        }
        INVALID_PARAMS => StatusCode::BAD_REQUEST,
        _ => StatusCode::BAD_GATEWAY,
    };
    let refused = Error::new(status, problem.message);
    Err(match reply.retry_after {
        None => refused,
        Some(wait) => refused.with_header(header::RETRY_AFTER, seconds(wait)),
    })
}

/// Whole seconds, and never sooner.
fn seconds(wait: Duration) -> HeaderValue {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).into()
}
