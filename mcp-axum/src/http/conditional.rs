//! Lists that a client has already: `ETag` and `If-None-Match` (RFC 9110, section 13.1.2). The tag is made of the bytes, so that it is the same on
//! every replica and after a restart, whatever a revision is worth there.

use super::{error::Error, pages::knows};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How much of the hash is in a tag.
const TAG_BYTES: usize = 16;

/// Larger ones take longer to be hashed than others who share a thread should wait.
const LARGE: usize = 64 << 10;

/// What a client says that it has.
pub(crate) fn known(headers: &HeaderMap) -> HeaderMap {
    let mut known = HeaderMap::new();
    for value in headers.get_all(header::IF_NONE_MATCH) {
        known.append(header::IF_NONE_MATCH, value.clone());
    }
    known
}

/// Answers 304 where nothing is different.
pub(crate) async fn list(request: Request, next: Next) -> Response {
    let known = known(request.headers());
    unless_known(&known, next.run(request).await).await
}

/// The same for an answer that is there.
pub(crate) async fn unless_known(known: &HeaderMap, response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // It is there as a whole already.
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return Error::internal(error.to_string()).into_response(),
    };
    let tag = match body.len() > LARGE {
        false => tag_of(&body),
        true => {
            let hashed = body.clone();
            match tokio::task::spawn_blocking(move || tag_of(&hashed)).await {
                Ok(tag) => tag,
                Err(panicked) => return Error::internal(panicked.to_string()).into_response(),
            }
        }
    };
    let is_known = knows(known, tag.trim_start_matches("W/"));
    for (name, value) in [
        (header::ETAG, tag.as_str()),
        // Asked for each time, with the right to see it.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "authorization, x-api-key, accept-encoding"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            parts.headers.insert(name, value);
        }
    }
    if !is_known {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

fn tag_of(body: &[u8]) -> String {
    let mut tag = String::from("W/\"");
    for byte in &Sha256::digest(body)[..TAG_BYTES] {
        // Writing to a `String` cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}
