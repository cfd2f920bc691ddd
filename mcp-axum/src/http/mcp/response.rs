//! A protocol reply as an HTTP response.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::{Frame, SizeHint};
use mcp_core::{
    policy::Standing,
    protocol::{Reply, ReplyBody, SESSION_ID},
};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_TRANSFORM: HeaderValue = HeaderValue::from_static("no-cache, no-transform");
/// What the caller's limits are.
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of them.
pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Keeps nginx from holding events back.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

pub(super) fn of(reply: Reply) -> Response {
    let Reply {
        status,
        body,
        session,
        retry_after,
        standing,
        challenge,
        ..
    } = reply;
    let mut response = match body {
        ReplyBody::Empty => Response::new(Body::empty()),
        ReplyBody::Json(pieces) => {
            let mut response = Response::new(Body::new(Pieces { pieces, next: 0 }));
            response.headers_mut().insert(header::CONTENT_TYPE, JSON);
            response
        }
        ReplyBody::Events(events) => {
            let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
            say_events(&mut response);
            response
        }
    };
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(wait) = retry_after {
        // Whole seconds, and never sooner.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    say_standing(response.headers_mut(), standing.as_ref());
    if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(session) = session.and_then(|id| HeaderValue::try_from(id).ok()) {
        response.headers_mut().insert(SESSION_ID, session);
    }
    response
}

/// Says where the caller stands with their limits (draft-ietf-httpapi-ratelimit-headers-10).
pub(super) fn say_standing(headers: &mut HeaderMap, standing: Option<&Standing>) {
    let Some(standing) = standing else { return };
    for (name, text) in [
        (RATE_LIMIT_POLICY, standing.policy()),
        (RATE_LIMIT, standing.left()),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// Says that the body is a stream of events.
pub(super) fn say_events(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENTS);
    headers.insert(header::CACHE_CONTROL, NO_TRANSFORM);
    headers.insert(UNBUFFERED.0, UNBUFFERED.1);
}

/// A body of a known length in a few pieces, so that what is large is written from where it lies.
struct Pieces {
    pieces: mcp_core::protocol::Pieces,
    next: usize,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.next < self.pieces.len() {
            let at = self.next;
            self.next += 1;
            let piece = std::mem::take(&mut self.pieces[at]);
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
