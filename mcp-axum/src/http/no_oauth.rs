//! What clients are told that take this gateway for an authorization server. Where none is named, those who log in by themselves look for
//! one at the origin of the server (MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery"), also when they have a key and it is
//! wrong. They read errors of OAuth and show nothing of others.

use super::token;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

/// Where they look.
const PATHS: [&str; 3] = ["/register", "/authorize", "/token"];

const WHAT_TO_DO: &str = "this gateway has no OAuth of its own here; send a key as `Authorization: Bearer KEY` or `x-api-key: KEY` (if the \
    client sent one to /mcp, it was refused: it is mistyped, over, or of another gateway)";

/// Whether a client looks for an authorization server there.
pub(crate) fn is_looked_for(path: &str) -> bool {
    PATHS.contains(&path)
}

/// RFC 6749, section 5.2, and RFC 7591, section 3.2.2.
pub(crate) fn refusal() -> Response {
    let mut response = token::refused(StatusCode::BAD_REQUEST, "access_denied", WHAT_TO_DO);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
