//! Lists that a client has already: `ETag` and `If-None-Match` (RFC 9110, section 13.1.2). The tag is made of the bytes, so that it is the same on
//! every replica and after a restart, whatever a revision is worth there.

use super::{error::Error, pages::knows};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How much of the hash is in a tag.
const TAG_BYTES: usize = 16;

/// Answers 304 where nothing is different.
pub(crate) async fn list(request: Request, next: Next) -> Response {
    let mut known = http::HeaderMap::new();
    for value in request.headers().get_all(header::IF_NONE_MATCH) {
        known.append(header::IF_NONE_MATCH, value.clone());
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // It is there as a whole already.
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return Error::internal(error.to_string()).into_response(),
    };
    let mut tag = String::from("W/\"");
    for byte in &Sha256::digest(&body)[..TAG_BYTES] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    let is_known = knows(&known, tag.trim_start_matches("W/"));
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
