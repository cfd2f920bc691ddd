//! The answer that an example brings along.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use mcp_common::definition::tool::Mock;

/// The answer as the upstream would send it. The error is one that compiling the definition would have found.
pub(super) fn response(mock: &Mock) -> Result<Response<Bytes>, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &mock.headers {
        let wrong = || format!("mock.headers.{name}: is not a header");
        let name = name.parse::<HeaderName>().map_err(|_| wrong())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    let (kind, body) = match mock.body.as_deref().map(|body| body.get()) {
        None => (None, Bytes::new()),
        Some(json) => match serde_json::from_str::<String>(json) {
            Ok(text) => (Some("text/plain; charset=utf-8"), text.into()),
            Err(_) => (Some("application/json"), json.to_owned().into()),
        },
    };
    if let Some(kind) = kind {
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(kind));
    }
    let mut response = Response::new(body);
    let status = StatusCode::from_u16(mock.status.unwrap_or(200));
    *response.status_mut() = status.map_err(|_| "mock.status: is not a status".to_owned())?;
    *response.headers_mut() = headers;
    Ok(response)
}
