//! Answers, compressed for clients that ask for it (RFC 9110, section 12.5.3). What nobody asked for costs nothing here.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body::Body as _;
use mcp_core::peer::{Held, Peer};
use std::{convert::Infallible, future::ready, sync::Arc};
use tower::{Layer, Service, service_fn};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::Predicate},
};

/// Below this, the head of an answer and the work for it weigh more than what is saved.
const LEAST: u64 = 2 << 10;
/// What an encoder takes of memory, whichever it is.
const ENCODER: u64 = 4 << 20;
/// Between speed and size, for each of the codings: a worker serves others, too.
const LEVEL: CompressionLevel = CompressionLevel::Precise(3);

/// What of a client's answers may be compressed.
#[derive(Clone, Copy, Debug)]
struct Always;

impl Predicate for Always {
    fn should_compress<B: http_body::Body>(&self, _: &http::Response<B>) -> bool {
        true
    }
}

/// An answer that is [worth it](is_worth_it) as its client wants it, and the memory of the encoder.
pub(super) async fn pack(
    response: Response,
    accepts: HeaderValue,
    peer: &Arc<Peer>,
) -> (Response, Option<Held>) {
    // Where there is no memory, the answer goes out as it is.
    let Ok(held) = peer.hold(ENCODER) else {
        return (response, None);
    };
    let mut request = Request::new(());
    request.headers_mut().insert(header::ACCEPT_ENCODING, accepts);
    let mut answer = Some(response);
    let answered = service_fn(move |_: Request<()>| {
        let answer = answer.take().unwrap_or_default();
        ready(Ok::<_, Infallible>(answer))
    });
    let layer = CompressionLayer::new().quality(LEVEL).compress_when(Always);
    let packed = layer.layer(answered).call(request).await;
    let mut response = packed.unwrap_or_else(|never| match never {}).map(Body::new);
    if !response.headers().contains_key(header::CONTENT_ENCODING) {
        return (response, None);
    }
    weaken_tag(response.headers_mut());
    (response, Some(held))
}

/// Whole texts of some length: streams have none, and must not wait for an encoder.
pub(super) fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let is_whole = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|size| size >= LEAST);
    let says = |name, word: &str| {
        let value = headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok());
        value.is_some_and(|value| value.contains(word))
    };
    is_whole
        && response.status() != StatusCode::PARTIAL_CONTENT
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !says(header::CACHE_CONTROL, "no-transform")
        && headers.get(header::CONTENT_TYPE).is_some_and(is_text)
}

fn is_text(media_type: &HeaderValue) -> bool {
    let media_type = media_type.to_str().unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    match media_type.split_once('/') {
        Some(("text", "event-stream")) => false,
        Some(("text", _)) => true,
        Some(("application", kind)) => {
            ["json", "javascript", "openmetrics-text", "yaml"].contains(&kind) || kind.ends_with("+json")
        }
        Some(("image", "svg+xml")) => true,
        _ => false,
    }
}

/// The bytes are others (RFC 9110, section 8.8.1). A number is the revision of a document, which writers send back in `If-Match`.
fn weaken_tag(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
        return;
    };
    let is_revision = tag.trim_matches('"').bytes().all(|byte| byte.is_ascii_digit());
    if tag.starts_with('"')
        && !is_revision
        && let Ok(weak) = HeaderValue::try_from(format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(media_type: &'static str, size: usize) -> Response {
        let mut response = Response::new(Body::from(vec![b' '; size]));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }

    #[test]
    fn whole_texts_of_some_length_are_worth_it() {
        for (media_type, size, expected) in [
            ("application/json", 1 << 20, true),
            ("application/json", 100, false),
            ("text/plain; version=0.0.4; charset=utf-8", 1 << 20, true),
            ("application/problem+json", 1 << 20, true),
            ("image/svg+xml", 1 << 20, true),
            ("image/png", 1 << 20, false),
            ("application/octet-stream", 1 << 20, false),
            ("text/event-stream", 1 << 20, false),
        ] {
            assert_eq!(
                is_worth_it(&answer(media_type, size)),
                expected,
                "{media_type} {size}"
            );
        }
        let stream = futures_util::stream::empty::<Result<bytes::Bytes, Infallible>>();
        let mut stream = Response::new(Body::from_stream(stream));
        let json = HeaderValue::from_static("application/json");
        stream.headers_mut().insert(header::CONTENT_TYPE, json);
        assert!(!is_worth_it(&stream));
    }

    #[test]
    fn the_tag_of_other_bytes_is_weak_and_a_revision_stays() {
        for (tag, expected) in [
            ("\"7\"", "\"7\""),
            ("\"a1\"", "W/\"a1\""),
            ("W/\"a1\"", "W/\"a1\""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ETAG, HeaderValue::from_static(tag));
            weaken_tag(&mut headers);
            assert_eq!(headers[header::ETAG], expected);
        }
    }
}
