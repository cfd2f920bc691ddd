//! Reads an answer to its end, or to its bound.

use super::{decompress, trouble};
use crate::engine::{Lane, failure::Failure, result::Outcome};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// A complete answer.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Answer {
    pub(in crate::engine) uri: Uri,
    pub(in crate::engine) status: StatusCode,
    pub(in crate::engine) headers: HeaderMap,
    pub(in crate::engine) body: Bytes,
}

impl Answer {
    /// The value of a header that is text.
    pub(in crate::engine) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            uri: Uri::default(),
            status: head.status,
            headers: head.headers,
            body,
        }
    }
}

pub(super) async fn receive(
    uri: Uri,
    response: Response<Incoming>,
    limit: u64,
    lane: &Lane,
) -> Result<Answer, Failure> {
    let (head, mut incoming) = response.into_parts();
    let announced = incoming.size_hint().lower();
    if announced > limit {
        return Err(too_large(&uri, limit));
    }
    let mut body = Bytes::new();
    let mut joined = BytesMut::new();
    let mut size = 0_u64;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| trouble::receiving(&uri, &error))?;
        let Ok(chunk) = frame.into_data() else { continue };
        size += chunk.len() as u64;
        if size > limit {
            return Err(too_large(&uri, limit));
        }
        if size == chunk.len() as u64 {
            // Most answers are one chunk; it is used where it lies.
            body = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.reserve((announced.max(size * 2)).min(limit) as usize);
            joined.extend_from_slice(&body);
        }
        joined.extend_from_slice(&chunk);
    }
    if !joined.is_empty() {
        body = joined.freeze();
    }
    let answer = Answer {
        uri,
        status: head.status,
        headers: head.headers,
        body,
    };
    if answer.headers.contains_key(header::CONTENT_ENCODING) {
        return decompress::decompress(answer, limit, lane).await;
    }
    Ok(answer)
}

pub(super) fn too_large(uri: &Uri, limit: u64) -> Failure {
    let host = uri
        .authority()
        .map_or("the upstream", |authority| authority.as_str());
    let text = format!("The answer of {host} is larger than the limit of {limit} bytes.");
    Failure::new(Outcome::TooLarge, text)
}
