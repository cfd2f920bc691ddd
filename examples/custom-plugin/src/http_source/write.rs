//! Writes: `PUT` and `DELETE` of one definition's address, with the expectation as a precondition.

use super::{
    endpoint::{Answer, Endpoint},
    trouble,
};
use bytes::Bytes;
use http::{Method, StatusCode, header, request};
use mcp_common::{
    datasource::{Expected, SourceError, Write},
    key::Revision,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

pub(super) async fn put(
    endpoint: &Endpoint,
    write: &Write<'_>,
    body: Bytes,
) -> Result<Revision, SourceError> {
    let size = body.len();
    let request = request(endpoint, Method::PUT, write).header(header::CONTENT_TYPE, "application/json");
    let answer = endpoint.ask(request, body).await.map_err(uncertain)?;
    revision(endpoint, &answer, size)
}

/// 404: nothing was there.
pub(super) async fn delete(endpoint: &Endpoint, write: &Write<'_>) -> Result<Option<Revision>, SourceError> {
    let request = request(endpoint, Method::DELETE, write);
    let answer = endpoint.ask(request, Bytes::new()).await.map_err(uncertain)?;
    match answer.status {
        StatusCode::NOT_FOUND => Ok(None),
        _ => revision(endpoint, &answer, 0).map(Some),
    }
}

fn request(endpoint: &Endpoint, method: Method, write: &Write<'_>) -> request::Builder {
    let principal = utf8_percent_encode(write.principal, NON_ALPHANUMERIC).to_string();
    let request = endpoint
        .about(method, write.key, "")
        .header("x-principal", principal);
    match write.expected {
        Expected::Any => request,
        Expected::Absent => request.header(header::IF_NONE_MATCH, "*"),
        Expected::Revision(revision) => request.header(header::IF_MATCH, format!("\"{revision}\"")),
    }
}

/// What the service says about a write: with 2xx the revision it made, with 412 the one that is stored, with 413 the
/// size that it takes.
#[derive(Default, Deserialize)]
struct Said {
    revision: Option<Revision>,
    limit: Option<usize>,
}

fn revision(endpoint: &Endpoint, answer: &Answer, size: usize) -> Result<Revision, SourceError> {
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let place = endpoint.shown();
    match answer.status {
        status if status.is_success() => said.revision.ok_or_else(|| {
            SourceError::Broken(format!(
                "{place} took the write, but did not answer with its revision"
            ))
        }),
        StatusCode::PRECONDITION_FAILED => Err(SourceError::Conflict {
            current: said.revision,
        }),
        StatusCode::PAYLOAD_TOO_LARGE => Err(SourceError::TooLarge {
            size,
            // Where it does not say: less than this, in any case.
            limit: said.limit.unwrap_or(size.saturating_sub(1)),
        }),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
            Err(SourceError::ReadOnly(format!("{place} takes no writes")))
        }
        status => Err(trouble::status(endpoint, status)),
    }
}

/// Without an answer nobody knows whether it was stored. Nothing is sent twice.
fn uncertain(error: SourceError) -> SourceError {
    match error {
        SourceError::Unavailable(reason) => SourceError::InDoubt(reason),
        other => other,
    }
}
