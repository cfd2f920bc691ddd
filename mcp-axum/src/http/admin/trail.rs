//! One line in the log for every admin request, and the request's id in the answer and in all that is logged for it.

use super::access::Sender;
use crate::{app::App, http::error::Error};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue};
use http_body::Body as _;
use mcp_common::authenticator::Principal;
use mcp_core::{
    peer::Peer,
    policy::{Door, Record},
};
use std::{panic::AssertUnwindSafe, sync::Arc};
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request's name, for whoever records it: an extension of the request.
#[derive(Clone)]
pub(super) struct RequestName(pub(super) HeaderValue);

/// The innermost handlers log inside its span.
pub(super) async fn record(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = app.admin.request_ids.of(request.headers());
    // At the level of what must never go without it.
    let span = tracing::error_span!("admin", request_id = id.to_str().unwrap_or_default());
    let mut record = begin(&app, &id, &request);
    record.traced(app.services.spans.as_ref(), request.headers_mut());
    request.extensions_mut().insert(RequestName(id.clone()));
    let answered = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let _inside = span.enter();
    let mut response = answered.unwrap_or_else(|_| Error::internal("the handler panicked").into_response());
    if let Some(sender) = response.extensions().get::<Sender>() {
        record.sent_by(&sender.principal);
        if sender.has_entered {
            record.entered();
        }
    }
    end(record, &mut response, id);
    response
}

/// What operators ask that is not let in: with its line and its name, though no handler sees it, and with whoever is known to have sent it.
pub(crate) fn refused(app: &App, mut request: Request, error: Error, sender: Option<&Principal>) -> Response {
    let id = app.admin.request_ids.of(request.headers());
    let span = tracing::error_span!("admin", request_id = id.to_str().unwrap_or_default());
    let mut record = begin(app, &id, &request);
    record.traced(app.services.spans.as_ref(), request.headers_mut());
    if let Some(principal) = sender {
        record.sent_by(principal);
    }
    let mut response = span.in_scope(|| error.into_response());
    end(record, &mut response, id);
    response
}

fn begin(app: &App, id: &HeaderValue, request: &Request) -> Record {
    let mut record = app.gateway.policy.record(Door::Admin, id);
    let peer = request.extensions().get::<Arc<Peer>>();
    record.address = peer.and_then(|peer| peer.address());
    record.of_client(request.headers());
    record.path = Some((request.method().clone(), request.uri().path().to_owned()));
    record
}

fn end(mut record: Record, response: &mut Response, id: HeaderValue) {
    record.answered(response.status());
    record.bytes = response.body().size_hint().exact();
    response.headers_mut().insert(REQUEST_ID, id);
}
