//! What answers say beside their content: to browsers, how little they may do with it; to programs, always JSON where there is nothing.

use super::error::Error;
use axum::{
    extract::{OriginalUri, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");

/// What answers of operators say unless they say something else themselves, as pages do: they are data, for nobody's frame and nobody's cache.
const OF_OPERATORS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Every answer: it is what its content type says.
pub(crate) fn mark(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
}

/// Answers of operators.
pub(crate) async fn of_operators(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in OF_OPERATORS {
        let entry = response.headers_mut().entry(name);
        entry.or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A path that is there, asked with another method. The router adds `Allow`.
pub(crate) async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> Error {
    let path = uri.path();
    Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not allowed on `{path}`; see the Allow header"),
    )
}
