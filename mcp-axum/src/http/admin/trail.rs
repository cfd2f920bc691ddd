//! One line in the log for every admin request, and the request's id in the answer and in all that is logged for it.

use crate::{app::App, http::error::Error};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::HeaderName;
use mcp_common::authenticator::Principal;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The innermost handlers log inside its span.
pub(super) async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = app.admin.request_ids.of(request.headers());
    // At the level of what must never go without it.
    let span = tracing::error_span!("admin", request_id = id.to_str().unwrap_or_default());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let answered = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let _inside = span.enter();
    let mut response = answered.unwrap_or_else(|_| Error::internal("the handler panicked").into_response());
    let principal = response
        .extensions()
        .get::<Principal>()
        .map(|principal| &*principal.subject);
    tracing::info!(
        target: "dynmcp::admin",
        method = method.as_str(),
        path,
        principal,
        status = response.status().as_u16(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
    );
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
