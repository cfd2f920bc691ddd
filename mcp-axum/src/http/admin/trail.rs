//! One line in the log for every admin request, and the request's id in the answer and in all that is logged for it.

use crate::{app::App, http::error::Error};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::HeaderName;
use http_body::Body as _;
use mcp_common::authenticator::Principal;
use mcp_core::{peer::Peer, policy::Door};
use std::{panic::AssertUnwindSafe, sync::Arc};
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The innermost handlers log inside its span.
pub(super) async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = app.admin.request_ids.of(request.headers());
    // At the level of what must never go without it.
    let span = tracing::error_span!("admin", request_id = id.to_str().unwrap_or_default());
    let mut record = app.gateway.policy.record(Door::Admin, &id);
    let peer = request.extensions().get::<Arc<Peer>>();
    record.address = peer.and_then(|peer| peer.address());
    record.path = Some((request.method().clone(), request.uri().path().to_owned()));
    let answered = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let _inside = span.enter();
    let mut response = answered.unwrap_or_else(|_| Error::internal("the handler panicked").into_response());
    if let Some(principal) = response.extensions().get::<Principal>() {
        record.sent_by(principal);
    }
    record.answered(response.status());
    record.bytes = response.body().size_hint().exact();
    drop(record);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
